package sdk

import (
	"bufio"
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// TestMain makes the test binary a connector when a link named so starts it.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "acme":
		Serve((&acme{}).spec())
	case "acme-broken":
		Serve(Spec{Name: "acme"})
	}
	os.Exit(m.Run())
}

// command makes a command of a connector.
func command(t *testing.T, name string, env ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	// A socket's path must be short.
	temp, err := os.MkdirTemp("/tmp", "cw") //nolint:usetesting // a path of the test's is too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temp) })
	return &exec.Cmd{Path: path, Args: []string{path}, Env: append(env, "TMPDIR="+temp), Stderr: &stderr}, &stderr
}

func TestServeWithoutAnEngine(t *testing.T) {
	for name, want := range map[string]string{
		"acme":        "acme 1.0.0 is a Crosswalk connector: put it into the engine's plugins directory",
		"acme-broken": "spec of connector acme: ",
	} {
		cmd, stderr := command(t, name)
		err := cmd.Run()
		if err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: error %v, stderr %q; want %q", name, err, stderr, want)
		}
	}
}

func TestServeEndsWithItsStandardInput(t *testing.T) {
	cmd, stderr := command(t, "acme", wire.CookieKey+"="+wire.CookieValue, "PLUGIN_PROTOCOL_VERSIONS=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "1|1|unix|") || !strings.Contains(line, "|grpc|") {
		t.Errorf("handshake %q, error %v, stderr %q", line, err, stderr)
	}
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it ended with %v, want status 0", err)
		}
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		t.Error("it outlives its standard input")
	}
}

func TestLogLinesAreHclogs(t *testing.T) {
	var out bytes.Buffer
	log := newLogger(&out, slog.LevelDebug)
	log.Warn("careful", "order", 7, "level", "odd")
	log.WithGroup("g").Debug("deep", "msg", "kept")
	var first, second map[string]any
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if len(lines) != 2 || json.Unmarshal(lines[0], &first) != nil || json.Unmarshal(lines[1], &second) != nil {
		t.Fatalf("log %q", out.String())
	}
	if first["@message"] != "careful" || first["order"] != 7.0 || first["@level"] != "warn" || first["level"] != "odd" || first["@timestamp"] == nil {
		t.Errorf("line %v", first)
	}
	group, ok := second["g"].(map[string]any)
	if second["@level"] != "debug" || !ok || group["msg"] != "kept" {
		t.Errorf("line %v", second)
	}
}
