package cli_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/saleapp/saleapptest"
)

// patience bounds every wait; the machines that run this may be slow.
const patience = 90 * time.Second

const runConfig = `
data: data
plugins: ${PLUGINS}
mappings: mapping.yaml
ingress: {listen: "127.0.0.1:0"}
admin: {listen: off}
log: {format: json}
connections:
  shop: {plugin: horoshop, token: "${env:SHOP_TOKEN}"}
  saleapp:
    plugin: saleapp
    config: {url: "${env:SALEAPP_URL}", secret_key: "${env:SALEAPP_KEY}", key: organization, client_id: 50, curency_id: 6, warehouse_id: 7}
storage: {min_free_disk: 16MiB}
`

// runFolder makes a folder with a configuration that can be run.
func runFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, dir, "crosswalk.yaml", strings.ReplaceAll(runConfig, "${PLUGINS}", plugins))
	writeFile(t, dir, "mapping.yaml", shopMapping)
	return dir
}

// process is a command that runs in the background.
type process struct {
	*exec.Cmd
	exited chan struct{}
	// admin is the address of the admin API, once the engine is ready.
	admin string

	mu     sync.Mutex
	stderr strings.Builder
	stdout strings.Builder
}

// start starts a command in dir and calls line for each line of its standard
// error.
func start(t *testing.T, dir string, env []string, stdin io.Reader, line func(string), args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command("crosswalk", args...), exited: make(chan struct{})}
	p.Dir, p.Stdin, p.Stdout = dir, stdin, &p.stdout
	p.Env = append(os.Environ(), env...)
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		for sc := bufio.NewScanner(stderr); sc.Scan(); {
			p.mu.Lock()
			p.stderr.WriteString(sc.Text() + "\n")
			p.mu.Unlock()
			line(sc.Text())
		}
		_ = p.Wait() // ProcessState has what it gives
	}()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.exited
		if t.Failed() {
			t.Logf("crosswalk %v wrote to standard error:\n%s", args, p.log())
		}
	})
	return p
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// signalled sends a signal and waits for the end.
func (p *process) signalled(t *testing.T, s os.Signal) *os.ProcessState {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	return p.ended(t)
}

// ended waits for the end.
func (p *process) ended(t *testing.T) *os.ProcessState {
	t.Helper()
	select {
	case <-p.exited:
		return p.ProcessState
	case <-time.After(patience):
		t.Fatal("it does not end")
		return nil
	}
}

// eventually waits until ok, and gives up with what.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// engine starts `crosswalk run` and gives the address that takes webhooks.
func engine(t *testing.T, dir string, env []string, args ...string) (p *process, addr string) {
	t.Helper()
	type said struct{ Msg, Ingress, Admin string }
	ready := make(chan said, 1)
	p = start(t, dir, env, nil, func(line string) {
		var s said
		if json.Unmarshal([]byte(line), &s) == nil && s.Msg == "ready" {
			ready <- s
		}
	}, append([]string{"run"}, args...)...)
	select {
	case s := <-ready:
		addr, p.admin = s.Ingress, s.Admin
	case <-p.exited:
		t.Fatal("it ended before it was ready")
	case <-time.After(patience):
		t.Fatal("it did not get ready")
	}
	return p, addr
}

