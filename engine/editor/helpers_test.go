package editor_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/crosswalk-etl/crosswalk/engine/editor"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// catalog serves the schemas that the tests of package mapping use.
type catalog struct{}

func (catalog) Event(connection, event string) (*schema.Schema, error) {
	return find(connection, event)
}

func (catalog) Operation(connection, operation string) (*schema.Schema, error) {
	return find(connection, operation)
}

func (catalog) Lookup(connection, lookup string) (mapping.LookupSchema, error) {
	for _, l := range lookups() {
		if l.Name == connection+"."+lookup {
			return mapping.LookupSchema{Args: l.Args, Answer: l.Answer}, nil
		}
	}
	return mapping.LookupSchema{}, &mapping.NotFoundError{What: "lookup", Name: lookup}
}

func find(connection, name string) (*schema.Schema, error) {
	if connection == "any" {
		return schema.Parse([]byte(`{}`))
	}
	text, err := os.ReadFile(filepath.Join("..", "mapping", "testdata", "schemas", connection+"."+name+".json"))
	if err != nil {
		return nil, &mapping.NotFoundError{What: "thing of " + connection, Name: name}
	}
	return schema.Parse(text)
}

func lookups() []editor.Lookup {
	parse := func(text string) *schema.Schema {
		s, err := schema.Parse([]byte(text))
		if err != nil {
			panic(err)
		}
		return s
	}
	return []editor.Lookup{
		{
			Name: "np.city", Title: "A city of Nova Poshta",
			Args:   parse(`{"type":"object","additionalProperties":false,"required":["name"],"properties":{"name":{"type":"string","title":"Назва міста"},"area":{"type":"string"}}}`),
			Answer: parse(`{"type":"object","additionalProperties":false,"properties":{"ref":{"type":"string","title":"Ідентифікатор"},"name":{"type":"string"},"area":{"type":"string"}}}`),
		},
		{
			Name:   "np.branch",
			Args:   parse(`{"type":"object","additionalProperties":false,"required":["city"],"properties":{"city":{"type":"string"},"number":{"type":"integer"}}}`),
			Answer: parse(`{"type":"object","additionalProperties":false,"properties":{"ref":{"type":"string"},"number":{"type":"integer"}}}`),
		},
	}
}

// schemaOf makes the schema for a mapping of the catalog.
func schemaOf(t *testing.T, text string) []byte {
	t.Helper()
	draft, ok := editor.Read([]byte(text))
	if !ok || draft.To == nil {
		t.Fatalf("no draft of\n%s", text)
	}
	m := editor.Mapping{
		Events:     []editor.Offer{{Name: "shop.order_created", Title: "Замовлення створено"}, {Name: "drive.new_order"}},
		Operations: []editor.Offer{{Name: "saleapp.upsert_order"}, {Name: "drive.new_order"}},
		Lookups:    lookups(), Unknown: []string{"any"}, Draft: draft,
	}
	if !strings.Contains(text, "each:") { // the names are only suggested, and one schema does for many
		m.Draft = editor.Draft{}
	}
	get := func(name string) editor.Event {
		connection, what, _ := strings.Cut(name, ".")
		s, err := find(connection, what)
		if err != nil {
			t.Fatal(err)
		}
		return editor.Event{Name: name, Schema: s}
	}
	for _, n := range draft.From {
		m.From = append(m.From, get(n.Value))
	}
	m.To = get(draft.To.Value)
	out, err := m.Schema()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// whole says what is wrong in full.
func whole(err error) string {
	if invalid, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		return fmt.Sprintf("%#v", invalid)
	}
	return fmt.Sprint(err)
}
