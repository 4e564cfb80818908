package editor_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/editor"
	"github.com/crosswalk-etl/crosswalk/engine/editor/editortest"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// refused are the rules that an editor finds too, wherever they are broken.
var refused = []string{"CW104", "CW140", "CW165", "CW166"}

// TestCompiler holds what the compiler says of the mappings in its own tests
// against the schemas: what compiles is valid, and what has a wrong key is not.
func TestCompiler(t *testing.T) {
	valid, wrong, k := 0, 0, &editortest.Checker{}
	for name, text := range mappings(t) {
		t.Run(name, func(t *testing.T) {
			program, found := mapping.CompileWith("mapping.yaml", []byte(text), catalog{}, mapping.Options{})
			if !known(text) {
				return
			}
			err := k.Check(schemaOf(t, text), []byte(text))
			switch {
			case program != nil && err != nil:
				t.Errorf("it compiles, and the schema says %v\n%s", whole(err), text)
			case program != nil:
				valid++
			case err == nil && slices.ContainsFunc(found, func(d diag.Diagnostic) bool { return slices.Contains(refused, d.Rule) }):
				t.Errorf("the schema takes what does not compile: %v\n%s", found, text)
			case err != nil:
				wrong++
			}
		})
	}
	if valid < 70 || wrong < 25 {
		t.Errorf("only %d mappings were valid, and %d wrong", valid, wrong)
	}
}

// known reports whether a mapping says from and to as the catalog has them.
func known(text string) bool {
	for _, key := range []string{"from", "to"} {
		m := regexp.MustCompile(`(?m)^` + key + `: *(\S.*)$`).FindStringSubmatch(text)
		if m == nil {
			return false
		}
		for _, ref := range strings.Split(strings.Trim(strings.TrimSpace(m[1]), "[]"), ", ") {
			connection, what, _ := strings.Cut(ref, ".")
			if _, err := find(connection, what); err != nil {
				return false
			}
		}
	}
	return true
}

// archived gives the files of txtar archives whose names end so, by the archive.
func archived(t *testing.T, archives, name string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(archives)
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	out := map[string]string{}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if strings.HasSuffix(f.Name, name) {
				out[filepath.Base(file)] = string(f.Data)
			}
		}
	}
	return out
}

// mappings gives the mappings of the compiler's tests and of the language's
// reference, by where they stand.
func mappings(t *testing.T) map[string]string {
	t.Helper()
	out := archived(t, "../mapping/testdata/*/*.txtar", "mapping.yaml")
	page, err := os.ReadFile("../../mappings/README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)\n```yaml([ a-z]*)\n(.*?)```").FindAllSubmatch(page, -1)
	for i, b := range blocks {
		out[fmt.Sprintf("README.md, block %d%s", i, b[1])] = complete(string(b[2]))
	}
	maps.DeleteFunc(out, func(_, text string) bool {
		_, ok := editor.Read([]byte(text))
		return !ok
	})
	return out
}

// complete makes a mapping of a piece of one.
func complete(piece string) string {
	has := func(key string) bool { return regexp.MustCompile(`(?m)^` + key + `:`).MatchString(piece) }
	if has("mapping") {
		return piece
	}
	if !slices.ContainsFunc([]string{"from", "to", "when", "let", "lookups", "tables", "fields", "choose", "accept"}, has) {
		piece = "fields:\n" + regexp.MustCompile(`(?m)^`).ReplaceAllString(strings.TrimSuffix(piece, "\n"), "  ") + "\n"
	}
	head := "mapping: example\n"
	if !has("from") {
		head += "from: shop.order_created\n"
	}
	if has("to") {
		return head + piece
	}
	if !has("fields") {
		piece += "fields:\n"
	}
	for _, required := range []string{"external_id: order_id", "receiver_name: delivery_name", "receiver_phone: delivery_phone", "delivery_types: 1", "products: {value: []}"} {
		name, _, _ := strings.Cut(required, ":")
		if !regexp.MustCompile(`(?m)[ {]` + name + `:`).MatchString(piece) {
			piece += "  " + required + "\n"
		}
	}
	return head + "to: saleapp.upsert_order\n" + piece
}
