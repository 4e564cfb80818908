package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// exampleFiles are what an example of a rule stands among.
func exampleFiles() map[string]string {
	return map[string]string{
		"crosswalk.yaml": "plugins: bin/plugins\n" + shopConfig,
		"mapping.yaml": `
mapping: order
from: shop.order_created
to: saleapp.upsert_order
fields:
  external_id: order_id
  delivery_types: 1
  products: [{fields: {sku: {value: set}, qty: 1}}]
`,
	}
}

// TestRulesOfCommands runs the examples of the rules that only a command can break: in
// the wrong files it prints what the page shows, and in the right ones finds nothing.
// A block's first line names its file, or the key of the file that it replaces.
// UPDATE=1 rewrites what is shown.
func TestRulesOfCommands(t *testing.T) {
	for page, ids := range map[string][]string{
		"../../mappings/README.md": {"CW155", "CW320"},
		"../config/README.md":      {"CW201", "CW211", "CW212", "CW213", "CW215"},
	} {
		text := readFile(t, page)
		for _, id := range ids {
			at := strings.Index(text, "\n### "+id+" ")
			if at < 0 {
				t.Fatalf("%s does not tell of %s", page, id)
			}
			section := text[at:]
			if end := regexp.MustCompile(`\n##+ `).FindStringIndex(section[1:]); end != nil {
				section = section[:end[0]+1]
			}
			t.Run(id, func(t *testing.T) {
				if n := strings.Count(section, "\n```console wrong\n"); n != 1 || strings.Count(section, "\n```console right\n") != 1 {
					t.Fatalf("there is no example of both in\n%s", section)
				}
				made := section
				for _, way := range []string{"wrong", "right"} {
					shown := fenced(t, section, "console "+way)
					got := commandsOf(t, section, way, shown)
					says := " " + id + ": "
					if id == "CW201" { // then a command cannot run, and finds nothing
						says = ": the configuration cannot be read: "
					}
					if way == "wrong" && !strings.Contains(got, says) || way == "right" && strings.Contains(got, "CW") {
						t.Errorf("%s: it prints\n%s", way, got)
					}
					if others := regexp.MustCompile(` CW\d{3}: `).FindAllString(got, -1); way == "wrong" && id != "CW201" && len(others) != 1 {
						t.Errorf("the wrong example finds %v", others)
					}
					if os.Getenv("UPDATE") != "" {
						made = strings.Replace(made, "```console "+way+"\n"+shown, "```console "+way+"\n"+got, 1)
					} else if diff := cmp.Diff(shown, got); diff != "" {
						t.Errorf("%s: -page +printed:\n%s", way, diff)
					}
				}
				text = strings.Replace(text, section, made, 1)
			})
		}
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// commandsOf writes the files of one way of an example and runs what stands behind `$`.
func commandsOf(t *testing.T, section, way, shown string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(plugins, filepath.Join(dir, "bin", "plugins")); err != nil {
		t.Fatal(err)
	}
	files := exampleFiles()
	for _, block := range regexp.MustCompile("(?ms)^```yaml (\\S+) "+way+"\n(.*?)^```$").FindAllStringSubmatch(section, -1) {
		name, piece := block[1], block[2]
		key, _, _ := strings.Cut(piece, ":")
		line := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(key) + `:.*\n`)
		switch {
		case strings.HasPrefix(piece, "mapping:"), strings.Contains(piece, "\nmapping:"):
			files[name] = piece
		case line.MatchString(files[name]):
			files[name] = line.ReplaceAllLiteralString(files[name], piece)
		default:
			files[name] += piece
		}
	}
	for name, text := range files {
		writeFile(t, dir, name, strings.TrimLeft(text, "\n"))
	}
	var got strings.Builder
	for line := range strings.Lines(shown) {
		if command, is := strings.CutPrefix(line, "$ crosswalk "); is {
			out, code := screen(t, dir, strings.Fields(command)...)
			got.WriteString(line + out)
			if code == 2 && way == "right" {
				t.Errorf("%s cannot run", line)
			}
		}
	}
	return got.String()
}
