package e2e

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// TestStoppedEngine stops an engine with SIGSTOP while its plugin holds a batch for a
// slow SaleApp. The plugin begins nothing more soon after, so that on a cluster another
// engine that takes over is alone; without that it would go on for a minute. What was
// not sent is sent once the engine goes on, each order once.
func TestStoppedEngine(t *testing.T) {
	sb := startSandbox(t)
	s := newSite(t, sb)
	s.change(t, "request_timeout: 2s, settle: 1s", "request_timeout: 5s, settle: 1s")
	e := s.start(t)
	sb.fault(t, "saleapp", `{"latency":"2s"}`)
	const orders = 200
	wait := sendMany(t, orders, 16, func(id int) error {
		return insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, shopOrder(id, "вул. Нова, 1"))
	})
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all that fits is in the plugin", func() error {
		if n := sb.begun(t); n < 8 {
			return fmt.Errorf("%d requests", n)
		}
		return nil
	})
	if err := e.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped, before := time.Now(), sb.begun(t)
	last, at := before, time.Now()
	// A request takes 2 s and eight are made at a time: with more to do there is one in
	// any such time.
	for time.Since(at) < 6*time.Second {
		time.Sleep(50 * time.Millisecond)
		n := sb.begun(t)
		if n > last {
			last, at = n, time.Now()
		}
		// What it holds is good for more than 40 s, and it is to end after 5.
		if time.Since(stopped) > 30*time.Second {
			t.Fatalf("%d requests were begun since the engine was stopped, and there is no end of it", n-before)
		}
	}
	t.Logf("%d requests were begun after the engine was stopped, the last %s after", last-before, at.Sub(stopped).Round(10*time.Millisecond))
	sb.fault(t, "saleapp", `{"latency":"0s"}`)
	if err := e.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all are delivered", func() error { return e.settled(t, orders) })
	if err := exactlyOnce(sb.orders(t), 1, orders); err != nil {
		t.Error(err)
	}
}

// begun is how many requests SaleApp has got.
func (s *sandbox) begun(t testing.TB) int {
	t.Helper()
	var counts struct{ Requests int }
	getJSON(t, s.root+"/saleapp/_counts", &counts)
	return counts.Requests
}
