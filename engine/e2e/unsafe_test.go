package e2e

import (
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
