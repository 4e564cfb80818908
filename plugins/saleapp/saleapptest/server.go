package saleapptest

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest/faults"
)

// APIPath is where the API stands on the handler: a connection's base URL is the
// server's address followed by it.
const APIPath = "/saleapp/server/api"

// The keys that a Server accepts unless Options say otherwise, and what the
// counterparty's is bound to.
const (
	DefaultKey                   = "sandbox-organization-key"
	DefaultCounterpartyKey       = "sandbox-counterparty-key"
	DefaultCounterpartyClient    = "90"
	DefaultCounterpartyCurency   = "1"
	DefaultCounterpartyWarehouse = "1"
)

// MaxBody is the largest request body taken, in bytes: PHP's usual post_max_size.
const MaxBody = 8 << 20

// Counterparty is what a counterparty's key was bound to when it was generated:
// whose orders it makes and sees, in which currency and from which warehouse.
type Counterparty struct {
	ClientID    string
	CurencyID   string
	WarehouseID string
}

// Options says how a Server behaves. The zero value is an empty SaleApp with the
// default keys, no catalogue and no faults.
type Options struct {
	// Key is the organization's key; "" means DefaultKey.
	Key string
	// CounterpartyKey is the counterparty's key; "" means DefaultCounterpartyKey.
	// Where both keys are equal, it is the organization's.
	CounterpartyKey string
	// Counterparty is what CounterpartyKey is bound to; fields that are "" mean
	// the defaults above.
	Counterparty Counterparty
	// Catalog holds the products, tags and funnels that SaleApp knows. Without one,
	// any product with an id or a sku is known; an external_id or a supplier_id
	// alone is not, since nothing was loaded under it.
	Catalog *Catalog
	// Faults are those to start with.
	Faults Faults
	// Seed makes the chances of Faults repeatable: the n-th request fares alike in
	// every Server with the same seed and faults.
	Seed uint64
	// Now is the clock of dates; nil means time.Now in UTC. Its results are written
	// in their own location.
	Now func() time.Time
}

// Server is a fake SaleApp. Its methods may be called concurrently.
type Server struct {
	organization    string
	counterpartyKey string
	counterparty    Counterparty
	catalog         *Catalog
	store           *store
	faults          *faults.Injector
	mux             *http.ServeMux
}

// New returns a SaleApp with no orders in it.
func New(o Options) *Server {
	now := o.Now
	if now == nil {
		now = func() time.Time { return time.Now().UTC() }
	}
	s := &Server{
		organization:    cmp.Or(o.Key, DefaultKey),
		counterpartyKey: cmp.Or(o.CounterpartyKey, DefaultCounterpartyKey),
		counterparty: Counterparty{
			ClientID:    cmp.Or(o.Counterparty.ClientID, DefaultCounterpartyClient),
			CurencyID:   cmp.Or(o.Counterparty.CurencyID, DefaultCounterpartyCurency),
			WarehouseID: cmp.Or(o.Counterparty.WarehouseID, DefaultCounterpartyWarehouse),
		},
		catalog: o.Catalog,
		store:   newStore(now),
		faults:  faults.New(o.Faults, o.Seed),
		mux:     http.NewServeMux(),
	}
	s.mux.HandleFunc(APIPath+"/", s.serveAPI)
	s.mux.HandleFunc("GET /saleapp/_orders", s.serveOrders)
	s.mux.HandleFunc("POST /saleapp/_orders/{id}", s.serveProgress)
	s.mux.HandleFunc("GET /saleapp/_deleted", s.serveDeleted)
	s.mux.HandleFunc("GET /saleapp/_writes", s.serveWrites)
	s.mux.HandleFunc("GET /saleapp/_counts", s.serveCounts)
	for _, path := range []string{"/saleapp/_faults", "/_faults"} {
		s.mux.Handle(path, faults.Control(s.faults))
	}
	return s
}

