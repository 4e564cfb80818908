package mapping_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// tableFiles serves an archive's files in tables/; huge.csv is too large, and
// locked.csv cannot be read.
func tableFiles(archive *txtar.Archive) readTable {
	return func(path string) (mapping.TableFile, error) {
		for _, f := range archive.Files {
			if f.Name == path {
				return mapping.TableFile{Name: path, Text: f.Data}, nil
			}
		}
		switch path {
		case "tables/huge.csv":
			return mapping.TableFile{Name: path, Text: make([]byte, mapping.MaxTableFile+1)}, nil
		case "tables/locked.csv":
			return mapping.TableFile{}, fs.ErrPermission
		}
		return mapping.TableFile{}, fs.ErrNotExist
	}
}

type readTable func(path string) (mapping.TableFile, error)

func (r readTable) ReadTable(path string) (mapping.TableFile, error) { return r(path) }

// TestDiagnostics compiles the mapping of every archive in testdata/diagnostics and
// compares what is found with the archive's want. If there are events, each is
// mapped, and its error belongs to the want. UPDATE=1 rewrites the archives.
func TestDiagnostics(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "diagnostics", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			var p *mapping.Program
			want := -1
			for i, f := range archive.Files {
				switch f.Name {
				case "mapping.yaml":
					program, found := mapping.CompileWith(f.Name, f.Data, catalog{}, mapping.Options{Tables: tableFiles(archive)})
					if (program == nil) != found.HasErrors() {
						t.Errorf("the program is nil: %v; errors: %v", program == nil, found.HasErrors())
					}
					if err := found.WriteText(&got); err != nil {
						t.Fatal(err)
					}
					p = program
				case "want":
					want = i
				default:
					if strings.HasPrefix(f.Name, "tables/") {
						continue
					}
					if p == nil {
						t.Fatalf("%s: the mapping does not compile:\n%s", f.Name, got.String())
					}
					got.WriteString("== " + f.Name + "\n")
					r, err := p.Map(&mapping.Event{Record: f.Data}, nil)
					writeOutcome(t, &got, r, err)
				}
			}
			if want < 0 {
				archive.Files = append(archive.Files, txtar.File{Name: "want"})
				want = len(archive.Files) - 1
			}
			if os.Getenv("UPDATE") != "" {
				archive.Files[want].Data = got.Bytes()
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[want].Data), got.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
