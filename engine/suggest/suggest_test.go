package suggest_test

import (
	"bytes"
	"encoding/json"
	"errors"
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
		Source: parse("source.json"), Sink: parse("sink.json"), Record: body, Lookups: lookups(t, dir),
	}
}

// lookups are those of a case that has any.
func lookups(t *testing.T, dir string) []suggest.Lookup {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "lookups.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Name, Label, System, Missing string
		Args, Answer                 json.RawMessage
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	var out []suggest.Lookup
	for _, l := range all {
		args, err := schema.Parse(l.Args)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := schema.Parse(l.Answer)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, suggest.Lookup{Name: l.Name, Label: l.Label, System: l.System, Missing: l.Missing, Args: args, Answer: answer})
	}
	return out
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

// offers is a catalog of one event, one operation and lookups.
type offers struct {
	source, sink *schema.Schema
	lookups      []suggest.Lookup
}

func (o offers) Event(string, string) (*schema.Schema, error)     { return o.source, nil }
func (o offers) Operation(string, string) (*schema.Schema, error) { return o.sink, nil }
func (o offers) Lookup(connection, name string) (mapping.LookupSchema, error) {
	for _, l := range o.lookups {
		if l.Name == connection+"."+name && l.Missing == "" {
			return mapping.LookupSchema{Args: l.Args, Answer: l.Answer}, nil
		}
	}
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
			if draft.Settle(check(in.Source, in)); !bytes.Equal(text, draft.YAML()) {
				t.Errorf("%s: suggestions do not compile:\n%s", dir, cmp.Diff(string(text), string(draft.YAML())))
			}
			_, findings := mapping.Compile("mapping.yaml", text, offers{in.Source, in.Sink, in.Lookups})
			todos := 0
			for _, d := range findings {
				if d.Severity == diag.Error && strings.Contains(d.Source, "# TODO") {
					todos++
					continue
				}
				if d.Severity == diag.Warning && suggest.OfTodo(d.Source) {
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

func check(source *schema.Schema, in suggest.Input) func([]byte) diag.List {
	return func(text []byte) diag.List {
		_, findings := mapping.Compile("mapping.yaml", text, offers{source, in.Sink, in.Lookups})
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
	draft.Settle(check(less, in))
	text := string(draft.YAML())
	for _, d := range check(less, in)([]byte(text)) {
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

// TestSettleLookups takes back lookups with what they were asked with, and the fields
// that need them.
func TestSettleLookups(t *testing.T) {
	in := input(t, "testdata/asks")
	for _, tt := range []struct {
		lacks      string
		has, hasNo []string
	}{
		{"", []string{"city_ref: city_found.ref", "branch_ref: branch.ref", "from: post.branch"}, []string{"from: post.street", "from: depot.stock"}},
		{"pickup", []string{"city_ref: city_found.ref", "# TODO branch_ref: "}, []string{"from: post.branch", "text:"}},
		{"city", []string{"# TODO city_ref: ", "# TODO branch_ref: "}, []string{"lookups:", "from: post"}},
	} {
		properties := map[string]any{}
		for _, name := range []string{"id", "city", "pickup", "delivery"} {
			if name != tt.lacks {
				properties[name] = map[string]any{}
			}
		}
		text, err := json.Marshal(map[string]any{"type": "object", "additionalProperties": false, "properties": properties})
		if err != nil {
			t.Fatal(err)
		}
		source, err := schema.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		draft := suggest.Make(in)
		draft.Settle(check(source, in))
		got := string(draft.YAML())
		for _, want := range tt.has {
			if !strings.Contains(got, want) {
				t.Errorf("without %s: %q is not there:\n%s", tt.lacks, want, got)
			}
		}
		for _, not := range tt.hasNo {
			if strings.Contains(got, not) {
				t.Errorf("without %s: %q is there:\n%s", tt.lacks, not, got)
			}
		}
	}
}
