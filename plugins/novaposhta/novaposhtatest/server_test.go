package novaposhtatest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/plugins/novaposhta/novaposhtatest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest/faults"
)

func serve(t *testing.T, o novaposhtatest.Options) (*novaposhtatest.Server, string) {
	t.Helper()
	api := novaposhtatest.New(o)
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	return api, srv.URL
}

// ask sends a body and gives the status and the answer.
func ask(t *testing.T, base, method, path, body string) (int, gjson.Result) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, gjson.ParseBytes(raw)
}

// call calls a method with the default key.
func call(t *testing.T, base, method, properties string) gjson.Result {
	t.Helper()
	body := `{"apiKey":"` + novaposhtatest.DefaultKey + `","modelName":"Address","calledMethod":"` + method + `","methodProperties":` + properties + `}`
	status, a := ask(t, base, "POST", novaposhtatest.APIPath, body)
	if status != 200 {
		t.Fatalf("%s: HTTP %d %s", body, status, a.Raw)
	}
	return a
}

func TestSearchIsFuzzyMostBranchesFirst(t *testing.T) {
	_, base := serve(t, novaposhtatest.Options{})
	for _, query := range []string{"Київ", "київ", "Киев"} {
		a := call(t, base, "searchSettlements", `{"CityName":"`+query+`","Limit":"50","Page":"1"}`)
		names := a.Get("data.0.Addresses.#.MainDescription").String()
		if query != "Киев" && names != `["Київ","Київець","Київ","Київка","Київське","Київське","Київське","Київське"]` {
			t.Errorf("%s: %s", query, names)
		}
		first := a.Get("data.0.Addresses.0")
		if first.Get("DeliveryCity").Str != "8d5a980d-391c-11dd-90d9-001a92567626" || first.Get("Ref").Str != "e718a680-4b33-11e4-ab6d-005056801329" {
			t.Errorf("%s: the capital is %s", query, first)
		}
		if a.Get("data.0.TotalCount").Int() != a.Get("data.0.Addresses.#").Int() || !a.Get("info").IsArray() {
			t.Errorf("%s: %s", query, a)
		}
	}
	if a := call(t, base, "searchSettlements", `{"CityName":"Ніде"}`); !a.Get("success").Bool() || a.Get("data.0.TotalCount").Int() != 0 || !a.Get("data.0.Addresses").IsArray() {
		t.Errorf("nothing found: %s", a)
	}
}

func TestPages(t *testing.T) {
	_, base := serve(t, novaposhtatest.Options{})
	all := call(t, base, "getSettlements", `{}`)
	total := int(all.Get("info.totalCount").Int())
	if n := int(all.Get("data.#").Int()); n != 150 || total < 200 {
		t.Errorf("%d of %d on the first page", n, total)
	}
	seen := map[string]bool{}
	for p := 1; ; p++ {
		a := call(t, base, "getSettlements", `{"Limit":70,"Page":"`+string(rune('0'+p))+`"}`)
		if a.Get("data.#").Int() == 0 {
			break
		}
		for _, ref := range a.Get("data.#.Ref").Array() {
			seen[ref.Str] = true
		}
	}
	if len(seen) != total {
		t.Errorf("%d refs on all pages, want %d", len(seen), total)
	}
	warehouses := call(t, base, "getWarehouses", `{"Limit":1}`).Get("info.totalCount").Int()
	if warehouses < 300 {
		t.Errorf("%d branches", warehouses)
	}
	for _, bad := range []string{`{"Limit":"x"}`, `{"Page":0}`} {
		if a := call(t, base, "getWarehouses", bad); a.Get("success").Bool() || a.Get("errors.#").Int() != 1 {
			t.Errorf("%s: %s", bad, a)
		}
	}
}

// TestEveryRecordIsWhole walks all settlements and branches.
func TestEveryRecordIsWhole(t *testing.T) {
	_, base := serve(t, novaposhtatest.Options{})
	ref := regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	for _, letter := range strings.Split("абвгдежзиіїйклмнопрстуфхцчшщюя", "") {
		for _, a := range call(t, base, "searchSettlements", `{"CityName":"`+letter+`"}`).Get("data.0.Addresses").Array() {
			for _, field := range []string{"Ref", "DeliveryCity"} {
				if !ref.MatchString(a.Get(field).Str) {
					t.Errorf("%s of %s: %q", field, a.Get("Present"), a.Get(field))
				}
			}
			if a.Get("MainDescription").Str == "" || a.Get("Area").Str == "" || a.Get("SettlementTypeCode").Str == "" {
				t.Errorf("%s", a)
			}
			if len(call(t, base, "getWarehouses", `{"CityRef":"`+a.Get("DeliveryCity").Str+`"}`).Get("data").Array()) != int(a.Get("Warehouses").Int()) {
				t.Errorf("%s: another number of branches", a.Get("Present"))
			}
		}
	}
	settlements := call(t, base, "getSettlements", `{"FindByString":"Kyiv"}`)
	if got := settlements.Get(`data.0.DescriptionRu`).Str; got != "Киев" {
		t.Errorf("%s", settlements)
	}
	if got := settlements.Get("data.#.DescriptionTranslit").String(); !strings.HasPrefix(got, `["Kyiv","Kyivets"`) {
		t.Errorf("%s", got)
	}
	for _, s := range settlements.Get("data").Array() {
		if s.Get("AreaDescriptionRu").Str == " область" {
			t.Errorf("%s has no area in Russian", s)
		}
	}
}

