package project

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTableFiles reads tables beside a mapping and in the folder above, and nothing
// that lies elsewhere.
func TestTableFiles(t *testing.T) {
	top := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		file := filepath.Join(top, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("secret.csv", "secret")
	write("mappings/tables/shared.csv", "shared")
	write("mappings/tables/both.csv", "far")
	write("mappings/order/tables/both.csv", "near")
	write("mappings/order/tables/dir.csv/x", "")
	for link, to := range map[string]string{"out.csv": "../../../secret.csv", "root.csv": filepath.Join(top, "secret.csv"), "in.csv": "both.csv"} {
		if err := os.Symlink(to, filepath.Join(top, "mappings/order/tables", link)); err != nil {
			t.Skip(err)
		}
	}
	tables := TablesOf(filepath.Join(top, "mappings/order/mapping.yaml"))
	for path, want := range map[string]string{
		"tables/shared.csv": "shared", "tables/both.csv": "near", "tables/in.csv": "near",
		"tables/none.csv": "not there", "tables/out.csv": "escapes", "tables/root.csv": "escapes", "tables/dir.csv": "no file",
		"../secret.csv": "escapes", "../../secret.csv": "escapes",
	} {
		got, err := tables.ReadTable(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			got.Text = []byte("not there")
		case err != nil:
			got.Text = []byte(err.Error())
		}
		if !strings.Contains(string(got.Text), want) || strings.Contains(string(got.Text), "secret") {
			t.Errorf("%s: got %q, want %q", path, got.Text, want)
		}
		if err == nil && !strings.HasSuffix(got.Name, filepath.FromSlash(path)) {
			t.Errorf("%s is called %s", path, got.Name)
		}
	}
}
