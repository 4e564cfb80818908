package pluginhost_test

import (
	"context"
	"encoding/json"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func ignoreSignals() { signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT) }

// logBook is what a host and its plugins have logged.
type logBook struct{ sdktest.Log }

// lines gives the log's lines that have text in them.
func (b *logBook) lines(text string) []string {
	var out []string
	for l := range strings.Lines(b.String()) {
		if strings.Contains(l, text) {
			out = append(out, strings.TrimSpace(l))
		}
	}
	return out
}

// pluginsDir makes a directory with the plugins of processes.
func pluginsDir(tb testing.TB) string {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	for name := range processes() {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

// openHosts counts the hosts that are open, and what ran before the first of them. The
// goroutines of several cannot be told apart, and their number changes while a
// process starts or ends.
type openHosts struct{ n, goroutines int }

var hosts openHosts

// newHost makes a host that is closed with the test and leaves nothing behind.
func newHost(tb testing.TB, o pluginhost.Options) (*pluginhost.Host, *logBook) {
	tb.Helper()
	if hosts.n == 0 {
		hosts.goroutines = runtime.NumGoroutine()
	}
	book := &logBook{}
	if o.Dir == "" {
		o.Dir = pluginsDir(tb)
	}
	if o.Logger == nil {
		o.Logger = book.Logger()
	}
	h, err := pluginhost.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	hosts.n++
	tb.Cleanup(func() {
		hosts.n--
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			tb.Errorf("close the host: %v", err)
		}
		deadline := time.Now().Add(30 * time.Second)
		for hosts.n == 0 && runtime.NumGoroutine() > hosts.goroutines && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
		}
		if n := runtime.NumGoroutine(); hosts.n == 0 && n > hosts.goroutines {
			stacks := make([]byte, 1<<20)
			tb.Errorf("%d goroutines are left of a host, %d were there before it:\n%s", n, hosts.goroutines, stacks[:runtime.Stack(stacks, true)])
		}
		if left := running(tb, o.Dir); len(left) > 0 {
			tb.Errorf("processes %v are left of a host", left)
		}
		if tb.Failed() {
			tb.Logf("log:\n%s", book)
		}
	})
	return h, book
}

// open opens a connection to a plugin; config is a Go value for its JSON.
func open(tb testing.TB, h *pluginhost.Host, plugin string, config map[string]any) *pluginhost.Connection {
	tb.Helper()
	if config == nil {
		config = map[string]any{}
	}
	c, err := h.Open(context.Background(), pluginhost.Config{Name: "my-" + plugin, Plugin: plugin, JSON: toJSON(tb, config)})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func toJSON(tb testing.TB, v any) json.RawMessage {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// eventually polls until what holds.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			tb.Fatalf("it never came to be that %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// gone tells whether a process has ended, or is a zombie that only its parent
// can take away.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return runtime.GOOS == "linux"
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(after, "Z")
}

// running gives the processes that were started from a plugins directory.
func running(tb testing.TB, dir string) []int {
	tb.Helper()
	entries, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		tb.Fatal(err)
	}
	var out []int
	for _, e := range entries {
		line, err := os.ReadFile(e)
		pid, err2 := strconv.Atoi(filepath.Base(filepath.Dir(e)))
		if err == nil && err2 == nil && strings.HasPrefix(string(line), dir+"/") && !gone(pid) {
			out = append(out, pid)
		}
	}
	return out
}

// deeds makes records of what they are to do.
func deeds(tb testing.TB, do ...string) []wire.Record {
	tb.Helper()
	out := make([]wire.Record, len(do))
	for i, d := range do {
		what, text, _ := strings.Cut(d, " ")
		out[i] = wire.Record{Index: uint32(i), Key: strconv.Itoa(i), Data: toJSON(tb, deed{Do: what, Text: text})}
	}
	return out
}

// write writes records and gives the results by index, each of which came once.
func write(tb testing.TB, ctx context.Context, c *pluginhost.Connection, records []wire.Record) []wire.WriteResult {
	tb.Helper()
	out, n := make([]wire.WriteResult, len(records)), make([]int, len(records))
	if err := c.Write(ctx, "save", records, func(r wire.WriteResult) {
		out[r.Index] = r
		n[r.Index]++
	}); err != nil {
		tb.Errorf("write: %v", err)
	}
	for i, times := range n {
		if times != 1 {
			tb.Errorf("record %d has %d results, want one", i, times)
		}
	}
	return out
}

// decode decodes a request that does something.
func decode(ctx context.Context, c *pluginhost.Connection, do string) (wire.Decoded, error) {
	what, text, _ := strings.Cut(do, " ")
	body, err := json.Marshal(deed{Do: what, Text: text})
	if err != nil {
		return wire.Decoded{}, err
	}
	return c.Decode(ctx, wire.Request{ID: 42, Method: "POST", Path: "k1", Body: body})
}
