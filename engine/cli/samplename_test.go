package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/project"
)

// TestHostileSampleNames prints what became of samples whose names hold line ends and
// escapes: none begins a line of its own, where a workflow would take it for a command.
func TestHostileSampleNames(t *testing.T) {
	const hostile = "x\n::error::pwn\x1b[31m"
	dir := t.TempDir()
	for _, file := range []string{hostile + ".json", hostile + ".txt", hostile + ".form", "lost" + hostile + ".want.json"} {
		if err := os.WriteFile(filepath.Join(dir, file), nil, 0o600); err != nil {
			t.Skip("the file system does not take such a name:", err)
		}
	}
	samples, err := findSamples(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{formatText, formatGitHub} {
		var out bytes.Buffer
		run := &sampleTest{app: &app{stdout: &out}, report: testReport{format: format}}
		stray := 0
		for _, s := range samples {
			run.report.file = s.body
			if s.problem != "" {
				stray++
				run.report.file = s.stray
				if err := run.fail("m/"+s.name, nil, errors.New(s.problem)); err != nil {
					t.Fatal(err)
				}
				continue
			}
			want := filepath.Join(dir, "made"+hostile+wantEnding)
			for _, err := range []error{
				run.pass("m/" + s.name),
				run.write("m/"+s.name, want, []byte(`{}`), nil),
				run.fail("m/"+s.name, nil, heldAgainst(want, []byte(`[]`), []byte(`{}`))),
				run.fail("m/"+s.name, nil, (&knownAnswers{file: want}).wrong(1, "none")),
				run.fail("m/"+s.name, nil, &brokenJSONError{want, 1, 1, "none"}),
				run.fail("m/"+s.name, nil, project.NewFileError("the body", want, os.ErrPermission)),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if stray != 3 {
			t.Errorf("%d stray files, want 3", stray)
		}
		if strings.Contains(out.String(), "\x1b") {
			t.Errorf("%s: an escape is printed:\n%q", format, out.String())
		}
		for line := range strings.Lines(out.String()) {
			if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "::") &&
				(format != formatGitHub || !strings.HasPrefix(trimmed, "::error file=")) {
				t.Errorf("%s: a name begins a line: %q", format, line)
			}
		}
		if got := strings.Count(out.String(), "x ::error::pwn\ufffd[31m"); got < 9 {
			t.Errorf("%s: the names are shown %d times:\n%s", format, got, out.String())
		}
		if err := os.Remove(filepath.Join(dir, "made"+hostile+wantEnding)); err != nil {
			t.Fatal(err)
		}
	}
}
