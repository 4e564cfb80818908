package mapping_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// kindCatalog has a sink that demands a kind.
type kindCatalog struct{ catalog }

func (kindCatalog) Event(string, string) (*schema.Schema, error) {
	return schema.Parse([]byte(`{"type": "object"}`))
}

func (kindCatalog) Operation(string, string) (*schema.Schema, error) {
	return schema.Parse([]byte(`{"type": "object", "required": ["id", "kind"], "additionalProperties": false, "properties": {
		"id": {"type": "integer"}, "kind": {"type": "integer"}, "lines": {"type": "array", "items":
			{"type": "object", "required": ["sku", "qty"], "additionalProperties": false, "properties": {"sku": {"type": "string"}, "qty": {"type": "integer"}}}}}}`))
}

// TestFailedChoose expects of a `choose` that fails only that failure, and not also
// that what its branches would have made is missing; what no branch makes is.
func TestFailedChoose(t *testing.T) {
	for _, c := range []struct{ fields, want string }{
		{"  id: id\nchoose:\n  - {when: = paid == 1, fields: {kind: 1}}\n  - {when: = paid == 2, fields: {kind: 2}}\n", "CW309"},
		{"  id: id\nchoose:\n  - {when: = paid > 1, fields: {kind: 1}}\n  - fields: {kind: 2}\n", "CW301"},
		{"  id: gone\nchoose:\n  - {when: = paid == 1, fields: {kind: 1}}\n", "CW309 CW304"},
		{"  id: id\n  kind: 1\n  lines: {each: lines, fields: {sku: item.sku}, choose: [{when: = item.n == 1, fields: {qty: 1}}]}\n", "CW309"},
	} {
		p, found := mapping.Compile("m.yaml", []byte("mapping: m\nfrom: a.b\nto: c.d\nfields:\n"+c.fields), kindCatalog{})
		if p == nil {
			t.Fatal(found.Err())
		}
		_, err := p.Map(&mapping.Event{Record: []byte(`{"id": 1, "lines": [{"sku": "A"}, {"sku": "B"}]}`)}, nil)
		failed, is := errors.AsType[*mapping.Error](err)
		if !is {
			t.Fatalf("%v for\n%s", err, c.fields)
		}
		var rules []string
		for _, d := range failed.List() {
			rules = append(rules, d.Rule)
		}
		if got := strings.Join(rules, " "); got != c.want {
			t.Errorf("got %s, want %s for\n%s%v", got, c.want, c.fields, err)
		}
	}
}
