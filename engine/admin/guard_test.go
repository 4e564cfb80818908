package admin_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
)

// TestToken checks who is let in where a token is wanted.
func TestToken(t *testing.T) {
	const token = "0123456789abcdef"
	h := admin.New(&engine{unready: []string{"secret place"}}, admin.Options{Token: token, Elsewhere: true})
	for name, c := range map[string]struct {
		path, authorization string
		want                int
	}{
		"none":             {"/api/v1/status", "", 401},
		"another":          {"/api/v1/status", "Bearer 0123456789abcdeg", 401},
		"a part":           {"/api/v1/status", "Bearer 0123456789abcde", 401},
		"another scheme":   {"/api/v1/status", "Basic " + token, 401},
		"bare":             {"/api/v1/status", token, 401},
		"right":            {"/api/v1/status", "Bearer " + token, 200},
		"lower case":       {"/api/v1/status", "bearer " + token, 200},
		"nothing there":    {"/api/v1/secret", "", 401},
		"healthz for all":  {"/healthz", "", 200},
		"readyz for all":   {"/readyz", "", 503},
		"readyz in detail": {"/readyz", "Bearer " + token, 503},
	} {
		w := ask(t, h, "GET", c.path, "", with("Authorization", c.authorization), with("Host", "engine.example:9090"))
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d", name, w.Code, c.want)
		}
		if told := strings.Contains(w.Body.String(), "secret place"); told != (name == "readyz in detail") {
			t.Errorf("%s: reasons told: %v", name, told)
		}
		if c.want == 401 && w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", name)
		}
	}
}

// TestWebPages checks that pages of elsewhere can change nothing.
func TestWebPages(t *testing.T) {
	const drop = `{"by":"x","letters":[{"source":"shop","sink":"saleapp","mapping":"order","sequence":5}]}`
	for name, c := range map[string]struct {
		change []func(*http.Request)
		want   int
	}{
		"no page":             {nil, 200},
		"our own page":        {[]func(*http.Request){with("Origin", "http://localhost:9090"), with("Sec-Fetch-Site", "same-origin")}, 200},
		"another origin":      {[]func(*http.Request){with("Origin", "https://evil.example")}, 403},
		"another port":        {[]func(*http.Request){with("Origin", "http://localhost:8080")}, 403},
		"no origin to tell":   {[]func(*http.Request){with("Origin", "null")}, 403},
		"the browser says":    {[]func(*http.Request){with("Sec-Fetch-Site", "cross-site")}, 403},
		"a form":              {[]func(*http.Request){with("Content-Type", "application/x-www-form-urlencoded")}, 415},
		"text":                {[]func(*http.Request){with("Content-Type", "text/plain")}, 415},
		"a name pointed here": {[]func(*http.Request){with("Host", "rebound.example"), with("Origin", "http://rebound.example")}, 421},
	} {
		e := &engine{}
		w := ask(t, admin.New(e, admin.Options{}), "POST", "/api/v1/letters/drop", drop, c.change...)
		if w.Code != c.want || (e.asked.request != nil) != (c.want == 200) {
			t.Errorf("%s: %d, want %d; done: %v", name, w.Code, c.want, e.asked.request != nil)
		}
		for header := range w.Header() {
			if strings.HasPrefix(header, "Access-Control") {
				t.Errorf("%s: header %s", name, header)
			}
		}
	}
}

// TestRequests checks what is refused of a request's body, and how.
func TestRequests(t *testing.T) {
	for body, want := range map[string]string{
		`{`:                              "cannot be read",
		`[]`:                             "cannot be read",
		`{"by":"x","letters":[]}`:        "name 1 to 500",
		`{"by":"x"} {}`:                  "something follows",
		`{"by":"x","leters":[]}`:         "leters",
		`{"by":"x","letters":[{"a":1}]}`: "unknown field",
	} {
		w := ask(t, admin.New(&engine{}, admin.Options{}), "POST", "/api/v1/letters/retry", body)
		if w.Code != 400 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body.String())
		}
	}
	w := ask(t, admin.New(&engine{}, admin.Options{}), "POST", "/api/v1/replay", `{"by":"x","filter":{}}`)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "through") {
		t.Errorf("%d %s", w.Code, w.Body.String())
	}
}

// TestSocket serves on a socket that only its owner may use, over one that an
// engine left which was killed.
func TestSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "admin") //nolint:usetesting // a path of the test's is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "a.sock")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if _, err := admin.ListenSocket(t.Context(), path); err == nil || !strings.Contains(err.Error(), "another engine answers there") {
		t.Errorf("over one that answers: %v", err)
	}
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	ln, err := admin.ListenSocket(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- admin.Serve(ctx, ln, admin.New(full(), admin.Options{Elsewhere: true}), nil) }()
	c := client.New("unix:"+path, "")
	if st, err := client.Status.Get(t.Context(), c); err != nil || st.Version != "1.0" || st.Mappings[0].Name != "order" {
		t.Errorf("%+v %v", st, err)
	}
	c.Close()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.ListenSocket(t.Context(), path); err == nil || !strings.Contains(err.Error(), "something else is there") {
		t.Errorf("over a file: %v", err)
	}
}
