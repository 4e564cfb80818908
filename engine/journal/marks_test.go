package journal_test

import (
	"slices"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// D5: what a reader that was broken off had marked was possibly sent, and nothing
// else, over any number of takeovers.
func TestMarksNarrowTheDoubt(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	l := openLane(t, j)
	guard := func(mappings ...string) {
		t.Helper()
		if err := l.Guard(t.Context(), mappings); err != nil {
			t.Fatal(err)
		}
	}
	mark := func(mapping string, sequences ...uint64) {
		t.Helper()
		if err := l.Mark(t.Context(), mapping, sequences); err != nil {
			t.Fatal(err)
		}
	}
	again := func() {
		t.Helper()
		closeJournal(t, j)
		j = open(t, journal.Options{Dir: dir})
		l = openLane(t, j)
	}
	unsent := func(n int) map[uint64][]string {
		t.Helper()
		out := map[uint64][]string{}
		for _, d := range next(t, l, n) {
			if !d.PossiblySent {
				t.Errorf("event %d is not possibly sent", d.Event.Sequence)
			}
			out[d.Event.Sequence] = d.Unsent
		}
		return out
	}

	guard("a", "b")
	acceptN(t, j, 0, 6)
	ds := next(t, l, 6)
	mark("a", 1, 2, 3)
	mark("b", 3)
	if err := l.Commit(t.Context(), []event.Outcome{outcome(ds[0].Event, "a", event.Delivered)}, nil, []uint64{1}); err != nil {
		t.Fatal(err)
	}
	l.Unmark("a", []uint64{2})
	mark("a", 4) // with which the rest is on disk
	if err := l.Mark(t.Context(), "c", []uint64{5}); err == nil {
		t.Error("a mapping that is not guarded is marked")
	}
	for range 2 {
		again()
		want := map[uint64][]string{2: {"a", "b"}, 3: nil, 4: {"b"}, 5: {"a", "b"}, 6: {"a", "b"}}
		for seq, got := range unsent(5) {
			if !slices.Equal(got, want[seq]) {
				t.Errorf("event %d was surely not sent under %v, want %v", seq, got, want[seq])
			}
		}
		guard("a", "b") // and it is killed before it sends anything
	}

	// A mapping that was not guarded may have sent everything that is there.
	again()
	guard("a", "c")
	acceptN(t, j, 10, 1)
	again()
	for seq, got := range unsent(6) {
		want := map[uint64][]string{2: {"a"}, 3: nil, 4: nil, 5: {"a"}, 6: {"a"}, 7: {"a", "c"}}[seq]
		if !slices.Equal(got, want) {
			t.Errorf("event %d was surely not sent under %v, want %v", seq, got, want)
		}
	}
}

// Without any guard everything is in doubt, as ever.
func TestNothingIsKnownWithoutAGuard(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	l := openLane(t, j)
	if err := l.Guard(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	acceptN(t, j, 0, 2)
	next(t, l, 2)
	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir})
	l = openLane(t, j)
	for _, d := range next(t, l, 2) {
		if !d.PossiblySent || d.Unsent != nil {
			t.Errorf("event %d: %+v", d.Event.Sequence, d)
		}
	}
}
