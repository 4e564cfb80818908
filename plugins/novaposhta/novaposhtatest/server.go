package novaposhtatest

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"sync"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest/faults"
)

// APIPath is where the API stands on the handler: a connection's url is the
// server's address followed by it.
const APIPath = "/novaposhta/v2.0/json/"

// DefaultKey is the key that a Server accepts unless Options say otherwise.
const DefaultKey = "sandbox-novaposhta-key"

// maxBody is the largest request body taken, in bytes.
const maxBody = 1 << 20

// Options says how a Server behaves. The zero value has the default key and no
// faults.
type Options struct {
	// Key is the API key; "" means DefaultKey.
	Key string
	// Faults are those to start with, and Seed makes their chances repeatable.
	Faults faults.Faults
	Seed   uint64
}

// Refusal is how the API says no: HTTP 200 with success false.
type Refusal struct {
	Errors []string
	Codes  []string
}

// TooManyRequests is the refusal for asking too often, in the vendor's spelling.
func TooManyRequests() *Refusal { return &Refusal{Errors: []string{"To many requests"}} }

// Server is a fake Nova Poshta. Its methods may be called concurrently.
type Server struct {
	key    string
	places []*place
	faults *faults.Injector
	mux    *http.ServeMux

	mu      sync.Mutex
	refusal *Refusal
	asked   map[string]int
}

// New returns a Nova Poshta.
func New(o Options) *Server {
	s := &Server{
		key: cmp.Or(o.Key, DefaultKey), places: read(), faults: faults.New(o.Faults, o.Seed),
		mux: http.NewServeMux(), asked: map[string]int{},
	}
	s.mux.HandleFunc(APIPath, s.serveAPI)
	s.mux.Handle("/novaposhta/_faults", faults.Control(s.faults))
	s.mux.HandleFunc("GET /novaposhta/_counts", func(w http.ResponseWriter, _ *http.Request) { write(w, s.faults.Counts()) })
	return s
}

// ServeHTTP serves the API and the paths beside it. It aborts the connection by
// panicking with http.ErrAbortHandler where a fault says so, which net/http
// servers understand.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Injector returns what makes the faults.
func (s *Server) Injector() *faults.Injector { return s.faults }

// SetFaults replaces all faults.
func (s *Server) SetFaults(f faults.Faults) {
	s.faults.Update(func(faults.Faults) faults.Faults { return f })
}

// SetRefusal makes the API refuse everything in this way; nil ends it.
func (s *Server) SetRefusal(r *Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = r
}

// Asked returns how often a method, such as getWarehouses, was reached; "" counts
// all.
func (s *Server) Asked(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[method]
}

// serveAPI is the vendor's part, behind the faults.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	lose, answered := s.faults.Before(w, r)
	if answered {
		return
	}
	if r.URL.Path != APIPath {
		http.NotFound(w, r)
		return
	}
	a := s.answer(w, r)
	if lose {
		panic(http.ErrAbortHandler)
	}
	write(w, a)
}

// request is the body of every request.
type request struct {
	APIKey           string     `json:"apiKey"`
	ModelName        string     `json:"modelName"`
	CalledMethod     string     `json:"calledMethod"`
	MethodProperties properties `json:"methodProperties"`
}

// answer does what a request asks.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) response {
	if r.Method != http.MethodPost {
		return refuse([]string{"Method of request is not POST"})
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return refuse([]string{"Request is too large"})
	}
	var q request
	if err := json.Unmarshal(body, &q); err != nil {
		return refuse([]string{"Request body is not valid JSON"})
	}
	s.mu.Lock()
	s.asked[""]++
	s.asked[q.CalledMethod]++
	refusal := s.refusal
	s.mu.Unlock()
	switch {
	case refusal != nil:
		return refuse(refusal.Errors, refusal.Codes...)
	case q.APIKey == "":
		return refuse([]string{"apiKey is empty"}, "20000200069")
	case q.APIKey != s.key:
		return refuse([]string{"API auth fail"}, "20000200068")
	}
	return s.call(q)
}

// call does a method.
func (s *Server) call(q request) response {
	switch q.ModelName {
	case "Address", "AddressGeneral":
		switch q.CalledMethod {
		case "searchSettlements":
			return s.searchSettlements(q.MethodProperties)
		case "getSettlements":
			return s.getSettlements(q.MethodProperties)
		case "getWarehouses":
			return s.getWarehouses(q.MethodProperties)
		case "getWarehouseTypes":
			return warehouseTypes()
		}
	case "Common", "CommonGeneral":
		if q.CalledMethod == "getCargoTypes" {
			return cargoTypes()
		}
	default:
		return refuse([]string{"Model " + q.ModelName + " is not found"})
	}
	return refuse([]string{"Method " + q.CalledMethod + " of " + q.ModelName + " is not found"})
}

// response is what stands around every answer.
type response struct {
	Success      bool     `json:"success"`
	Data         []any    `json:"data"`
	Errors       []string `json:"errors"`
	Warnings     []string `json:"warnings"`
	Info         any      `json:"info"`
	MessageCodes []string `json:"messageCodes"`
	ErrorCodes   []string `json:"errorCodes"`
	WarningCodes []string `json:"warningCodes"`
	InfoCodes    []string `json:"infoCodes"`
}

func accept(data []any) response {
	r := refuse([]string{})
	r.Success, r.Data = true, data
	return r
}

// counted is an answer that tells how many rows there are on all pages.
func counted(data []any, total int) response {
	r := accept(data)
	r.Info = map[string]int{"totalCount": total}
	return r
}

func refuse(errors []string, codes ...string) response {
	if codes == nil {
		codes = []string{}
	}
	none := []string{}
	return response{
		Data: []any{}, Errors: errors, Warnings: none, Info: none,
		MessageCodes: none, ErrorCodes: codes, WarningCodes: none, InfoCodes: none,
	}
}

func write(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(body) // the client is gone: there is nobody to tell
}
