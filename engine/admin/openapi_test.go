package admin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
)

// described holds requests and answers against openapi.yaml.
type described struct {
	doc      map[string]any
	compiler *jsonschema.Compiler

	mu   sync.Mutex
	seen map[string]bool // METHOD PATH STATUS
}

var load = sync.OnceValues(func() (*described, error) {
	var root any
	if err := yaml.Unmarshal(admin.OpenAPI, &root); err != nil {
		return nil, err
	}
	text, err := json.Marshal(root)
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("test:///openapi.json", doc); err != nil {
		return nil, err
	}
	m, _ := doc.(map[string]any)
	return &described{doc: m, compiler: c, seen: map[string]bool{}}, nil
})

func description(t *testing.T) *described {
	t.Helper()
	d, err := load()
	if err != nil {
		t.Fatal("openapi.yaml:", err)
	}
	return d
}

// at gives a part of the description, following one $ref, and its pointer.
func (d *described) at(pointer string) (map[string]any, string) {
	var v any = d.doc
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "#/"), "/") {
		m, _ := v.(map[string]any)
		v = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]
	}
	m, _ := v.(map[string]any)
	if ref, ok := m["$ref"].(string); ok && len(m) == 1 {
		return d.at(ref)
	}
	return m, pointer
}

func escape(s string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(s) }

// path finds the described path of a URL.
func (d *described) path(urlPath string) (string, bool) {
	paths, _ := d.at("#/paths")
	if _, ok := paths[urlPath]; ok {
		return urlPath, true
	}
	for p := range paths {
		want, got := strings.Split(p, "/"), strings.Split(urlPath, "/")
		if slices.EqualFunc(want, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, "{") && g != "" }) {
			return p, true
		}
	}
	return "", false
}

// holds checks an answer, and a request that was answered with 200.
func (d *described) holds(t *testing.T, r *http.Request, sent []byte, w *httptest.ResponseRecorder) {
	t.Helper()
	path, ok := d.path(r.URL.Path)
	if !ok {
		if w.Code != 404 && w.Code != 421 && w.Code != 401 && w.Code != 403 {
			t.Errorf("%s is not described and answered %d", r.URL.Path, w.Code)
		}
		return
	}
	method := strings.ToLower(r.Method)
	operation, at := d.at("#/paths/" + escape(path) + "/" + method)
	if operation == nil { // what is wrong with the method is said of those that are there
		item, _ := d.at("#/paths/" + escape(path))
		for m := range item {
			method = m
		}
		operation, at = d.at("#/paths/" + escape(path) + "/" + method)
	}
	d.mu.Lock()
	d.seen[fmt.Sprint(method, " ", path, " ", w.Code)] = true
	d.mu.Unlock()
	response, at2 := d.at(at + "/responses/" + fmt.Sprint(w.Code))
	if response == nil {
		t.Errorf("%s %s is answered %d, which is not described", r.Method, path, w.Code)
		return
	}
	d.body(t, at2, r.Method+" "+path+" "+fmt.Sprint(w.Code), w.Header().Get("Content-Type"), w.Body.Bytes())
	if w.Code == 200 {
		d.request(t, operation, at, r, sent)
	}
}

// body checks a body against the content of what at points to.
func (d *described) body(t *testing.T, at, what, contentType string, text []byte) {
	t.Helper()
	kind, _, err := mime.ParseMediaType(contentType)
	content, _ := d.at(at + "/content/" + escape(kind))
	if err != nil || content == nil {
		t.Errorf("%s: content type %q is not described", what, contentType)
		return
	}
	if kind != "application/json" {
		return
	}
	d.valid(t, at+"/content/"+escape(kind)+"/schema", what, text)
}

func (d *described) valid(t *testing.T, at, what string, text []byte) {
	t.Helper()
	schema, err := d.compiler.Compile("test:///openapi.json" + at)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Errorf("%s: %v: %s", what, err, text)
		return
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%s: %v\n%s", what, err, text)
	}
}

// request checks that what was asked is described.
func (d *described) request(t *testing.T, operation map[string]any, at string, r *http.Request, sent []byte) {
	t.Helper()
	known := map[string]string{}
	list, _ := operation["parameters"].([]any)
	for i := range list {
		p, where := d.at(at + "/parameters/" + fmt.Sprint(i))
		if p == nil { // at does not walk arrays
			p, _ = list[i].(map[string]any)
			if ref, ok := p["$ref"].(string); ok {
				p, where = d.at(ref)
			}
		}
		name, _ := p["name"].(string)
		known[name] = where
	}
	for name := range r.URL.Query() {
		if _, ok := known[name]; !ok {
			t.Errorf("%s: parameter %s is not described", r.URL, name)
		}
	}
	if operation["requestBody"] != nil {
		_, where := d.at(at + "/requestBody")
		d.body(t, where, "the request "+r.Method+" "+r.URL.Path, r.Header.Get("Content-Type"), sent)
	}
}

// ask asks a handler under its own name, and holds the answer against the
// description. change may change the request.
func ask(t *testing.T, h http.Handler, method, path, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Host = "localhost:9090"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if r.Method == http.MethodHead {
		return w
	}
	description(t).holds(t, r, []byte(body), w)
	return w
}

