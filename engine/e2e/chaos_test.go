package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestChaos sends webhooks of two sources at a steady rate while the engine and its
// plugins are killed and stopped, SaleApp fails, loses answers, limits, hangs and is
// down, and the disk is slow. In the end the verifier holds what was sent against
// the journal and against SaleApp (D1 to D6). What happens, and before which
// webhook, is drawn from a seed. `make chaos` runs it at length.
func TestChaos(t *testing.T) {
	size, err := chaosSizeOf()
	if err != nil {
		t.Fatal(err)
	}
	p := size.plan()
	fmt.Fprintf(t.Output(), "chaos: seed %d, %d orders, %d webhooks at %d a second, %d of them repeats; %d things go wrong\n",
		size.seed, size.orders, len(p.webhooks), size.rate, len(p.webhooks)-perOrder*size.orders, len(p.blows))
	r := newChaosRun(t, size)
	began := time.Now()
	sending, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		r.senders.run(sending, p.webhooks, size.rate)
	}()
	for _, b := range p.blows {
		r.await(t, int64(b.at), sent)
		r.strike(t, b)
	}
	select {
	case <-sent:
	case <-time.After(10 * time.Minute):
		t.Fatal("the webhooks are not all accepted, ten minutes after the last thing that went wrong")
	}
	sentAfter := time.Since(began)
	if err := errors.Join(r.senders.problems...); err != nil {
		t.Fatal(err)
	}
	r.calm(t)
	r.mend(t)
	r.drain(t)
	drainedAfter := time.Since(began)
	// What was done must be done for the next run as well.
	r.engine.kill()
	r.engine = r.site.start(t)
	r.drain(t)
	v := verify(r.story(t))
	if n := r.senders.civil.rude.Load(); n > 0 {
		v.breaks("D4", "%d of %d answers 429 and 503 had no Retry-After", n, r.senders.civil.refusals.Load())
	}
	v.held["D4"] += fmt.Sprintf("; each of %d answers 429 and 503 had its Retry-After", r.senders.civil.refusals.Load())
	r.report(t, v, sentAfter, drainedAfter)
	for _, promise := range slices.Sorted(maps.Keys(v.broken)) {
		broken := v.broken[promise]
		for _, b := range broken[:min(len(broken), 20)] {
			t.Errorf("%s: %s", promise, b)
		}
		if n := len(broken) - 20; n > 0 {
			t.Errorf("%s: %d more", promise, n)
		}
	}
}

// chaosRun is a run of chaos.
type chaosRun struct {
	size     chaosSize
	site     *site
	sandbox  *sandbox
	engine   *engine
	senders  *chaosSenders
	noDisk   error // why the disk cannot be slow or full
	done     map[string]int
	retried  int
	edited   int
	restarts time.Duration // how long there was no engine, in all
}

