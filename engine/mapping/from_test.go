package mapping_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
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

// unlikeEvents is a catalog of two events that do not hold the same.
type unlikeEvents struct{ twoEvents }

func (unlikeEvents) Event(connection, event string) (*schema.Schema, error) {
	tree := `"tree":{"$ref":"#/$defs/tree"}},"$defs":{"tree":{"type":"object","properties":{"left":{"$ref":"#/$defs/tree"},"right":{"$ref":"#/$defs/tree"},"n":{"type":"%"}}}}}`
	if event == "created" {
		return schema.Parse([]byte(`{"type":"object","properties":{"count":{"type":"integer"},"who":{"type":"string"},
			"lines":{"type":"array","items":{"type":"object","additionalProperties":false,"properties":{"qty":{"type":"number"},"sku":{"type":"string"},"kind":{"type":"integer","enum":[1,2]}}}},` +
			strings.ReplaceAll(tree, "%", "integer")))
	}
	return schema.Parse([]byte(`{"type":"object","properties":{"count":{"type":"number"},"` + connection + `":{"type":"string"},
		"lines":{"type":"array","items":{"type":"object","additionalProperties":false,"properties":{"qty":{"type":"integer"},"gift":{"type":"boolean"},"kind":{"type":"integer","enum":[2,3]}}}},` +
		strings.ReplaceAll(tree, "%", "number")))
}

// TestFromUnlikeEvents reads what either of several events gives, also deep inside,
// and of several connections.
func TestFromUnlikeEvents(t *testing.T) {
	const head = "mapping: m\nfrom: [a.created, b.changed, c.changed]\nto: b.put\nfields:\n"
	p, found := mapping.Compile("m.yaml", []byte(head+`
  a: = sum(lines, .qty * 2)
  b: = count + 1
  c: {each: lines, fields: {qty: item.qty, sku: item.sku, gift: item.gift, kind: {path: item.kind, table: {1: x, 2: y, 3: z}}}}
  d: = (tree.left.right.left.n ?? 0) + 1
`), unlikeEvents{})
	if p == nil || len(p.From()) != 3 {
		t.Fatal(found)
	}
	for record, want := range map[string]string{
		`{"count":"2","lines":[{"qty":"1.5","sku":"A","kind":"1"}],"tree":{"left":{"right":{"left":{"n":"7"}}}}}`: `{"a":3,"b":3,"c":[{"qty":1.5,"sku":"A","kind":"x"}],"d":8}`,
		`{"count":2.5,"lines":[{"qty":2,"gift":"1","kind":3}]}`:                                                   `{"a":4,"b":3.5,"c":[{"qty":2,"gift":true,"kind":"z"}],"d":1}`,
	} {
		r, err := p.Map(&mapping.Event{Record: []byte(record)}, nil)
		if err != nil || string(r.Record) != want {
			t.Errorf("made %s, %v, want %s", r.Record, err, want)
		}
	}
	for rule, want := range map[string]string{
		"  c: {each: lines, value: item.qyt}":                               "CW121",
		"  c: {each: lines, value: '= item.sku + 1'}":                       "CW133",
		"  c: {each: lines, value: {path: item.kind, table: {1: x, 4: y}}}": "CW162",
		"  c: tree.left.right.up":                                           "CW122",
		"  c: = upper(count)":                                               "CW133",
	} {
		_, found := mapping.Compile("m.yaml", []byte(head+rule+"\n"), unlikeEvents{})
		if !slices.ContainsFunc(found, func(d diag.Diagnostic) bool { return d.Rule == want }) {
			t.Errorf("%s: %v, want %s", rule, found, want)
		}
	}
}
