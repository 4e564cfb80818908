package rules_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/diag/rules"
)

// TestAll holds the list against what the engine's code names, both ways.
func TestAll(t *testing.T) {
	used := usedRules(t)
	var known []string
	for i, r := range rules.All() {
		known = append(known, r.ID)
		if i > 0 && r.ID <= known[i-1] {
			t.Errorf("%s stands behind %s", r.ID, known[i-1])
		}
		if len(used[r.ID]) == 0 {
			t.Errorf("%s is listed, and nothing in the code reports it", r.ID)
		}
		if r.Title == "" || strings.HasSuffix(r.Title, ".") || !strings.HasSuffix(r.Explanation, ".") {
			t.Errorf("%s: a title is no sentence, an explanation is one", r.ID)
		}
	}
	for id, places := range used {
		if !slices.Contains(known, id) {
			t.Errorf("%s is not listed, and is reported in %s", id, strings.Join(slices.Compact(places), ", "))
		}
	}
}

// TestReadmes wants a heading for each rule in the page that explains it, and no
// other. The examples are run beside what they are of.
func TestReadmes(t *testing.T) {
	heading := regexp.MustCompile(`(?m)^#+ (CW\d{3}) (.+)$`)
	pages := map[string][]diag.Rule{}
	for _, r := range rules.All() {
		page := "../../../mappings/README.md"
		if strings.HasPrefix(r.ID, "CW2") {
			page = "../../config/README.md"
		}
		pages[page] = append(pages[page], r)
	}
	for page, want := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		// A sentence may be broken into lines, have links, and go on.
		said := strings.Join(strings.Fields(regexp.MustCompile(`\[([^]]+)\]\([^)]+\)`).ReplaceAllString(string(text), "$1")), " ")
		var have []string
		for _, m := range heading.FindAllStringSubmatch(string(text), -1) {
			have = append(have, m[1]+" "+m[2])
		}
		var wanted []string
		for _, r := range want {
			wanted = append(wanted, r.ID+" "+r.Title)
			if !strings.Contains(said, strings.TrimSuffix(r.Explanation, ".")) {
				t.Errorf("%s does not say of %s: %s", page, r.ID, r.Explanation)
			}
		}
		for _, h := range wanted {
			if !slices.Contains(have, h) {
				t.Errorf("%s has no heading %q", page, h)
			}
		}
		for _, h := range have {
			if !slices.Contains(wanted, h) {
				t.Errorf("%s has the heading %q, and there is no such rule", page, h)
			}
		}
		if !slices.IsSorted(have) {
			t.Errorf("the rules of %s are not in the order of their ids", page)
		}
	}
}

// usedRules finds the ids in the code: every string that is one.
func usedRules(t *testing.T) map[string][]string {
	t.Helper()
	id := regexp.MustCompile("^[\"`]CW[0-9]{3}[\"`]$")
	used := map[string][]string{}
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if dir := filepath.ToSlash(filepath.Dir(path)); strings.HasSuffix(dir, "diag/rules") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && id.MatchString(lit.Value) {
				name := strings.Trim(lit.Value, "\"`")
				used[name] = append(used[name], path)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(used) < 40 {
		t.Fatalf("only %d rules found in the code", len(used))
	}
	return used
}
