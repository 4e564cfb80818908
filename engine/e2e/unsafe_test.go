package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestD4_OrderlyRestartDuringOutage stops the engine in order while SaleApp is
// down, with an operation that must not be repeated. Nothing was sent that SaleApp
// could have taken, so the next run delivers all and gives up none.
func TestD4_OrderlyRestartDuringOutage(t *testing.T) {
	sb := startSandbox(t)
	s := newCreatingSite(t, sb)
	e := s.start(t)
	sb.faults(t, `{"down":true}`)
	const orders = 60
	for id := 1; id <= orders; id++ {
		if err := insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, shopOrder(id, "вул. Нова, 1")); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.terminate(t); err != nil {
		t.Fatalf("after SIGTERM: %v", err)
	}
	sb.faults(t, `{"down":false}`)
	e = s.start(t)
	eventually(t, "all orders delivered", func() error { return e.settled(t, orders) })
	if err := exactlyOnce(sb.orders(t), 1, orders); err != nil {
		t.Fatal(err)
	}
}

// newCreatingSite makes a site whose only mapping is the shop's, with the operation
// that must not be repeated.
func newCreatingSite(t *testing.T, sb *sandbox) *site {
	t.Helper()
	s := newSite(t, sb)
	text, err := os.ReadFile("../../mappings/horoshop-order/mapping.yaml")
	if err != nil {
		t.Fatal(err)
	}
	mapping := filepath.Join(s.dir, "create.yaml")
	if err := os.WriteFile(mapping, []byte(strings.ReplaceAll(string(text), "saleapp.upsert_order", "saleapp.create_order")), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(s.dir, "crosswalk.yaml")
	if text, err = os.ReadFile(config); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "mappings:") {
			lines[i] = `mappings: ["create.yaml"]`
		}
	}
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestD5_KilledWhileCreating kills the engine with -9 over a backlog, while orders
// are sent by an operation that must not be repeated: only what was being sent is
// given up as in doubt, the rest is delivered, and no order is there twice.
func TestD5_KilledWhileCreating(t *testing.T) {
	sb := startSandbox(t)
	sb.faults(t, `{"latency":"3s"}`) // longer than the connection's request_timeout
	s := newCreatingSite(t, sb)
	e := s.start(t)
	const orders, atOnce = 100, 16
	wait := sendMany(t, orders, 16, func(id int) error {
		return insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, shopOrder(id, "вул. Нова, 1"))
	})
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	e.kill()
	var delivered, dead uint64
	sb.faults(t, `{"latency":"0s"}`)
	e = s.start(t)
	eventually(t, "an outcome for each event", func() error {
		accepted, now, nowDead := e.counters(t)
		if accepted != orders || now+nowDead != orders {
			return fmt.Errorf("%d accepted, %d delivered, %d dead", accepted, now, nowDead)
		}
		delivered, dead = now, nowDead
		return nil
	})
	if delivered < orders-3*atOnce {
		t.Errorf("%d delivered and %d dead: more than was being sent is in doubt", delivered, dead)
	}
	seen := map[string]bool{}
	for _, o := range sb.orders(t) {
		if seen[o.ExternalID] {
			t.Errorf("order %s is there twice", o.ExternalID)
		}
		seen[o.ExternalID] = true
	}
}
