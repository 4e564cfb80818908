package journal_test

import (
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

func TestAgeOfABacklog(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	l := openLane(t, j)
	acceptN(t, j, 0, 4)
	var stored []time.Time
	for seq := range uint64(4) {
		at, err := journal.StoredAt(t.Context(), j, seq+1)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, at)
	}
	oldest := func(when string, want time.Time) {
		t.Helper()
		s, err := j.Stats(t.Context())
		if err != nil || len(s.Lanes) != 1 {
			t.Fatalf("%s: %d lanes and %v", when, len(s.Lanes), err)
		}
		if got := s.Lanes[0].OldestAt; !got.Equal(want) {
			t.Errorf("%s: the oldest was stored at %s, want %s", when, got, want)
		}
	}
	reads := journal.CountReads(t, j)
	oldest("nothing at hand", stored[0])
	if reads() == 0 {
		t.Error("what nobody has read is known without reading it")
	}

	ds := next(t, l, 3)
	reads = journal.CountReads(t, j)
	oldest("three at hand", stored[0])
	for i, d := range ds[:2] {
		done := []uint64{d.Event.Sequence}
		if err := l.Commit(t.Context(), []event.Outcome{outcome(d.Event, "order", event.Delivered)}, nil, done); err != nil {
			t.Fatal(err)
		}
		oldest("one more done", stored[i+1])
	}
	if n := reads(); n != 0 {
		t.Errorf("what is at hand was read %d times for its age", n)
	}

	l.Close()
	oldest("after the reader has gone", stored[2])
}
