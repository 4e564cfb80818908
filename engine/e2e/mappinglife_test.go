package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// named is operatorMapping with another name, whose orders have ids of their own.
func named(name, rows string) string {
	text := strings.Replace(operatorMapping(rows), "mapping: order\n", "mapping: "+name+"\n", 1)
	return strings.Replace(text, "external_id: order_id", `external_id: {expr: '"`+name+`-" + text(order_id)'}`, 1)
}

// configured has the site run these mappings, by the names of their files.
func (s *site) configured(t testing.TB, mappings map[string]string) {
	t.Helper()
	path := filepath.Join(s.dir, "crosswalk.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for file, mapping := range mappings {
		files = append(files, file)
		if err := os.WriteFile(filepath.Join(s.dir, file), []byte(mapping), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text = regexp.MustCompile(`(?m)^mappings: .*$`).ReplaceAll(text, []byte("mappings: ["+strings.Join(files, ", ")+"]"))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// outcomes gives an event's outcomes, each with its mapping, in the order of the
// mappings' names.
func (e *engine) outcomes(t testing.TB, sequence int) map[string]string {
	t.Helper()
	var d struct {
		Outcomes []struct{ Outcome, Mapping string }
	}
	if err := json.Unmarshal([]byte(e.operator(t, 0, "events", "show", fmt.Sprint(sequence), "--format", "json")), &d); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, o := range d.Outcomes {
		out[o.Mapping] += o.Outcome
	}
	return out
}

// have waits until an event has these outcomes, as "MAPPING OUTCOME".
func (e *engine) have(t testing.TB, sequence int, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("event %d to have the outcomes %v", sequence, want), func() error {
		got := e.outcomes(t, sequence)
		for _, w := range want {
			mapping, outcome, _ := strings.Cut(w, " ")
			if got[mapping] != outcome {
				return fmt.Errorf("it has %v", got)
			}
		}
		if len(got) != len(want) {
			return fmt.Errorf("it has %v", got)
		}
		return nil
	})
}

func contains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is missing in:\n%s", p, text)
		}
	}
}

