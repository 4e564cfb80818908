package e2e

import (
	"fmt"
	"net/http"
	"testing"
)

// TestD6_OlderVersionAfterAKill delivers version 5 of SalesDrive orders, kills the
// engine with -9, and sends version 3 to the next one: it is superseded, and the
// orders keep the state of version 5.
func TestD6_OlderVersionAfterAKill(t *testing.T) {
	sb := startSandbox(t)
	s := newSite(t, sb)
	e := s.start(t)
	const orders = 5
	send := func(version int) {
		t.Helper()
		for id := 1; id <= orders; id++ {
			if err := insist(t.Context(), http.MethodPost, e.ingress+"/in/salesdrive/"+salesdriveToken, salesdriveOrder(id, version)); err != nil {
				t.Fatal(err)
			}
		}
	}
	send(1)
	send(5)
	eventually(t, "all orders", func() error { return e.settled(t, 2*orders) })
	e.kill()
	e = s.start(t)
	send(3)
	eventually(t, "an outcome for each event", func() error {
		var st struct {
			Counters struct{ Delivered, Superseded int }
		}
		getJSON(t, e.admin+"/api/v1/status", &st)
		if st.Counters.Delivered > 2*orders {
			t.Fatal("an older version was delivered over a newer one")
		}
		if st.Counters.Superseded != orders {
			return fmt.Errorf("%+v", st.Counters)
		}
		return nil
	})
	if err := exactlyOnce(sb.orders(t), 1, orders); err != nil {
		t.Fatal(err)
	}
	for _, o := range sb.orders(t) {
		if o.Addres != "v5" {
			t.Errorf("order %s stands at %s, want v5", o.ExternalID, o.Addres)
		}
	}
}
