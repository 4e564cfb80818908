package mapping_test

import (
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// twoEvents is a catalog whose events all have one schema, parsed anew for each.
type twoEvents struct{}

func (twoEvents) Event(string, string) (*schema.Schema, error) {
	return schema.Parse([]byte(`{"type":"object","additionalProperties":true,"properties":{
		"left":{"type":"number"},"count":{"type":"integer"},
		"data":{"type":"object","properties":{"left":{"type":"number"},"count":{"type":"integer"},
			"lines":{"type":"array","items":{"type":"object","properties":{"qty":{"type":"number"}}}}}}}}`))
}

func (twoEvents) Operation(string, string) (*schema.Schema, error) {
	return schema.Parse([]byte(`{"type":"object","properties":{"a":{"type":"number"},"lines":{"type":"array"}}}`))
}

// A form's body is all text: the schema's types hold for each event of a list.
func TestFromSeveralEvents(t *testing.T) {
	for _, tc := range []struct{ expr, want string }{
		{`left ?? 0`, `2450.4`},
		{`data.left ?? 0`, `2450.4`},
		{`data.nothing ?? 3`, `3`},
		{`data.nothing ?? data.left ?? 1`, `2450.4`},
		{`data.count ?? 7`, `3`},
		{`filter([1, 2.5, nil], # == 2.5)[0] ?? 3`, `2.5`},
		{`filter([1, 2.5], # == 7)[0] ?? (filter([1, 2.5], # == 2.5)[0] ?? 1)`, `2.5`},
		{`if count > 1 { data.nothing ?? data.left } else { 2.5 }`, `2450.4`},
		{`let x = data.nothing ?? 2.5; x`, `2.5`},
	} {
		t.Run(tc.expr, func(t *testing.T) {
			p, found := mapping.Compile("m.yaml", []byte(`
mapping: m
from: [a.created, a.changed]
to: b.put
fields:
  a: '= `+tc.expr+`'
  lines: {each: data.lines, where: = item.qty > 0, fields: {qty: item.qty}}
`), twoEvents{})
			if p == nil {
				t.Fatal(found)
			}
			r, err := p.Map(&mapping.Event{
				Connection: "a", Type: "changed",
				Record: []byte(`{"left":"2450.4","count":"2","data":{"left":"2450.4","count":"3","lines":[{"qty":"2"},{"qty":"0"}]}}`),
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if want := `{"a":` + tc.want + `,"lines":[{"qty":2}]}`; string(r.Record) != want {
				t.Errorf("made %s, want %s", r.Record, want)
			}
		})
	}
}

func (twoEvents) Lookup(string, string) (mapping.LookupSchema, error) {
	return mapping.LookupSchema{}, nil
}
