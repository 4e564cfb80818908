package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

func parse(t *testing.T, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTree(t *testing.T) {
	s := parse(t, `{
		"type": "object", "additionalProperties": false, "x-crosswalk-key": "order.id", "required": ["id"],
		"properties": {
			"z": {"type": ["integer", "null"], "title": "Zed", "description": "last letter, first field"},
			"id": {"$ref": "#/$defs/id"},
			"tags": {"type": "array", "items": {"type": "string", "maxLength": 5}},
			"phone": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
			"kind": {"oneOf": [{"const": 1, "title": "one"}, {"const": 2.0, "title": "two"}]},
			"unit": {"enum": ["kg", "g"]},
			"child": {"$ref": "#"},
			"price": {"type": "number", "minimum": 0, "format": "money"}
		},
		"allOf": [{"properties": {"extra": {"type": "boolean"}}, "required": ["extra"]}],
		"$defs": {"id": {"type": "string", "title": "Id"}}
	}`)
	root := s.Root()
	if !s.Closed() || s.Key() != "order.id" {
		t.Errorf("closed %v, key %q", s.Closed(), s.Key())
	}
	if diff := cmp.Diff([]string{"z", "id", "tags", "phone", "kind", "unit", "child", "price", "extra"}, root.Names()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"id", "extra"}, root.Required); diff != "" {
		t.Error(diff)
	}
	z := root.Property("z")
	if z.Types != schema.Integer|schema.Null || z.Title != "Zed" || !strings.HasPrefix(z.Description, "last") {
		t.Errorf("z: %+v", z)
	}
	if id := root.Property("id"); id.Types != schema.Text || id.Title != "Id" {
		t.Errorf("id: %+v", id)
	}
	if tags := root.Property("tags"); tags.Items.MaxLength != 5 {
		t.Errorf("tags: %+v", tags.Items)
	}
	if phone := root.Property("phone"); phone.Types != schema.Text|schema.Array || phone.Items.Types != schema.Text {
		t.Errorf("phone: %+v", phone)
	}
	if kind := root.Property("kind"); !kind.Allows("2") || !kind.Allows("1.0") || kind.Allows("3") || kind.Choices[0].Title != "one" {
		t.Errorf("kind: %+v", kind)
	}
	if unit := root.Property("unit"); !unit.Allows(`"k\u0067"`) || unit.Allows(`"t"`) {
		t.Errorf("unit: %+v", unit)
	}
	if child := root.Property("child").Property("child").Property("id"); child == nil || child.Types != schema.Text {
		t.Errorf("the schema does not refer to itself: %+v", child)
	}
	if price := root.Property("price"); price.Minimum != "0" || price.Format != "money" || !price.Types.Has(schema.Integer) {
		t.Errorf("price: %+v", price)
	}
	if root.Property("nope") != nil || root.Property("id").Property("x") != nil {
		t.Error("a field that is not there was found")
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no JSON", `{`, "parse JSON Schema"},
		{"no schema", `{"type": "text"}`, "parse JSON Schema"},
		{"a foreign reference", `{"properties": {"a": {"$ref": "https://example.com/x.json"}}}`, "only local references"},
		{"a reference to nothing", `{"$ref": "#/$defs/x"}`, "parse JSON Schema"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := schema.Parse([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		name, schema string
		// object is the object's fields as JSON; "?" for a field that is there or not.
		object map[string]string
		want   map[string]schema.Truth
		words  string
	}{
		{
			"const", `{"if": {"properties": {"kind": {"const": 3}}, "required": ["kind"]}, "then": {"required": ["branch"]}}`,
			map[string]string{"kind": "3"},
			map[string]schema.Truth{"branch": schema.True},
			"kind is 3",
		},
		{
			"another const", `{"if": {"properties": {"kind": {"const": 3}}, "required": ["kind"]}, "then": {"required": ["branch"]}}`,
			map[string]string{"kind": "2"},
			map[string]schema.Truth{"branch": schema.False},
			"kind is 3",
		},
		{
			"absent and required", `{"if": {"properties": {"kind": {"const": 3}}, "required": ["kind"]}, "then": {"required": ["branch"]}}`,
			nil,
			map[string]schema.Truth{"branch": schema.False},
			"kind is 3",
		},
		{
			"absent holds", `{"if": {"properties": {"kind": {"const": 3}}}, "then": {"required": ["branch"]}}`,
			nil,
			map[string]schema.Truth{"branch": schema.True},
			"kind is 3",
		},
		{
			"not known", `{"if": {"properties": {"kind": {"const": 3}}, "required": ["kind"]}, "then": {"required": ["branch"]}}`,
			map[string]string{"kind": "?"},
			map[string]schema.Truth{"branch": schema.Unknown},
			"kind is 3",
		},
		{
			"else", `{"if": {"properties": {"kind": {"enum": [1, 2]}}, "required": ["kind"]}, "else": {"required": ["city"]}}`,
			map[string]string{"kind": "3.0"},
			map[string]schema.Truth{"city": schema.True},
			"kind is not 1 or 2",
		},
		{
			"not in a property", `{"if": {"properties": {"kind": {"not": {"enum": [1, 2]}}}, "required": ["kind"]}, "then": {"required": ["city"]}}`,
			map[string]string{"kind": "1"},
			map[string]schema.Truth{"city": schema.False},
			"",
		},
		{
			"a reference", `{"if": {"$ref": "#/$defs/x"}, "then": {"required": ["city"]}, "$defs": {"x": {"required": ["a"]}}}`,
			map[string]string{"a": `""`},
			map[string]schema.Truth{"city": schema.True},
			"a is there",
		},
		{
			"any of two", `{"if": {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, "then": {"required": ["c"]}}`,
			map[string]string{"b": "1"},
			map[string]schema.Truth{"c": schema.True},
			"a is there or b is there",
		},
		{
			"beyond this package", `{"if": {"minProperties": 3}, "then": {"required": ["c"]}}`,
			nil,
			map[string]schema.Truth{"c": schema.Unknown},
			"a condition of the schema holds",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := parse(t, c.schema).Root()
			get := func(name string) schema.Field {
				v, ok := c.object[name]
				switch {
				case !ok:
					return schema.Field{Present: schema.False}
				case v == "?":
					return schema.Field{Present: schema.Unknown}
				}
				return schema.Field{Present: schema.True, JSON: v}
			}
			got := map[string]schema.Truth{}
			for _, cond := range root.Conditions {
				for _, name := range cond.Required {
					got[name] = cond.If.Eval(get)
				}
				if words := cond.If.String(); c.words != "" && words != c.words {
					t.Errorf("in words: %s", words)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	s := parse(t, `{"type": "object", "required": ["id"], "additionalProperties": false, "properties": {
		"id": {"type": "integer"}, "items": {"type": "array", "items": {"type": "object", "properties": {"price": {"type": "number", "maximum": 12345678901234567890}}}}}}`)
	for _, c := range []struct {
		record string
		paths  []string
	}{
		{`{"id": 1, "items": [{"price": 12345678901234567890}]}`, nil},
		{`{"id": 1, "items": [{"price": 12345678901234567891}]}`, []string{"items.0.price"}},
		{`{"id": "1", "items": [{}, {"price": "x"}], "more": 1}`, []string{"", "id", "items.1.price"}},
		{`{}`, []string{""}},
		{`{"id": 1} {}`, []string{""}},
		{`{`, []string{""}},
	} {
		t.Run(c.record, func(t *testing.T) {
			var paths []string
			for _, v := range s.Validate([]byte(c.record)) {
				if v.Message == "" || !strings.HasSuffix(v.String(), v.Message) {
					t.Errorf("%+v", v)
				}
				paths = append(paths, v.Path)
			}
			slices.Sort(paths)
			if diff := cmp.Diff(c.paths, paths); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"1", "1.0", true},
		{"1e2", "100", true},
		{"100", "1E+2", true},
		{"0", "-0", true},
		{"0.0", "0", true},
		{"-1", "1", false},
		{"10", "1", false},
		{"12345678901234567890", "12345678901234567891", false},
		{`"a"`, `"\u0061"`, true},
		{`"1"`, "1", false},
		{"true", "true", true},
		{"true", "false", false},
		{"", "1", false},
	} {
		if got := schema.Equal(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"type":"object","properties":{"a":{"$ref":"#"}},"allOf":[{"$ref":"#/$defs/x"}],"$defs":{"x":{"allOf":[{"$ref":"#/$defs/x"}]}}}`))
	f.Add([]byte(`{"if":{"not":{"$ref":"#"}},"then":{"if":{},"then":{"required":["x"]}}}`))
	f.Add([]byte(`{"anyOf":[{"anyOf":[{"$ref":"#/anyOf/0"}]},true,{"items":{"$ref":"#"}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := schema.Parse(text)
		if err != nil {
			return
		}
		for _, name := range s.Root().Names() {
			if s.Root().Property(name) == nil {
				t.Errorf("%q is named and not there", name)
			}
		}
	})
}

// TestFormsOfFields reads a field that two forms of an object have: it is what either says.
func TestFormsOfFields(t *testing.T) {
	s, err := schema.Parse([]byte(`{"anyOf": [
		{"type": "object", "additionalProperties": false, "required": ["a", "k"], "properties": {"k": {"type": "string"}, "a": {"type": "object", "properties": {"x": {}}}, "same": {"type": "integer"}}},
		{"type": "object", "additionalProperties": false, "required": ["k"], "properties": {"k": {"type": "integer"}, "a": {"type": "array"}, "same": {"type": "integer"}, "own": {"type": "boolean"}}}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]schema.Types{
		"k": schema.Text | schema.Integer, "a": schema.Object | schema.Array, "same": schema.Integer, "own": schema.Boolean,
	} {
		if got := s.Root().Property(name); got == nil || got.Types != want {
			t.Errorf("%s: %+v, want %s", name, got, want)
		}
	}
	if n := s.Root(); !n.Closed || len(n.Required) != 1 || len(n.Properties) != 4 || n.Properties[0].Node != n.Property("k") {
		t.Errorf("%+v", n)
	}
}
