package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// times are times as the operator's commands print them.
var times = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)

// TestOperatorReadme runs the commands that engine/cli/README.md shows, and holds
// what they print against it. UPDATE=1 writes it there.
func TestOperatorReadme(t *testing.T) {
	const readme = "../cli/README.md"
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), "```console\n")
	block, after, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatal("README.md shows no commands")
	}
	sb := startSandbox(t)
	e := operatorSite(t, sb, "1: 1").start(t)
	e.order(t, deliveredBy(7, 2, "вул. Нова, 1"))
	e.order(t, deliveredBy(8, 1, "вул. Нова, 2"))
	e.becomes(t, 1, "dead")
	e.becomes(t, 2, "delivered")

	var shown strings.Builder
	for line := range strings.Lines(block) {
		command, is := strings.CutPrefix(strings.TrimSpace(line), "$ crosswalk ")
		if !is {
			continue
		}
		// What an earlier command put on its way has arrived.
		for seq := 3; seq <= strings.Count(shown.String(), "as event")+2; seq++ {
			e.becomes(t, seq, "delivered")
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", `crosswalk `+command+` --admin "$ADMIN"`)
		cmd.Env = append(os.Environ(), "PATH="+binaries+string(filepath.ListSeparator)+os.Getenv("PATH"), "ADMIN="+strings.TrimPrefix(e.admin, "http://"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		shown.WriteString("$ crosswalk " + command + "\n" + times.ReplaceAllString(string(out), "2026-11-02 20:41:13"))
	}
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(readme, []byte(before+"```console\n"+shown.String()+"```\n"+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(block, shown.String()); diff != "" {
		t.Errorf("engine/cli/README.md shows something else (-README +printed):\n%s", diff)
	}
}
