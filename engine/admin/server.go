package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// OpenAPI is the description of the interface (OpenAPI 3.1).
//
//go:embed openapi.yaml
var OpenAPI []byte

// Options say who may ask.
type Options struct {
	// Token is what every request must bring as a bearer token, save /healthz and
	// /readyz; "" for none.
	Token string
	// Elsewhere tells that the address is not on loopback: a socket, which has no
	// names, or one that a token guards. The Host header may be anything then.
	Elsewhere bool
	// Metrics answers /metrics; nil: nothing does.
	Metrics http.Handler
	// Logger gets what goes wrong; nil drops it.
	Logger *slog.Logger
}

// New makes the handler.
func New(e Engine, o Options) http.Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &api{engine: e, log: o.Logger, token: o.Token}
	mux := http.NewServeMux()
	routes := a.routes()
	if o.Metrics != nil {
		routes["/metrics"] = map[string]http.HandlerFunc{http.MethodGet: o.Metrics.ServeHTTP}
	}
	for path, methods := range routes {
		mux.HandleFunc(path, a.dispatch(methods))
	}
	mux.HandleFunc("/in/", func(w http.ResponseWriter, _ *http.Request) {
		a.fail(w, http.StatusNotFound, "not_found", "webhooks are taken at another address, which is ingress.listen in crosswalk.yaml; this is the admin API")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		a.fail(w, http.StatusNotFound, "not_found", "there is nothing here: /api/v1/openapi.yaml says what there is")
	})
	return a.guard(mux, o.Elsewhere)
}

// routes are the paths and what answers each method on them.
func (a *api) routes() map[string]map[string]http.HandlerFunc {
	get := func(h http.HandlerFunc) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{http.MethodGet: h}
	}
	post := func(h http.HandlerFunc) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{http.MethodPost: h}
	}
	return map[string]map[string]http.HandlerFunc{
		"/healthz":                     get(a.health),
		"/readyz":                      get(a.ready),
		"/api/v1/openapi.yaml":         get(a.describe),
		"/api/v1/status":               get(a.status),
		"/api/v1/outcomes":             get(a.outcomes),
		"/api/v1/dead":                 get(a.dead),
		"/api/v1/events":               get(a.events),
		"/api/v1/events/{sequence}":    get(a.event),
		"/api/v1/letters":              get(a.letters),
		"/api/v1/letters/retry":        post(a.retry),
		"/api/v1/letters/edit":         post(a.edit),
		"/api/v1/letters/drop":         post(a.drop),
		"/api/v1/connections/pause":    post(a.pause),
		"/api/v1/connections/resume":   post(a.resume),
		"/api/v1/replay":               post(a.replay),
		"/api/v1/replay/plan":          post(a.plan),
		"/api/v1/reload":               post(a.reload),
		"/api/v1/undecoded":            get(a.undecoded),
		"/api/v1/undecoded/{sequence}": get(a.webhook),
		"/api/v1/undecoded/retry":      post(a.retryWebhooks),
		"/api/v1/undecoded/drop":       post(a.dropWebhooks),
		"/api/v1/mappings":             get(a.mappings),
		"/api/v1/mappings/{digest}":    get(a.mappingText),
		"/api/v1/mappings/drop":        post(a.dropMapping),
		"/api/v1/mappings/rename":      post(a.renameMapping),
	}
}

// dispatch calls what answers the method.
func (a *api) dispatch(methods map[string]http.HandlerFunc) http.HandlerFunc {
	allowed := slices.Sorted(maps.Keys(methods))
	if methods[http.MethodGet] != nil {
		allowed = append(allowed, http.MethodHead)
	}
	allow := strings.Join(allowed, ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		if h := methods[method]; h != nil {
			h(w, r)
			return
		}
		w.Header().Set("Allow", allow)
		a.fail(w, http.StatusMethodNotAllowed, "method_not_allowed", "here only "+allow+" can be asked")
	}
}

// guard lets in who may ask.
func (a *api) guard(next http.Handler, elsewhere bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		open := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
		switch {
		case !elsewhere && !loopback(r.Host):
			a.fail(w, http.StatusMisdirectedRequest, "bad_host", "this address answers under localhost, 127.0.0.1 and [::1] only, and the Host header says otherwise")
		case !sameOrigin(r):
			a.fail(w, http.StatusForbidden, "forbidden", "web pages of other origins are not answered")
		case !open && !a.authorized(r):
			h.Set("WWW-Authenticate", `Bearer realm="crosswalk"`)
			a.fail(w, http.StatusUnauthorized, "unauthorized", "this address wants the bearer token that admin.token names")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// authorized tells whether a request brings the token, where there is one.
func (a *api) authorized(r *http.Request) bool {
	if a.token == "" {
		return true
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	// The digests have one length, so that the time to compare them tells nothing.
	want, got := sha256.Sum256([]byte(a.token)), sha256.Sum256([]byte(strings.TrimSpace(given)))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1 && strings.EqualFold(scheme, "bearer")
}

// sameOrigin tells whether no web page of elsewhere made the request: browsers say
// where a page is from.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host
}

func (a *api) describe(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(OpenAPI) // a client that has gone needs no answer
}