func put(t *testing.T, url, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// TestRun takes a webhook, delivers it, and ends with 0 on SIGTERM. Meanwhile
// no other engine gets its port or its data.
func TestRun(t *testing.T) {
	api := saleapptest.New(saleapptest.Options{})
	srv := httptest.NewServer(api)
	defer srv.Close()
	env := []string{
		"SHOP_TOKEN=shop-token-1", "SALEAPP_KEY=" + saleapptest.DefaultKey,
		"SALEAPP_URL=" + srv.URL + saleapptest.APIPath,
	}
	dir := runFolder(t)
	p, addr := engine(t, dir, env)

	eventually(t, "the webhook is accepted", func() bool { // with a slow disk not at once
		code := put(t, "http://"+addr+"/in/shop/shop-token-1", `{"order_id": 15, "products": [{"article": "a", "quantity": 1, "price": 2}]}`)
		if code/100 != 2 && code != http.StatusServiceUnavailable {
			t.Fatalf("the webhook is answered with %d", code)
		}
		return code/100 == 2
	})
	eventually(t, "the order arrives", func() bool { return len(api.Orders()) == 1 })
	if got := api.Orders()[0].ExternalID; got != "15" {
		t.Errorf("the order's external_id is %q, want 15", got)
	}

	t.Run("port in use", func(t *testing.T) {
		other := start(t, runFolder(t), env, nil, func(string) {}, "run", "--listen", addr)
		if code := other.ended(t).ExitCode(); code != 2 {
			t.Errorf("exit code %d, want 2", code)
		}
		if want := "crosswalk: listen for webhooks: listen tcp " + addr + ": bind: address already in use"; !strings.HasPrefix(other.log(), want) {
			t.Errorf("it says %q, want it to begin with %q", other.log(), want)
		}
	})
	t.Run("data in use", func(t *testing.T) {
		other := start(t, runFolder(t), env, nil, func(string) {}, "run", "--data", filepath.Join(dir, "data"))
		if code := other.ended(t).ExitCode(); code != 2 {
			t.Errorf("exit code %d, want 2", code)
		}
		said := other.log()
		if !strings.HasPrefix(said, "crosswalk: ") || !strings.Contains(said, filepath.Join(dir, "data")) || !strings.Contains(said, "another") {
			t.Errorf("it does not say whose data is whose: %q", said)
		}
	})

	if code := p.signalled(t, syscall.SIGTERM).ExitCode(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
	if p.stdout.Len() > 0 {
		t.Errorf("run wrote to standard output: %q", p.stdout.String())
	}
}

// TestRunRefuses starts nothing when something is wrong.
func TestRunRefuses(t *testing.T) {
	complete := []string{"SHOP_TOKEN=shop-token-1", "SALEAPP_KEY=key", "SALEAPP_URL=http://127.0.0.1:9/"}
	for _, tt := range []struct {
		name string
		env  []string
		args []string
		file map[string]string
		code int
		want []string
	}{
		{
			name: "environment", env: []string{"SALEAPP_KEY=key"}, code: 1,
			want: []string{
				"crosswalk.yaml:9:36: error CW208: the environment variable SHOP_TOKEN is not set",
				"crosswalk.yaml:12:20: error CW208: the environment variable SALEAPP_URL is not set",
			},
		},
		{
			name: "value from the environment", env: append([]string{"SHOP_TOKEN=short"}, complete[1:]...), code: 1,
			want: []string{"crosswalk.yaml:9:35: error CW206: what `${env:SHOP_TOKEN}` stands for does not fit: a token has 8 to 128"},
		},
		{
			name: "mapping", env: complete, code: 1,
			file: map[string]string{"mapping.yaml": strings.Replace(shopMapping, "order_id", "order_idd", 1)},
			want: []string{"mapping.yaml:5:16: error CW121: ", "hint: did you mean `order_id`?"},
		},
		{
			name: "admin for everybody", env: complete, args: []string{"--admin", "0.0.0.0:0"}, code: 2,
			want: []string{"crosswalk: --admin 0.0.0.0:0: the admin address can be reached from other machines"},
		},
		{
			name: "no address", env: complete, args: []string{"--listen", "8080"}, code: 2,
			want: []string{"crosswalk: --listen 8080: this is no address; write host:port, as 127.0.0.1:8080 or [::1]:8080"},
		},
		{
			name: "log level", env: complete, args: []string{"--log-level", "loud"}, code: 2,
			want: []string{`crosswalk: log level "loud": want debug, info, warn or error`},
		},
		{
			name: "log format", env: complete, args: []string{"--log-format", "xml"}, code: 2,
			want: []string{`crosswalk: log format "xml": want text or json`},
		},
		{
			name: "no certificate", env: complete, code: 2,
			file: map[string]string{"crosswalk.yaml": strings.Replace(strings.ReplaceAll(runConfig, "${PLUGINS}", plugins),
				"ingress: {", "ingress: {tls: {certificate: none.pem, key: none.key}, ", 1)},
			want: []string{"crosswalk: TLS for webhooks: look at the file: stat none.pem: no such file"},
		},
		{
			name: "data is a file", env: complete, args: []string{"--data", "mapping.yaml"}, code: 2,
			want: []string{"crosswalk: ", "mapping.yaml"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := runFolder(t)
			for name, text := range tt.file {
				writeFile(t, dir, name, text)
			}
			p := start(t, dir, tt.env, nil, func(string) {}, append([]string{"run"}, tt.args...)...)
			if code := p.ended(t).ExitCode(); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, want := range tt.want {
				if !strings.Contains(p.log(), want) {
					t.Errorf("it does not say %q:\n%s", want, p.log())
				}
			}
			if p.stdout.Len() > 0 {
				t.Errorf("run wrote to standard output: %q", p.stdout.String())
			}
			if _, err := os.Stat(filepath.Join(dir, "data")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("there is a folder of data, error %v", err)
			}
		})
	}
}

// TestRunStopsWhileStarting ends in order even when the signal comes before
// everything is up.
func TestRunStopsWhileStarting(t *testing.T) {
	dir, pid := hanging(t)
	p := start(t, dir, []string{"SHOP_TOKEN=shop-token-1"}, nil, func(string) {}, "run")
	child := pid()
	if code := p.signalled(t, syscall.SIGTERM).ExitCode(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	eventually(t, "the plugin's process is gone", func() bool { return gone(child) })
}

// TestInterrupt ends a command while a plugin hangs: at once, with 130, and with
// nothing left behind.
func TestInterrupt(t *testing.T) {
	for _, args := range [][]string{
		{"validate"},
		{"test"},
		{"map", "mapping.yaml", "--input", "body.json"},
	} {
		for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			t.Run(args[0]+" "+s.String(), func(t *testing.T) {
				dir, pid := hanging(t)
				tmp, err := os.MkdirTemp("", "cli") //nolint:usetesting // sockets go there, and a path of the test's is too long for one
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = os.RemoveAll(tmp) }()
				p := start(t, dir, []string{"TMPDIR=" + tmp}, nil, func(string) {}, args...)
				child := pid()
				if code := p.signalled(t, s).ExitCode(); code != 130 {
					t.Errorf("exit code %d, want 130", code)
				}
				if p.stdout.Len() > 0 || p.log() != "" {
					t.Errorf("it printed %q and %q", p.stdout.String(), p.log())
				}
				if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
					t.Errorf("left in TMPDIR: %v, error %v", left, err)
				}
				eventually(t, "the plugin's process is gone", func() bool { return gone(child) })
			})
		}
	}
}

