package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// engine is one that answers from memory.
type engine struct {
	unready  []string
	degraded []string
	status   admin.Status
	err      error
	outcomes []event.Outcome
	dead     []event.DeadLetter
	// failAt is the place from which on reading fails; 0: never.
	failAt uint64
	// most is the largest page that was read.
	most int

	events  []admin.EventSummary
	letters []admin.Letter
	asked   asked
}

func (e *engine) Unready(context.Context) []string             { return e.unready }
func (e *engine) Status(context.Context) (admin.Status, error) { return e.status, e.err }
func (e *engine) Outcomes(_ context.Context, from uint64, limit int) ([]event.Outcome, error) {
	return cut(e, e.outcomes, from, limit)
}

func (e *engine) Dead(_ context.Context, from uint64, limit int) ([]event.DeadLetter, error) {
	return cut(e, e.dead, from, limit)
}

func cut[T any](e *engine, all []T, from uint64, limit int) ([]T, error) {
	if e.failAt > 0 && from+uint64(limit) > e.failAt {
		return nil, errors.New("disk /secret on fire")
	}
	e.most = max(e.most, limit)
	all = all[min(from-1, uint64(len(all))):]
	return all[:min(limit, len(all))], nil
}

func get(t *testing.T, e *engine, path string) (int, string) {
	t.Helper()
	w := ask(t, admin.New(e, admin.Options{}), "GET", path, "")
	if ct := w.Header().Get("Content-Type"); ct != "application/json" {
		t.Errorf("%s: content type %q", path, ct)
	}
	if !json.Valid(w.Body.Bytes()) {
		t.Errorf("%s: not JSON: %s", path, w.Body.String())
	}
	return w.Code, w.Body.String()
}

var at = time.Date(2026, 4, 5, 6, 7, 8, 0, time.UTC)

func letter(n uint64) event.DeadLetter {
	return event.DeadLetter{
		Event: event.Event{
			Sequence: n, ID: "new_order:7:3", Connection: "shop", Type: "order_created", Key: "7", Version: 3,
			UpdatedAt: at, ReceivedAt: at, Record: []byte(`{"delivery_type": {"id": 42}, "total": 49.790, "note": "<&>"}`),
			Body: []byte("raw"),
		},
		Outcome: event.Outcome{
			Sequence: n, Lane: event.Lane{Source: "shop", Sink: "saleapp"}, Mapping: "horoshop-order", MappingSHA256: "ab",
			Kind: event.Dead, Operation: "upsert_order", At: at,
			Reason: &event.Reason{Class: "MAPPING", Code: "CW305", Message: "no row", Path: "delivery_type.id", File: "m.yaml", Line: 12, Column: 7},
		},
	}
}

