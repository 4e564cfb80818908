package mapping_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// allocated returns how many bytes work allocates in all, freed ones too.
func allocated(work func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	work()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestMemoryOfFiles bounds what a hostile file can make the compiler allocate,
// beside the findings that it must give.
func TestMemoryOfFiles(t *testing.T) {
	head := "mapping: m\nfrom: shop.order_created\nto: any.operation\nfields:\n"
	repeat := strings.Repeat
	const mib = 1 << 20
	fill := func(unit string) string { return head + "  a: " + repeat(unit, (mib-len(head)-10)/len(unit)) }
	for _, tt := range []struct {
		name, text, rule string
		limit            uint64
	}{
		{"100 MB of lines", repeat("\n", 100*mib), "CW100", mib},
		{"100 MB of one line", repeat("a", 100*mib), "CW100", mib},
		{"100 MB of maps", repeat("a: {b: [c]}\n", 100*mib/12), "CW100", mib},
		{"1 MiB of lines", head + repeat("\n", mib-100) + "  a: b\n", "CW121", 128 * mib},
		{"1 MiB of brackets", fill("["), "CW102", 128 * mib},
		{"1 MiB of entries", head + "  a: [" + repeat("a,", mib/2-100) + "a]\n", "CW121", 1024 * mib},
		{"1 MiB of keys", head + func() string {
			var b strings.Builder
			for i := range 60_000 {
				fmt.Fprintf(&b, "  k%d: nope\n", i)
			}
			return b.String()
		}(), "CW121", 512 * mib},
		{"10,000 levels of lists", head + "  a: " + repeat("[", 10_000) + repeat("]", 10_000), "CW102", 64 * mib},
		{"10,000 levels of maps", head + "  a: " + repeat("{value: ", 10_000) + "1" + repeat("}", 10_000), "CW102", 64 * mib},
		{"10,000 levels by indentation", head + func() string {
			var b strings.Builder
			for i := range 1000 { // each line is longer by one
				b.WriteString(repeat(" ", i+2) + "a:\n")
			}
			return b.String()
		}(), "CW102", 64 * mib},
		{"an alias bomb", "a: &a [x,x,x,x,x,x,x,x,x]\n" + func() string {
			var b strings.Builder
			for c := 'b'; c <= 'z'; c++ {
				fmt.Fprintf(&b, "%c: &%c [%s*%c]\n", c, c, repeat(fmt.Sprintf("*%c,", c-1), 8), c-1)
			}
			return b.String()
		}(), "CW102", 16 * mib},
		{"merge keys", head + "  a: &a {value: 1}\n  b: {<<: *a}\n", "CW102", 16 * mib},
		{"a million operations", head + "  a: = " + repeat("1+", mib/2-100) + "1\n", "CW130", 256 * mib},
		{"as many operations as fit", head + "  a: = " + repeat("1+", 8000) + "1\n", "CW130", 64 * mib},
		{"nested brackets of an expression", head + "  a: = " + repeat("(", 8000) + "1" + repeat(")", 7999) + "\n", "CW130", 128 * mib},
		{"nested calls", head + "  a: = " + repeat("abs(", 3000) + "1" + repeat(")", 3000) + "\n", "CW130", 128 * mib},
		{"nested lists of an expression", head + "  a: '= " + repeat("[", 4000) + repeat("]", 4000) + "'\n", "CW130", 128 * mib},
		{"regular expression: repeats of repeats", head + "  a: '= match(delivery_name, \"(((a{100}){100}){100})\")'\n", "CW134", 64 * mib},
		{"regular expression: many repeats", head + "  a: '= match(delivery_name, \"" + repeat("a{1000}", 140) + "\")'\n", "CW134", 256 * mib},
		{"regular expression: classes", head + "  a: '= match(delivery_name, \"" + repeat(`\\pL{500}`, 100) + "\")'\n", "CW134", 256 * mib},
		{"regular expression: long", head + "  a: '= match(delivery_name, \"" + repeat("a", 15_000) + "\")'\n", "CW134", 64 * mib},
		{"regular expression: brackets", head + "  a: '= delivery_name matches \"" + repeat("(", 900) + repeat(")", 900) + "\"'\n", "CW134", 64 * mib},
		{"names in a circle of 2,000", "mapping: m\nfrom: a.b\nto: c.d\nlet:\n" + func() string {
			var b strings.Builder
			for i := range 2000 {
				fmt.Fprintf(&b, "  n%d: = n%d + 1\n", i, (i+1)%2000)
			}
			return b.String()
		}() + "fields: {a: n0}\n", "CW150", 512 * mib},
		{"unknown modifiers", head + "  a: products." + repeat("@nope|", 100) + "@nope\n", "CW120", 16 * mib},
		{"nested modifiers", head + "  a: 'products.@flatten:" + repeat("{\"a\":", 150) + "1" + repeat("}", 150) + "|@nope'\n", "CW120", 16 * mib},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := []byte(tt.text)
			found := false
			used := allocated(func() {
				p, list := mapping.Compile("m.yaml", text, catalog{})
				if p != nil {
					t.Error("it compiles")
				}
				for _, d := range list {
					found = found || d.Rule == tt.rule
				}
				if !found {
					t.Errorf("no %s: %v", tt.rule, list[:min(len(list), 3)])
				}
			})
			t.Logf("%d KiB", used/1024)
			if used > tt.limit {
				t.Errorf("it allocates %d MiB, and may %d", used/mib, tt.limit/mib)
			}
		})
	}
}

// TestLongLine compiles a line of many values: the cost of each must not grow with
// the line, or this would take hours.
func TestLongLine(t *testing.T) {
	text := []byte("mapping: m\nfrom: shop.order_created\nto: any.operation\nfields:\n  a: [" + strings.Repeat("order_id, '= 1', ", 50_000) + "order_id]\n")
	used := allocated(func() {
		if p, found := mapping.Compile("m.yaml", text, catalog{}); p == nil {
			t.Errorf("%v", found[0])
		}
	})
	if used > 1<<30 {
		t.Errorf("it allocates %d MiB", used>>20)
	}
}

// TestMemoryOfPatterns lets an event bring the regular expression.
func TestMemoryOfPatterns(t *testing.T) {
	p := compile(t, "mapping: m\nfrom: any.event\nto: any.operation\nfields:\n  a: = text matches pattern\n")
	for _, pattern := range []string{
		strings.Repeat("a{1000}", 140), strings.Repeat("a", 100_000), "(((a{100}){100}){100})", strings.Repeat("(", 500), strings.Repeat(`\\pL{1000}`, 90), "(",
	} {
		record := `{"text":"` + strings.Repeat("a", 10_000) + `","pattern":"` + pattern + `"}`
		used := allocated(func() {
			if _, err := mapRecord(t, p, record); err == nil || !strings.Contains(err.Error(), "CW308") {
				t.Errorf("%.20s…: %v", pattern, err)
			}
		})
		if used > 256<<20 {
			t.Errorf("%.20s… allocates %d MiB", pattern, used>>20)
		}
	}
	if r, err := mapRecord(t, p, `{"text":"`+strings.Repeat("a", 100_000)+`!","pattern":"^(a+)+$"}`); err != nil || string(r.Record) != `{"a":false}` {
		t.Errorf("%s, %v", r.Record, err)
	}
}
