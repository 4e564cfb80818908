package saleapptest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/plugins/saleapp/saleapptest"
)

// fate is what became of one request, as its sender sees it.
func fate(t *testing.T, base string) string {
	t.Helper()
	status, _, err := post(t, base, saleapptest.DefaultKey, order())
	if err != nil {
		return "dropped"
	}
	return http.StatusText(status)
}

func TestFailDoesNothing(t *testing.T) {
	api, base := serve(t, saleapptest.Options{Faults: saleapptest.Faults{Fail: 1, Lose: 1}})
	status, body, err := post(t, base, saleapptest.DefaultKey, order())
	if err != nil || status != http.StatusInternalServerError || !strings.Contains(body, "<html>") {
		t.Errorf("got %d %s %v", status, body, err)
	}
	if n := len(api.Orders()); n != 0 {
		t.Errorf("%d orders were stored", n)
	}
	if diff := cmp.Diff(saleapptest.Counts{Requests: 1, Failed: 1}, api.Counts()); diff != "" {
		t.Error(diff)
	}
}

func TestLoseCommits(t *testing.T) {
	api, base := serve(t, saleapptest.Options{Faults: saleapptest.Faults{Lose: 1}})
	if got := fate(t, base); got != "dropped" {
		t.Errorf("got %s", got)
	}
	if orders, writes := api.Orders(), api.Writes(); len(orders) != 1 || len(writes) != 1 {
		t.Errorf("orders %v, writes %v", orders, writes)
	}
	if diff := cmp.Diff(saleapptest.Counts{Requests: 1, Lost: 1}, api.Counts()); diff != "" {
		t.Error(diff)
	}
}

// TestSeed plays 400 requests by each of two seeds: alike for one, unlike for two,
// and about as often as the rates say.
func TestSeed(t *testing.T) {
	run := func(seed uint64) (saleapptest.Counts, []string) {
		api, base := serve(t, saleapptest.Options{Seed: seed, Faults: saleapptest.Faults{Fail: 0.1, Lose: 0.2}})
		fates := make([]string, 400)
		for i := range fates {
			fates[i] = fate(t, base)
		}
		if c := api.Counts(); int(c.Requests-c.Failed) != len(api.Orders()) {
			t.Errorf("%+v, but %d orders", c, len(api.Orders()))
		}
		return api.Counts(), fates
	}
	counts, first := run(7)
	if counts.Failed < 20 || counts.Failed > 65 || counts.Lost < 45 || counts.Lost > 105 {
		t.Errorf("of 400 at 10%% and 18%%: %+v", counts)
	}
	if _, again := run(7); !cmp.Equal(first, again) {
		t.Error("the same seed gave other chances")
	}
	if _, other := run(8); cmp.Equal(first, other) {
		t.Error("another seed gave the same chances")
	}
}

func TestDown(t *testing.T) {
	api, base := serve(t, saleapptest.Options{Faults: saleapptest.Faults{Down: saleapptest.DownUnavailable}})
	if got := fate(t, base); got != "Service Unavailable" {
		t.Errorf("down: %s", got)
	}
	api.SetFaults(saleapptest.Faults{Down: saleapptest.DownDrop})
	if got := fate(t, base); got != "dropped" {
		t.Errorf("drop: %s", got)
	}
	status, body, err := do(t, http.MethodGet, base+"/saleapp/_orders", "", "")
	if err != nil || status != http.StatusOK || body != "[]\n" {
		t.Errorf("looking inside while down: %d %q %v", status, body, err)
	}
	api.SetFaults(saleapptest.Faults{})
	if got := fate(t, base); got != "OK" || len(api.Orders()) != 1 {
		t.Errorf("up again: %s, %d orders", got, len(api.Orders()))
	}
}

// recorded sends a request without a network, so that it may be in a bubble of fake
// time.
func recorded(t *testing.T, api http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, ordersURL("", saleapptest.DefaultKey), strings.NewReader(phpBody(order())))
	r.Header.Set("Content-Type", phpContentType)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	return w
}

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := saleapptest.New(saleapptest.Options{Faults: saleapptest.Faults{Limit: 10}})
		second := func() (let int) {
			for range 30 {
				switch w := recorded(t, api); w.Code {
				case http.StatusOK:
					let++
				case http.StatusTooManyRequests:
					if got := w.Header().Get("Retry-After"); got != "1" {
						t.Fatalf("Retry-After: %q", got)
					}
				default:
					t.Fatalf("status %d", w.Code)
				}
			}
			return let
		}
		for i := range 3 {
			if let := second(); let != 10 {
				t.Errorf("second %d: %d let in, want 10", i, let)
			}
			time.Sleep(time.Second)
		}
		if got := api.Counts().Limited; got != 60 {
			t.Errorf("limited: %d, want 60", got)
		}
		// The bucket outlives a change of something else.
		second()
		api.SetFaults(saleapptest.Faults{Limit: 10, Latency: time.Millisecond})
		if w := recorded(t, api); w.Code != http.StatusTooManyRequests {
			t.Errorf("an unrelated change filled the bucket: %d", w.Code)
		}
		api.SetFaults(saleapptest.Faults{Limit: 0.1})
		recorded(t, api)
		if w := recorded(t, api); w.Header().Get("Retry-After") != "10" {
			t.Errorf("at 0.1/s, Retry-After is %q", w.Header().Get("Retry-After"))
		}
	})
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := saleapptest.New(saleapptest.Options{Faults: saleapptest.Faults{Latency: 3 * time.Second}})
		began := time.Now()
		if w := recorded(t, api); w.Code != http.StatusOK || time.Since(began) != 3*time.Second {
			t.Errorf("%d after %s", w.Code, time.Since(began))
		}
	})
}

