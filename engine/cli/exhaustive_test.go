package cli_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExhaustiveReadme tries the mapping that the language's reference shows, and
// the mappings that are shipped. UPDATE=1 rewrites what the reference says of it.
func TestExhaustiveReadme(t *testing.T) {
	const page = "../../mappings/README.md"
	reference := readFile(t, page)
	dir := shopFolder(t, fenced(t, reference, "yaml exhaustive"))
	got := crosswalk(t, dir, 1, "validate", "--exhaustive", "--plugins", plugins)
	shown := fenced(t, reference, "text exhaustive")
	if os.Getenv("UPDATE") != "" {
		reference = strings.Replace(reference, "```text exhaustive\n"+shown, "```text exhaustive\n"+got.stdout, 1)
		if err := os.WriteFile(page, []byte(reference), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(shown, got.stdout); diff != "" {
		t.Errorf("the reference says something else (-page +made):\n%s", diff)
	}
}

// TestExhaustiveShipped tries the mappings that are shipped: what they fail on is
// accepted in them, and nothing more is.
func TestExhaustiveShipped(t *testing.T) {
	got := crosswalk(t, ".", 0, "validate", "--exhaustive", "--strict", "--config", "../../examples/demo/crosswalk.yaml", "--plugins", plugins)
	if got.stdout != "" || strings.Count(got.stderr, "records tried") != 3 {
		t.Errorf("it says\n%s%s", got.stdout, got.stderr)
	}
}
