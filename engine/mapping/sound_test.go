package mapping_test

import (
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// TestFindingsAreSound holds every finding of testdata/diagnostics against what
// each must be: one of a place and a rule, in order, with a place inside its line.
func TestFindingsAreSound(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "diagnostics", "*.txtar"))
	if err != nil || len(files) < 30 {
		t.Fatalf("%d archives, %v", len(files), err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if f.Name != "mapping.yaml" {
				continue
			}
			_, found := mapping.CompileWith(f.Name, f.Data, catalog{}, mapping.Options{Tables: tableFiles(archive)})
			seen := map[string]diag.Diagnostic{}
			for _, d := range found {
				key := d.Position.String() + d.Rule
				if first, twice := seen[key]; twice && first.Message == d.Message {
					t.Errorf("%s: twice: %v", file, d)
				}
				seen[key] = d
				width := utf8.RuneCountInString(d.Source)
				if d.Position.Line > 0 && (d.Position.Column < 1 || d.Position.Column > width+1 || d.EndColumn > width+1) {
					t.Errorf("%s: columns %d to %d of a line of %d: %v", file, d.Position.Column, d.EndColumn, width, d)
				}
				if d.Message == "" || d.Rule == "" {
					t.Errorf("%s: no words or no rule: %v", file, d)
				}
			}
		}
	}
}
