package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/saleapp/saleapptest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/outbound"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// scripted is a SaleApp that finds order 7 (nothing if empty), and answers a verb
// as the test says; it counts what it gets.
type scripted struct {
	empty   bool
	answers map[string]func(w http.ResponseWriter)

	mu   sync.Mutex
	seen []string // verbs
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.FormValue("method_type")
	s.mu.Lock()
	s.seen = append(s.seen, method)
	a, empty := s.answers[method], s.empty
	s.mu.Unlock()
	if a != nil {
		a(w)
		return
	}
	switch {
	case method == "GET" && empty:
		_, _ = io.WriteString(w, `{"error":"false","error_description":"","response":[]}`)
	case method == "GET":
		_, _ = io.WriteString(w, `{"error":"false","error_description":"","response":[{"id":"7","external_id":"A-1"}]}`)
	default:
		_, _ = io.WriteString(w, `{"error":"false","error_description":"Гаразд","create_id":8}`)
	}
}

// become changes the script and forgets what was seen.
func (s *scripted) become(empty bool, answers map[string]func(http.ResponseWriter)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.empty, s.answers, s.seen = empty, answers, nil
}

func (s *scripted) verbs() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.seen, " ")
}

func status(code int, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "<html><body>сторінка помилки</body></html>")
	}
}

func body(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { _, _ = io.WriteString(w, text) }
}

func bodyWith(code int, text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, text)
	}
}

func drop(http.ResponseWriter) { panic(http.ErrAbortHandler) }

// Each answer, given to the search of an upsert, then to its creation, then to its
// update, and to a deletion.
func TestFailureClasses(t *testing.T) {
	const (
		auth    = "AUTH wrong_key"
		limited = "RATE_LIMITED rate_limited"
	)
	refused := func(text string) string { return `{"error":"true","error_description":"` + text + `"}` }
	for name, c := range map[string]struct {
		answer      func(http.ResponseWriter)
		find, write string // class and code
		retryAfter  time.Duration
	}{
		"connection closed":   {drop, "TRANSIENT answer_lost", "UNKNOWN answer_lost", 0},
		"500":                 {status(500), "TRANSIENT server_error", "UNKNOWN server_error", 0},
		"502":                 {status(502), "TRANSIENT server_error", "UNKNOWN server_error", 0},
		"503":                 {status(503), "TRANSIENT unavailable", "TRANSIENT unavailable", 0},
		"503 with a time":     {status(503, "Retry-After", "20"), "TRANSIENT unavailable", "TRANSIENT unavailable", 20 * time.Second},
		"504":                 {status(504), "TRANSIENT server_error", "UNKNOWN server_error", 0},
		"408":                 {status(408), "TRANSIENT server_error", "UNKNOWN server_error", 0},
		"429":                 {status(429), limited, limited, 0},
		"429 with a time":     {status(429, "Retry-After", "3"), limited, limited, 3 * time.Second},
		"429 with nonsense":   {status(429, "Retry-After", "soon"), limited, limited, 0},
		"429 for years":       {status(429, "Retry-After", "99999999999"), limited, limited, time.Hour},
		"401":                 {status(401), auth, auth, 0},
		"403":                 {status(403), auth, auth, 0},
		"wrong key":           {body(refused("Невірний ключ доступу")), auth, auth, 0},
		"wrong key, English":  {body(refused("Invalid API key")), auth, auth, 0},
		"404":                 {status(404), "TRANSIENT wrong_url", "TRANSIENT wrong_url", 0},
		"405":                 {status(405), "TRANSIENT wrong_url", "TRANSIENT wrong_url", 0},
		"redirect":            {status(307, "Location", "/elsewhere"), "TRANSIENT wrong_url", "TRANSIENT wrong_url", 0},
		"413":                 {status(413), "INVALID too_large", "INVALID too_large", 0},
		"400":                 {status(400), "INVALID http_400", "INVALID http_400", 0},
		"HTML":                {body("<html>Технічні роботи</html>"), "TRANSIENT unreadable_answer", "UNKNOWN unreadable_answer", 0},
		"nothing":             {body(""), "TRANSIENT unreadable_answer", "UNKNOWN unreadable_answer", 0},
		"cut off":             {body(`{"error":"fal`), "TRANSIENT unreadable_answer", "UNKNOWN unreadable_answer", 0},
		"other JSON":          {body(`{"ok":true}`), "TRANSIENT unreadable_answer", "UNKNOWN unreadable_answer", 0},
		"a warning before it": {body("<b>Warning</b>{}"), "TRANSIENT unreadable_answer", "UNKNOWN unreadable_answer", 0},
		"refused":             {body(refused("Контрагента заблоковано")), "INVALID refused", "INVALID refused", 0},
		"refused with 422":    {bodyWith(422, refused("Контрагента заблоковано")), "INVALID refused", "INVALID refused", 0},
		"refused, a boolean":  {body(`{"error":true,"error_description":"Контрагента заблоковано"}`), "INVALID refused", "INVALID refused", 0},
	} {
		t.Run(name, func(t *testing.T) {
			far := &scripted{}
			conn := connect(t, organization(serve(t, far), nil))
			for _, step := range []struct {
				verb, operation, want, verbs string
				empty                        bool
			}{
				{"GET", opUpsert, c.find, "GET", false},
				{"POST", opUpsert, c.write, "GET POST", true},
				{"POST", opCreate, c.write, "POST", true},
				{"PUT", opUpsert, c.write, "GET PUT", false},
				{"DELETE", opDelete, c.write, "GET DELETE", false},
			} {
				far.become(step.empty, map[string]func(http.ResponseWriter){step.verb: c.answer})
				var record any = order("A-1", nil)
				if step.operation == opDelete {
					record = map[string]any{"external_id": "A-1"}
				}
				r := conn.write(step.operation, record)
				if r.Failure == nil {
					t.Fatalf("%s to %s: done", step.operation, step.verb)
				}
				if got := r.Failure.Class.String() + " " + r.Failure.Code; got != step.want {
					t.Errorf("%s to %s: %s (%s), want %s", step.operation, step.verb, got, r.Failure.Message, step.want)
				}
				if r.Failure.RetryAfter != c.retryAfter {
					t.Errorf("retry after %s, want %s", r.Failure.RetryAfter, c.retryAfter)
				}
				verbs := far.verbs()
				if r.Failure.Class == wire.Invalid && r.Failure.Code == "refused" && (step.verb == "PUT" || step.verb == "DELETE") {
					verbs = strings.TrimSuffix(verbs, " GET") // whether the order is still there
				}
				if verbs != step.verbs {
					t.Errorf("%s asked %q, want %q: nothing is sent twice", step.operation, verbs, step.verbs)
				}
			}
		})
	}
}

