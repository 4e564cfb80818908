package mapping_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// catalog serves the schemas of testdata/schemas, and "any" for a schema that knows nothing.
type catalog struct{}

func (catalog) Event(connection, event string) (*schema.Schema, error) {
	return find("event", connection, event)
}

func (catalog) Operation(connection, operation string) (*schema.Schema, error) {
	return find("operation", connection, operation)
}

func (catalog) Plugin(connection string) string {
	return map[string]string{"shop": "horoshop", "crm": "retailcrm"}[connection]
}

func (catalog) Lookup(connection, lookup string) (mapping.LookupSchema, error) {
	if connection != "np" {
		return mapping.LookupSchema{}, &mapping.NotFoundError{What: "connection", Name: connection, Known: []string{"np", "shop"}}
	}
	of := map[string][2]string{
		"city": {
			`{"type":"object","additionalProperties":false,"required":["name"],"properties":{"name":{"type":"string"},"area":{"type":"string"}}}`,
			`{"type":"object","additionalProperties":false,"properties":{"ref":{"type":"string"},"name":{"type":"string"},"area":{"type":"string"}}}`,
		},
		"branch": {
			`{"type":"object","additionalProperties":false,"required":["city"],"properties":{"city":{"type":"string"},"number":{"type":"integer"}}}`,
			`{"type":"object","additionalProperties":false,"properties":{"ref":{"type":"string"},"number":{"type":"integer"}}}`,
		},
	}
	texts, ok := of[lookup]
	if !ok {
		return mapping.LookupSchema{}, &mapping.NotFoundError{What: "lookup of np", Name: lookup, Known: []string{"city", "branch"}}
	}
	args, err := schema.Parse([]byte(texts[0]))
	if err != nil {
		return mapping.LookupSchema{}, err
	}
	answer, err := schema.Parse([]byte(texts[1]))
	return mapping.LookupSchema{Args: args, Answer: answer, CacheFor: time.Hour}, err
}

func find(what, connection, name string) (*schema.Schema, error) {
	if connection == "any" {
		return schema.Parse([]byte(`{}`))
	}
	if connection == "crm" && name == "new_order" { // of another plugin than shop
		return schema.Parse([]byte(`{"type":"object"}`))
	}
	if connection == "down" {
		return nil, &mapping.UnavailableError{Connection: connection, Err: errors.New("its plugin is not installed")}
	}
	known := map[string][]string{"shop": {"order_created"}, "drive": {"new_order"}, "saleapp": {"upsert_order"}}
	if known[connection] == nil {
		return nil, &mapping.NotFoundError{What: "connection", Name: connection, Known: []string{"shop", "drive", "saleapp"}}
	}
	text, err := os.ReadFile(filepath.Join("testdata", "schemas", connection+"."+name+".json"))
	if err != nil {
		return nil, &mapping.NotFoundError{What: what + " of " + connection, Name: name, Known: known[connection]}
	}
	return schema.Parse(text)
}

// compile compiles a mapping that must be right.
func compile(t testing.TB, text string) *mapping.Program {
	t.Helper()
	p, found := mapping.Compile("mapping.yaml", []byte(text), catalog{})
	if p == nil {
		var b strings.Builder
		if err := found.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		t.Fatalf("the mapping does not compile:\n%s\n%s", b.String(), text)
	}
	return p
}

func mapRecord(t testing.TB, p *mapping.Program, record string) (mapping.Result, error) {
	t.Helper()
	return p.Map(&mapping.Event{ID: "e1", Connection: "shop", Type: "order_created", Key: "115", Record: []byte(record)}, nil)
}

// writeOutcome writes what became of an event: the record, or every failure.
func writeOutcome(t *testing.T, w *bytes.Buffer, r mapping.Result, err error) {
	t.Helper()
	var e *mapping.Error
	switch {
	case errors.As(err, &e):
		if err := e.List().WriteText(w); err != nil {
			t.Fatal(err)
		}
		for _, one := range append([]*mapping.Error{e}, e.More...) {
			fmt.Fprintf(w, "  (path %q, field %q)\n", one.Path, one.Field)
		}
	case err != nil:
		t.Fatalf("not an *Error: %v", err)
	case r.Skipped:
		w.WriteString("skipped\n")
	default:
		w.Write(append(r.Record, '\n'))
	}
}
