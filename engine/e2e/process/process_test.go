package process_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/e2e/process"
)

// playEnv has the test binary be a process of some kind.
const playEnv = "PROCESS_TEST_PLAYS"

// patience bounds every wait.
const patience = time.Minute

func TestMain(m *testing.M) {
	term := make(chan os.Signal, 1)
	switch os.Getenv(playEnv) {
	case "engine":
		signal.Notify(term, syscall.SIGTERM)
		fmt.Fprintln(os.Stderr, `{"msg":"starting"}`)
		fmt.Fprintln(os.Stderr, `{"msg":"ready","ingress":"127.0.0.1:1","admin":"127.0.0.1:2"}`)
		<-term
		fmt.Fprintln(os.Stderr, `{"msg":"stopping"}`)
		os.Exit(0)
	case "sandbox":
		fmt.Fprintln(os.Stdout, "the sandbox is at http://127.0.0.1:3/saleapp, and elsewhere")
		signal.Ignore(syscall.SIGTERM)
		select {}
	case "broken":
		fmt.Fprintln(os.Stderr, "the configuration is refused")
		os.Exit(2)
	}
	os.Exit(m.Run())
}

func plays(t *testing.T, what string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), playEnv+"="+what)
	return cmd
}

// TestEngine: an engine is there once it says so, and ends in order.
func TestEngine(t *testing.T) {
	var lines []string
	p, at, err := process.Engine(t.Context(), plays(t, "engine"), patience, func(line string) { lines = append(lines, line) })
	if err != nil {
		t.Fatal(err)
	}
	if at != (process.Addresses{Ingress: "127.0.0.1:1", Admin: "127.0.0.1:2"}) {
		t.Errorf("it answers at %+v", at)
	}
	if err := p.Shutdown(patience); err != nil {
		t.Error(err)
	}
	p.Stop(patience) // it has ended
	if n := strings.Count(p.Printed(), "\n"); n != 3 || len(lines) != 3 {
		t.Errorf("it printed %d lines, and %d were seen:\n%s", n, len(lines), p.Printed())
	}
}

// TestSandbox: one that does not go when it is asked to is ended all the same.
func TestSandbox(t *testing.T) {
	p, root, err := process.Sandbox(t.Context(), plays(t, "sandbox"), patience, nil)
	if err != nil {
		t.Fatal(err)
	}
	if root != "http://127.0.0.1:3" {
		t.Errorf("it is at %s", root)
	}
	p.Stop(time.Millisecond)
	if err := syscall.Kill(p.PID(), 0); err == nil {
		t.Error("it is still there")
	}
}

// TestNotReady: what ends before it is ready, or is not in time, is told with what it
// printed.
func TestNotReady(t *testing.T) {
	_, _, err := process.Engine(t.Context(), plays(t, "broken"), patience, nil)
	if err == nil || !strings.Contains(err.Error(), "exit status 2") || !strings.Contains(err.Error(), "the configuration is refused") {
		t.Errorf("of one that ends: %v", err)
	}
	_, _, err = process.Engine(t.Context(), plays(t, "sandbox"), time.Millisecond, nil)
	if err == nil || !strings.Contains(err.Error(), "was not ready in 1ms") {
		t.Errorf("of one that is late: %v", err)
	}
	if _, err := process.Start(exec.Command("./nothing-there"), nil); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("of one that is not there: %v", err)
	}
}