// ServeHTTP serves the API and the paths beside it. It aborts the connection by
// panicking with http.ErrAbortHandler where a fault says so, which net/http
// servers understand.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == APIPath+"/Orders" {
		s.serveAPI(w, r) // there is nothing else to be found
		return
	}
	s.mux.ServeHTTP(w, r)
}

// serveAPI is the vendor's part, behind the faults.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	lose, answered := s.faults.Before(w, r)
	if answered {
		return
	}
	status, a := s.answer(w, r)
	if lose {
		panic(http.ErrAbortHandler)
	}
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	a.write(w, status)
}

// answer does what the request asks, and says what to answer.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) (int, answer) {
	if r.URL.Path != APIPath+"/Orders" {
		return http.StatusNotFound, refusal("Невідомий метод API: є лише Orders")
	}
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, refusal("Запит має бути HTTP POST, а дія - у полі method_type")
	}
	c, ok := s.caller(secretKey(r.URL))
	if !ok {
		return http.StatusOK, refusal("Невірний ключ доступу secret_key")
	}
	f, status, problem := readForm(w, r)
	if problem != "" {
		return status, refusal(problem)
	}
	switch verb := f.text("method_type"); verb {
	case "GET":
		return http.StatusOK, s.get(c, f)
	case "POST":
		return http.StatusOK, s.create(c, f)
	case "PUT":
		return http.StatusOK, s.update(c, f)
	case "DELETE":
		return http.StatusOK, s.remove(c, f)
	case "":
		return http.StatusOK, refusal("Не заповнено поле method_type: очікується GET, POST, PUT або DELETE")
	default:
		return http.StatusOK, refusal("Невідомий method_type \"" + verb + "\": очікується GET, POST, PUT або DELETE")
	}
}

// secretKey is the key in a request's address.
func secretKey(u *url.URL) string {
	if key, ok := strings.CutPrefix(u.RawQuery, "secret_key="); ok && !strings.ContainsAny(key, "&;%+") {
		return key
	}
	return u.Query().Get("secret_key")
}

// caller is who sends a request, as its key tells.
type caller struct {
	// bound is nil under the organization's key.
	bound *Counterparty
}

func (s *Server) caller(key string) (caller, bool) {
	switch key {
	case s.organization:
		return caller{}, true
	case s.counterpartyKey:
		return caller{bound: &s.counterparty}, true
	}
	return caller{}, false
}

// client is whose orders a search of this caller may find; "" means anybody's.
func (c caller) client(f form) string {
	if c.bound != nil {
		return c.bound.ClientID
	}
	return f.text("client_id")
}

// Orders returns the orders as they are now, oldest first. Their slices are
// shared: do not change them.
func (s *Server) Orders() []StoredOrder { return values(s.store.list()) }

// Deleted returns the deleted orders as they were, in order of deletion.
func (s *Server) Deleted() []StoredOrder { return values(s.store.listDeleted()) }

// Writes returns every write that was committed, in order, those whose answer was
// lost among them.
func (s *Server) Writes() []Write { return s.store.listWrites() }

func values(list []*StoredOrder) []StoredOrder {
	out := make([]StoredOrder, len(list))
	for i, o := range list {
		out[i] = *o
	}
	return out
}

// Process does to an order what staff does in SaleApp's own screens and the API
// cannot. It reports false if there is no such order. It is no write: Writes and
// StoredOrder.Writes do not count it.
func (s *Server) Process(id int, p Progress) bool { return s.store.process(id, p) }

// Faults returns the faults as they are now.
func (s *Server) Faults() Faults { return s.faults.Faults() }

// SetFaults replaces all faults. Requests under way keep the former ones.
func (s *Server) SetFaults(f Faults) { s.faults.Update(func(Faults) Faults { return f }) }

// Injector returns what makes the faults, to be changed together with other fakes'.
func (s *Server) Injector() *faults.Injector { return s.faults }

// Counts returns what has happened to requests so far.
func (s *Server) Counts() Counts { return s.faults.Counts() }