func TestRefusalNamesTheField(t *testing.T) {
	for text, path := range map[string]string{
		`Не заповнено поле branch_ref: воно обов'язкове, якщо delivery_types дорівнює 3`: "branch_ref",
		`products[1]: товар не знайдено: sku \"city\"`:                                   "products.1",
		`Невірне значення curency_id`:                                                    "curency_id",
		`Контрагента заблоковано`:                                                        "",
		`Товар \"sku addres\" не знайдено`:                                               "",
	} {
		far := &scripted{empty: true, answers: map[string]func(http.ResponseWriter){
			"POST": body(`{"error":"true","error_description":"` + text + `"}`),
		}}
		conn := connect(t, organization(serve(t, far), nil))
		f := conn.fails(opUpsert, order("A-1", nil), wire.Invalid, "refused")
		if f.Path != path || !strings.Contains(f.Message, strings.ReplaceAll(text, `\`, "")) {
			t.Errorf("%s: %+v, want the path %q and the vendor's text", text, f, path)
		}
	}
}

func TestSandboxRefusals(t *testing.T) {
	api, conn := sandbox(t, saleapptest.Options{})
	f := conn.fails(opUpsert, order("A", map[string]any{"city_ref": ""}), wire.Invalid, "refused")
	if f.Path != "city_ref" {
		t.Errorf("%+v, want city_ref", f)
	}
	f = conn.fails(opUpsert, order("A", map[string]any{"products": []any{
		map[string]any{"sku": "X", "qty": 1}, map[string]any{"external_id": "42", "qty": 1},
	}}), wire.Invalid, "refused")
	if f.Path != "products.1" {
		t.Errorf("%+v, want products.1", f)
	}
	api.SetFaults(saleapptest.Faults{Down: saleapptest.DownUnavailable})
	conn.fails(opUpsert, order("A", nil), wire.Transient, "unavailable")
	api.SetFaults(saleapptest.Faults{Down: saleapptest.DownDrop})
	conn.fails(opUpsert, order("A", nil), wire.Transient, "answer_lost")
	conn.fails(opCreate, order("A", nil), wire.Unknown, "answer_lost")
	api.SetFaults(saleapptest.Faults{Limit: 0.001})
	conn.must(opCreate, order("A", nil))
	if f := conn.fails(opCreate, order("A", nil), wire.RateLimited, "rate_limited"); f.RetryAfter != 1000*time.Second {
		t.Errorf("retry after %s, want 1000 s", f.RetryAfter)
	}
	for _, key := range []string{"organization", "counterparty"} {
		c := counterparty(serve(t, saleapptest.New(saleapptest.Options{})) + saleapptest.APIPath)
		if key == "organization" {
			c = organization(fmt.Sprint(c["url"]), nil)
		}
		c["secret_key"] = "another"
		wrong := connect(t, c)
		for _, op := range []string{opCreate, opUpsert} {
			wrong.fails(op, order("A", nil), wire.Auth, "wrong_key")
		}
		if f := wire.AsFailure(wrong.handler.Check(t.Context())); f == nil || f.Class != wire.Auth {
			t.Errorf("check: %v, want AUTH", f)
		}
	}
	if err := conn.handler.Check(t.Context()); wire.AsFailure(err).Class != wire.RateLimited {
		t.Errorf("check while limited: %v", err)
	}
	api.SetFaults(saleapptest.Faults{})
	if err := conn.handler.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
}

// An order that is deleted between being found and being written.
func TestVanishedOrders(t *testing.T) {
	gone := body(`{"error":"true","error_description":"Замовлення не знайдено"}`)
	for op, want := range map[string]string{opUpsert: "TRANSIENT order_vanished", opUpdate: "NOT_FOUND not_found", opDelete: "absent"} {
		far := &scripted{}
		far.answers = map[string]func(http.ResponseWriter){"PUT": gone, "DELETE": gone, "GET": func(w http.ResponseWriter) {
			if strings.Count(far.verbs(), "GET") > 1 {
				gone(w)
				return
			}
			_, _ = io.WriteString(w, `{"error":"false","response":[{"id":"7","external_id":"A-1"}]}`)
		}}
		conn := connect(t, organization(serve(t, far), nil))
		var record any = order("A-1", nil)
		switch op {
		case opDelete:
			record = map[string]any{"external_id": "A-1"}
		case opUpdate:
			record = map[string]any{"external_id": "A-1", "receiver_name": "Марта"}
		}
		r := conn.write(op, record)
		got := r.Action
		if r.Failure != nil {
			got = r.Failure.Class.String() + " " + r.Failure.Code
		}
		if got != want {
			t.Errorf("%s: %s, want %s", op, got, want)
		}
	}
}

// A search that gives orders with another external_id may mean anything.
func TestFoundSomethingElse(t *testing.T) {
	far := &scripted{answers: map[string]func(http.ResponseWriter){
		"GET": body(`{"error":"false","response":[{"id":"7","external_id":"a-1"},{"id":9,"external_id":"A-10"}]}`),
	}}
	conn := connect(t, organization(serve(t, far), nil))
	f := conn.fails(opUpsert, order("A-1", nil), wire.Ambiguous, "other_order")
	if !strings.Contains(f.Message, "id 7, id 9") || far.verbs() != "GET" {
		t.Errorf("%v after %s", f, far.verbs())
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "-5": 0, "1.5": 0, "soon": 0,
		"Sun, 29 Mar 2026 12:01:30 GMT": 90 * time.Second, "Sun, 29 Mar 2026 11:00:00 GMT": 0,
		"Mon, 30 Mar 2026 12:00:00 GMT": time.Hour, "9223372036854775807": time.Hour,
	} {
		if got := outbound.RetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
