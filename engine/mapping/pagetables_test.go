package mapping_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// TestPageTables runs the examples of mappings/README.md whose tables stand in files,
// which follow them: each makes the record under them. UPDATE=1 rewrites the records.
func TestPageTables(t *testing.T) {
	page, err := os.ReadFile(rulesPage)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	example := regexp.MustCompile("(?s)\n```yaml with files\n(.*?)```\n((?:```(?:csv|yaml) tables/[^\n]*\n.*?```\n)+)```json event\n(.*?)```\n```json record\n(.*?)```")
	file := regexp.MustCompile("(?s)```(?:csv|yaml) (tables/[^\n]*)\n(.*?)```\n")
	all := example.FindAllStringSubmatchIndex(text, -1)
	if open := strings.Count(text, "\n```yaml with files\n"); open == 0 || open != len(all) {
		t.Fatalf("%d examples, and %d are followed by files, an event and a record", open, len(all))
	}
	var out strings.Builder
	last := 0
	for _, m := range all {
		piece, event, want := text[m[2]:m[3]], text[m[6]:m[7]], text[m[8]:m[9]]
		files := map[string]string{}
		for _, f := range file.FindAllStringSubmatch(text[m[4]:m[5]], -1) {
			files[f[1]] = f[2]
		}
		tables := readTable(func(path string) (mapping.TableFile, error) {
			if files[path] == "" {
				return mapping.TableFile{}, fs.ErrNotExist
			}
			return mapping.TableFile{Name: path, Text: []byte(files[path])}, nil
		})
		whole, _ := complete(piece)
		p, found := mapping.CompileWith("mapping.yaml", []byte(whole), catalog{}, mapping.Options{Tables: tables})
		if p == nil || len(found) > 0 {
			t.Fatalf("%v\n%s", found, whole)
		}
		r, err := p.Map(&mapping.Event{Record: []byte(strings.TrimSpace(event))}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := ownFields(t, piece, r.Record) + "\n"
		if diff := cmp.Diff(want, got); diff != "" && os.Getenv("UPDATE") == "" {
			t.Errorf("-page +made:\n%s", diff)
		}
		out.WriteString(text[last:m[8]] + got)
		last = m[9]
	}
	out.WriteString(text[last:])
	if os.Getenv("UPDATE") != "" && !t.Failed() {
		if err := os.WriteFile(rulesPage, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
