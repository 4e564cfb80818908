package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestD1_EngineKilledRightAfterAccepting kills the engine with -9 as soon as it
// has answered 2xx, and starts it again: the order arrives, once.
func TestD1_EngineKilledRightAfterAccepting(t *testing.T) {
	sb := startSandbox(t)
	// Slow enough that the record is on its way to SaleApp when the engine dies.
	sb.faults(t, `{"latency":"150ms"}`)
	s := newSite(t, sb)
	const rounds = 6
	for id := 1; id <= rounds; id++ {
		e := s.start(t)
		if err := insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, shopOrder(id, "вул. Нова, 1")); err != nil {
			t.Fatalf("order %d: %v", id, err)
		}
		// From at once to in the middle of the sink's answers.
		time.Sleep(time.Duration(id-1) * 60 * time.Millisecond)
		e.kill()
	}
	e := s.start(t)
	eventually(t, "all orders", func() error { return exactlyOnce(sb.orders(t), 1, rounds) })
	eventually(t, "an outcome for each event", func() error { return e.settled(t, rounds) })
	if err := exactlyOnce(sb.orders(t), 1, rounds); err != nil {
		t.Fatal(err)
	}
}

// TestPluginKilledUnderLoad kills each plugin with -9 while 500 webhooks flow
// through it: every order arrives, once.
func TestPluginKilledUnderLoad(t *testing.T) {
	shop := func(e *engine, id int) (method, url, body string) {
		return http.MethodPut, e.ingress + "/in/shop/" + shopToken, shopOrder(id, "вул. Нова, 1")
	}
	for _, tc := range []struct {
		connection string
		webhook    func(e *engine, id int) (method, url, body string)
	}{
		{"shop", shop},
		{"saleapp", shop},
		{"salesdrive", func(e *engine, id int) (method, url, body string) {
			return http.MethodPost, e.ingress + "/in/salesdrive/" + salesdriveToken, salesdriveOrder(id, 1)
		}},
		{"crm", func(e *engine, id int) (method, url, body string) {
			return http.MethodPost, e.ingress + "/in/crm/" + crmToken, crmOrder(id)
		}},
	} {
		connection := tc.connection
		t.Run(connection, func(t *testing.T) {
			sb := startSandbox(t)
			sb.faults(t, `{"latency":"5ms"}`)
			e := newSite(t, sb).start(t)
			const orders = 500
			sent := sendMany(t, orders, 8, func(id int) error {
				method, url, body := tc.webhook(e, id)
				return insist(t.Context(), method, url, body)
			})
			killed := map[int]bool{}
			for range 3 {
				pid := e.pid(t, connection)
				if !killed[pid] {
					killed[pid] = true
					if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
						t.Fatal(err)
					}
				}
				time.Sleep(400 * time.Millisecond)
			}
			if err := sent(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "all orders delivered", func() error { return e.settled(t, orders) })
			if err := exactlyOnce(sb.orders(t), 1, orders); err != nil {
				t.Fatal(err)
			}
			// The last one killed may not be up yet; if none is, nothing was killed.
			eventually(t, "a restart of the plugin", func() error {
				for _, c := range e.status(t).Connections {
					if c.Name == connection && c.Restarts > 0 {
						return nil
					}
				}
				return errors.New("none")
			})
		})
	}
}

// sendMany calls do for 1 to n in several goroutines; the returned function waits
// for the end.
func sendMany(t *testing.T, n, workers int, do func(id int) error) (wait func() error) {
	t.Helper()
	ids := make(chan int)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for range workers {
		wg.Go(func() {
			for id := range ids {
				if err := do(id); err != nil {
					mu.Lock()
					errs = append(errs, fmt.Errorf("order %d: %w", id, err))
					mu.Unlock()
				}
			}
		})
	}
	go func() {
		defer close(ids)
		for id := 1; id <= n; id++ {
			ids <- id
		}
	}()
	return func() error {
		wg.Wait()
		mu.Lock()
		defer mu.Unlock()
		return errors.Join(errs...)
	}
}