// TestInterruptInput ends a command that waits for its standard input.
func TestInterruptInput(t *testing.T) {
	dir := runFolder(t)
	in, keep, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = in.Close(), keep.Close() }()
	p := start(t, dir, nil, in, func(string) {}, "map", "mapping.yaml", "--input", "-")
	if st := p.signalled(t, os.Interrupt); st.Success() {
		t.Errorf("it ended with %v", st)
	}
}

// hanging makes a folder with a configuration whose plugin never shakes hands;
// pid waits for the plugin's process and gives its id.
func hanging(t *testing.T) (dir string, pid func() string) {
	t.Helper()
	dir = t.TempDir()
	writeFile(t, dir, "crosswalk.yaml", `
plugins: hung
mappings: mapping.yaml
connections: {shop: {plugin: hang, token: "${env:SHOP_TOKEN}"}}
`)
	writeFile(t, dir, "mapping.yaml", "mapping: order\nfrom: shop.order\nto: shop.write\nfields: {a: b}\n")
	writeFile(t, dir, "body.json", "{}")
	if err := os.Mkdir(filepath.Join(dir, "hung"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pid")
	script := "#!/bin/sh\necho $$ >'" + file + ".part'\nmv '" + file + ".part' '" + file + "'\nexec sleep 1000\n"
	if err := os.WriteFile(filepath.Join(dir, "hung", "hang"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir, func() (id string) {
		eventually(t, "the plugin runs", func() bool {
			text, err := os.ReadFile(file)
			id = strings.TrimSpace(string(text))
			return err == nil
		})
		return id
	}
}

// gone tells whether no process has the id any more.
func gone(pid string) bool {
	return exec.Command("kill", "-0", pid).Run() != nil
}

// TestPortIsFreed takes a port again that a stopped engine had.
func TestPortIsFreed(t *testing.T) {
	env := []string{"SHOP_TOKEN=shop-token-1", "SALEAPP_KEY=key", "SALEAPP_URL=http://127.0.0.1:9/"}
	dir := runFolder(t)
	// Somebody else may be given the port in between, but not each time.
	for tries := 1; ; tries++ {
		p, addr := engine(t, dir, env)
		if code := p.signalled(t, os.Interrupt).ExitCode(); code != 0 {
			t.Fatalf("exit code %d after SIGINT, want 0", code)
		}
		ln, err := net.Listen("tcp", addr)
		if err == nil {
			if err := ln.Close(); err != nil {
				t.Fatal(err)
			}
			break
		}
		if tries == 5 {
			t.Fatal(err)
		}
	}
	// The same data too.
	again, _ := engine(t, dir, env)
	if code := again.signalled(t, syscall.SIGTERM).ExitCode(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}
