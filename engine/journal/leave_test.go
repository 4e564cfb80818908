package journal_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// D4: a reader that ends in order leaves in doubt what it says, and what it was
// itself told of and did not finish, and nothing else. One that does not leaves
// all in doubt.
func TestLeaveNarrowsTheDoubt(t *testing.T) {
	dir := t.TempDir()
	var j *journal.Journal
	reopen := func() *journal.Lane {
		t.Helper()
		if j != nil {
			closeJournal(t, j)
		}
		j = open(t, journal.Options{Dir: dir})
		return openLane(t, j)
	}
	inDoubt := func(ds []journal.Delivery) []uint64 {
		return sequences(slices.DeleteFunc(ds, func(d journal.Delivery) bool { return !d.PossiblySent }))
	}
	l := reopen()
	acceptN(t, j, 0, 6)
	next(t, l, 4)
	if err := l.Leave(t.Context(), []uint64{2}); err != nil {
		t.Fatal(err)
	}

	l = reopen()
	acceptN(t, j, 6, 1)
	if diff := cmp.Diff([]uint64{2}, inDoubt(next(t, l, 7))); diff != "" {
		t.Errorf("in doubt after an orderly end (-want +got):\n%s", diff)
	}
	if err := l.Leave(t.Context(), []uint64{5}); err != nil {
		t.Fatal(err)
	}

	l = reopen() // this one reads 1 to 3 alone
	ds := next(t, l, 3)
	second := ds[1].Event
	if diff := cmp.Diff([]uint64{2}, inDoubt(ds)); diff != "" {
		t.Errorf("in doubt after two orderly ends (-want +got):\n%s", diff)
	}
	if err := l.Commit(t.Context(), []event.Outcome{outcome(second, "orders", event.Delivered)}, nil, []uint64{2}); err != nil {
		t.Fatal(err)
	}
	if err := l.Leave(t.Context(), nil); err != nil {
		t.Fatal(err)
	}

	l = reopen()
	if diff := cmp.Diff([]uint64{5}, inDoubt(next(t, l, 7))); diff != "" {
		t.Errorf("in doubt after one was finished (-want +got):\n%s", diff)
	}

	l = reopen() // the last one did not leave in order
	if got := inDoubt(next(t, l, 7)); len(got) != 7 {
		t.Errorf("in doubt after a reader that told nothing: %v, want all", got)
	}
	if err := l.Leave(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	l = reopen()
	if got := inDoubt(next(t, l, 7)); len(got) != 7 {
		t.Errorf("in doubt after a reader that was told of all and finished none: %v, want all", got)
	}
}
