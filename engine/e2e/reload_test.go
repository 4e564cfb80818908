package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// edition is the operator's mapping in an edition that its records name.
func edition(n int) string {
	return strings.Replace(operatorMapping("1: 1, 2: 2"), "addres: delivery_address", fmt.Sprintf("addres: {expr: '\"e%d \" + delivery_address'}", n), 1)
}

// save replaces a file of the site as editors do: by another file, or by writing into
// it.
func (s *site) save(t testing.TB, name, text string, inPlace bool) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	at := path
	if !inPlace {
		at += "~new"
	}
	if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if !inPlace {
		if err := os.Rename(at, path); err != nil {
			t.Fatal(err)
		}
	}
}

// configured is what the status tells of the configuration and the mappings.
type configured struct {
	Configuration struct {
		Valid     bool
		AppliedAt time.Time `json:"applied_at"`
		Last      struct {
			Result, Cause, By, Problem string
			At                         time.Time
			Changes                    []string
			Diagnostics                []struct {
				File, Rule, Message string
				Line                int
			}
		}
	}
	Mappings    []struct{ Name, SHA256 string }
	Connections []struct {
		Name string
		PID  int
	}
}

func (e *engine) configured(t testing.TB) configured {
	t.Helper()
	var c configured
	getJSON(t, e.admin+"/api/v1/status", &c)
	return c
}

// applied waits until a configuration was put in place that was not before.
func (e *engine) applied(t testing.TB, before configured, cause string) configured {
	t.Helper()
	var c configured
	eventually(t, "a reload by "+cause, func() error {
		c = e.configured(t)
		if !c.Configuration.AppliedAt.After(before.Configuration.AppliedAt) {
			return fmt.Errorf("%+v", c.Configuration)
		}
		return nil
	})
	if !c.Configuration.Valid || c.Configuration.Last.Cause != cause {
		t.Errorf("%+v, want one by %s that is valid", c.Configuration, cause)
	}
	return c
}

// keptOut waits until a configuration was refused that came after before.
func (e *engine) keptOut(t testing.TB, before configured, part string) configured {
	t.Helper()
	var c configured
	eventually(t, "a refusal for "+part, func() error {
		c = e.configured(t)
		last := c.Configuration.Last
		if last.Result != "refused" || !last.At.After(before.Configuration.Last.At) || !strings.Contains(fmt.Sprintf("%+v", last), part) {
			return fmt.Errorf("%+v", c.Configuration)
		}
		return nil
	})
	if c.Configuration.Valid || !c.Configuration.AppliedAt.Equal(before.Configuration.AppliedAt) {
		t.Errorf("%+v, want the one before to run on", c.Configuration)
	}
	return c
}

// flow sends webhooks of a few orders, the versions of each one after the other, until
// it is stopped.
type flow struct {
	keys int
	sent atomic.Int64
	// last is each order's last version.
	last []int
	stop func()
}

func startFlow(t *testing.T, e *engine, keys int) *flow {
	f := &flow{keys: keys, last: make([]int, keys)}
	quit := make(chan struct{})
	var wg sync.WaitGroup
	for k := range keys {
		wg.Go(func() {
			for v := 1; ; v++ {
				select {
				case <-quit:
					return
				case <-time.After(15 * time.Millisecond):
				}
				if err := insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, deliveredBy(1+k, 1+v%2, fmt.Sprintf("v%d", v))); err != nil {
					t.Error(err)
					return
				}
				f.last[k] = v
				f.sent.Add(1)
			}
		})
	}
	f.stop = sync.OnceFunc(func() {
		close(quit)
		wg.Wait()
	})
	t.Cleanup(f.stop)
	return f
}

// some waits until so many more webhooks were taken.
func (f *flow) some(t testing.TB, n int64) {
	t.Helper()
	from := f.sent.Load()
	eventually(t, "webhooks to flow", func() error {
		if f.sent.Load() < from+n {
			return errors.New("too few")
		}
		return nil
	})
}

