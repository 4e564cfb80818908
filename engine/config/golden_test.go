package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// golden runs got for every archive of a folder and compares what it returns
// with the archive's file want. UPDATE=1 writes it.
func golden(t *testing.T, folder string, got func(t *testing.T, a *txtar.Archive, dir string) diag.List) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives in testdata/%s (%v)", folder, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			for _, f := range a.Files {
				to := filepath.Join(dir, filepath.FromSlash(f.Name))
				if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(to, f.Data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var b bytes.Buffer
			if err := got(t, a, dir).WriteText(&b); err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(b.String(), dir+string(filepath.Separator), "")
			for i, f := range a.Files {
				if f.Name != "want" {
					continue
				}
				if os.Getenv("UPDATE") == "1" {
					a.Files[i].Data = []byte(text)
					if err := os.WriteFile(path, txtar.Format(a), 0o600); err != nil {
						t.Fatal(err)
					}
					return
				}
				if text != string(f.Data) {
					t.Errorf("got\n%s\nwant\n%s", text, f.Data)
				}
				return
			}
			t.Errorf("%s has no file want", path)
		})
	}
}

// TestLoad checks what is reported of broken configurations, and where.
func TestLoad(t *testing.T) {
	golden(t, "load", func(t *testing.T, _ *txtar.Archive, dir string) diag.List {
		c, list := config.Load(filepath.Join(dir, config.FileName))
		if !list.HasErrors() && c == nil {
			t.Error("no errors and no configuration")
		}
		return list
	})
}

// TestCheckSchema holds the connections of configurations against a schema.
func TestCheckSchema(t *testing.T) {
	golden(t, "schema", func(t *testing.T, a *txtar.Archive, dir string) diag.List {
		c, list := config.Load(filepath.Join(dir, config.FileName))
		if len(list) > 0 {
			t.Fatalf("the configuration itself has findings: %v", list)
		}
		for _, f := range a.Files {
			if f.Name == "schema.json" {
				for _, conn := range c.Connections {
					list = append(list, conn.CheckSchema(f.Data)...)
				}
			}
		}
		return list
	})
}
