package cli_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/crosswalk-etl/crosswalk/engine/cli"
)

// plugins is the folder that TestMain built the plugins into.
var plugins string

func TestMain(m *testing.M) {
	testscript.Main(built{m}, map[string]func(){
		"crosswalk": func() {
			os.Exit(cli.Main("v1.2.3", os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// built runs the tests with the plugins built, and fails if a process of theirs
// is left in the end.
type built struct{ tests *testing.M }

func (b built) Run() int {
	code, err := b.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cli:", err)
		return 1
	}
	return code
}

func (b built) run() (code int, err error) {
	dir, err := os.MkdirTemp("", "cli")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// A test's own folder would make the sockets' paths too long.
	plugins = filepath.Join(dir, "plugins")
	if err := os.Mkdir(plugins, 0o755); err != nil {
		return 0, err
	}
	args := []string{"build", "-o", plugins + "/"}
	for _, name := range []string{"horoshop", "novaposhta", "retailcrm", "saleapp", "salesdrive"} {
		args = append(args, "../../plugins/"+name)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go %v: %w\n%s", args, err, out)
	}
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "sandbox"), "../../examples/sandbox").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go build of the sandbox: %w\n%s", err, out)
	}
	code = b.tests.Run()
	return code, awaitNoPlugins()
}

// awaitNoPlugins waits until no plugin's process is left: those of an engine that
// was killed need a moment.
func awaitNoPlugins() error {
	var left []string
	for range 600 {
		if left = pluginProcesses(plugins); len(left) == 0 {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("plugin processes are left: %s", strings.Join(left, ", "))
}

// pluginProcesses lists the processes of executables in dir, where the system
// tells (/proc).
func pluginProcesses(dir string) []string {
	links, _ := filepath.Glob("/proc/[0-9]*/exe") // the pattern is well-formed
	var out []string
	for _, link := range links {
		if exe, err := os.Readlink(link); err == nil && strings.HasPrefix(exe, dir+"/") {
			out = append(out, filepath.Base(filepath.Dir(link))+" "+filepath.Base(exe))
		}
	}
	return out
}

// TestScripts runs the scripts of testdata/script: what each command prints, and
// how it exits. `UPDATE=1 go test` rewrites what they expect.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PLUGINS", plugins)
			tmp, err := os.MkdirTemp("", "cli") //nolint:usetesting // sockets go there, and a path of the test's is too long for one
			if err != nil {
				return err
			}
			env.Setenv("TMPDIR", tmp)
			env.Defer(func() {
				left, err := os.ReadDir(tmp)
				if err != nil || len(left) > 0 {
					env.T().Log("the commands left behind in TMPDIR:", left, err)
					env.T().FailNow()
				}
				_ = os.Remove(tmp)
			})
			// Messages then name the plugins' folder the same way everywhere.
			return os.Symlink(plugins, filepath.Join(env.WorkDir, "plugins"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "sandbox": sandboxServer},
	})
}

// exits CODE PROGRAM ARGS... is exec for a program that exits with CODE.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Check(err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
