package journal_test

import (
	"slices"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// An engine that does not have a new mapping yet reads on, and what it has read waits
// for that mapping: whoever has it and reads the partition next goes over it again (D2).
func TestEngineWithOlderMappings(t *testing.T) {
	s := natsServer(t)
	one := func(o *journal.Options) { o.Cluster.Partitions = 1 }
	old, fresh := onCluster(t, s, calm, one), onCluster(t, s, calm, one)
	settles := func(j *journal.Journal, mappings ...string) {
		t.Helper()
		var uses []journal.Use
		for _, m := range mappings {
			uses = append(uses, journal.Use{MappingID: journal.MappingID{Lane: lane, Mapping: m}, SHA256: m, Types: []string{"order_created"}})
		}
		if _, err := j.Settle(t.Context(), uses, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	reads := func(j *journal.Journal, mappings ...string) (*journal.Lane, func()) {
		t.Helper()
		lease := hold(t, j, 0)
		l, err := j.OpenLane(t.Context(), lane, journal.LaneOptions{Lease: lease, Mappings: mappings})
		if err != nil {
			t.Fatal(err)
		}
		return l, func() {
			t.Helper()
			if err := l.Leave(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			l.Close()
			lease.Release()
		}
	}
	// done gives the next event an outcome under the mappings that have none.
	done := func(l *journal.Lane, wantSequence uint64, wantDone []string, mappings ...string) {
		t.Helper()
		d := next(t, l, 1)[0]
		had := []string{}
		for m := range d.Done {
			had = append(had, m)
		}
		slices.Sort(had)
		if d.Event.Sequence != wantSequence || !slices.Equal(had, wantDone) {
			t.Fatalf("event %d with outcomes under %v, want %d with %v", d.Event.Sequence, had, wantSequence, wantDone)
		}
		var outcomes []event.Outcome
		for _, m := range mappings {
			outcomes = append(outcomes, outcome(d.Event, m, event.Delivered))
		}
		if err := l.Commit(t.Context(), outcomes, nil, []uint64{d.Event.Sequence}); err != nil {
			t.Fatal(err)
		}
	}

	settles(old, "first")
	if err := old.EnsureLane(t.Context(), lane); err != nil {
		t.Fatal(err)
	}
	l, leave := reads(old, "first")
	accept(t, old, order("1", "v1", "{}"))
	done(l, 1, nil, "first")
	settles(fresh, "first", "second")
	accept(t, old, order("2", "v1", "{}"))
	done(l, 2, nil, "first")
	until(t, "the older one knows what it lacks", func() bool {
		return slices.Equal(old.Lacking(lane, []string{"first"}), []string{"second"})
	})
	if fresh.Lacking(lane, []string{"first", "second"}) != nil || old.IsBehind(lane, 0, []string{"first"}) || !old.IsBehind(lane, 0, []string{"first", "second"}) {
		t.Error("who has all mappings lacks some, or nobody is behind")
	}
	leave()
	l, leave = reads(fresh, "first", "second")
	done(l, 2, []string{"first"}, "second")
	accept(t, fresh, order("3", "v1", "{}"))
	done(l, 3, nil, "first", "second")
	if fresh.IsBehind(lane, 0, []string{"first", "second"}) {
		t.Error("it is behind after it was gone over")
	}
	leave()
	// The older one has the partition once more.
	l, leave = reads(old, "first")
	accept(t, old, order("4", "v1", "{}"))
	done(l, 4, nil, "first")
	leave()
	l, leave = reads(fresh, "first", "second")
	done(l, 4, []string{"first"}, "second")
	none(t, l)
	leave()
	until(t, "what was read without the second mapping is gone over", func() bool {
		return !old.IsBehind(lane, 0, []string{"first", "second"})
	})
	// Where a configuration has a mapping no more, it is paused, and counts on for
	// those that still run it.
	settles(old, "first")
	until(t, "the other one knows", func() bool { return fresh.Lacking(lane, []string{"first"}) == nil })
	if from := fresh.From(journal.MappingID{Lane: lane, Mapping: "second"}); from != 2 {
		t.Errorf("the paused mapping is for events from %d on, want 2", from)
	}
}
