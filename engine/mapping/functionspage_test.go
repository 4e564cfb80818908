package mapping

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// anyCatalog knows of everything, and nothing about it.
type anyCatalog struct{}

func (anyCatalog) Event(string, string) (*schema.Schema, error) { return schema.Parse([]byte(`{}`)) }

func (anyCatalog) Operation(string, string) (*schema.Schema, error) {
	return schema.Parse([]byte(`{}`))
}
func (anyCatalog) Lookup(string, string) (LookupSchema, error) { return LookupSchema{}, nil }

// TestFunctionsPage runs the examples of the table of functions in mappings/README.md
// and wants one of every function, and of no other.
func TestFunctionsPage(t *testing.T) {
	page, err := os.ReadFile("../../mappings/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Functions\n")
	section, _, _ = strings.Cut(section, "\n## ")
	want := slices.Concat(slices.Collect(maps.Keys(functions())), slices.Collect(maps.Keys(predicates())), []string{"has", "get", "table"})
	slices.Sort(want)
	var have []string
	for _, m := range regexp.MustCompile("(?m)^\\| `` ?(.+?) ?`` \\| `(.+?)` \\| .+ \\|$").FindAllStringSubmatch(section, -1) {
		example, gives := m[1], m[2]
		name, _, _ := strings.Cut(example, "(")
		have = append(have, name)
		t.Run(name, func(t *testing.T) {
			text := "mapping: m\nfrom: a.b\nto: a.b\ntables: {codes: {3: branch}}\nfields:\n  got: |-\n    = " + example + "\n"
			p, found := Compile("mapping.yaml", []byte(text), anyCatalog{})
			if p == nil {
				t.Fatal(found.Err())
			}
			r, err := p.Map(&Event{Record: []byte(`{"name":"Олена","codes":[3,1,2],"products":[{"sku":"A","qty":2,"price":49.79},{"sku":"B","qty":1,"price":5}]}`)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.TrimSuffix(strings.TrimPrefix(string(r.Record), `{"got":`), "}")
			if string(r.Record) == "{}" {
				got = "nil"
			}
			if got != gives {
				t.Errorf("%s gives %s, and the page says %s", example, got, gives)
			}
		})
	}
	slices.Sort(have)
	if have = slices.Compact(have); !slices.Equal(have, want) {
		t.Errorf("the page has examples of\n%v\nthere are\n%v", have, want)
	}
}
