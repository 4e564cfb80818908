package e2e

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// clusterRun is a run with several engines on a NATS cluster.
type clusterRun struct {
	*chaosRun
	nodes   []*natsNode
	engines []*engine
	sites   []*site
	// collectors are told the traces, each of one engine's.
	collectors []*collector
}

// newClusterRun starts three NATS servers, the sandbox and three engines.
func newClusterRun(t *testing.T, size chaosSize, lease time.Duration, partitions int) *clusterRun {
	t.Helper()
	r := &clusterRun{chaosRun: &chaosRun{size: size, done: map[string]int{}}, nodes: startNodes(t, 3)}
	r.sandbox = startSandbox(t, "--seed", fmt.Sprint(size.seed))
	var urls []string
	for _, n := range r.nodes {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", n.client))
	}
	storage := fmt.Sprintf(`storage: {max_events: 256MiB, max_outcomes: 256MiB, max_dead: 64MiB, nats: {url: %q, user: crosswalk, password: %s, lease: %s, partitions: %d, monitor: "http://127.0.0.1:%d"}}`,
		strings.Join(urls, ", "), natsPassword, lease, partitions, r.nodes[0].monitor)
	for range 3 {
		s := newSite(t, r.sandbox)
		path := filepath.Join(s.dir, "crosswalk.yaml")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), `mapping.yaml"]`, `mapping.yaml", "tenth.yaml"]`, 1)
		changed = strings.Replace(changed, "storage: {min_free_disk: 16MiB}", storage, 1)
		changed = strings.Replace(changed, "rate: off}", "rate: off, decode_timeout: 300ms}", 1)
		c := startCollector(t)
		r.collectors = append(r.collectors, c)
		changed += c.config()
		for name, text := range map[string]string{"crosswalk.yaml": changed, "tenth.yaml": tenthMapping} {
			if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r.sites = append(r.sites, s)
	}
	// All at once, as they come after a power cut.
	type started struct {
		p    *proc
		said <-chan readyLine
	}
	var all []started
	for _, s := range r.sites {
		p, said := s.launch(t)
		all = append(all, started{p, said})
	}
	for _, s := range all {
		l := await(t, s.p, s.said)
		r.engines = append(r.engines, &engine{proc: s.p, ingress: "http://" + l.Ingress, admin: "http://" + l.Admin})
	}
	r.senders = newChaosSenders(balance(t, r.engines))
	return r
}

// at waits until a share of the webhooks is due.
func (r *clusterRun) at(t *testing.T, share float64, of int, sent <-chan struct{}) {
	t.Helper()
	r.await(t, int64(share*float64(of)), sent)
}

// TestCluster stops a plugin, kills an engine and then a NATS server under load: what
// was accepted is delivered once and in order, by the engines and servers that are left
// (D1 to D3).
func TestCluster(t *testing.T) {
	// The fewer consumers there are, the sooner the servers have chosen who leads them.
	size, lease, partitions := chaosSize{orders: 60, rate: 60, seed: 7}, 3*time.Second, 4
	if long := os.Getenv("CLUSTER_ORDERS"); long != "" { // make cluster
		n, err := strconv.Atoi(long)
		if err != nil {
			t.Fatalf("CLUSTER_ORDERS is %q, want a number", long)
		}
		size.orders, lease, partitions = n, 15*time.Second, 8
	}
	r := newClusterRun(t, size, lease, partitions)
	plan := size.plan()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		r.senders.run(t.Context(), plan.webhooks, size.rate)
	}()
	n := len(plan.webhooks)
	r.at(t, 0.15, n, sent)
	// What comes to this engine meanwhile is kept, and so is then what comes to the others.
	if err := syscall.Kill(r.engines[1].pid(t, "salesdrive"), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	r.at(t, 0.3, n, sent)
	r.engines[0].kill()
	killed := time.Now()
	r.at(t, 0.6, n, sent)
	strand(t, r.nodes[2])
	r.nodes[2].kill()
	r.accepted(t, sent)
	for _, err := range r.senders.problems {
		t.Error(err)
	}
	r.engine = r.engines[1]
	r.decoded(t)
	r.drain(t)
	if !strings.Contains(r.engines[0].log()+r.engines[1].log()+r.engines[2].log(), "this engine decodes what was kept") {
		t.Error("nothing was kept while a plugin was stopped")
	}
	t.Logf("all was delivered %s after the engine was killed", time.Since(killed).Round(time.Millisecond))
	r.judge(t)
	r.traced(t)
	r.told(t)
}

