package delivery

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// replayOf makes an event the replay of another.
func replayOf(origin uint64, sink, name string) func(*event.Event, *body) {
	return func(ev *event.Event, _ *body) {
		ev.Replay = &event.Replay{
			Of: origin, Origin: origin, Sink: sink, Mapping: name, Kind: event.Retry,
			By: "olena", At: time.Now().UTC().Add(-time.Minute),
		}
	}
}

// TestReplayIsForItsMapping checks that a replay goes the way of live traffic, for
// what it names alone (D7).
func TestReplayIsForItsMapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, echo("contact", "upsert_contact", "order"), echo("order", "upsert_order", "order"))
		r, stop := run(t, w.options())
		w.add("A")
		w.add("A", replayOf(1, "", "order"))
		w.add("A", replayOf(1, testLane.Sink, "contact"))
		w.add("A", replayOf(1, "other", ""))
		w.add("A", replayOf(1, "", ""))
		w.add("A", replayOf(1, "", "removed"))
		until(t, time.Hour, w.settled)
		stop()
		for seq, want := range map[uint64]string{1: "contact order", 2: "order", 3: "contact", 4: "", 5: "contact order", 6: ""} {
			var got []string
			for _, name := range []string{"contact", "order"} {
				if w.outcome(seq, name).Kind == event.Delivered {
					got = append(got, name)
				}
			}
			if s := strings.Join(got, " "); s != want {
				t.Errorf("event %d went to %q, want %q", seq, s, want)
			}
		}
		if n := r.Stats().Unwanted; n != 2 {
			t.Errorf("%d were unwanted", n)
		}
		if o := w.outcome(2, "order"); time.Since(o.ReceivedAt) > 2*time.Minute || o.ReceivedAt.After(o.At.Add(-50*time.Second)) {
			t.Errorf("a replay counts from %s, it ended %s", o.ReceivedAt, o.At)
		}
	})
}

// TestD6ReplayNeverOverwrites checks that a replay is superseded, and says why,
// where something newer of its key was delivered.
func TestD6ReplayNeverOverwrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		o := w.options()
		asked := 0
		o.Newer = func(key string, than uint64) uint64 {
			asked++
			if key == "A" && than < 2 {
				return 2
			}
			return 0
		}
		_, stop := run(t, o)
		w.add("A")
		w.add("A")
		w.add("A", replayOf(1, "", ""))
		w.add("A", replayOf(2, "", ""))
		w.add("B", version(7))
		w.add("B", version(5), replayOf(1, "", ""))
		until(t, time.Hour, w.settled)
		stop()
		for seq, want := range map[uint64]event.Kind{1: event.Delivered, 2: event.Delivered, 3: event.Superseded, 4: event.Delivered, 6: event.Superseded} {
			if got := w.outcome(seq, "order").Kind; got != want {
				t.Errorf("event %d is %s, want %s", seq, got, want)
			}
		}
		want := &event.Reason{
			Class: "SUPERSEDED", Code: "newer_delivered",
			Message: "event 2 of the same key was delivered, which is newer than event 1 that this one repeats",
		}
		if diff := cmp.Diff(want, w.outcome(3, "order").Reason); diff != "" {
			t.Errorf("reason (-want +got):\n%s", diff)
		}
		if r := w.outcome(6, "order").Reason; r == nil || !strings.HasPrefix(r.Message, "something newer of the same key") {
			t.Errorf("reason %+v", r)
		}
		if asked != 2 {
			t.Errorf("asked %d times; live events need no question, nor does what a version tells", asked)
		}
	})
}

// TestTrail checks what is kept of what was sent, and of the attempts.
func TestTrail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var many []any
		for i := range 12 {
			many = append(many, &wire.Failure{Class: wire.Transient, Code: fmt.Sprint("c", i), Message: strings.Repeat("m", 10_000)})
		}
		script(w, map[uint64][]any{
			1: {&wire.Failure{Class: wire.Transient, Code: "http_503", Message: "down"}},
			2: {&wire.Failure{Class: wire.Invalid, Code: "bad", Message: "no"}},
			4: many,
		})
		_, stop := run(t, w.options())
		w.add("A")
		w.add("B")
		w.add("C", do("order", "fail"))
		w.add("D")
		until(t, 24*time.Hour, w.settled)
		stop()
		for seq, want := range map[uint64]struct {
			sent  string
			codes string
		}{
			1: {`{"n":1,"m":"order"}`, "http_503"},
			2: {`{"n":2,"m":"order"}`, "bad"},
			3: {"", ""},
			4: {`{"n":4,"m":"order"}`, "c4 c5 c6 c7 c8 c9 c10 c11"},
		} {
			o := w.outcome(seq, "order")
			var codes []string
			for _, try := range o.Tries {
				codes = append(codes, try.Code)
				if try.At.IsZero() || len(try.Message) > 600 {
					t.Errorf("event %d: attempt at %s with a message of %d bytes", seq, try.At, len(try.Message))
				}
			}
			if string(o.Sent) != want.sent || strings.Join(codes, " ") != want.codes {
				t.Errorf("event %d: sent %s, attempts %v", seq, o.Sent, codes)
			}
		}
	})
}