func TestAnswers(t *testing.T) {
	e := &engine{
		status: admin.Status{
			Version: "1.0", StartedAt: at,
			Connections: []admin.Connection{{Name: "shop", Plugin: "horoshop", State: "running", PID: 42, Restarts: 1, Since: &at}},
			Lanes: []admin.Lane{{
				Source: "shop", Sink: "saleapp", Backlog: 3, Held: 1, Uncounted: true,
				Paused: &admin.Pause{Until: &at, By: "olena", Since: &at, Reason: &event.Reason{Class: "AUTH", Code: "key", Message: "the key is refused"}},
				Waiting: []admin.Waiting{
					{Sequence: 4, Key: "7", Mapping: "order", Attempts: 2, Next: at, Reason: &event.Reason{Class: "TRANSIENT", Code: "http_503", Message: "down"}},
					{Sequence: 5, Key: "8", Next: at, PossiblySent: true},
				},
			}},
			Counters: admin.Counters{Accepted: 7, Duplicates: 1, Delivered: 2, Skipped: 1, Dead: 1},
			Ingress:  admin.Ingress{Requests: 9, Refused: map[string]uint64{"not_found": 1}},
		},
		outcomes: []event.Outcome{{Sequence: 1, Type: "t", Key: "7", Kind: event.Delivered, At: at}, {Sequence: 2, Type: "t", Key: "8", Kind: event.Skipped, At: at}},
		dead:     []event.DeadLetter{letter(5)},
	}
	for path, want := range map[string]string{
		"/healthz": `{"status":"ok"}`,
		"/readyz":  `{"ready":true}`,
		"/api/v1/status": `{"version":"1.0","started_at":"2026-04-05T06:07:08Z",` +
			`"connections":[{"name":"shop","plugin":"horoshop","state":"running","pid":42,"restarts":1,"since":"2026-04-05T06:07:08Z"}],` +
			`"lanes":[{"source":"shop","sink":"saleapp","backlog":3,"held":1,"uncounted":true,` +
			`"paused":{"until":"2026-04-05T06:07:08Z","reason":{"class":"AUTH","code":"key","message":"the key is refused"},"by":"olena","since":"2026-04-05T06:07:08Z"},` +
			`"waiting":[{"sequence":4,"key":"7","mapping":"order","attempts":2,"next":"2026-04-05T06:07:08Z","reason":{"class":"TRANSIENT","code":"http_503","message":"down"}},` +
			`{"sequence":5,"key":"8","attempts":0,"next":"2026-04-05T06:07:08Z","possibly_sent":true}]}],` +
			`"mappings":[],"counters":{"accepted":7,"duplicates":1,"delivered":2,"skipped":1,"superseded":0,"dead":1,"dead_open":0,"replayed":0},` +
			`"ingress":{"requests":9,"refused":{"not_found":1}}}`,
		"/api/v1/outcomes": `[{"sequence":1,"event":"t","key":"7","lane":{"source":"","sink":""},"outcome":"delivered","at":"2026-04-05T06:07:08Z"},` + "\n" +
			`{"sequence":2,"event":"t","key":"8","lane":{"source":"","sink":""},"outcome":"skipped","at":"2026-04-05T06:07:08Z"}]`,
		"/api/v1/outcomes?from=2&limit=1": `[{"sequence":2,"event":"t","key":"8","lane":{"source":"","sink":""},"outcome":"skipped","at":"2026-04-05T06:07:08Z"}]`,
		"/api/v1/outcomes?from=3":         `[]`,
		"/api/v1/dead?from=2":             `[]`,
		"/api/v1/dead": `[{"place":1,"event":{"sequence":5,"id":"new_order:7:3","connection":"shop","type":"order_created","key":"7","version":3,` +
			`"updated_at":"2026-04-05T06:07:08Z","received_at":"2026-04-05T06:07:08Z",` +
			`"record":{"delivery_type":{"id":42},"total":49.790,"note":"<&>"}},` +
			`"lane":{"source":"shop","sink":"saleapp"},"mapping":"horoshop-order","mapping_sha256":"ab","operation":"upsert_order","attempts":0,` +
			`"reason":{"class":"MAPPING","code":"CW305","message":"no row","path":"delivery_type.id","file":"m.yaml","line":12,"column":7},` +
			`"at":"2026-04-05T06:07:08Z"}]`,
	} {
		code, got := get(t, e, path)
		if diff := cmp.Diff(want+"\n", got); code != 200 || diff != "" {
			t.Errorf("%s: %d\n%s", path, code, diff)
		}
	}
	if _, got := get(t, &engine{}, "/api/v1/status"); !strings.Contains(got, `"connections":[],"lanes":[],"mappings":[]`) || !strings.Contains(got, `"refused":{}`) {
		t.Errorf("empty lists: %s", got)
	}
}

func TestUnready(t *testing.T) {
	code, got := get(t, &engine{unready: []string{"connection shop: restarting"}}, "/readyz")
	if code != 503 || got != `{"ready":false,"reasons":["connection shop: restarting"]}`+"\n" {
		t.Errorf("%d %s", code, got)
	}
	if code, _ := get(t, &engine{unready: []string{"x"}}, "/healthz"); code != 200 {
		t.Errorf("a process that lives is answered %d", code)
	}
}

