package mapping

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/expr-lang/expr/builtin"
)

// TestOnlyTheseFunctions names all functions that there are, and calls each that
// expr has besides: none of those may work.
func TestOnlyTheseFunctions(t *testing.T) {
	want := strings.Fields(`
		abs all any ceil coalesce concat count datetime digits filter find findIndex findLast findLastIndex first flatten floor fromBase64 fromJSON fromPairs get groupBy
		has hasPrefix hasSuffix indexOf int join keys last lastIndexOf len lower map match max mean median min money none one phone reduce repeat replace reverse
		round sort sortBy split splitAfter sum table take text toBase64 toJSON toPairs trim trimPrefix trimSuffix uniq upper values`)
	have := slices.Concat(slices.Collect(maps.Keys(functions())), slices.Collect(maps.Keys(predicates())), []string{"has", "get", "table"})
	slices.Sort(have)
	if !slices.Equal(want, have) {
		t.Errorf("there are  %v\nand not only %v", have, want)
	}
	gone := 0
	for _, f := range builtin.Builtins {
		if slices.Contains(want, f.Name) {
			continue
		}
		gone++
		for _, arguments := range []string{"", "n", "n, n", "[n], n", `"x"`, `"2025-01-02", "2006-01-02", "UTC"`} {
			text := "mapping: m\nfrom: a.b\nto: c.d\nfields:\n  v: '= " + f.Name + "(" + arguments + ")'\n"
			p, found := Compile("m.yaml", []byte(text), openCatalog{})
			if p != nil || len(found) != 1 || found[0].Rule != "CW130" && found[0].Rule != "CW131" && found[0].Rule != "CW132" {
				t.Errorf("%s(%s): %v", f.Name, arguments, found)
			}
		}
	}
	for _, name := range strings.Fields("now date duration timezone string float type bitand bitor bitxor bitnand bitnot bitshl bitshr bitushr") {
		if _, told := removed()[name]; !told || slices.Contains(want, name) {
			t.Errorf("%s is not told of", name)
		}
	}
	if gone < 15 {
		t.Errorf("expr has only %d functions besides", gone)
	}
}