// accepted waits until all webhooks are accepted, and shows where the engines are if that
// does not come.
func (r *clusterRun) accepted(t *testing.T, sent <-chan struct{}) {
	t.Helper()
	select {
	case <-sent:
	case <-time.After(2 * deadline):
		for _, e := range r.engines[1:] {
			for _, path := range []string{"/readyz", "/api/v1/status"} {
				code, text, err := send(t.Context(), http.MethodGet, e.admin+path, "", "")
				t.Logf("%s%s: %d %s %v", e.admin, path, code, text, err)
			}
			e.stacks(t)
		}
		t.Fatalf("not all webhooks are accepted %s after a NATS server was killed", 2*deadline)
	}
}

// told has one NATS server be left, which can answer for nothing: the status says so, and
// is there all the same.
func (r *clusterRun) told(t *testing.T) {
	t.Helper()
	r.nodes[1].kill()
	eventually(t, "the status to say that the lanes cannot be counted", func() error {
		var st struct {
			Alarms []string
			Lanes  []struct{ Uncounted bool }
		}
		if err := tryJSON(t, r.engine.admin+"/api/v1/status", &st); err != nil {
			t.Errorf("the status is not there: %v", err)
			return nil
		}
		for _, a := range st.Alarms {
			if strings.HasPrefix(a, "the backlog of the lanes is not counted in full") && len(st.Lanes) > 0 && st.Lanes[0].Uncounted {
				return nil
			}
		}
		return fmt.Errorf("the alarms are %q", st.Alarms)
	})
}

// decoded waits until all that was kept is decoded. While the NATS servers choose who
// leads, an engine may not know.
func (r *clusterRun) decoded(t *testing.T) {
	t.Helper()
	eventually(t, "all that was kept is decoded", func() error {
		var st struct {
			Undecoded []struct{ Waiting, Refused int }
		}
		if err := tryJSON(t, r.engine.admin+"/api/v1/status", &st); err != nil {
			return err
		}
		for _, u := range st.Undecoded {
			if u.Waiting > 0 {
				return fmt.Errorf("%d webhooks wait undecoded, %d were refused", u.Waiting, u.Refused)
			}
		}
		return nil
	})
}

// traced holds what the engines tell of events that one of them took and another one
// delivered: both are of one trace.
func (r *clusterRun) traced(t *testing.T) {
	t.Helper()
	eventually(t, "traces of events that one engine took and another delivered", func() error {
		type taken struct {
			told
			by int
		}
		publish := map[string]taken{} // by its id
		for i, c := range r.collectors {
			for _, s := range c.all() {
				if s.name == "publish" {
					publish[s.id] = taken{s, i}
				}
			}
		}
		across := 0
		for i, c := range r.collectors {
			for _, s := range c.all() {
				p, known := publish[s.parent]
				if s.name != "outcome" || !known || p.by == i {
					continue
				}
				across++
				// An engine that got no answer does not know as what the event was stored.
				stored := p.attrs["crosswalk.sequence"]
				if s.trace != p.trace || stored != "" && stored != s.attrs["crosswalk.sequence"] {
					t.Fatalf("the outcome of event %s in trace %s is below that of event %s in trace %s",
						s.attrs["crosswalk.sequence"], s.trace, p.attrs["crosswalk.sequence"], p.trace)
				}
			}
		}
		if across == 0 {
			return errors.New("there are none")
		}
		return nil
	})
	for _, c := range r.collectors {
		c.check(t)
	}
}

// judge holds the run against the promises.
func (r *clusterRun) judge(t *testing.T) {
	t.Helper()
	// What other engines gave up is known in a moment.
	eventually(t, "a letter of each dead event", func() error {
		var st struct{ Counters map[string]int }
		var page struct{ Total int }
		getJSON(t, r.engine.admin+"/api/v1/status", &st)
		getJSON(t, r.engine.admin+"/api/v1/letters?all=true&limit=1", &page)
		if page.Total != st.Counters["dead"] {
			return fmt.Errorf("%d letters of %d dead events", page.Total, st.Counters["dead"])
		}
		return nil
	})
	v := verify(r.story(t))
	for promise, breaks := range v.broken {
		for _, b := range breaks[:min(len(breaks), 20)] {
			t.Errorf("%s: %s", promise, b)
		}
	}
	for _, promise := range slices.Sorted(maps.Keys(v.held)) {
		t.Logf("%s held: %s", promise, v.held[promise])
	}
}
