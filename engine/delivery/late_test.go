package delivery

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// TestMappingIsForWhatComesAfterItsBeginning gives a mapping events from before it
// began, and has the others go on.
func TestMappingIsForWhatComesAfterItsBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := echo("late", "upsert_order", "order")
		late.From = 3
		w := newWorld(t, echo("early", "upsert_order", "order"), late)
		_, stop := run(t, w.options())
		for range 4 {
			w.add("A")
		}
		until(t, time.Hour, w.settled)
		stop()
		for seq := uint64(1); seq <= 4; seq++ {
			if got := w.outcome(seq, "early").Kind; got != event.Delivered {
				t.Errorf("event %d under the early one is %q", seq, got)
			}
			want := event.Delivered
			if seq < 3 {
				want = ""
			}
			if got := w.outcome(seq, "late").Kind; got != want {
				t.Errorf("event %d under the late one is %q, want %q", seq, got, want)
			}
		}
	})
}

// TestD6LateEventNeverOverwrites reads an event again that something newer of its
// key has overtaken meanwhile.
func TestD6LateEventNeverOverwrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.late = 3
		o := w.options()
		o.Newer = func(key string, than uint64) uint64 {
			if key == "A" && than < 9 {
				return 9
			}
			return 0
		}
		_, stop := run(t, o)
		for _, key := range []string{"A", "B", "A"} {
			w.add(key)
		}
		until(t, time.Hour, w.settled)
		stop()
		first := w.outcome(1, "order")
		if first.Kind != event.Superseded || first.Reason == nil ||
			first.Reason.Message != "event 9 of the same key was delivered while the mapping did not run, or before it did" {
			t.Errorf("%s: %+v", first.Kind, first.Reason)
		}
		for _, seq := range []uint64{2, 3} {
			if got := w.outcome(seq, "order").Kind; got != event.Delivered {
				t.Errorf("event %d is %s", seq, got)
			}
		}
	})
}
