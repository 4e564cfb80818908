package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAdminAddresses reaches the admin API over a socket that the configuration
// names, and over an address that a token guards.
func TestAdminAddresses(t *testing.T) {
	sb := startSandbox(t)
	s := operatorSite(t, sb, "1: 1")
	config := filepath.Join(s.dir, "crosswalk.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	listens := func(admin string) {
		t.Helper()
		changed := strings.Replace(string(text), `admin: {listen: "127.0.0.1:0"}`, "admin: "+admin, 1)
		if err := os.WriteFile(config, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	status := func(env []string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(binaries, "crosswalk"), append([]string{"status"}, args...)...)
		cmd.Env = append(os.Environ(), env...)
		out, _ := cmd.CombinedOutput() // what it prints is looked at
		return string(out)
	}
	dir, err := os.MkdirTemp("", "cw") //nolint:usetesting // a path of the test's is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "a.sock")
	listens(`{listen: "unix:` + socket + `"}`)
	e := s.start(t)
	mustContain(t, status(nil, "--config", config), "engine ", "at unix:"+socket, "shop to saleapp")
	e.kill()
	mustContain(t, status(nil, "--config", config), "no engine answers at unix:"+socket, "crosswalk run")
	e = s.start(t) // what the killed one left is taken away
	mustContain(t, status(nil, "--admin", "unix:"+socket), "shop to saleapp")
	mustContain(t, status(nil, "--admin", strings.TrimPrefix(e.ingress, "http://")), "is where the engine takes webhooks; the admin API is where admin.listen")
	e.kill()

	const token = "0123456789abcdef0123"
	listens(`{listen: "0.0.0.0:0", token: ` + token + `}`)
	e = s.start(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(e.admin, "http://["), "]")
	if port == "" {
		port = e.admin[strings.LastIndex(e.admin, ":"):]
	}
	addr := "127.0.0.1" + port
	mustContain(t, status(nil, "--admin", addr), "the engine wants its token", "CROSSWALK_ADMIN_TOKEN")
	mustContain(t, status([]string{"CROSSWALK_ADMIN_TOKEN=another"}, "--admin", addr), "the engine refuses the token", "CROSSWALK_ADMIN_TOKEN")
	mustContain(t, status(nil, "--admin", "http://"+addr), "--admin http://"+addr+": this is no address: write host:port")
	mustContain(t, status(nil, "--admin", "http://engine"), "--admin http://engine: this is no address: write host:port")
	mustContain(t, status([]string{"CROSSWALK_ADMIN_TOKEN=" + token}, "--admin", addr), "shop to saleapp")
	if log := e.log(); strings.Contains(log, token) {
		t.Error("the log tells the token")
	}
}
