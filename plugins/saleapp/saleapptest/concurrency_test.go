package saleapptest_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/crosswalk-etl/crosswalk/plugins/saleapp/saleapptest"
)

// TestConcurrency lets writers change orders of their own and a shared one while
// readers list everything. Each key's writes must be in its writer's order, and
// nothing may be missing.
func TestConcurrency(t *testing.T) {
	const writers, rounds = 8, 40
	api, base := serve(t, saleapptest.Options{})
	mustPost(t, base, order("external_id=shared"))

	var reading sync.WaitGroup
	done := make(chan struct{})
	for _, path := range []string{"/saleapp/_orders", "/saleapp/_writes", "/saleapp/_deleted", "/saleapp/_counts"} {
		reading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if status, _, err := do(t, http.MethodGet, base+path, "", ""); err != nil || status != http.StatusOK {
					t.Errorf("%s: %d %v", path, status, err)
					return
				}
			}
		})
	}
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			key := "A-" + strconv.Itoa(w)
			forms := [][]field{order("external_id=" + key)}
			for n := range rounds {
				forms = append(forms,
					fields("method_type=PUT", "external_id="+key, fmt.Sprintf("receiver_name=%s %d", key, n)),
					fields("method_type=PUT", "external_id=shared", "receiver_name="+key),
					order("external_id=gone-"+key),
					fields("method_type=DELETE", "external_id=gone-"+key))
			}
			for _, form := range forms {
				status, body, err := post(t, base, saleapptest.DefaultKey, form)
				if err != nil || status != http.StatusOK || !strings.HasPrefix(body, `{"error":"false"`) {
					t.Errorf("%v: %d %s %v", form, status, body, err)
					return
				}
			}
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()

	byKey := map[string]saleapptest.StoredOrder{}
	for _, o := range api.Orders() {
		byKey[o.ExternalID] = o
	}
	if len(byKey) != writers+1 || byKey["shared"].Writes != 1+writers*rounds {
		t.Errorf("%d orders, the shared one with %d writes", len(byKey), byKey["shared"].Writes)
	}
	verbs := map[string]string{}
	for i, w := range api.Writes() {
		if w.Sequence != i+1 {
			t.Fatalf("write %d has sequence %d", i, w.Sequence)
		}
		verbs[w.ExternalID] += w.Verb + " "
	}
	for w := range writers {
		key := "A-" + strconv.Itoa(w)
		if got, want := byKey[key].ReceiverName, fmt.Sprintf("%s %d", key, rounds-1); got != want || byKey[key].Writes != 1+rounds {
			t.Errorf("%s: receiver %q after %d writes, want %q", key, got, byKey[key].Writes, want)
		}
		if verbs[key] != "POST "+strings.Repeat("PUT ", rounds) || verbs["gone-"+key] != strings.Repeat("POST DELETE ", rounds) {
			t.Errorf("%s: %s; gone: %s", key, verbs[key], verbs["gone-"+key])
		}
	}
	if n := len(api.Deleted()); n != writers*rounds {
		t.Errorf("%d deleted, want %d", n, writers*rounds)
	}
}

// TestSnapshot: what Orders returned does not change with the orders.
func TestSnapshot(t *testing.T) {
	api, base := serve(t, saleapptest.Options{})
	mustPost(t, base, order("external_id=A-1"))
	before := api.Orders()
	mustPost(t, base, fields("method_type=PUT", "id=1", "receiver_name=Інша", `products=[{"id":5,"qty":9}]`))
	one := 1
	if !api.Process(1, saleapptest.Progress{StatusID: &one}) || api.Process(2, saleapptest.Progress{}) {
		t.Error("Process: order 1 exists and order 2 does not")
	}
	if o := before[0]; o.ReceiverName != "" || o.Products[0].SKU != "MUG-1" || o.Writes != 1 {
		t.Errorf("the snapshot changed: %+v", o)
	}
	if o := api.Orders()[0]; o.ReceiverName != "Інша" || o.Products[0].AllocatedQty != "9" || o.Writes != 2 {
		t.Errorf("the order did not: %+v", o)
	}
}

// BenchmarkRequest measures one request with its form and its answer, without a
// network, among as many orders as were created before.
func BenchmarkRequest(b *testing.B) {
	for _, verb := range []string{"POST", "PUT", "GET"} {
		b.Run(verb, func(b *testing.B) {
			api := saleapptest.New(saleapptest.Options{})
			send := func(form []field) {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, ordersURL("", saleapptest.DefaultKey), strings.NewReader(phpBody(form)))
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set("Content-Type", phpContentType)
				api.ServeHTTP(discard{}, r)
			}
			const orders = 10_000
			for i := range orders {
				send(order("external_id=" + strconv.Itoa(i)))
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				key := "external_id=" + strconv.Itoa(i%orders)
				if verb == "POST" {
					send(order(key))
					continue
				}
				send(fields("method_type="+verb, key, "receiver_name=Олена"))
			}
			if n := len(api.Orders()); n < orders {
				b.Fatalf("%d orders", n)
			}
		})
	}
}

// discard is a ResponseWriter that keeps nothing.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
