package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// operatorMapping knows the ways of delivery that rows names.
func operatorMapping(rows string) string {
	return `mapping: order
from: shop.order_created
to: saleapp.upsert_order
fields:
  external_id: order_id
  addres: delivery_address
  delivery_types: {path: delivery_type.id, table: {` + rows + `}}
  products: {each: products, fields: {sku: item.article, qty: item.quantity, cost: item.price}}
`
}

// operatorSite is a site with one mapping, which a test changes. Its patience with
// SaleApp is long: its tests count the writes, and a request that is given up is
// another one.
func operatorSite(t testing.TB, sb *sandbox, rows string) *site {
	t.Helper()
	s := newSite(t, sb)
	text := fmt.Sprintf(`
mappings: order.yaml
ingress: {listen: "127.0.0.1:0", rate: off}
admin: {listen: "127.0.0.1:0"}
log: {level: info, format: json}
storage: {min_free_disk: 16MiB}
connections:
  shop: {plugin: horoshop, token: %s}
  saleapp:
    plugin: saleapp
    config: {url: %q, secret_key: "${env:SALEAPP_KEY}", key: organization, client_id: 50, curency_id: 6, warehouse_id: 7, request_timeout: 20s, settle: 1s}
`, shopToken, sb.root+"/saleapp/server/api")
	if err := os.WriteFile(filepath.Join(s.dir, "crosswalk.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.maps(t, rows)
	return s
}

// maps replaces the site's mapping.
func (s *site) maps(t testing.TB, rows string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "order.yaml"), []byte(operatorMapping(rows)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// deliveredBy is an order that is delivered in the way with an id.
func deliveredBy(id, way int, address string) string {
	return strings.Replace(shopOrder(id, address), `"delivery_type":{"id":2`, fmt.Sprintf(`"delivery_type":{"id":%d`, way), 1)
}

// order sends an order.
func (e *engine) order(t testing.TB, body string) {
	t.Helper()
	if err := insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, body); err != nil {
		t.Fatal(err)
	}
}

// operator runs a command of the operator against the engine, which must exit with
// the code, and gives what it printed.
func (e *engine) operator(t testing.TB, code int, args ...string) string {
	t.Helper()
	args = append(args, "--admin", strings.TrimPrefix(e.admin, "http://"))
	cmd := exec.CommandContext(t.Context(), filepath.Join(binaries, "crosswalk"), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("crosswalk %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, stdout.String(), stderr.String())
	}
	return stdout.String() + stderr.String()
}

// became gives an event's outcomes, as words.
func (e *engine) became(t testing.TB, sequence int) string {
	t.Helper()
	var d struct {
		State    string
		Outcomes []struct{ Outcome string }
	}
	if err := json.Unmarshal([]byte(e.operator(t, 0, "events", "show", fmt.Sprint(sequence), "--format", "json")), &d); err != nil {
		t.Fatal(err)
	}
	words := []string{}
	for _, o := range d.Outcomes {
		words = append(words, o.Outcome)
	}
	if d.State == "waiting" {
		words = append(words, d.State)
	}
	return strings.Join(words, " ")
}

// becomes waits until an event's outcomes are these.
func (e *engine) becomes(t testing.TB, sequence int, want string) {
	t.Helper()
	eventually(t, fmt.Sprintf("event %d to be %s", sequence, want), func() error {
		if got := e.became(t, sequence); got != want {
			return errors.New("it is " + got)
		}
		return nil
	})
}

func mustContain(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}

// TestD6_FixAndRetry has a mapping fail for lack of a row, puts the row in, and
// retries: the order is delivered, once, and who did it is on record.
func TestD6_FixAndRetry(t *testing.T) {
	sb := startSandbox(t)
	s := operatorSite(t, sb, "1: 1")
	e := s.start(t)
	e.order(t, deliveredBy(7, 2, "вул. Нова, 1"))
	e.order(t, deliveredBy(8, 1, "вул. Нова, 2"))
	e.becomes(t, 1, "dead")
	e.becomes(t, 2, "delivered")
	mustContain(t, e.operator(t, 0, "status"), "engine ", "shop to saleapp", "order", "shop.order_created", "1 dead (1 open)")
	mustContain(t, e.operator(t, 0, "events", "list", "--key", "7"), "dead CW305 by order", "order_created")
	mustContain(t, e.operator(t, 0, "dead", "list"), "delivery_type.id", "MAPPING CW305", "1 dead letter\n")
	mustContain(t, e.operator(t, 0, "dead", "list", "--key", "8"), "no dead letters")
	mustContain(t, e.operator(t, 0, "dead", "show", "1"), "order.yaml:7", "вул. Нова, 1", ": open")
	// Without the row a retry ends as before, as a letter of its own.
	mustContain(t, e.operator(t, 0, "dead", "retry", "--code", "CW305"), "1 dead letter would be on their way again; nothing was done")
	mustContain(t, e.operator(t, 0, "dead", "retry", "1", "--by", "olena"), "as event 3")
	e.becomes(t, 3, "dead")
	mustContain(t, e.operator(t, 1, "dead", "retry", "1"), "not done: retry by olena", "as event 3")

	if err := e.terminate(t); err != nil {
		t.Fatal(err)
	}
	s.maps(t, "1: 1, 2: 2")
	e = s.start(t)
	mustContain(t, e.operator(t, 0, "dead", "retry", "--all-open", "--yes", "--by", "olena", "--reason", "the row is there"), "on their way again: 1 dead letter, as event 4")
	e.becomes(t, 4, "delivered")
	eventually(t, "both orders", func() error { return exactlyOnce(sb.orders(t), 7, 8) })
	for _, o := range sb.orders(t) {
		if o.Writes != 1 {
			t.Errorf("order %s was written %d times", o.ExternalID, o.Writes)
		}
	}
	mustContain(t, e.operator(t, 0, "dead", "list"), "no dead letters")
	mustContain(t, e.operator(t, 0, "dead", "list", "--format", "json"), `"letters": []`)
	mustContain(t, e.operator(t, 0, "undecoded", "list", "--format", "json"), `"refused": []`)
	mustContain(t, e.operator(t, 0, "dead", "list", "--all"), "dead again as 3, which is delivered as 4", "  delivered as 4")
	// What a retry has delivered counts as delivered, and is no dead letter any more.
	mustContain(t, e.operator(t, 0, "replay", "--key", "7"), "1 goes on its way again, and was delivered before", "2 are left out: they are replays themselves")
	mustContain(t, e.operator(t, 0, "replay", "--key", "7", "--outcome", "dead"), "1 is left out: it was a dead letter, and a retry has resolved it", "1 is left out: it is a replay itself")
	mustContain(t, e.operator(t, 0, "events", "show", "4"),
		"retry of event 3 by olena", ": the row is there", "delivered by order", "sent:", `"delivery_types": 2`, "answered:",
		"explained by the mapping that runs now:", "delivery_types: 2")
	mustContain(t, e.operator(t, 0, "events", "show", "3"), "repeated as event 4", "explained by the mapping that made the outcome", "which does not run any more", "the mapping order that runs now", "retry of the dead letter under order by olena")
}

// TestD6_RetryNeverOverwrites retries a letter after something newer of its order
// was delivered: it is superseded, and says so.
func TestD6_RetryNeverOverwrites(t *testing.T) {
	sb := startSandbox(t)
	s := operatorSite(t, sb, "1: 1")
	e := s.start(t)
	e.order(t, deliveredBy(7, 2, "old"))
	e.becomes(t, 1, "dead")
	if err := e.terminate(t); err != nil {
		t.Fatal(err)
	}
	s.maps(t, "1: 1, 2: 2")
	e = s.start(t)
	e.order(t, deliveredBy(7, 2, "new"))
	e.becomes(t, 2, "delivered")
	e.kill() // what is newer is known to the next run as well
	e = s.start(t)
	mustContain(t, e.operator(t, 0, "replay", "--key", "7"), "2 events picked", "1 goes on its way again, and was delivered before", "1 is left out: something newer", "nothing was done")
	mustContain(t, e.operator(t, 0, "dead", "retry", "1"), "as event 3")
	e.becomes(t, 3, "superseded")
	mustContain(t, e.operator(t, 0, "events", "show", "3"), "SUPERSEDED newer_delivered: event 2 of the same key was delivered")
	if orders := sb.orders(t); len(orders) != 1 || orders[0].Addres != "new" || orders[0].Writes != 1 {
		t.Errorf("%+v", orders)
	}
	// The newest itself may be replayed.
	mustContain(t, e.operator(t, 0, "replay", "--key", "7", "--yes", "--by", "olena"), "on their way again: 1 event; left out: 2")
	e.becomes(t, 4, "delivered")
	if orders := sb.orders(t); len(orders) != 1 || orders[0].Addres != "new" || orders[0].Writes != 2 {
		t.Errorf("%+v", orders)
	}
}

// TestD6_EditAndDrop corrects a record and drops a letter; what came is kept.
func TestD6_EditAndDrop(t *testing.T) {
	sb := startSandbox(t)
	e := operatorSite(t, sb, "1: 1").start(t)
	e.order(t, deliveredBy(7, 2, "a"))
	e.order(t, deliveredBy(8, 2, "b"))
	e.becomes(t, 1, "dead")
	e.becomes(t, 2, "dead")
	mustContain(t, e.operator(t, 0, "dead", "edit", "1", "--set", "delivery_type.id=1", "--set", "delivery_address=вул. Інша", "--by", "olena"), "as event 3")
	e.becomes(t, 3, "delivered")
	if orders := sb.orders(t); len(orders) != 1 || orders[0].Addres != "вул. Інша" {
		t.Errorf("%+v", orders)
	}
	mustContain(t, e.operator(t, 0, "dead", "show", "1"), `"id": 2`, "edit of the dead letter under order by olena", "delivered as 3")
	mustContain(t, e.operator(t, 0, "events", "show", "3"), "as it came", `"delivery_address": "a"`, `"delivery_address": "вул. Інша"`)
	mustContain(t, e.operator(t, 2, "dead", "drop", "2", "--yes"), "wants a --reason")
	mustContain(t, e.operator(t, 0, "dead", "drop", "2", "--reason", "a test order"), "nothing was done")
	mustContain(t, e.operator(t, 0, "dead", "drop", "2", "--reason", "a test order", "--yes", "--by", "olena"), "dropped: 1 dead letter")
	mustContain(t, e.operator(t, 0, "dead", "show", "2"), "drop of the dead letter under order by olena", ": a test order", ": dropped")
	mustContain(t, e.operator(t, 1, "dead", "retry", "2"), "it was dropped by olena")
}

// TestD2_KilledInARetry kills the engine with -9 while a retry is on its way: it
// ends in exactly one outcome, and the order is there once.
func TestD2_KilledInARetry(t *testing.T) {
	sb := startSandbox(t)
	s := operatorSite(t, sb, "1: 1")
	e := s.start(t)
	const orders = 20
	for id := range orders {
		e.order(t, deliveredBy(1+id, 2, "a"))
	}
	eventually(t, "dead letters", func() error {
		if _, _, dead := e.counters(t); dead != orders {
			return fmt.Errorf("%d", dead)
		}
		return nil
	})
	if err := e.terminate(t); err != nil {
		t.Fatal(err)
	}
	s.maps(t, "1: 1, 2: 2")
	sb.faults(t, `{"latency":"100ms","lose":0.3}`)
	e = s.start(t)
	mustContain(t, e.operator(t, 0, "dead", "retry", "--all-open", "--yes"), "on their way again: 20 dead letters")
	e.kill()
	e = s.start(t)
	e.kill()
	sb.faults(t, `{"latency":"0s","lose":0}`)
	e = s.start(t)
	for id := range orders {
		e.becomes(t, orders+1+id, "delivered")
		if got := e.became(t, 1+id); got != "dead" {
			t.Errorf("event %d is %s", 1+id, got)
		}
	}
	if err := exactlyOnce(sb.orders(t), 1, orders); err != nil {
		t.Error(err)
	}
	mustContain(t, e.operator(t, 0, "dead", "list"), "no dead letters")
	if out := e.operator(t, 0, "events", "list", "--limit", "100"); strings.Count(out, "retry of") != orders {
		t.Errorf("want %d retries:\n%s", orders, out)
	}
}
