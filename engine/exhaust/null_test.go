package exhaust

import (
	"slices"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

const nullSource = `{"type": "object", "x-crosswalk-key": "id", "properties": {
	"id": {"type": "string"}, "a": {"type": "number"}, "b": {"type": "string"}, "kind": {"enum": ["u", "v"]}, "yes": {"type": "boolean"},
	"place": {"type": "object", "properties": {"city": {"type": "string"}, "zip": {"type": "string"}}},
	"lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}, "n": {"type": "integer"}}}}}}`

// plain reads everything field by field.
const plain = `mapping: m
from: s.e
to: d.o
when: = kind != ""
let:
  far: place.city
  cheap: = (a ?? 0) < 5
fields:
  id: id
  a: a
  b: {path: b, default: {value: none}}
  c: = coalesce(b, far, "?")
  d: {path: kind, table: {u: 1, v: 2}}
  e: {expr: upper(b), when: '= has("b") and yes == true'}
  f: = if cheap { a } else { 0 }
  g: = get("place.zip")
  h: {each: lines, where: '= (item.n ?? 1) > 0', fields: {sku: item.sku, n: item.n}}
  i: = len(lines ?? [])
  j: '= sum(map(lines ?? [], #.n ?? 0))'
choose:
  - {when: '= kind == "u"', fields: {k: place.city}}
  - {fields: {k: place.zip}}
`

// TestNullIsAbsent proves for every pair of values that null makes what absent makes
// where a mapping reads field by field, so that it need not be tried in pairs, and
// that it is where an object or a list is read as a whole.
func TestNullIsAbsent(t *testing.T) {
	differ := func(text string) (differing, told []string) {
		c := anything{nullSource}
		p, found := mapping.Compile("m.yaml", []byte(text), c)
		if p == nil {
			t.Fatal(found.Err())
		}
		source, err := c.Event("s", "e")
		if err != nil {
			t.Fatal(err)
		}
		s := newSearch(p, p.From()[0], source, nil, nil)
		s.run()
		places := s.shape.places
		compared := 0
		for i, p := range places {
			null := slices.IndexFunc(p.options, func(o option) bool { return o.json == "null" })
			absent := slices.IndexFunc(p.options, option.absent)
			if null < 0 || absent < 0 {
				continue
			}
			if !p.options[null].rare {
				told = append(told, p.path)
			}
			different := false
			for j, q := range places {
				for v := range q.options {
					if i == j {
						continue
					}
					compared++
					base := with(s.usual, j, v)
					different = different || s.outcome(with(base, i, null)).result != s.outcome(with(base, i, absent)).result
				}
			}
			if different {
				differing = append(differing, p.path)
			}
		}
		if compared < 200 {
			t.Fatalf("only %d pairs were compared", compared)
		}
		return differing, told
	}
	if differing, told := differ(plain); len(differing)+len(told) > 0 {
		t.Errorf("null makes something else at %v, and is taken for it at %v", differing, told)
	}
	for path, rule := range map[string]string{
		"place.zip":   `x: {path: place, type: json, when: '= kind == "v" and yes == true'}`,
		"lines.0.sku": `x: {expr: 'len(get("lines.#.sku") ?? [])', when: '= kind == "v"'}`,
	} {
		differing, told := differ(strings.Replace(plain, "  i: = len", "  "+rule+"\n  i: = len", 1))
		if !slices.Contains(differing, path) || !slices.Contains(told, path) {
			t.Errorf("%s: null makes something else at %v, and is taken for it at %v", path, differing, told)
		}
		for _, d := range differing {
			if !slices.Contains(told, d) {
				t.Errorf("%s: nothing is known of null at %s", path, d)
			}
		}
	}
}