func TestWarehouses(t *testing.T) {
	_, base := serve(t, novaposhtatest.Options{})
	kyiv := `"CityRef":"8d5a980d-391c-11dd-90d9-001a92567626"`
	a := call(t, base, "getWarehouses", `{`+kyiv+`,"WarehouseId":25}`).Get("data")
	if a.Get("#").Int() != 1 || a.Get("0.Ref").Str != "16922859-e1c2-11e3-8c4a-0050568002cf" || a.Get("0.Number").Raw != `"25"` {
		t.Errorf("branch 25: %s", a)
	}
	a = call(t, base, "getWarehouses", `{`+kyiv+`,"FindByString":"43950"}`).Get("data")
	if a.Get("#").Int() != 1 || a.Get("0.CategoryOfWarehouse").Str != "Postomat" || !strings.HasPrefix(a.Get("0.Description").Str, `Поштомат "Нова Пошта" №43950: `) {
		t.Errorf("locker: %s", a)
	}
	if n := call(t, base, "getWarehouses", `{"CityRef":"00000000-0000-0000-0000-000000000000"}`).Get("info.totalCount").Int(); n != 0 {
		t.Errorf("no city: %d", n)
	}
}

func TestRefusals(t *testing.T) {
	api, base := serve(t, novaposhtatest.Options{Key: "k"})
	for _, tt := range []struct{ name, body, want string }{
		{"wrong key", `{"apiKey":"x","modelName":"Address","calledMethod":"getSettlements"}`, `["20000200068"]`},
		{"no key", `{"modelName":"Address","calledMethod":"getSettlements"}`, `["20000200069"]`},
		{"model", `{"apiKey":"k","modelName":"Adress","calledMethod":"getSettlements"}`, `["Model Adress is not found"]`},
		{"method", `{"apiKey":"k","modelName":"Address","calledMethod":"get","methodProperties":[]}`, `["Method get of Address is not found"]`},
		{"not JSON", `{`, `["Request body is not valid JSON"]`},
		{"no name", `{"apiKey":"k","modelName":"Address","calledMethod":"searchSettlements"}`, `["CityName is empty"]`},
	} {
		status, a := ask(t, base, "POST", novaposhtatest.APIPath, tt.body)
		if status != 200 || a.Get("success").Bool() || a.Get("errors").Raw != tt.want && a.Get("errorCodes").Raw != tt.want {
			t.Errorf("%s: HTTP %d %s", tt.name, status, a)
		}
	}
	api.SetRefusal(novaposhtatest.TooManyRequests())
	if _, a := ask(t, base, "POST", novaposhtatest.APIPath, `{"apiKey":"k","modelName":"Common","calledMethod":"getCargoTypes"}`); a.Get("errors.0").Str != "To many requests" {
		t.Errorf("%s", a)
	}
	api.SetRefusal(nil)
	if _, a := ask(t, base, "POST", novaposhtatest.APIPath, `{"apiKey":"k","modelName":"Common","calledMethod":"getCargoTypes","methodProperties":{}}`); !a.Get("success").Bool() {
		t.Errorf("%s", a)
	}
	if n := api.Asked("getCargoTypes"); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

func TestFaults(t *testing.T) {
	api, base := serve(t, novaposhtatest.Options{Faults: faults.Faults{Down: faults.DownUnavailable}})
	if status, _ := ask(t, base, "POST", novaposhtatest.APIPath, `{}`); status != 503 {
		t.Errorf("down: HTTP %d", status)
	}
	if status, a := ask(t, base, "POST", "/novaposhta/_faults", `{"down":false,"fail":1}`); status != 200 || a.Get("down").Bool() {
		t.Errorf("change: HTTP %d %s", status, a)
	}
	if status, _ := ask(t, base, "POST", novaposhtatest.APIPath, `{}`); status != 500 {
		t.Errorf("fail: HTTP %d", status)
	}
	api.SetFaults(faults.Faults{})
	if status, _ := ask(t, base, "POST", novaposhtatest.APIPath+"x", `{}`); status != 404 {
		t.Errorf("elsewhere: HTTP %d", status)
	}
	_, counts := ask(t, base, "GET", "/novaposhta/_counts", "")
	want, err := json.Marshal(faults.Counts{Requests: 3, Down: 1, Failed: 1})
	if err != nil || counts.Raw != string(want) {
		t.Errorf("counts: %s, want %s", counts, want)
	}
}
