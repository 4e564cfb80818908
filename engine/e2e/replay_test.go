package e2e

import (
	"fmt"
	"net/http"
	"testing"
)

// TestD7_ReplayGoesTheWayOfLiveTraffic replays all events of orders while newer
// versions of them come, SaleApp fails and loses answers, and the engine is killed
// with -9: the replayed ones keep to the order, the outcomes and the one order in
// SaleApp that live ones have, and overwrite nothing.
func TestD7_ReplayGoesTheWayOfLiveTraffic(t *testing.T) {
	sb := startSandbox(t, "--seed", "5")
	s := newSite(t, sb)
	e := s.start(t)
	const orders, versions = 12, 4
	versionsFrom := func(from, to int) {
		t.Helper()
		wait := sendMany(t, orders, orders, func(id int) error {
			for v := from; v <= to; v++ {
				if err := insist(t.Context(), http.MethodPost, e.ingress+"/in/salesdrive/"+salesdriveToken, salesdriveOrder(id, v)); err != nil {
					return fmt.Errorf("version %d: %w", v, err)
				}
			}
			return nil
		})
		if err := wait(); err != nil {
			t.Fatal(err)
		}
	}
	versionsFrom(1, versions)
	eventually(t, "what came first", func() error { return e.settled(t, orders*versions) })
	before := len(sb.writes(t))

	sb.faults(t, `{"latency":"30ms","lose":0.1,"fail":0.1}`)
	mustContain(t, e.operator(t, 0, "replay", "--connection", "salesdrive", "--yes", "--by", "olena"), "on their way again: 12 events; left out: 36")
	versionsFrom(versions+1, versions+1)
	e.kill()
	sb.faults(t, `{"latency":"0s","lose":0,"fail":0}`)
	e = s.start(t)
	const events = orders * (versions + 2) // each version, and the replay of one of them
	eventually(t, "an outcome for each event", func() error {
		c := map[string]int{}
		var st struct{ Counters map[string]int }
		getJSON(t, e.admin+"/api/v1/status", &st)
		for kind, n := range st.Counters {
			c[kind] = n
		}
		if c["delivered"]+c["superseded"] != events || c["dead"] != 0 {
			return fmt.Errorf("%v, want %d outcomes", c, events)
		}
		return nil
	})
	if err := exactlyOnce(sb.orders(t), 1, orders); err != nil {
		t.Fatal(err)
	}
	for _, o := range sb.orders(t) {
		if want := fmt.Sprintf("v%d", versions+1); o.Addres != want {
			t.Errorf("order %s stands at %s, want %s", o.ExternalID, o.Addres, want)
		}
	}
	// After the replay has begun an order is written in its latest version, again or
	// the new one, and never goes back.
	last := map[string]int{}
	for _, w := range sb.writes(t)[before:] {
		version, ok := versionOf(w.Addres)
		if !ok || version < versions || version < last[w.ExternalID] {
			t.Errorf("order %s is written as %q after version %d", w.ExternalID, w.Addres, last[w.ExternalID])
		}
		last[w.ExternalID] = version
	}
}
