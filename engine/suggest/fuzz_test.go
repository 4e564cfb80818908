package suggest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
	"github.com/crosswalk-etl/crosswalk/engine/suggest"
)

// described makes a schema of fields with names and labels; every third is an
// array of objects with the fields before it.
func described(t testing.TB, closed bool, types []string, names ...string) *schema.Schema {
	t.Helper()
	properties := map[string]any{}
	for i := 0; i+1 < len(names); i += 2 {
		field := map[string]any{"title": names[i+1], "type": types[i/2%len(types)]}
		switch field["type"] {
		case "array":
			inner := map[string]any{}
			for name, p := range properties {
				inner[name] = p
			}
			field["items"] = map[string]any{"type": "object", "properties": inner, "required": []string{names[0]}}
		case "integer":
			field["oneOf"] = []any{map[string]any{"const": 1, "title": names[1]}, map[string]any{"const": 2, "title": names[i+1]}}
		}
		properties[names[i]] = field
	}
	text, err := json.Marshal(map[string]any{"type": "object", "properties": properties, "required": []string{names[0]}, "additionalProperties": !closed})
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Parse(text)
	if err != nil {
		t.Skip(err)
	}
	return s
}

// FuzzDraft drafts between fields of any names and labels, with any body: the file
// is read, and whatever is wrong in it stands at a TODO.
func FuzzDraft(f *testing.F) {
	f.Add("order_id", "Номер замовлення", "items", "Товари: усі", `{"order_id": 5, "items": [{"order_id": 1}]}`)
	f.Add("on", "# no\ncomment", "a.b", `"quoted" \ text`, `{"on": "x", "a.b": {"c": 1}}`)
	f.Add("null", "\u2028", "-", "", `[]`)
	f.Add("delivery_type", "Тип доставки (код)", "ім'я", "ПІБ\tотримувача", `{"delivery_type": "- x: y", "phone": "\u0000"}`)
	f.Fuzz(func(t *testing.T, name, label, other, otherLabel, body string) {
		if name == other || len(name)+len(label)+len(other)+len(otherLabel) > 2000 {
			return
		}
		source := described(t, false, []string{"string", "integer", "object", "array"}, name, label, other, otherLabel, label, name, "list", other)
		sink := described(t, true, []string{"integer", "string", "number", "array"}, other, label, name, otherLabel, "phone", label, "list", name)
		in := suggest.Input{Name: "draft", From: "a.placed", To: "b.write", System: label, Source: source, Sink: sink}
		in.Lookups = []suggest.Lookup{{
			Name: "c.find", Label: label, System: otherLabel,
			Args: described(t, false, []string{"string"}, name, label), Answer: described(t, false, []string{"string"}, other, otherLabel, "ref", label+" id"),
		}}
		if json.Valid([]byte(body)) {
			in.Record = []byte(body)
		}
		draft := suggest.Make(in)
		draft.Settle(check(source, in))
		text := string(draft.YAML())
		for _, d := range check(source, in)([]byte(text)) {
			if !strings.Contains(d.Source, "TODO") {
				t.Fatalf("%v\n%s\nin\n%s", d, d.Source, text)
			}
		}
	})
}

// TestLarge drafts between schemas of more fields than any system has.
func TestLarge(t *testing.T) {
	var source, sink []string
	words := []string{"order", "phone", "city", "price", "sku", "comment", "date", "weight", "zebra", "quantity"}
	for i := range 1500 {
		name := fmt.Sprintf("%s_%s_%d", words[i%10], words[i/10%10], i)
		source = append(source, name, "Label of "+name)
		sink = append(sink, fmt.Sprintf("%s_%d", words[i*7%10], i), words[i*3%10]+" of the thing")
	}
	in := suggest.Input{
		Name: "large", From: "a.placed", To: "b.write",
		Source: described(t, true, []string{"string", "number"}, source...), Sink: described(t, true, []string{"string"}, sink...),
	}
	if n := suggest.Make(in).Count(); n.Suggested == 0 {
		t.Errorf("nothing is suggested: %+v", n)
	}
}
