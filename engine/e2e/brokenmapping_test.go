package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestD9_BrokenMappingReplacesNothing breaks a mapping's file under an engine that
// runs: orders go on by the one that ran. An engine that starts with the broken file
// refuses to, says where it is wrong, and touches nothing.
func TestD9_BrokenMappingReplacesNothing(t *testing.T) {
	sb := startSandbox(t)
	s := operatorSite(t, sb, "1: 1")
	e := s.start(t)
	e.order(t, deliveredBy(1, 1, "a"))
	eventually(t, "the first order", func() error { return e.settled(t, 1) })
	file := filepath.Join(s.dir, "order.yaml")
	broken := strings.Replace(operatorMapping("1: 1"), "external_id: order_id", "external_id: order_idd", 1)
	if err := os.WriteFile(file, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	for id := 2; id <= 6; id++ {
		e.order(t, deliveredBy(id, 1, "b"))
		time.Sleep(100 * time.Millisecond) // an engine that looks at its files sees this one
	}
	eventually(t, "the orders after it", func() error { return e.settled(t, 6) })
	if err := exactlyOnce(sb.orders(t), 1, 6); err != nil {
		t.Fatal(err)
	}
	if err := e.terminate(t); err != nil {
		t.Fatal(err)
	}
	p, _ := s.launch(t)
	select {
	case <-p.exited:
	case <-time.After(deadline):
		t.Fatal("an engine runs with a mapping that does not compile")
	}
	if p.err == nil {
		t.Error("it exits with 0")
	}
	mustContain(t, p.log(), "order.yaml:5:", "order_idd")
	s.maps(t, "1: 1")
	e = s.start(t)
	e.order(t, deliveredBy(7, 1, "c"))
	eventually(t, "all orders", func() error { return exactlyOnce(sb.orders(t), 1, 7) })
}
