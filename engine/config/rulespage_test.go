package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/config"
)

// TestRulesPage runs the examples of README.md: each wrong one gives what the
// page shows and nothing else, and each right one nothing. UPDATE=1 rewrites
// what the page shows.
func TestRulesPage(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	heading := regexp.MustCompile(`(?m)^#+ (CW\d{3}) `)
	example := regexp.MustCompile("(?s)\n```yaml wrong\n(.*?)```\n```text\n(.*?)```\n```yaml right\n(.*?)```")
	text, examples := string(page), 0
	at := heading.FindAllStringSubmatchIndex(text, -1)
	var out strings.Builder
	out.WriteString(text[:at[0][0]])
	for i := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		id, section := text[at[i][2]:at[i][3]], text[at[i][0]:end]
		t.Run(id, func(t *testing.T) {
			for _, m := range example.FindAllStringSubmatch(section, -1) {
				examples++
				got, ids := tryExample(t, m[1])
				if len(ids) == 0 || slices.ContainsFunc(ids, func(other string) bool { return other != id }) {
					t.Errorf("it gives %v:\n%s", ids, got)
				}
				if os.Getenv("UPDATE") != "" {
					section = strings.Replace(section, "```text\n"+m[2]+"```", "```text\n"+got+"```", 1)
				} else if diff := cmp.Diff(m[2], got); diff != "" {
					t.Errorf("-page +made:\n%s", diff)
				}
				if got, _ := tryExample(t, m[3]); got != "" {
					t.Errorf("the right form gives\n%s", got)
				}
			}
		})
		out.WriteString(section)
	}
	if examples < 9 {
		t.Errorf("only %d examples on the page", examples)
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile("README.md", []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// tryExample loads a configuration that an example makes whole, resolves its
// references without any environment, and holds its connections against a schema.
func tryExample(t *testing.T, example string) (shown string, ids []string) {
	t.Helper()
	for _, rest := range []string{"plugins: bin/plugins\n", "mappings: mapping.yaml\n", "connections: {shop: {plugin: horoshop}}\n"} {
		key, _, _ := strings.Cut(rest, ":")
		if !strings.Contains("\n"+example, "\n"+key+":") {
			example += rest
		}
	}
	dir := t.TempDir()
	for name, text := range map[string]string{config.FileName: example, "mapping.yaml": "mapping: m\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, found := config.Load(filepath.Join(dir, config.FileName))
	if !found.HasErrors() {
		for _, conn := range c.Connections {
			found = append(found, conn.CheckSchema([]byte(`{"type":"object","additionalProperties":false,"properties":{"url":{"type":"string"},"client_id":{"type":"integer"}}}`))...)
		}
	}
	if !found.HasErrors() {
		found = append(found, c.Resolve(func(name string) (string, bool) { return "a-long-enough-secret", name == "SHOP_TOKEN" })...)
	}
	var full bytes.Buffer
	if err := found.WriteText(&full); err != nil {
		t.Fatal(err)
	}
	for _, d := range found {
		ids = append(ids, d.Rule)
	}
	return short(full.String(), dir), ids
}

// short leaves file and line numbers out of what was found.
func short(text, dir string) string {
	text = strings.ReplaceAll(text, dir+string(filepath.Separator), "")
	text = regexp.MustCompile(`(?m)^crosswalk\.yaml:[\d:]+ `).ReplaceAllString(text, "")
	return regexp.MustCompile(`(?m)^  [\d ]*\| `).ReplaceAllString(text, "  ")
}
