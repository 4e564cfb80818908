package sdktest

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/tidwall/gjson"
)

// Labels checks that a schema names every field of a list with the vendor's
// label as its title. The list is a file of lines "field<TAB>label"; lines that
// are empty or begin with # are passed over. A field is a dotted path in which a
// number stands for an array's entries; a label that is empty means that the
// vendor gives none. It fails where the list is shorter than atLeast.
func Labels(t testing.TB, schema json.RawMessage, file string, atLeast int) {
	t.Helper()
	text, err := os.ReadFile(file) //nolint:gosec // a test's own fixture
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		count++
		field, label, ok := strings.Cut(line, "\t")
		if !ok {
			t.Errorf("%s: line %q has no tab", file, line)
			continue
		}
		node := place(gjson.ParseBytes(schema), field)
		if !node.Exists() {
			t.Errorf("the schema does not name %s", field)
			continue
		}
		if got := node.Get("title").Str; got != label {
			t.Errorf("%s has the title %q, want the vendor's %q", field, got, label)
		}
	}
	if count < atLeast {
		t.Errorf("%s holds %d fields, want at least %d", file, count, atLeast)
	}
}

// place finds a field in a schema.
func place(doc gjson.Result, field string) gjson.Result {
	at := doc
	for step := range strings.SplitSeq(field, ".") {
		at = deref(doc, at)
		if strings.Trim(step, "0123456789") == "" {
			at = at.Get("items")
		} else {
			at = at.Get("properties").Get(gjson.Escape(step))
		}
	}
	return at
}

func deref(doc, s gjson.Result) gjson.Result {
	if ref, ok := strings.CutPrefix(s.Get("$ref").Str, "#/$defs/"); ok {
		return doc.Get("$defs").Get(gjson.Escape(ref))
	}
	return s
}

// Values checks the JSON texts that a record holds at paths, in gjson's notation; ""
// stands for nothing.
func Values(t testing.TB, record []byte, want map[string]string) {
	t.Helper()
	for path, value := range want {
		if got := gjson.GetBytes(record, path).Raw; got != value {
			t.Errorf("%s is %s, want %s", path, got, value)
		}
	}
}

// Valid checks that a record keeps a schema.
func Valid(t testing.TB, schema json.RawMessage, record []byte) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("test:///record.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("test:///record.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(record))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(value); err != nil {
		t.Errorf("the record breaks its schema: %v\n%s", err, record)
	}
}
