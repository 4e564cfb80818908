package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/crosswalk-etl/crosswalk/engine/config"
)

// TestReadme checks that the README's configuration is in order, and that the
// values that it calls defaults are.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```yaml\n")
	shown, _, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatal("README.md shows no configuration")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"shown.yaml":                 shown,
		"short.yaml":                 "plugins: bin/plugins\nmappings: mappings/shop/mapping.yaml\nconnections: {shop: {plugin: horoshop}}\n",
		"mappings/shop/mapping.yaml": "mapping: shop\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var configs []*config.Config
	for _, name := range []string{"short.yaml", "shown.yaml"} {
		c, findings := config.Load(filepath.Join(dir, name))
		if len(findings) > 0 {
			t.Fatalf("%s: %v", name, findings)
		}
		configs = append(configs, c)
	}
	ignore := cmp.Options{cmpopts.IgnoreUnexported(config.Config{}), cmpopts.IgnoreFields(config.Config{}, "File", "Patterns", "Connections")}
	if diff := cmp.Diff(configs[0], configs[1], ignore); diff != "" {
		t.Errorf("README.md shows other values than the defaults (-default +shown):\n%s", diff)
	}
	if s := configs[1].Connection("signed"); s == nil || s.Signature == nil {
		t.Errorf("the signed connection: %+v", s)
	}
}
