package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFlippedByteIsTold changes a byte of an event on disk under a running engine:
// whoever reads the event has it told in /readyz, the status, the metrics and the log,
// and the others are delivered.
func TestFlippedByteIsTold(t *testing.T) {
	sb := startSandbox(t)
	s := newSite(t, sb)
	e := s.start(t)
	const orders = 5
	for id := 1; id <= orders; id++ {
		e.order(t, shopOrder(id, fmt.Sprintf("вул. Нова, %d-й будинок", id)))
	}
	eventually(t, "all orders delivered", func() error { return e.settled(t, orders) })
	block := filepath.Join(s.dir, "data", "jetstream", "jetstream", "$G", "streams", "EVENTS", "msgs", "1.blk")
	b, err := os.ReadFile(block)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(b, []byte("3-й будинок"))
	if i < 0 {
		t.Fatal("the order is not in the store")
	}
	f, err := os.OpenFile(block, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{'4'}, int64(i)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	const alarm = "1 event cannot be read: 3 (order_created of shop)"
	for try := 1; ; try++ {
		time.Sleep(11 * time.Second) // for as long what was read is kept in memory
		code, text, err := send(t.Context(), http.MethodGet, e.admin+"/api/v1/events/3", "", "")
		if err != nil {
			t.Fatal(err)
		}
		if code == http.StatusInternalServerError && strings.Contains(text, `"unreadable"`) {
			break
		}
		if code != http.StatusOK || try == 8 {
			t.Fatalf("the event is answered %d %s", code, text)
		}
	}
	for _, path := range []string{"/readyz", "/api/v1/status"} {
		if _, text, err := send(t.Context(), http.MethodGet, e.admin+path, "", ""); err != nil || !strings.Contains(text, alarm) {
			t.Errorf("%s says %s, %v", path, text, err)
		}
	}
	if got := e.metric(t, "crosswalk_journal_alarms "); got != "1" {
		t.Errorf("the metric is %q", got)
	}
	mustContain(t, e.log(), alarm)
	e.order(t, shopOrder(orders+1, "вул. Нова, 1"))
	eventually(t, "the next order is delivered", func() error { return e.settled(t, orders+1) })
}
