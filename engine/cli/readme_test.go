package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadme makes the record of the project's README with the mapping of it.
func TestReadme(t *testing.T) {
	readme := readFile(t, "../../README.md")
	dir := shopFolder(t, fenced(t, readme, "yaml"))
	order, err := filepath.Abs("../../examples/readme/order.json")
	if err != nil {
		t.Fatal(err)
	}
	got := crosswalk(t, dir, 0, "map", "mapping.yaml", "--input", order, "--plugins", plugins)
	if diff := cmp.Diff(fenced(t, readme, "json"), got.stdout); diff != "" {
		t.Errorf("README.md promises something else (-README +made):\n%s", diff)
	}
	checked := crosswalk(t, dir, 0, "validate", "--strict", "--plugins", plugins)
	if want := "1 mapping checked, 0 warnings\n"; checked.stderr != want {
		t.Errorf("validate says %q, want %q", checked.stderr, want)
	}
}

// TestShipped checks the mappings that are shipped, and their samples, under the
// demo's configuration.
func TestShipped(t *testing.T) {
	mappings, err := filepath.Glob("../../mappings/*/mapping.yaml")
	if err != nil || len(mappings) == 0 {
		t.Fatalf("found %d mappings, error %v", len(mappings), err)
	}
	const config = "../../examples/demo/crosswalk.yaml"
	crosswalk(t, ".", 0, "validate", "--strict", "--config", config, "--plugins", plugins)
	tested := crosswalk(t, ".", 0, "test", "--config", config, "--plugins", plugins)
	for _, m := range mappings {
		name := filepath.Base(filepath.Dir(m))
		if !strings.Contains(tested.stdout, "ok   "+name+"/") {
			t.Errorf("%s has no sample that passes", name)
		}
	}
}
