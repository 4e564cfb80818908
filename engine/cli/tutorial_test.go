package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const tutorialPage = "../../mappings/README.md"

// TestTutorial does what the tutorial of mappings/README.md says: it writes the files
// that a block's first line names, in order, and runs the commands behind `$`, which
// print what stands under them. UPDATE=1 rewrites that.
func TestTutorial(t *testing.T) {
	page := readFile(t, tutorialPage)
	_, section, found := strings.Cut(page, "\n## A mapping in ten minutes\n")
	section, _, closed := strings.Cut(section, "\n## ")
	if !found || !closed {
		t.Fatal("there is no tutorial")
	}
	root := t.TempDir()
	dir := filepath.Join(root, "tutorial")
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(plugins, filepath.Join(root, "bin", "plugins")); err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`^\w+ (\S+\.\w+)$`)
	files, commands, last := 0, 0, 0
	var made strings.Builder
	for _, block := range regexp.MustCompile("(?ms)^```([^\n`]+)\n(.*?)^```$").FindAllStringSubmatchIndex(section, -1) {
		info, text := section[block[2]:block[3]], section[block[4]:block[5]]
		if m := named.FindStringSubmatch(info); m != nil {
			files++
			if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(m[1])), 0o750); err != nil {
				t.Fatal(err)
			}
			writeFile(t, dir, m[1], text)
			continue
		}
		if info != "console" {
			continue
		}
		var got strings.Builder
		for line := range strings.Lines(text) {
			if command, is := strings.CutPrefix(line, "$ crosswalk "); is {
				commands++
				got.WriteString(line + combined(t, dir, strings.Fields(command)...))
			}
		}
		made.WriteString(section[last:block[4]] + got.String())
		last = block[5]
		if os.Getenv("UPDATE") != "" {
			continue
		}
		if diff := cmp.Diff(text, got.String()); diff != "" {
			t.Errorf("-page +printed:\n%s", diff)
		}
	}
	if files < 5 || commands < 6 {
		t.Errorf("only %d files and %d commands", files, commands)
	}
	made.WriteString(section[last:])
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(tutorialPage, []byte(strings.Replace(page, section, made.String(), 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// combined is what a command prints to the screen. One that fails says so, and none
// is misused.
func combined(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, code := screen(t, dir, args...)
	if code == 2 {
		t.Fatalf("crosswalk %s cannot run:\n%s", strings.Join(args, " "), out)
	}
	return out
}

// screen is what a command prints to the screen, and its exit code.
func screen(t *testing.T, dir string, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "crosswalk", args...)
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}
