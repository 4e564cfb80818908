package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadme makes the record of the project's README with the mapping of it.
func TestReadme(t *testing.T) {
	readme := readFile(t, "../../README.md")
	dir := t.TempDir()
	writeFile(t, dir, "mapping.yaml", fenced(t, readme, "yaml"))
	writeFile(t, dir, "crosswalk.yaml", `
mappings: mapping.yaml
connections:
  shop: {plugin: horoshop, token: "${env:SHOP_TOKEN}"}
  saleapp:
    plugin: saleapp
    config: {secret_key: "${env:SALEAPP_KEY}", key: organization, client_id: 50, curency_id: 6, warehouse_id: 7}
`)
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

// fenced gives the first block of a language in a Markdown text.
func fenced(t *testing.T, markdown, language string) string {
	t.Helper()
	_, after, found := strings.Cut(markdown, "\n```"+language+"\n")
	block, _, closed := strings.Cut(after, "```\n")
	if !found || !closed {
		t.Fatalf("there is no block of %s", language)
	}
	return block
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// printed is what a command printed.
type printed struct{ stdout, stderr string }

// crosswalk runs a command in dir to its end, which must be the exit code.
func crosswalk(t *testing.T, dir string, code int, args ...string) printed {
	t.Helper()
	got, out := try(t, dir, args...)
	if got != strconv.Itoa(code) {
		t.Fatalf("crosswalk %s: exit code %s, want %d\n%s%s", strings.Join(args, " "), got, code, out.stdout, out.stderr)
	}
	return out
}

// try runs a command in dir to its end and gives its exit code.
func try(t *testing.T, dir string, args ...string) (code string, out printed) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "crosswalk", args...)
	cmd.Dir = dir
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return strconv.Itoa(cmd.ProcessState.ExitCode()), printed{stdout.String(), stderr.String()}
}
