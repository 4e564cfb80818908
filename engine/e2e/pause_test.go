package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sending is how the status says that records go to saleapp.
func (e *engine) sending(t testing.TB) (state, class string) {
	t.Helper()
	var st struct {
		Connections []struct {
			Name    string
			Sending struct {
				State  string
				Reason struct{ Class string }
			}
		}
	}
	getJSON(t, e.admin+"/api/v1/status", &st)
	for _, c := range st.Connections {
		if c.Name == "saleapp" {
			state, class = c.Sending.State, c.Sending.Reason.Class
		}
	}
	return state, class
}

// operate runs a command against the engine.
func (e *engine) operate(t testing.TB, args ...string) (string, error) {
	t.Helper()
	args = append(args, "--admin", strings.TrimPrefix(e.admin, "http://"))
	out, err := exec.CommandContext(t.Context(), filepath.Join(binaries, "crosswalk"), args...).CombinedOutput()
	return string(out), err
}

// TestD4_RefusedKeyPausesTheConnection starts the engine with a key that SaleApp
// refuses: all is kept, and said once, in the log, in /readyz and in the status. The
// engine is killed with -9 and started with the right key, and all is delivered.
func TestD4_RefusedKeyPausesTheConnection(t *testing.T) {
	sb := startSandbox(t)
	s := newSite(t, sb)
	s.key = "not-the-key"
	e := s.start(t)
	const orders = 30
	wait := sendMany(t, orders, 8, func(id int) error {
		return insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, shopOrder(id, "вул. Нова, 1"))
	})
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pause", func() error {
		if state, class := e.sending(t); state != "paused" || class != "AUTH" {
			return fmt.Errorf("%s %s", state, class)
		}
		return nil
	})
	eventually(t, "readiness", func() error { // another plugin may still be starting
		code, text, err := send(t.Context(), http.MethodGet, e.admin+"/readyz", "application/json", "")
		if err != nil || code != http.StatusOK {
			return fmt.Errorf("%d %s %w", code, text, err)
		}
		if !strings.HasPrefix(text, `{"ready":true,"degraded":["connection saleapp: paused: AUTH `) {
			t.Errorf("/readyz says %s", text)
		}
		return nil
	})
	// The operator is wrong: it is still refused, and nothing is lost by that.
	if out, err := e.operate(t, "resume", "saleapp", "--by", "olena"); err != nil || !strings.HasPrefix(out, "saleapp: ") {
		t.Errorf("resume: %v %s", err, out)
	}
	if out, err := e.operate(t, "resume", "sale-app"); err == nil || !strings.Contains(out, "did you mean `saleapp`?") {
		t.Errorf("resume of what is not there: %v %s", err, out)
	}
	eventually(t, "the pause again", func() error {
		if state, _ := e.sending(t); state != "paused" {
			return errors.New(state)
		}
		return nil
	})
	accepted, delivered, dead := e.counters(t)
	if accepted != orders || delivered != 0 || dead != 0 {
		t.Errorf("%d accepted, %d delivered, %d dead", accepted, delivered, dead)
	}
	if n := strings.Count(e.log(), "sending is paused: the sink refuses"); n != 1 {
		t.Errorf("the pause is logged %d times", n)
	}
	e.kill()
	s.key = saleappKey
	e = s.start(t)
	eventually(t, "all orders delivered", func() error { return e.settled(t, orders) })
	if err := exactlyOnce(sb.orders(t), 1, orders); err != nil {
		t.Fatal(err)
	}
}

// TestD4_OperatorPauses has an operator pause a connection and resume it.
func TestD4_OperatorPauses(t *testing.T) {
	sb := startSandbox(t)
	s := newSite(t, sb)
	e := s.start(t)
	if out, err := e.operate(t, "pause", "saleapp", "--by", "olena"); err != nil || !strings.HasPrefix(out, "saleapp: paused by olena, until `crosswalk resume saleapp`") {
		t.Fatalf("pause: %v %s", err, out)
	}
	const orders = 20
	for id := 1; id <= orders; id++ {
		if err := insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, shopOrder(id, "вул. Нова, 1")); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := e.operate(t, "status"); err != nil || !strings.Contains(out, "nothing goes to saleapp: paused by olena, ") || !strings.Contains(out, "until `crosswalk resume saleapp`") || !strings.Contains(out, "  by olena since 20") {
		t.Errorf("status: %v %s", err, out)
	}
	if _, delivered, _ := e.counters(t); delivered != 0 {
		t.Errorf("%d orders went out while it was paused", delivered)
	}
	eventually(t, "the event says what it waits for", func() error {
		out, err := e.operate(t, "events", "show", "3")
		if err != nil || !strings.Contains(out, "nothing goes to saleapp now: paused by olena since 20") {
			return errors.Join(err, errors.New(out))
		}
		return nil
	})
	// A pause lasts over a kill, and a resume too.
	e.kill()
	e = s.start(t)
	if out, err := e.operate(t, "status"); err != nil || !strings.Contains(out, "nothing goes to saleapp: paused by olena, for ") || !strings.Contains(out, "  by olena since 20") {
		t.Errorf("status after a kill: %v %s", err, out)
	}
	if _, delivered, _ := e.counters(t); delivered != 0 {
		t.Errorf("%d orders went out while it was paused", delivered)
	}
	if out, err := e.operate(t, "resume", "saleapp"); err != nil || out != "saleapp: records go\n" {
		t.Fatalf("resume: %v %s", err, out)
	}
	e.kill()
	e = s.start(t)
	eventually(t, "all orders delivered", func() error { return e.settled(t, orders) })
}
