package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// slow has each fsync take around d, and one of twenty as long as stall.
func (r *chaosRun) slow(d, stall time.Duration) {
	if r.site.disk == nil {
		return
	}
	r.site.disk.set(func(x *disk) { x.delay = drawDelay(d, stall) })
}

// full has each write fail for want of room for a while, the first one in its middle.
// The engine must say that its store is broken and answer 503, and be there again by
// itself once there is room.
func (r *chaosRun) full(t *testing.T, b blow) {
	t.Helper()
	ready := len(r.engine.readyLines())
	r.fill(t)
	time.Sleep(b.during)
	r.empty()
	r.engine = r.site.again(t, r.engine, ready+1)
	r.senders.ingress.Store(&r.engine.ingress)
}

// killFull kills the engine while its disk is full, and starts another one before
// there is room. That one may wait for room or end, and must say why.
func (r *chaosRun) killFull(t *testing.T, b blow) {
	t.Helper()
	r.fill(t)
	r.engine.kill()
	began := time.Now()
	p, said := r.site.launch(t)
	select {
	case <-p.exited:
		if p.err == nil || !strings.Contains(p.log(), "no space left on device") {
			t.Errorf("D4: an engine started on a full disk ended with %v and said\n%s", p.err, tail(p.log(), 2000))
		}
	case l := <-said:
		ingress := "http://" + l.Ingress
		r.senders.ingress.Store(&ingress) // which it refuses
	case <-time.After(deadline):
		t.Fatalf("D4: an engine started on a full disk has neither ended nor been ready for %s\n%s", deadline, tail(p.log(), 2000))
	}
	time.Sleep(b.during)
	p.kill()
	r.empty()
	r.restarts += time.Since(began)
	r.start(t)
}

// fill makes the disk full, and waits until the engine has noticed.
func (r *chaosRun) fill(t *testing.T) {
	t.Helper()
	said := func() int { return strings.Count(r.engine.log(), "store is broken") }
	before, refused := said(), r.site.disk.counted().refused
	r.site.disk.set(func(d *disk) { d.full, d.torn = true, true })
	defer func() {
		if t.Failed() {
			r.engine.stacks(t)
		}
	}()
	eventually(t, "the engine to notice that its disk is full", func() error {
		if n := r.site.disk.counted().refused - refused; n == 0 || said() == before {
			return fmt.Errorf("%d writes have failed, and the log does not say that the store is broken", n)
		}
		return nil
	})
	code, text, err := send(t.Context(), http.MethodGet, r.engine.admin+"/readyz", "", "")
	if err != nil || code != http.StatusServiceUnavailable || !strings.Contains(text, "store is broken") {
		t.Errorf("D4: with a full disk /readyz is %d %s %v", code, text, err)
	}
}

// empty gives the disk room again.
func (r *chaosRun) empty() {
	r.site.disk.set(func(d *disk) { d.full, d.torn = false, false })
}

// civil looks at refusals on their way to the senders: one for now says when to come
// again.
type civil struct {
	http.RoundTripper
	refusals, rude atomic.Int64
}

func (c *civil) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.RoundTripper.RoundTrip(req)
	if err == nil && (resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests) {
		if c.refusals.Add(1); resp.Header.Get("Retry-After") == "" {
			c.rude.Add(1)
		}
	}
	return resp, err
}