// TestMappingLife takes a mapping out of the configuration, brings it back, changes
// it, drops and renames it, and kills the engine with -9 before each: every event has
// one outcome for each mapping that wanted it, and each outcome can be explained by
// the mapping that made it.
func TestMappingLife(t *testing.T) {
	sb := startSandbox(t)
	s := operatorSite(t, sb, `"1": 1, "2": 2`)
	plain, copied := operatorMapping(`"1": 1, "2": 2`), named("copy", `"1": 1, "2": 2`)
	var e *engine
	again := func(mappings map[string]string) {
		t.Helper()
		if e != nil {
			e.kill()
		}
		s.configured(t, mappings)
		e = s.start(t)
	}
	again(map[string]string{"order.yaml": plain, "copy.yaml": copied})
	e.order(t, deliveredBy(1, 2, "вул. Нова, 1"))
	e.have(t, 1, "order delivered", "copy delivered")

	// One is gone: the other goes on, and what it wanted is kept over a kill.
	again(map[string]string{"order.yaml": plain})
	e.order(t, deliveredBy(2, 2, "вул. Нова, 2"))
	e.order(t, deliveredBy(3, 2, "вул. Нова, 3"))
	e.have(t, 3, "order delivered")
	again(map[string]string{"order.yaml": plain})
	contains(t, e.operator(t, 0, "status"), "mapping copy from shop to saleapp is gone from the configuration: 2 events wait for it")
	contains(t, e.operator(t, 0, "mapping", "list"), "order    shop to saleapp  running", "copy     shop to saleapp  paused")
	contains(t, e.operator(t, 2, "mapping", "drop", "order", "--yes", "--reason", "x"), "mapping order is not paused: it runs from shop to saleapp: take it out of the configuration first")

	// It is back, and has its events, once.
	again(map[string]string{"order.yaml": plain, "copy.yaml": copied})
	e.have(t, 2, "order delivered", "copy delivered")
	e.have(t, 3, "order delivered", "copy delivered")
	contains(t, e.operator(t, 0, "events", "show", "3"), "explained by the mapping that runs now:")

	// It is another one: the outcome is explained by what it was.
	again(map[string]string{"order.yaml": operatorMapping(`"1": 1, "2": 1`), "copy.yaml": copied})
	shown := e.operator(t, 0, "events", "show", "3")
	digest := regexp.MustCompile(`by the mapping that made the outcome \(([0-9a-f]{12})\), which does not run any more:`).FindStringSubmatch(shown)
	if digest == nil {
		t.Fatalf("event 3 is explained so:\n%s", shown)
	}
	contains(t, shown, "makes something else of the event:\n  - delivery_types: 2\n  + delivery_types: 1\n")
	if text := e.operator(t, 0, "mapping", "show", digest[1]); text != plain {
		t.Errorf("the mapping was\n%s\nand is shown as\n%s", plain, text)
	}
	contains(t, e.operator(t, 1, "mapping", "diff", digest[1]), `-  delivery_types: {path: delivery_type.id, table: {"1": 1, "2": 2}}`, `+  delivery_types: {path: delivery_type.id, table: {"1": 1, "2": 1}}`)
	contains(t, e.operator(t, 0, "mapping", "diff", "copy"), " are the same")
	contains(t, e.operator(t, 2, "mapping", "show", "ffffff"), "no mapping's text with a digest that begins with ffffff is kept")

	// It is dropped: what waits for it is skipped, and says why.
	again(map[string]string{"order.yaml": plain})
	e.order(t, deliveredBy(4, 2, "вул. Нова, 4"))
	e.have(t, 4, "order delivered")
	contains(t, e.operator(t, 0, "mapping", "drop", "copy"), "is paused since", "1 event, the oldest of", "would be skipped", "nothing was done: give --yes to do it")
	e.have(t, 4, "order delivered")
	contains(t, e.operator(t, 0, "mapping", "drop", "copy", "--yes", "--by", "olena", "--reason", "no longer needed"), "dropped: copy from shop to saleapp; skipped: 1 event")
	e.have(t, 4, "order delivered", "copy skipped")
	contains(t, e.operator(t, 0, "events", "show", "4"), "DROPPED mapping_dropped: mapping copy was dropped by olena: no longer needed")
	again(map[string]string{"order.yaml": plain})
	contains(t, e.operator(t, 0, "mapping", "list", "--all"), "dropped", "by olena, 1 event skipped: no longer needed", "TEXT OF")

	// It has another name: the new one goes on where it was.
	sb.faults(t, `{"down":true}`)
	e.order(t, deliveredBy(5, 2, "вул. Нова, 5"))
	renamed := strings.Replace(plain, "mapping: order\n", "mapping: orders\n", 1)
	again(map[string]string{"order.yaml": renamed})
	sb.faults(t, `{"down":false}`)
	e.order(t, deliveredBy(6, 2, "вул. Нова, 6"))
	e.have(t, 6, "orders delivered")
	contains(t, e.operator(t, 0, "mapping", "rename", "order", "orders"), "1 event would be delivered by orders", "nothing was done")
	contains(t, e.operator(t, 0, "mapping", "rename", "order", "orders", "--yes", "--by", "olena"), "renamed: order from shop to saleapp is orders; on their way: 1 event")
	e.have(t, 5, "orders delivered")
	e.have(t, 6, "orders delivered")
	again(map[string]string{"order.yaml": renamed})
	contains(t, e.operator(t, 0, "mapping", "list"), "was order")
	if st := e.operator(t, 0, "status"); strings.Contains(st, "gone from the configuration") {
		t.Errorf("the status says\n%s", st)
	}
	for id := 1; id <= 6; id++ {
		want := []string{"order delivered", "copy delivered"}
		switch {
		case id == 4:
			want[1] = "copy skipped"
		case id > 4:
			want = []string{"orders delivered"}
		}
		e.have(t, id, want...)
	}
	// The same while the engine runs.
	both := map[string]string{"order.yaml": renamed, "copy.yaml": copied}
	s.configured(t, both)
	e.operator(t, 0, "reload")
	e.order(t, deliveredBy(7, 2, "вул. Нова, 7"))
	e.have(t, 7, "orders delivered", "copy delivered")
	s.configured(t, map[string]string{"order.yaml": renamed})
	e.operator(t, 0, "reload")
	e.order(t, deliveredBy(8, 2, "вул. Нова, 8"))
	e.have(t, 8, "orders delivered")
	contains(t, e.operator(t, 0, "status"), "mapping copy from shop to saleapp is gone from the configuration: 1 event waits for it")
	s.configured(t, both)
	e.operator(t, 0, "reload")
	e.have(t, 8, "orders delivered", "copy delivered")
	// One order in the shop is one order in SaleApp, for each mapping.
	seen := map[string]int{}
	for _, o := range sb.orders(t) {
		seen[o.ExternalID]++
	}
	for _, id := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "copy-1", "copy-2", "copy-3", "copy-7", "copy-8"} {
		if seen[id] != 1 {
			t.Errorf("order %s is there %d times", id, seen[id])
		}
	}
	if len(seen) != 13 {
		t.Errorf("orders %v", seen)
	}
}
