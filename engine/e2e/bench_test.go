package e2e

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// senders is how many webhooks are under way at once.
const senders = 64

// BenchmarkWebhooks measures webhooks a second that are answered 2xx after their
// event is on disk: HTTP, the plugin's decoding and the fsync. Delivery to the
// sandbox goes on beside it.
func BenchmarkWebhooks(b *testing.B) {
	_, e := benchSite(b)
	b.ResetTimer()
	sendOrders(b, e, b.N)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "accepted/s")
}

// BenchmarkEndToEnd measures orders a second from the first webhook to the last
// outcome: accepted, mapped, and written to the sandbox by upsert_order, which
// asks twice for an order (find, then create).
func BenchmarkEndToEnd(b *testing.B) {
	_, e := benchSite(b)
	b.ResetTimer()
	sendOrders(b, e, b.N)
	for want := uint64(b.N); ; time.Sleep(5 * time.Millisecond) {
		_, delivered, dead := e.counters(b)
		if dead > 0 {
			b.Fatalf("%d dead letters", dead)
		}
		if delivered >= want {
			break
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
}

func benchSite(b *testing.B) (*sandbox, *engine) {
	b.Helper()
	sb := startSandbox(b)
	return sb, newSite(b, sb).start(b)
}

// sendOrders sends n orders of a Horoshop shop and waits for the last answer.
func sendOrders(b *testing.B, e *engine, n int) {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	errs := make(chan error, senders)
	for range senders {
		go func() {
			for {
				id := int(next.Add(1))
				if id > n {
					errs <- nil
					return
				}
				code, text, err := sendWith(b.Context(), client, http.MethodPut, e.ingress+"/in/shop/"+shopToken, "application/json", shopOrder(id, "вул. Нова, 1"))
				if err != nil || code/100 != 2 {
					errs <- fmt.Errorf("order %d: %d %s %w", id, code, text, err)
					return
				}
			}
		}()
	}
	for range senders {
		if err := <-errs; err != nil {
			b.Fatal(err)
		}
	}
}
