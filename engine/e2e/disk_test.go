package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// newDiskSite makes a site whose engine writes to a disk of the test's.
func newDiskSite(t *testing.T, sb *sandbox) *site {
	t.Helper()
	s := newSite(t, sb)
	d, err := newDisk(t, filepath.Join(s.dir, "data"))
	if err != nil {
		t.Skipf("the engine's disk cannot be the test's on this machine: %v", err)
	}
	s.disk = d
	return s
}

// TestD1_NoAnswerBeforeTheDisk holds every fsync: as long as none is done nothing is
// answered 2xx, and all that is answered so afterwards is delivered.
func TestD1_NoAnswerBeforeTheDisk(t *testing.T) {
	sb := startSandbox(t)
	s := newDiskSite(t, sb)
	e := s.start(t)
	release := make(chan struct{})
	held := func() time.Duration {
		<-release // fsyncs of the engine wait for it, one after another
		return 0
	}
	var once sync.Once
	letGo := func() { once.Do(func() { close(release) }) }
	t.Cleanup(letGo)
	// The first one has files made, which are synced in any case.
	e.order(t, shopOrder(1, "вул. Нова, 1"))
	eventually(t, "the first order", func() error { return e.settled(t, 1) })
	s.disk.set(func(d *disk) { d.delay = held })
	const orders = 4
	for id := 2; id <= orders; id++ {
		// The engine gives up waiting for the disk by itself, with 503.
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		code, text, err := send(ctx, http.MethodPut, e.ingress+"/in/shop/"+shopToken, "application/json", shopOrder(id, "вул. Нова, 1"))
		cancel()
		if err != nil || code != http.StatusServiceUnavailable {
			t.Fatalf("while nothing is on disk: %d %s %v, want 503", code, text, err)
		}
	}
	letGo()
	for id := 2; id <= orders; id++ {
		if err := insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, shopOrder(id, "вул. Нова, 1")); err != nil {
			t.Fatal(err)
		}
	}
	e.kill()
	e = s.start(t)
	eventually(t, "all orders delivered", func() error { return e.settled(t, orders) })
	if err := exactlyOnce(sb.orders(t), 1, orders); err != nil {
		t.Fatal(err)
	}
}

// refused sends an order until it is answered 503, and tells which were accepted.
func (e *engine) refused(t *testing.T, from int) (accepted int, retryAfter string) {
	t.Helper()
	for id, end := from, time.Now().Add(deadline); time.Now().Before(end); id++ {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, strings.NewReader(shopOrder(id, "вул. Нова, 1")))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		switch resp.StatusCode {
		case http.StatusOK:
			accepted++
		case http.StatusServiceUnavailable:
			return accepted, resp.Header.Get("Retry-After")
		default:
			t.Fatalf("%s %s", resp.Status, text)
		}
	}
	t.Fatal("everything is accepted")
	return 0, ""
}

// metric gives the value of the first line of /metrics that begins so.
func (e *engine) metric(t *testing.T, begin string) string {
	t.Helper()
	code, text, err := send(t.Context(), http.MethodGet, e.admin+"/metrics", "text/plain", "")
	if err != nil || code != http.StatusOK {
		t.Fatalf("metrics: %d %v", code, err)
	}
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, begin); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// TestD4_ReserveOfDisk has the disk run low: webhooks are answered 503 with
// Retry-After while what was accepted is delivered; with room they are taken again.
func TestD4_ReserveOfDisk(t *testing.T) {
	sb := startSandbox(t)
	s := newDiskSite(t, sb)
	s.disk.all = true
	e := s.start(t)
	sb.faults(t, `{"down":true}`)
	for id := 1; id <= 5; id++ {
		e.order(t, shopOrder(id, "вул. Нова, 1"))
	}
	s.disk.set(func(d *disk) { d.free = 1 << 20 })
	accepted, after := e.refused(t, 6)
	if after == "" || after == "0" {
		t.Errorf("Retry-After is %q", after)
	}
	if got := e.metric(t, `crosswalk_webhooks_refused_total{connection="shop",reason="journal_unavailable"} `); got == "" || got == "0" {
		t.Errorf("the metric says %q", got)
	}
	mustContain(t, e.log(), "accepts nothing for want of room", "below the reserve of 16 MiB")
	mustContain(t, e.operator(t, 0, "status"), "ALARM: webhooks are answered 503: 1 MiB of disk are free, below the reserve of 16 MiB")
	sb.faults(t, `{"down":false}`)
	accepted += 5
	eventually(t, "what was accepted is delivered", func() error { return e.settled(t, uint64(accepted)) })
	s.disk.set(func(d *disk) { d.free = 0 })
	e.order(t, shopOrder(accepted+1, "вул. Нова, 1"))
	eventually(t, "all orders delivered", func() error { return e.settled(t, uint64(accepted)+1) })
	if err := exactlyOnce(sb.orders(t), 1, accepted+1); err != nil {
		t.Fatal(err)
	}
}

// TestD4_DiskFull has every write fail for want of room: webhooks are answered 503.
// Once there is room the engine takes webhooks again by itself, without waiting for
// outcomes that could not be stored; nothing that was accepted is lost.
func TestD4_DiskFull(t *testing.T) {
	sb := startSandbox(t)
	s := newDiskSite(t, sb)
	s.disk.all = true
	e := s.start(t)
	const before = 60
	wait := sendMany(t, before, 16, func(id int) error {
		return insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, shopOrder(id, "вул. Нова, 1"))
	})
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what came first is delivered", func() error { return e.settled(t, before) })
	// These are at the sink when the disk becomes full, and their outcomes cannot be stored.
	sb.faults(t, `{"latency":"1s"}`)
	const atSink = 5
	for id := before + 1; id <= before+atSink; id++ {
		e.order(t, shopOrder(id, "вул. Нова, 1"))
	}
	s.disk.set(func(d *disk) { d.full, d.torn = true, true })
	accepted, after := e.refused(t, before+atSink+1)
	if accepted != 0 || after == "" {
		t.Errorf("%d webhooks were accepted by a full disk, Retry-After %q", accepted, after)
	}
	eventually(t, "the engine notices", func() error {
		if !strings.Contains(e.log(), "store is broken") {
			return fmt.Errorf("nothing is said")
		}
		return nil
	})
	if n := s.disk.counted().refused; n == 0 {
		t.Fatal("no write was refused")
	}
	began := time.Now()
	sb.faults(t, noFaults)
	s.disk.set(func(d *disk) { d.full = false })
	e = s.again(t, e, 2)
	t.Logf("ready again %s after there was room", time.Since(began))
	if strings.Contains(e.log(), "gave up waiting for what is in flight") {
		t.Error("the engine waited for outcomes that nothing could store, and took no webhooks meanwhile")
	}
	const orders = before + atSink + 20
	for id := before + atSink + 1; id <= orders; id++ {
		if err := insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, shopOrder(id, "вул. Нова, 1")); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all orders delivered", func() error { return e.settled(t, orders) })
	if err := exactlyOnce(sb.orders(t), 1, orders); err != nil {
		t.Fatal(err)
	}
}
