package journal_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// D6: what was delivered counts after the journal was opened anew, with its
// version; what was skipped, given up or delivered along another lane does not.
func TestNewestThatWasDelivered(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	l := openLane(t, j)
	sent := 0
	send := func(key string, version uint64, kind event.Kind) {
		t.Helper()
		sent++
		e := order(key, fmt.Sprint(sent), `{}`)
		e.Version, e.UpdatedAt = version, time.Time{}
		accept(t, j, e)
		d := next(t, l, 1)[0].Event
		o := outcome(d, "m", kind)
		if err := l.Commit(t.Context(), []event.Outcome{o}, nil, []uint64{d.Sequence}); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]uint64{"A": 5, "B": 0, "C": 3, "D": 0, "E": 4}
	send("A", 3, event.Delivered)
	send("A", 5, event.Delivered)
	send("A", 7, event.Skipped)
	send("B", 9, event.Skipped)
	send("C", 3, event.Delivered)
	send("C", 0, event.Delivered)
	send("E", 4, event.Delivered)
	for range 10 {
		send("E", 0, event.Superseded)
	}
	for _, again := range []bool{false, true} {
		if again {
			closeJournal(t, j)
			j = open(t, journal.Options{Dir: dir})
			l = openLane(t, j)
		}
		for key, version := range want {
			if got, _, err := l.Newest(t.Context(), key); got != version || err != nil {
				t.Errorf("opened anew %t: key %s has version %d, %v, want %d", again, key, got, err, version)
			}
		}
	}
	other, err := j.OpenLane(t.Context(), event.Lane{Source: lane.Source, Sink: "other"})
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := other.Newest(t.Context(), "A"); got != 0 || err != nil {
		t.Errorf("another lane knows version %d, %v", got, err)
	}
}
