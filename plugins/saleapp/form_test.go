package main

import (
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"
)

// transcript writes down each request, a part a line, and answers as scripted does.
type transcript struct {
	scripted
	mu   sync.Mutex
	text strings.Builder
}

func (x *transcript) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x.mu.Lock()
	defer x.mu.Unlock()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	x.text.WriteString(r.Method + " " + r.URL.Path + " " + kind + "\n")
	parts := multipart.NewReader(strings.NewReader(string(raw)), params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if err != nil {
			break
		}
		value, err := io.ReadAll(p)
		if err != nil || len(p.Header) != 1 {
			http.Error(w, "a part is not as PHP's curl makes it", http.StatusBadRequest)
			return
		}
		x.text.WriteString("  " + p.Header.Get("Content-Disposition") + ": " + string(value) + "\n")
	}
	r.Body = io.NopCloser(strings.NewReader(string(raw)))
	x.scripted.ServeHTTP(w, r)
}

// What is sent, field by field, compared with testdata/requests.txt; UPDATE=1
// writes it anew.
func TestRequests(t *testing.T) {
	var all strings.Builder
	run := func(title, operation string, kind keyKind, empty bool, record any) {
		far := &transcript{scripted: scripted{empty: empty}}
		base := serve(t, far) + "/server/api"
		c := organization(base, nil)
		if kind == counterpartyKey {
			c = counterparty(base)
		}
		connect(t, c).must(operation, record)
		all.WriteString("# " + title + "\n" + far.text.String() + "\n")
	}
	whole := order("A-1", map[string]any{
		"type": "8,3", "funnel": "2", "custom_fields": map[string]any{"source": "сайт", "vip": true, "note": nil},
	})
	run("create_order, organization's key", opCreate, organizationKey, true, whole)
	run("create_order with ids of its own", opCreate, organizationKey, true, order("A-1", map[string]any{"client_id": "77", "curency_id": "1", "warehouse_id": "2"}))
	run("create_order, counterparty's key", opCreate, counterpartyKey, true, whole)
	run("upsert_order, none is found", opUpsert, counterpartyKey, true, order("A-1", nil))
	run("upsert_order, one is found", opUpsert, organizationKey, false, whole)
	run("upsert_order, one is found, with ids of its own", opUpsert, organizationKey, false, order("A-1", map[string]any{"client_id": "77", "curency_id": "1", "warehouse_id": "2"}))
	run("update_order by external_id", opUpdate, organizationKey, false, map[string]any{"external_id": "A-1", "delivery_types": 5, "city_ref": "c", "addres": ""})
	run("update_order by id", opUpdate, counterpartyKey, false, map[string]any{"id": 7, "external_id": "A-1", "receiver_name": "Марта"})
	run("delete_order by external_id", opDelete, organizationKey, false, map[string]any{"external_id": "A-1"})
	run("delete_order by external_id, counterparty's key", opDelete, counterpartyKey, false, map[string]any{"external_id": "A-1"})
	run("delete_order by id", opDelete, organizationKey, false, map[string]any{"id": 7, "external_id": "A-1"})

	const golden = "testdata/requests.txt"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(all.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := all.String(); got != string(want) {
		t.Errorf("the requests differ from %s:\n%s", golden, got)
	}
}

// TestCompact: what is compact is sent as it is, the rest without its spaces.
func TestCompact(t *testing.T) {
	for raw, want := range map[string]string{
		`[{"a":"x y\" z","b":[1,2]}]`:                `[{"a":"x y\" z","b":[1,2]}]`,
		"[ {\"a\" :\t\"x  y\\\\\", \"b\":1.50}\r\n]": `[{"a":"x  y\\","b":1.50}]`,
		`{"a":"\\","b": 1}`:                          `{"a":"\\","b":1}`,
		`{"a":"\" ","b":"" }`:                        `{"a":"\" ","b":""}`,
	} {
		if got := formValue(gjson.Parse(raw)); got != want {
			t.Errorf("%s is sent as %s, want %s", raw, got, want)
		}
	}
}