// TestD7_ReloadUnderLoad has webhooks flow while a mapping is changed twenty times,
// broken in between, SaleApp's plugin is replaced, the configuration is changed, and
// SIGHUPs come: nothing is lost or doubled, each order's versions reach the sink in
// their order, and each outcome names the mapping that made its record (D2, D3, D7, D9).
func TestD7_ReloadUnderLoad(t *testing.T) {
	sb := startSandbox(t)
	sb.faults(t, `{"latency":"5ms"}`)
	s := operatorSite(t, sb, "1: 1, 2: 2")
	s.plugins = copyPlugins(t, "horoshop", "saleapp")
	s.save(t, "order.yaml", edition(0), false)
	e := s.start(t)
	now := e.configured(t)
	// made holds, for each mapping's digest, the edition that it is of.
	made := map[string]int{now.Mappings[0].SHA256: 0}
	f := startFlow(t, e, 10)
	for n := 1; n <= 20; n++ {
		f.some(t, 20)
		if n%5 == 0 {
			s.save(t, "order.yaml", edition(n)+"fields: 7\n", n%2 == 0)
			now = e.keptOut(t, now, "order.yaml")
		}
		s.save(t, "order.yaml", edition(n), n%2 == 1)
		cause := "file"
		now = e.applied(t, now, cause)
		made[now.Mappings[0].SHA256] = n
	}
	pid := e.pid(t, "saleapp")
	s.replacePlugin(t, "saleapp", "replaced")
	now = e.applied(t, now, "file")
	if e.pid(t, "saleapp") == pid {
		t.Error("the process of the plugin that was replaced runs on")
	}
	f.some(t, 50)
	if err := e.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	f.some(t, 50)
	f.stop()

	sent := uint64(f.sent.Load())
	eventually(t, "all delivered", func() error { return e.settled(t, sent) })
	if err := exactlyOnce(sb.orders(t), 1, f.keys); err != nil {
		t.Error(err)
	}
	for _, o := range sb.orders(t) {
		var id int
		if _, err := fmt.Sscan(o.ExternalID, &id); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("e20 v%d", f.last[id-1]); o.Addres != want || o.Writes != f.last[id-1] {
			t.Errorf("order %s is %q after %d writes, want %q after %d", o.ExternalID, o.Addres, o.Writes, want, f.last[id-1])
		}
	}
	e.checkMade(t, made, sent)
}

// checkMade holds every outcome against the mapping that it names: what was sent is of
// that edition, and an order's editions never go back.
func (e *engine) checkMade(t testing.TB, made map[string]int, events uint64) {
	t.Helper()
	newest := map[string]int{}
	used := map[int]int{}
	for seq := uint64(1); seq <= events; seq++ {
		var d struct {
			Key      string
			Outcomes []struct {
				Outcome string
				SHA256  string `json:"mapping_sha256"`
				Sent    struct{ Addres string }
			}
		}
		getJSON(t, fmt.Sprintf("%s/api/v1/events/%d", e.admin, seq), &d)
		if len(d.Outcomes) != 1 {
			t.Fatalf("event %d has %d outcomes", seq, len(d.Outcomes))
		}
		o := d.Outcomes[0]
		n, known := made[o.SHA256]
		if !known || !strings.HasPrefix(o.Sent.Addres, fmt.Sprintf("e%d ", n)) {
			t.Fatalf("event %d: %q was sent, and its outcome names edition %d (%s)", seq, o.Sent.Addres, n, o.SHA256)
		}
		if n < newest[d.Key] {
			t.Errorf("event %d of order %s is of edition %d after one of %d", seq, d.Key, n, newest[d.Key])
		}
		newest[d.Key] = n
		used[n]++
	}
	if len(used) < 15 {
		t.Errorf("%d editions were used: %v", len(used), used)
	}
}

// copyPlugins makes a folder of plugins of its own.
func copyPlugins(t testing.TB, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(binaries, "plugins", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// replacePlugin puts another binary of a plugin in the place of the one that is there.
func (s *site) replacePlugin(t testing.TB, name, end string) {
	t.Helper()
	path := filepath.Join(s.plugins, name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", append(text, end...), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}
