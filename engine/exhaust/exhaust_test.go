package exhaust_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/crosswalk-etl/crosswalk/engine/exhaust"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// catalog serves one schema for every event, one for every operation, and one for
// the answers of every lookup.
type catalog struct{ source, sink, answer, args string }

func (c catalog) Event(string, string) (*schema.Schema, error) {
	return schema.Parse([]byte(c.source))
}

func (c catalog) Operation(string, string) (*schema.Schema, error) {
	return schema.Parse([]byte(c.sink))
}

func check(t *testing.T, c catalog, text string) exhaust.Report {
	t.Helper()
	p, found := mapping.Compile("mapping.yaml", []byte(text), c)
	if p == nil {
		t.Fatalf("the mapping does not compile: %v\n%s", found.Err(), text)
	}
	report, err := exhaust.Check(p, c)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestFindings checks small mappings with known holes; UPDATE=1 rewrites what is
// wanted.
func TestFindings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			part := map[string]*txtar.File{}
			for i := range a.Files {
				part[a.Files[i].Name] = &a.Files[i]
			}
			c := catalog{string(part["source.json"].Data), string(part["sink.json"].Data), "", ""}
			if part["answer.json"] != nil {
				c.answer = string(part["answer.json"].Data)
			}
			if part["args.json"] != nil {
				c.args = string(part["args.json"].Data)
			}
			var got, again bytes.Buffer
			if err := check(t, c, string(part["mapping.yaml"].Data)).Findings.WriteText(&got); err != nil {
				t.Fatal(err)
			}
			if err := check(t, c, string(part["mapping.yaml"].Data)).Findings.WriteText(&again); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got.String(), again.String()); diff != "" {
				t.Errorf("a second run finds something else:\n%s", diff)
			}
			if os.Getenv("UPDATE") != "" {
				part["want"].Data = got.Bytes()
				if err := os.WriteFile(file, txtar.Format(a), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(part["want"].Data), got.String()); diff != "" {
				t.Errorf("(- wanted + found)\n%s", diff)
			}
		})
	}
}

// TestBounds checks a schema with far more combinations than can be tried: a
// failure of one field is found for each, and the number of records is bounded.
func TestBounds(t *testing.T) {
	var properties, fields, sink strings.Builder
	for i := range 20 {
		fmt.Fprintf(&properties, `"f%d": {"enum": [1,2,3,4,5,6,7,8,9,10]},`, i)
		fmt.Fprintf(&sink, `"f%d": {"type": "integer"},`, i)
		fmt.Fprintf(&fields, "  f%d: {path: f%d, table: {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8, 9: 9}}\n", i, i)
	}
	report := check(t, catalog{
		`{"type": "object", "x-crosswalk-key": "id", "properties": {` + properties.String() + `"id": {"type": "string"}}}`,
		`{"type": "object", "properties": {` + sink.String() + `"id": {"type": "string"}}, "required": ["id"]}`, "", "",
	}, "mapping: m\nfrom: a.b\nto: c.d\nfields:\n  id: id\n"+fields.String())
	if len(report.Findings) != 20 {
		t.Errorf("%d findings, want one for each field", len(report.Findings))
	}
	if !report.Cut || report.Records > 100_000 {
		t.Errorf("cut %t after %d records", report.Cut, report.Records)
	}
}

// TestWork checks a mapping that goes through much for every record: the search ends
// long before all records are tried, and says so.
func TestWork(t *testing.T) {
	var properties, fields strings.Builder
	for i := range 30 {
		fmt.Fprintf(&properties, `"f%d": {"enum": [1,2,3,4,5,6]},`, i)
		fmt.Fprintf(&fields, "  f%d: f%d\n", i, i)
	}
	report := check(t, catalog{`{"type": "object", "properties": {` + properties.String() + `"id": {"type": "integer"}}}`, `{"type": "object"}`, "", ""},
		"mapping: m\nfrom: a.b\nto: c.d\nfields:\n  n: = sum(map(1..700, sum(map(1..700, 1))))\n"+fields.String())
	if !report.Cut || report.Records > 2000 {
		t.Errorf("cut %t after %d records", report.Cut, report.Records)
	}
}

// TestHostileSchemas checks schemas that refer to themselves.
func TestHostileSchemas(t *testing.T) {
	c := catalog{
		`{"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}, "c": {"$ref": "#"}, "list": {"type": "array", "items": {"$ref": "#"}}}, "required": ["a", "b", "c"]}`,
		`{"type": "object"}`,
		`{"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a"]}`, "",
	}
	report := check(t, c, "mapping: m\nfrom: a.b\nto: c.d\nlookups:\n  all: {from: l.l, args: {}}\nfields:\n  whole: a\n  answer: all\n  far: all.a.b.a.b.a.b.a.b\n  list: list\n  deep: a.b.c.a.b.c.a.b.c.a.b.c\n")
	if len(report.Findings) != 0 || report.Records > 60_000 {
		t.Errorf("%d records, findings %v", report.Records, report.Findings)
	}
}

func (c catalog) Lookup(string, string) (mapping.LookupSchema, error) {
	var s mapping.LookupSchema
	for text, to := range map[string]**schema.Schema{c.answer: &s.Answer, c.args: &s.Args} {
		var err error
		if text == "" {
			continue
		}
		if *to, err = schema.Parse([]byte(text)); err != nil {
			return s, err
		}
	}
	return s, nil
}