// newChaosRun starts the sandbox and the engine.
func newChaosRun(t *testing.T, size chaosSize) *chaosRun {
	t.Helper()
	r := &chaosRun{size: size, done: map[string]int{}}
	r.sandbox = startSandbox(t, "--seed", fmt.Sprint(size.seed))
	r.site = newSite(t, r.sandbox)
	config := filepath.Join(r.site.dir, "crosswalk.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `mapping.yaml"]`, `mapping.yaml", "tenth.yaml"]`, 1)
	// Many a webhook is kept as it came, and decoded later.
	changed = strings.Replace(changed, "rate: off}", "rate: off, decode_timeout: 300ms}", 1)
	for name, text := range map[string]string{"crosswalk.yaml": changed, "tenth.yaml": tenthMapping} {
		if err := os.WriteFile(filepath.Join(r.site.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r.site.disk, r.noDisk = newDisk(t, filepath.Join(r.site.dir, "data")); r.noDisk != nil {
		t.Logf("the disk is neither slow nor full in this run: %v", r.noDisk)
	} else {
		r.site.disk.all = true
	}
	r.slow(calmDelay, 0)
	r.sandbox.faults(t, calmFaults)
	r.engine = r.site.start(t)
	r.senders = newChaosSenders(r.engine.ingress)
	return r
}

// tenthMapping takes each tenth new order a second time.
const tenthMapping = `mapping: tenth
from: salesdrive.new_order
to: saleapp.upsert_order
when: = data.id % 10 == 0
fields:
  external_id: = "copy-" + text(data.id)
  delivery_types: 2
  addres: data.shipping_address
  products: {each: data.products, as: p, fields: {sku: p.sku, qty: p.amount, cost: p.price}}
accept:
  - {rule: CW301, path: data.id, reason: "An event without it is refused."}
  - {rule: CW301, path: data.shipping_address, reason: "The test sends it."}
`

// drawDelay draws around d, and one time in twenty stall.
func drawDelay(d, stall time.Duration) func() time.Duration {
	return func() time.Duration {
		if rand.IntN(20) == 0 {
			return stall
		}
		return d/2 + rand.N(d)
	}
}

// await waits until the webhook at is due.
func (r *chaosRun) await(t *testing.T, at int64, sent <-chan struct{}) {
	t.Helper()
	for r.senders.due.Load() < at {
		select {
		case <-sent:
			return
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// strike does what goes wrong.
func (r *chaosRun) strike(t *testing.T, b blow) {
	t.Helper()
	if b.disk && r.site.disk == nil {
		return // the report says so
	}
	if !b.ends {
		r.done[b.what]++
	}
	switch {
	case b.faults != "" && b.ends:
		r.sandbox.faults(t, calmFaults)
	case b.faults != "":
		r.sandbox.faults(t, b.faults)
	case b.delay != 0 && b.ends:
		r.slow(calmDelay, 0)
	case b.what == diskStalls:
		r.slow(calmDelay, b.delay)
	case b.delay != 0:
		r.slow(b.delay, 0)
	}
	switch b.what {
	case killEngine:
		r.engine.kill()
		r.start(t)
	case killStarting:
		r.engine.kill()
		p, _ := r.site.launch(t)
		time.Sleep(b.during)
		p.kill()
		r.start(t)
	case endEngine:
		if err := r.engine.terminate(t); err != nil {
			t.Errorf("after SIGTERM: %v", err)
		}
		r.start(t)
	case freezeEngine:
		freeze(r.engine.cmd.Process.Pid, b.during)
	case killPlugin:
		// It may have ended by itself, as its engine was ended before.
		_ = syscall.Kill(r.engine.pid(t, b.target), syscall.SIGKILL)
	case freezePlugin:
		freeze(r.engine.pid(t, b.target), b.during)
	case mendLetters:
		r.mend(t)
	case diskFull:
		r.full(t, b)
	case killDiskFull:
		r.killFull(t, b)
	}
}

// freeze stops a process for a while; it may have ended, or be killed meanwhile.
func freeze(pid int, during time.Duration) {
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	time.Sleep(during)
	_ = syscall.Kill(pid, syscall.SIGCONT)
}

func (r *chaosRun) start(t *testing.T) {
	t.Helper()
	began := time.Now()
	r.engine = r.site.start(t)
	r.senders.ingress.Store(&r.engine.ingress)
	r.restarts += time.Since(began)
}

// calm ends all that goes wrong.
func (r *chaosRun) calm(t *testing.T) {
	t.Helper()
	r.sandbox.faults(t, noFaults)
	if r.site.disk != nil {
		r.site.disk.set(func(d *disk) { d.delay = nil })
	}
}

// drain waits until nothing waits any more, for as long as there is progress.
func (r *chaosRun) drain(t *testing.T) {
	t.Helper()
	var before string
	since := time.Now()
	for {
		var st struct {
			Lanes []struct {
				Source        string
				Backlog, Held int
				Uncounted     bool
				Waiting       []struct {
					Sequence, Attempts int
					Reason             struct{ Class, Message string }
				}
			}
			Counters map[string]int
		}
		getJSON(t, r.engine.admin+"/api/v1/status", &st)
		left := 0
		for _, l := range st.Lanes {
			left += l.Backlog + l.Held
			if l.Uncounted {
				left++
			}
		}
		if left == 0 {
			return
		}
		if now := fmt.Sprint(left, st.Counters); now != before {
			before, since = now, time.Now()
		} else if time.Since(since) > 2*deadline {
			t.Fatalf("nothing has moved for %s: %+v", 2*deadline, st)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
