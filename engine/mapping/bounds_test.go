package mapping_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// TestHostileFiles compiles files made to hurt. Each must end with findings and
// without a panic; that it ends soon is what the test's own time limit asks.
func TestHostileFiles(t *testing.T) {
	head := "mapping: m\nfrom: shop.order_created\nto: any.operation\nfields:\n"
	manyKeys := func(n int, value string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "  k%d: %s\n", i, value)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"too large":           head + "  a: " + strings.Repeat("x", 1<<20),
		"nested lists":        head + "  a: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
		"very nested lists":   head + "  a: " + strings.Repeat("[", 500_000),
		"nested maps":         head + "  a: " + strings.Repeat("{a: ", 50_000),
		"nested entries":      head + strings.Repeat("- ", 200_000),
		"question marks":      head + strings.Repeat("? ", 100_000),
		"laughs":              "a: &a [1,1]\nb: &b [*a,*a]\nc: &c [*b,*b]\n",
		"many mistakes":       head + manyKeys(30_000, "nope"),
		"a long expression":   head + "  a: = " + strings.Repeat("1+", 100_000) + "1\n",
		"a nested expression": head + "  a: = " + strings.Repeat("(", 8000) + "\n",
		"nested minus":        head + "  a: = " + strings.Repeat("-", 9000) + "1\n",
		"nested choices":      head + "  a: = " + strings.Repeat("true ? 1 : ", 1000) + "x\n",
		"a long path":         head + "  a: " + strings.Repeat("a.", 100_000) + "a\n",
		"a long name":         head + "  " + strings.Repeat("a.", 600) + "a: order_id\n",
		"not UTF-8":           head + "  a: \xff\xfe\n",
		"zero bytes":          head + "  a: \x00\x00\n",
		"only a tag":          "!!binary",
		"a chain of names": "mapping: m\nfrom: a.b\nto: c.d\nlet:\n" + func() string {
			var b strings.Builder
			for i := range 3000 {
				fmt.Fprintf(&b, "  n%d: = n%d + 1\n", i, i+1)
			}
			return b.String()
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			p, found := mapping.Compile("m.yaml", []byte(text), catalog{})
			if p != nil || !found.HasErrors() {
				t.Errorf("it compiles")
			}
			if len(found) > 1000 {
				t.Errorf("%d findings", len(found))
			}
			var b bytes.Buffer
			if err := found.WriteText(&b); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestHostileRecords maps records made to hurt.
func TestHostileRecords(t *testing.T) {
	p := compile(t, `mapping: m
from: any.event
to: any.operation
let:
  doubled: = [a, a]
  again: = [doubled, doubled]
fields:
  same: = a == b
  whole: a
  first: a.0.0.0.0
  query: 'a.#(x==1)'
  each: {each: a, as: e, value: e.x}
  uniq: {expr: uniq(a), on_error: omit}
  text: {expr: 's + s', on_error: omit}
  grown: {expr: 'reduce(1..60, #acc + #acc, s)', on_error: omit}
  lists: {expr: 'reduce(1..60, concat(#acc, #acc), [1])', on_error: omit}
  trees: {expr: 'reduce(1..60, [#acc, #acc], 1)', on_error: omit}
  again: again
`)
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	for name, record := range map[string]string{
		"deep":      `{"a":` + deep + `,"b":` + deep + `,"s":"x"}`,
		"wide":      `{"a":[` + strings.Repeat(`{"x":1},`, 20_000) + `{}],"b":[],"s":"x"}`,
		"many keys": `{"a":[],"b":{` + strings.Repeat(`"k":1,`, 50_000) + `"k":2},"s":"x"}`,
		"long text": `{"a":[],"s":"` + strings.Repeat("я", 400_000) + `"}`,
		"escapes":   `{"a":[],"s":"` + strings.Repeat(`\\\"`, 50_000) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := mapRecord(t, p, record); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestConcurrently maps different events with one program at the same time.
func TestConcurrently(t *testing.T) {
	p := compile(t, `mapping: m
from: any.event
to: any.operation
let:
  twice: = n * 2
fields:
  n: n
  twice: twice
  sum: '= sum(list, # * n)'
  list: {each: list, as: e, value: = e + twice}
  bad: {path: n, table: {1: one}, on_error: omit}
`)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 200 {
				n := worker*1000 + i + 2
				r, err := p.Map(&mapping.Event{Record: fmt.Appendf(nil, `{"n":%d,"list":[1,2]}`, n)}, nil)
				want := fmt.Sprintf(`{"n":%d,"twice":%d,"sum":%d,"list":[%d,%d]}`, n, 2*n, 3*n, 1+2*n, 2+2*n)
				if err != nil || string(r.Record) != want {
					t.Errorf("got %s, %v; want %s", r.Record, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}
