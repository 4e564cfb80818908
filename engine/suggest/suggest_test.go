package suggest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
	"github.com/crosswalk-etl/crosswalk/engine/suggest"
)

// cases are the folders of testdata: a source, a sink, a body and the mapping that
// is suggested.
func cases(t *testing.T) []string {
	dirs, err := filepath.Glob("testdata/*/source.json")
	if err != nil || len(dirs) == 0 {
		t.Fatal("there are no cases", err)
	}
	for i := range dirs {
		dirs[i] = filepath.Dir(dirs[i])
	}
	return dirs
}

func input(t *testing.T, dir string) suggest.Input {
	t.Helper()
	parse := func(name string) *schema.Schema {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		s, err := schema.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	body, err := os.ReadFile(filepath.Join(dir, "body.json"))
	if err != nil {
		t.Fatal(err)
	}
	return suggest.Input{
		Name: filepath.Base(dir), From: "a.placed", To: "b.write", System: "Parcel",
		Source: parse("source.json"), Sink: parse("sink.json"), Record: body,
	}
}

// TestDrafts holds the suggested mappings against testdata/*/want.yaml; UPDATE=1
// rewrites them.
func TestDrafts(t *testing.T) {
	for _, dir := range cases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			in := input(t, dir)
			got := suggest.Make(in).YAML()
			if again := suggest.Make(in).YAML(); !bytes.Equal(got, again) {
				t.Errorf("two drafts of the same differ:\n%s", cmp.Diff(string(got), string(again)))
			}
			file := filepath.Join(dir, "want.yaml")
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("the draft differs (-want +got):\n%s", diff)
			}
		})
	}
}

// offers is a catalog of one event and one operation.
type offers struct{ source, sink *schema.Schema }

func (o offers) Event(string, string) (*schema.Schema, error)     { return o.source, nil }
func (o offers) Operation(string, string) (*schema.Schema, error) { return o.sink, nil }
func (o offers) Lookup(string, string) (mapping.LookupSchema, error) {
	return mapping.LookupSchema{}, &mapping.NotFoundError{What: "lookup"}
}

// TestDraftsValidate compiles each draft, with and without a body: what is wrong
// stands in a line that says TODO.
func TestDraftsValidate(t *testing.T) {
	for _, dir := range cases(t) {
		for _, asked := range []bool{true, false} {
			in := input(t, dir)
			if !asked {
				in.Record = nil
			}
			draft := suggest.Make(in)
			text := draft.YAML()
			if draft.Settle(check(in.Source, in.Sink)); !bytes.Equal(text, draft.YAML()) {
				t.Errorf("%s: suggestions do not compile:\n%s", dir, cmp.Diff(string(text), string(draft.YAML())))
			}
			_, findings := mapping.Compile("mapping.yaml", text, offers{in.Source, in.Sink})
			todos := 0
			for _, d := range findings {
				if d.Severity == diag.Error && strings.Contains(d.Source, "# TODO") {
					todos++
					continue
				}
				t.Errorf("%s, with a body %v: %v\n%s", dir, asked, d, d.Source)
			}
			if n := draft.Count(); todos != n.Todo {
				t.Errorf("%s: %d lines say TODO, and %d are counted\n%s", dir, todos, n.Todo, text)
			}
		}
	}
}

func check(source, sink *schema.Schema) func([]byte) diag.List {
	return func(text []byte) diag.List {
		_, findings := mapping.Compile("mapping.yaml", text, offers{source, sink})
		return findings
	}
}

// TestSettle takes back what does not compile: here the source turns out to have
// fewer fields, and others than it said.
func TestSettle(t *testing.T) {
	in := input(t, "testdata/parcel")
	less, err := schema.Parse([]byte(`{
		"type": "object", "additionalProperties": false, "properties": {
			"zamovlennia": {"type": "object", "additionalProperties": false, "properties": {
				"id": {"type": "integer"}, "status": {"enum": ["new", "old"]}, "vaha": {"type": "string"}}},
			"tovary": {"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {
				"artykul": {"type": "string"}, "kilkist": {"type": "object"}, "tsina": {"type": "number"}}}}
		}}`))
	if err != nil {
		t.Fatal(err)
	}
	draft := suggest.Make(in)
	before := draft.Count()
	draft.Settle(check(less, in.Sink))
	text := string(draft.YAML())
	for _, d := range check(less, in.Sink)([]byte(text)) {
		if !strings.Contains(d.Source, "# TODO") {
			t.Errorf("it still does not compile: %v", d)
		}
	}
	for _, want := range []string{"reference: zamovlennia.id", "weight: zamovlennia.vaha", "sku: item.artykul", "count:  # TODO required", "receiver.name:  # TODO required"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not there:\n%s", want, text)
		}
	}
	if strings.Contains(text, "otrymuvach") || strings.Contains(text, "kilkist\n") {
		t.Errorf("what does not compile is there:\n%s", text)
	}
	if after := draft.Count(); after.Suggested >= before.Suggested || after.Todo <= before.Todo {
		t.Errorf("%+v became %+v", before, after)
	}
}