// TestLatencyEndsWithClient: a client that leaves while waiting has written nothing.
func TestLatencyEndsWithClient(t *testing.T) {
	api, base := serve(t, saleapptest.Options{Faults: saleapptest.Faults{Latency: time.Hour}})
	client := http.Client{Timeout: 50 * time.Millisecond}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, ordersURL(base, saleapptest.DefaultKey), strings.NewReader(phpBody(order())))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", phpContentType)
	if resp, err := client.Do(req); err == nil {
		_ = resp.Body.Close()
		t.Fatalf("answered %s", resp.Status)
	}
	if n := len(api.Orders()); n != 0 {
		t.Errorf("%d orders", n)
	}
	// The server's Close, at the test's end, hangs if the handler still waits.
}

func TestFaultsOverHTTP(t *testing.T) {
	api, base := serve(t, saleapptest.Options{Faults: saleapptest.Faults{Fail: 0.5}})
	const none = `{"latency":"0s","fail":0.5,"lose":0,"limit":0,"down":false}` + "\n"
	const some = `{"latency":"250ms","fail":0,"lose":0.05,"limit":"20/s","down":"drop"}` + "\n"
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"as given", "GET", "/_faults", "", 200, none},
		{"change nothing", "POST", "/_faults", "{}", 200, none},
		{"change all", "POST", "/_faults", `{"latency":"250ms","fail":0,"lose":"5%","limit":20,"down":"drop"}`, 200, some},
		{"its own path", "GET", "/saleapp/_faults", "", 200, some},
		{"post what was got", "POST", "/saleapp/_faults", some, 200, some},
		{"down", "POST", "/_faults", `{"down":true}`, 200, strings.Replace(some, `"drop"`, "true", 1)},
		{"rate above 1", "POST", "/_faults", `{"down":false,"fail":5}`, 400, `faults: rate "5" is none: write 5% or 0.05, from 0 to 1; an example: `},
		{"rate negative", "POST", "/_faults", `{"lose":"-1%"}`, 400, `faults: rate "-1%" is none`},
		{"rate NaN", "POST", "/_faults", `{"lose":"NaN"}`, 400, `faults: rate "NaN" is none`},
		{"limit", "POST", "/_faults", `{"limit":"20/m"}`, 400, `faults: limit "20/m" is none: write 20/s`},
		{"limit infinite", "POST", "/_faults", `{"limit":"Inf"}`, 400, `faults: limit "Inf" is none`},
		{"latency", "POST", "/_faults", `{"latency":200}`, 400, `faults: latency "200" is none: write 200ms or 2s`},
		{"latency negative", "POST", "/_faults", `{"latency":"-2s"}`, 400, `faults: latency "-2s" is none`},
		{"down word", "POST", "/_faults", `{"down":"maybe"}`, 400, `faults: down "maybe" is none of false, true, drop`},
		{"typo", "POST", "/_faults", `{"lost":"5%"}`, 400, `faults: json: unknown field "lost"`},
		{"not JSON", "POST", "/_faults", `lose=5%`, 400, `faults: invalid character`},
		{"object", "POST", "/_faults", `{"lose":{}}`, 400, `faults: a fault is a string, a number or a boolean`},
		{"too large", "POST", "/_faults", `{"down":"` + strings.Repeat("x", 1<<17) + `"}`, 400, `read the faults: http: request body too large`},
		{"wrong method", "DELETE", "/_faults", ``, 405, `Method Not Allowed`},
		{"nothing of the wrong ones", "GET", "/_faults", "", 200, strings.Replace(some, `"drop"`, "true", 1)},
	} {
		status, body, err := do(t, tt.method, base+tt.path, "application/json", tt.body)
		if err != nil || status != tt.status || !strings.HasPrefix(body, tt.want) {
			t.Errorf("%s: got %d %s %v\nwant %d %s", tt.name, status, body, err, tt.status, tt.want)
		}
	}
	want := saleapptest.Faults{Latency: 250 * time.Millisecond, Lose: 0.05, Limit: 20, Down: saleapptest.DownUnavailable}
	if diff := cmp.Diff(want, api.Faults()); diff != "" {
		t.Error(diff)
	}
}

func FuzzFaults(f *testing.F) {
	f.Add([]byte(`{"latency":"250ms","fail":0,"lose":"5%","limit":"20/s","down":"drop"}`))
	f.Add([]byte(`{"limit":1e-300,"fail":"1e-9%"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var first, second saleapptest.Faults
		if json.Unmarshal(raw, &first) != nil {
			return
		}
		text, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &second); err != nil || first != second {
			t.Fatalf("%s was read as %+v, %v; it was written of %+v", text, second, err, first)
		}
	})
}
