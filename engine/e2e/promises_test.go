package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
)

// TestD5_LostAnswersAndFailures sends 1,000 webhooks for 1,000 orders to a
// SaleApp that fails 1 request in 20, and commits 1 in 20 without an answer:
// there are exactly 1,000 orders in the end.
func TestD5_LostAnswersAndFailures(t *testing.T) {
	sb := startSandbox(t, "--lose", "5%", "--fail", "5%", "--seed", "7")
	e := newSite(t, sb).start(t)
	const orders = 1000
	wait := sendMany(t, orders, 16, func(id int) error {
		return insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, shopOrder(id, "вул. Нова, 1"))
	})
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all orders delivered", func() error { return e.settled(t, orders) })
	if err := exactlyOnce(sb.orders(t), 1, orders); err != nil {
		t.Fatal(err)
	}
}

// TestD3_ChangesArriveInOrder sends versions 1 to 10 of each of 20 SalesDrive
// orders, each version as soon as the one before is accepted, to a SaleApp that
// fails and loses: the last one stands in the end.
func TestD3_ChangesArriveInOrder(t *testing.T) {
	sb := startSandbox(t, "--lose", "5%", "--fail", "10%", "--seed", "11")
	e := newSite(t, sb).start(t)
	const orders, versions = 20, 10
	wait := sendMany(t, orders, orders, func(id int) error {
		for v := 1; v <= versions; v++ {
			if err := insist(t.Context(), http.MethodPost, e.ingress+"/in/salesdrive/"+salesdriveToken, salesdriveOrder(id, v)); err != nil {
				return fmt.Errorf("version %d: %w", v, err)
			}
		}
		return nil
	})
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all versions delivered", func() error { return e.settled(t, orders*versions) })
	got := sb.orders(t)
	if err := exactlyOnce(got, 1, orders); err != nil {
		t.Fatal(err)
	}
	for _, o := range got {
		if want := fmt.Sprintf("v%d", versions); o.Addres != want {
			t.Errorf("order %s stands at %s, want %s", o.ExternalID, o.Addres, want)
		}
		if o.Writes < versions {
			t.Errorf("order %s was written %d times, want at least %d", o.ExternalID, o.Writes, versions)
		}
	}
}

// TestD4_OutageDelays takes SaleApp down while webhooks come, and up again.
func TestD4_OutageDelays(t *testing.T) {
	sb := startSandbox(t)
	e := newSite(t, sb).start(t)
	sb.faults(t, `{"down":true}`)
	const orders = 50
	wait := sendMany(t, orders, 8, func(id int) error {
		return insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, shopOrder(id, "вул. Нова, 1"))
	})
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	if accepted, delivered, dead := e.counters(t); accepted != orders || delivered != 0 || dead != 0 {
		t.Fatalf("while SaleApp is down: %d accepted, %d delivered, %d dead", accepted, delivered, dead)
	}
	eventually(t, "the status says what waits, and why", func() error {
		for _, l := range e.status(t).Lanes {
			if l.Source != "shop" || len(l.Waiting) == 0 {
				continue
			}
			if w := l.Waiting[0]; w.Key == "" || w.Attempts == 0 || w.Next.IsZero() || w.Reason.Class != "TRANSIENT" || w.Reason.Message == "" {
				t.Fatalf("of the first that waits: %+v", w)
			}
			return nil
		}
		return errors.New("nothing waits")
	})
	sb.faults(t, `{"down":false}`)
	eventually(t, "all orders", func() error { return exactlyOnce(sb.orders(t), 1, orders) })
	eventually(t, "all outcomes", func() error { return e.settled(t, orders) })
}

// TestTerminate ends the engine in order in the middle of work: it exits with 0,
// and the next one delivers the rest.
func TestTerminate(t *testing.T) {
	sb := startSandbox(t)
	sb.faults(t, `{"latency":"20ms"}`)
	s := newSite(t, sb)
	e := s.start(t)
	const orders = 100
	wait := sendMany(t, orders, 16, func(id int) error {
		return insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, shopOrder(id, "вул. Нова, 1"))
	})
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	if err := e.terminate(t); err != nil {
		t.Fatalf("after SIGTERM: %v", err)
	}
	e = s.start(t)
	eventually(t, "all orders delivered", func() error { return e.settled(t, orders) })
	if err := exactlyOnce(sb.orders(t), 1, orders); err != nil {
		t.Fatal(err)
	}
}
