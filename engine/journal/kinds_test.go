package journal_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// TestHistoryByIDFindsReplays looks for an id among events that have it, events that
// repeat those, and replays of what has left; and lists a letter after a restart.
func TestHistoryByIDFindsReplays(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	l := openLane(t, j)
	acceptN(t, j, 0, 3)
	ds := next(t, l, 3)
	ends(t, l, ds[0].Event, event.Delivered)
	id := dies(t, l, ds[1].Event, "CW305")
	ends(t, l, ds[2].Event, event.Delivered)
	if _, err := j.Retry(t.Context(), []journal.LetterID{id}, operator); err != nil {
		t.Fatal(err)
	}
	// A replay of a replay has the id of the first.
	if _, err := j.Repeat(t.Context(), []uint64{4}, event.Replay{}, operator); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for f, want := range map[journal.HistoryFilter][]uint64{
			{ID: "id1"}:                               {5, 4, 2},
			{ID: "id2"}:                               {3},
			{ID: "id1", Connection: "shop"}:           {},
			{ID: "id1", Type: ds[1].Event.Type}:       {5, 4, 2},
			{Type: "no_such_type"}:                    {},
			{Connection: lane.Source, Before: 3}:      {2, 1},
			{ID: "id1", Key: "1"}:                     {5, 4, 2},
			{Type: ds[1].Event.Type, Outcome: "dead"}: {2},
		} {
			if diff := cmp.Diff(want, pages(t, j, f, 2)); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", f, diff)
			}
		}
		p, err := j.Letters(t.Context(), journal.LetterFilter{All: true, Key: "1", Type: ds[1].Event.Type, Code: "CW305", Path: "delivery.type"}, 0, 10)
		if err != nil || p.Total != 1 || len(p.Letters) != 1 || p.Letters[0].Event.Sequence != 2 || p.Reasons[0].Code != "CW305" {
			t.Errorf("%+v %v", p, err)
		}
		p, err = j.Letters(t.Context(), journal.LetterFilter{All: true, Since: p.Letters[0].Outcome.At.Add(1)}, 0, 10)
		if err != nil || p.Total != 0 {
			t.Errorf("%+v %v", p, err)
		}
		closeJournal(t, j)
		j = open(t, journal.Options{Dir: dir})
	}
}