func with(name, value string) func(*http.Request) {
	return func(r *http.Request) {
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
}

// TestDescription asks everything that is described, so that every answer that it
// names is seen and holds, and nothing is answered that it does not name.
func TestDescription(t *testing.T) {
	d := description(t)
	paths, _ := d.at("#/paths")
	want := append(admin.Paths(), "/metrics")
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(paths)); !slices.Equal(got, want) {
		t.Errorf("described are %v, answered %v", got, want)
	}
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	})
	handler := func(e *engine, token string) http.Handler {
		return admin.New(e, admin.Options{Token: token, Metrics: metrics})
	}
	good := full()
	broken := &engine{unready: []string{"connection shop: restarting"}, err: fmt.Errorf("disk on fire"), failAt: 1}
	full := &engine{err: &admin.UnavailableError{Message: "the disk is full", RetryAfter: 1500e6}}
	letters := `{"by":"olena","letters":[{"source":"shop","sink":"saleapp","mapping":"order","sequence":5}]}`
	edit := `{"by":"olena","letter":{"source":"shop","sink":"saleapp","mapping":"order","sequence":5},"record":{"a":1}}`
	replay := `{"by":"olena","filter":{"key":"7"},"through":9,"limit":100}`
	sink := `{"by":"olena","connection":"saleapp"}`
	webhooks := `{"by":"olena","webhooks":[5]}`
	drop := `{"by":"olena","mapping":"order","source":"shop","sink":"saleapp"}`
	rename := `{"by":"olena","mapping":"order","source":"shop","sink":"saleapp","to":"orders"}`
	plain := with("Content-Type", "text/plain")
	for path, item := range paths {
		methods, _ := item.(map[string]any)
		for method := range methods {
			method, url := strings.ToUpper(method), strings.NewReplacer("{sequence}", "5", "{digest}", "abcdef").Replace(path)
			body := map[string]string{
				"/api/v1/letters/retry": letters, "/api/v1/letters/drop": letters, "/api/v1/letters/edit": edit,
				"/api/v1/connections/pause": sink, "/api/v1/connections/resume": sink,
				"/api/v1/replay": replay, "/api/v1/replay/plan": replay, "/api/v1/reload": `{"by":"olena"}`,
				"/api/v1/undecoded/retry": webhooks, "/api/v1/undecoded/drop": webhooks,
				"/api/v1/mappings/drop": drop, "/api/v1/mappings/rename": rename,
			}[path]
			answers, _ := d.at("#/paths/" + escape(path) + "/" + strings.ToLower(method) + "/responses")
			for status := range answers {
				var w *httptest.ResponseRecorder
				switch status {
				case "200":
					w = ask(t, handler(good, ""), method, url, body)
				case "400":
					switch {
					case strings.HasSuffix(url, "/5"):
						w = ask(t, handler(good, ""), method, strings.TrimSuffix(url, "5")+"0", "")
					case body != "":
						w = ask(t, handler(good, ""), method, url, `{"by":`)
					default:
						w = ask(t, handler(good, ""), method, url+"?x=1", "")
					}
				case "401":
					w = ask(t, handler(good, "0123456789abcdef"), method, url, body)
				case "403":
					w = ask(t, handler(good, ""), method, url, body, with("Origin", "https://evil.example"))
				case "404":
					if body == sink {
						w = ask(t, handler(good, ""), method, url, `{"connection":"nobody"}`)
						break
					}
					w = ask(t, handler(good, ""), method, strings.TrimSuffix(url, "5")+"404", body)
				case "405":
					w = ask(t, handler(good, ""), "PUT", url, body)
				case "413":
					w = ask(t, handler(good, ""), method, url, `{"by":"`+strings.Repeat("x", 21<<20)+`"}`)
				case "415":
					w = ask(t, handler(good, ""), method, url, body, plain)
				case "421":
					w = ask(t, handler(good, ""), method, url, body, with("Host", "evil.example"))
				case "500":
					w = ask(t, handler(broken, ""), method, url, body)
				case "503":
					if path == "/readyz" {
						w = ask(t, handler(broken, ""), method, url, body)
					} else if w = ask(t, handler(full, ""), method, url, body); w.Header().Get("Retry-After") != "2" {
						t.Errorf("%s %s: Retry-After %q", method, path, w.Header().Get("Retry-After"))
					}
				default:
					t.Errorf("no request for %s %s %s", method, path, status)
					continue
				}
				if got := fmt.Sprint(w.Code); got != status {
					t.Errorf("%s %s: %s, want %s: %.300s", method, path, got, status, w.Body.String())
				}
			}
		}
	}
}

// TestParameters asks with every parameter that is described.
func TestParameters(t *testing.T) {
	d := description(t)
	values := map[string]string{
		"outcome": "dead", "since": "2026-11-02T20:41:13Z", "until": "2026-11-03T20:41:13.5+02:00", "before": "9", "after": "2",
		"order": "oldest", "limit": "7", "all": "true", "sequence": "5", "from": "1",
	}
	paths, _ := d.at("#/paths")
	for path, item := range paths {
		methods, _ := item.(map[string]any)
		get, _ := methods["get"].(map[string]any)
		list, _ := get["parameters"].([]any)
		q := url.Values{}
		for _, p := range list {
			m, _ := p.(map[string]any)
			if ref, ok := m["$ref"].(string); ok {
				m, _ = d.at(ref)
			}
			name, _ := m["name"].(string)
			if m["in"] != "query" {
				continue
			}
			v := values[name]
			if v == "" {
				v = "x-" + name
			}
			q.Set(name, v)
			if kind, _ := m["schema"].(map[string]any); kind["type"] != "string" || kind["enum"] != nil || kind["format"] != nil {
				h := admin.New(full(), admin.Options{})
				if w := ask(t, h, "GET", path+"?"+name+"=wrong", ""); w.Code != 400 || !strings.Contains(w.Body.String(), name) {
					t.Errorf("%s?%s=wrong: %d %s", path, name, w.Code, w.Body.String())
				}
			}
		}
		if len(q) > 0 {
			e := full()
			if w := ask(t, admin.New(e, admin.Options{}), "GET", path+"?"+q.Encode(), ""); w.Code != 200 {
				t.Errorf("%s: %d %s", path, w.Code, w.Body.String())
			}
		}
	}
}
