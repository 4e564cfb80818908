package exhaust

import (
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

type anything struct{ source string }

func (a anything) Event(string, string) (*schema.Schema, error) {
	return schema.Parse([]byte(a.source))
}

func (anything) Operation(string, string) (*schema.Schema, error) { return schema.Parse([]byte(`{}`)) }

// TestShrink leaves of a record in which everything is unusual only what matters.
func TestShrink(t *testing.T) {
	c := anything{`{"type": "object", "x-crosswalk-key": "id", "properties": {
		"id": {"type": "string"}, "a": {"type": "number"}, "b": {"type": "string"}, "c": {"enum": ["u", "v"]},
		"list": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}}}}`}
	p, found := mapping.Compile("m.yaml", []byte("mapping: m\nfrom: s.e\nto: d.o\nfields:\n"+
		"  id: id\n  a: {expr: a * 2, when: '= c == \"v\"'}\n  b: b\n  list: {each: list, value: item.n}\n"), c)
	if p == nil {
		t.Fatal(found.Err())
	}
	source, err := c.Event("s", "e")
	if err != nil {
		t.Fatal(err)
	}
	s := newSearch(p, p.From()[0], source, nil, nil)
	s.settle()
	var key string
	noisy := make(assignment, len(s.shape.places))
	for i, place := range s.shape.places {
		noisy[i] = 1
		if place.path == "a" {
			for v, o := range place.options {
				if o.json == "null" {
					noisy[i] = uint8(v)
				}
			}
		}
	}
	for _, f := range s.outcome(noisy).failures {
		key = f.key
	}
	got := s.shrink(key, noisy)
	if want := "`a` is needed when `c` = \"v\", and may be absent then"; got.message != want {
		t.Errorf("got %s, want %s", got.message, want)
	}
	if want := `{"id":"x","a":null,"c":"v"}`; got.record != strings.Replace(want, `"a":null,`, "", 1) {
		t.Errorf("got %s", got.record)
	}
}

func (anything) Lookup(string, string) (mapping.LookupSchema, error) {
	return mapping.LookupSchema{}, nil
}