func TestLongLists(t *testing.T) {
	e := &engine{}
	for n := range uint64(950) {
		e.dead = append(e.dead, letter(n+1))
	}
	for path, want := range map[string]struct{ first, count int }{
		"/api/v1/dead":                     {1, 100},
		"/api/v1/dead?limit=1000":          {1, 950},
		"/api/v1/dead?from=9&limit=16":     {9, 16},
		"/api/v1/dead?from=945&limit=1000": {945, 6},
	} {
		_, text := get(t, e, path)
		var got []admin.DeadLetter
		if err := json.Unmarshal([]byte(text), &got); err != nil || len(got) != want.count {
			t.Fatalf("%s: %d elements (%v)", path, len(got), err)
		}
		for i, d := range got {
			if place := uint64(want.first + i); d.Place != place || d.Event.Sequence != place {
				t.Fatalf("%s: element %d is letter %d at place %d", path, i, d.Event.Sequence, d.Place)
			}
		}
	}
	if e.most > 50 {
		t.Errorf("%d dead letters were in memory at once", e.most)
	}
}

func TestErrors(t *testing.T) {
	e := &engine{err: errors.New("disk /secret on fire"), failAt: 1}
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/":                           {404, "not_found"},
		"/in/shop/token":              {404, "ingress.listen"},
		"/api/v1/":                    {404, "not_found"},
		"/api/v1/status":              {500, "internal_error"},
		"/api/v1/outcomes":            {500, "internal_error"},
		"/api/v1/dead":                {500, "internal_error"},
		"/api/v1/status?x=1":          {400, `\"x\" is no parameter here`},
		"/api/v1/dead?from=0":         {400, "from: want a whole number from 1 on"},
		"/api/v1/dead?from=-1":        {400, "from: want"},
		"/api/v1/dead?from=1&from=2":  {400, "from stands twice"},
		"/api/v1/outcomes?limit=0":    {400, "limit: want a whole number from 1 to 1000"},
		"/api/v1/outcomes?limit=1001": {400, "limit: want"},
		"/api/v1/outcomes?limit=ten":  {400, "limit: want"},
		"/api/v1/outcomes?form=1":     {400, "no parameter"},
	} {
		code, got := get(t, e, path)
		if code != want.status || !strings.Contains(got, want.text) || !strings.HasPrefix(got, `{"error":{"code":`) || strings.Contains(got, "secret") {
			t.Errorf("%s: %d %s", path, code, got)
		}
	}
}

func TestHostAndMethod(t *testing.T) {
	h := admin.New(&engine{}, admin.Options{})
	for host, want := range map[string]int{
		"localhost": 200, "localhost:9090": 200, "127.0.0.1:9090": 200, "127.8.8.8": 200, "[::1]:9090": 200, "[::1]": 200,
		"evil.example": 421, "evil.example:9090": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example:1": 421, "192.168.1.2:9090": 421,
		"": 421, "0.0.0.0:9090": 421, "[::]:9090": 421,
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/healthz", nil)
		r.Host = host
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %q: %d, want %d", host, w.Code, want)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), method, "/healthz", nil)
		r.Host = "localhost"
		h.ServeHTTP(w, r)
		if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
}

// TestServe checks over a real connection that a list that cannot be finished is
// seen to be cut off, and that Serve ends with its context.
func TestServe(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{failAt: 60}
	for n := range uint64(100) {
		e.dead = append(e.dead, letter(n+1))
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- admin.Serve(ctx, ln, admin.New(e, admin.Options{}), nil) }()
	fetch := func(path string) (int, error) {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+ln.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return resp.StatusCode, err
	}
	if code, err := fetch("/healthz"); code != 200 || err != nil {
		t.Errorf("%d %v", code, err)
	}
	if code, err := fetch("/api/v1/dead?limit=100"); err == nil {
		t.Errorf("a list that was not finished is answered %d as if it were", code)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
}
