package cli_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFoldersSayWhatIsInThem: where a README has a table of its folder's files, that
// has each of them and no other.
func TestFoldersSayWhatIsInThem(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| (`[a-z0-9_*]+\\.go`[^|]*)\\|")
	file := regexp.MustCompile("`([a-z0-9_*]+\\.go)`")
	tables := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "bin", "testdata"}, d.Name()) {
			return fs.SkipDir
		}
		if d.Name() != "README.md" {
			return nil
		}
		var patterns []string
		for _, r := range row.FindAllStringSubmatch(readFile(t, path), -1) {
			for _, f := range file.FindAllStringSubmatch(r[1], -1) {
				patterns = append(patterns, f[1])
			}
		}
		if len(patterns) == 0 {
			return nil
		}
		tables++
		dir := filepath.Dir(path)
		named := map[string]bool{"doc.go": true}
		for _, p := range patterns {
			found, err := filepath.Glob(filepath.Join(dir, p))
			if err != nil {
				return err
			}
			if len(found) == 0 {
				t.Errorf("%s names %s, which is not there", path, p)
			}
			for _, f := range found {
				named[filepath.Base(f)] = true
			}
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		for _, f := range files {
			if name := filepath.Base(f); !named[name] && !strings.HasSuffix(name, "_test.go") {
				t.Errorf("%s does not name %s", path, name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if tables < 10 {
		t.Errorf("found %d tables of files, and there were more", tables)
	}
}
