package journal_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// pages reads all that a filter picks, so many at a time.
func pages(t testing.TB, j *journal.Journal, f journal.HistoryFilter, limit int) []uint64 {
	t.Helper()
	out := []uint64{}
	for {
		p, err := j.History(t.Context(), f, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Events) > limit {
			t.Fatalf("%d events where at most %d were asked for", len(p.Events), limit)
		}
		for _, e := range p.Events {
			out = append(out, e.Event.Sequence)
		}
		if p.Next == 0 {
			return out
		}
		if f.Oldest {
			f.After = p.Next
		} else {
			f.Before = p.Next
		}
	}
}

// TestHistory reads 300 events by every filter, in pages of several sizes, before
// and after a restart, and compares with what was put in.
func TestHistory(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	l := openLane(t, j)
	const n = 300
	all := make([]event.Event, n+1)
	kinds := make([]event.Kind, n+1)
	for i := 1; i <= n; i++ {
		e := order(fmt.Sprint(i%7), fmt.Sprintf("id%d", i), fmt.Sprintf(`{"n":%d}`, i))
		if i%5 == 0 {
			e.Connection = "shop"
		}
		if i%3 == 0 {
			e.Type = "order_deleted"
		}
		if r := accept(t, j, e); r.Sequence != uint64(i) {
			t.Fatalf("sequence %d, want %d", r.Sequence, i)
		}
		e.Sequence = uint64(i)
		all[i] = *e
	}
	accept(t, j, &all[10]) // a repeat
	for i := 1; i <= 250; i++ {
		if all[i].Connection != lane.Source {
			continue
		}
		e := next(t, l, 1)[0].Event
		switch {
		case e.Sequence != uint64(i):
			t.Fatalf("event %d came, want %d", e.Sequence, i)
		case i%11 == 0:
			kinds[i] = event.Dead
			dies(t, l, e, "X")
		case i%2 == 0:
			kinds[i] = event.Skipped
			ends(t, l, e, event.Skipped)
		default:
			kinds[i] = event.Delivered
			ends(t, l, e, event.Delivered)
		}
	}
	middle, err := j.Recorded(t.Context(), 150)
	if err != nil {
		t.Fatal(err)
	}
	pick := func(ok func(i int) bool) []uint64 {
		out := []uint64{}
		for i := n; i > 0; i-- {
			if ok(i) {
				out = append(out, uint64(i))
			}
		}
		return out
	}
	for round := range 2 {
		for name, c := range map[string]struct {
			filter journal.HistoryFilter
			want   []uint64
		}{
			"all":        {journal.HistoryFilter{}, pick(func(int) bool { return true })},
			"connection": {journal.HistoryFilter{Connection: "shop"}, pick(func(i int) bool { return i%5 == 0 })},
			"type":       {journal.HistoryFilter{Type: "order_deleted"}, pick(func(i int) bool { return i%3 == 0 })},
			"key":        {journal.HistoryFilter{Key: "3"}, pick(func(i int) bool { return i%7 == 3 })},
			"key of one connection": {
				journal.HistoryFilter{Key: "3", Connection: "shop"}, pick(func(i int) bool { return i%7 == 3 && i%5 == 0 }),
			},
			"key and outcome": {
				journal.HistoryFilter{Key: "0", Outcome: event.Dead}, pick(func(i int) bool { return i%7 == 0 && kinds[i] == event.Dead }),
			},
			"no such key": {journal.HistoryFilter{Key: "x"}, []uint64{}},
			"id":          {journal.HistoryFilter{ID: "id42"}, []uint64{42}},
			"dead":        {journal.HistoryFilter{Outcome: event.Dead}, pick(func(i int) bool { return kinds[i] == event.Dead })},
			"duplicate":   {journal.HistoryFilter{Outcome: event.Duplicate}, []uint64{10}},
			"mapping":     {journal.HistoryFilter{Mapping: "m"}, pick(func(i int) bool { return kinds[i] != "" })},
			"no mapping":  {journal.HistoryFilter{Mapping: "other", Outcome: event.Dead}, []uint64{}},
			"waiting": {
				journal.HistoryFilter{Outcome: journal.Waiting}, pick(func(i int) bool { return i > 250 && i%5 != 0 }),
			},
			"between": {journal.HistoryFilter{After: 20, Before: 24}, []uint64{23, 22, 21}},
			"since":   {journal.HistoryFilter{Since: middle.StoredAt}, pick(func(i int) bool { return i >= 150 })},
			"until": {
				journal.HistoryFilter{Until: middle.StoredAt, Type: "order_deleted"}, pick(func(i int) bool { return i < 150 && i%3 == 0 }),
			},
			"future": {journal.HistoryFilter{Since: time.Now().Add(time.Hour)}, []uint64{}},
			"past":   {journal.HistoryFilter{Until: time.Now().Add(-time.Hour)}, []uint64{}},
		} {
			for _, limit := range []int{3, 70, 1000} {
				f := c.filter
				if diff := cmp.Diff(c.want, pages(t, j, f, limit)); diff != "" {
					t.Errorf("round %d, %s by %d (-want +got):\n%s", round, name, limit, diff)
				}
				f.Oldest = true
				got := pages(t, j, f, limit)
				slices.Reverse(got)
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("round %d, %s by %d, oldest first (-want +got):\n%s", round, name, limit, diff)
				}
			}
		}
		if round == 0 {
			closeJournal(t, j)
			j = open(t, journal.Options{Dir: dir})
		}
	}
	r, err := j.Recorded(t.Context(), 10)
	if err != nil || len(r.Outcomes) != 1 || r.Outcomes[0].Kind != event.Duplicate || r.Waiting {
		t.Errorf("%+v %v", r, err) // 10 is of a connection that no lane reads
	}
	if r, err = j.Recorded(t.Context(), 12); err != nil || len(r.Outcomes) != 1 || r.Outcomes[0].Kind != event.Skipped || string(r.Event.Record) != `{"n":12}` {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := j.Recorded(t.Context(), 999); !errors.Is(err, jetstream.ErrMsgNotFound) {
		t.Errorf("an event that is not there: %v", err)
	}
	if diff := cmp.Diff([]string{"salesdrive", "shop"}, j.Connections()); diff != "" {
		t.Error(diff)
	}
}

// BenchmarkHistory reads the newest 50 events, the events of a key, the newest dead
// letters and the letters of a key of a journal with 100,000 events, or as many as
// HISTORY_EVENTS says, of which 1 in 100 is dead.
func BenchmarkHistory(b *testing.B) {
	n := 100_000
	if v, err := strconv.Atoi(os.Getenv("HISTORY_EVENTS")); err == nil {
		n = v
	}
	j := open(b, journal.Options{Dir: b.TempDir()})
	l := openLane(b, j)
	const lot = 10_000
	for first := 0; first < n; first += lot {
		fill(b, j, first, lot)
		for range lot / 500 {
			settle(b, l, next(b, l, 500))
		}
	}
	one := strconv.Itoa(n / 2)
	for name, f := range map[string]journal.HistoryFilter{
		"newest": {}, "key": {Key: one}, "dead": {Outcome: event.Dead}, "id": {ID: "id" + strconv.Itoa(n-n/10)},
		"day": {Since: time.Now().Add(-time.Hour), Until: time.Now().Add(-time.Minute)},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := j.History(b.Context(), f, 50); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("letters", func(b *testing.B) {
		for b.Loop() {
			if _, err := j.Letters(b.Context(), journal.LetterFilter{}, 0, 50); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// settle gives events their outcomes: 1 in 100 is dead.
func settle(b *testing.B, l *journal.Lane, ds []journal.Delivery) {
	b.Helper()
	var outcomes []event.Outcome
	var dead []event.DeadLetter
	var done []uint64
	for _, d := range ds {
		o := outcome(d.Event, "m", event.Delivered)
		if d.Event.Sequence%100 == 0 {
			o.Kind, o.Reason = event.Dead, &event.Reason{Class: "MAPPING", Code: "CW305", Message: "no row", Path: "a"}
			dead = append(dead, event.DeadLetter{Event: d.Event, Outcome: o})
		}
		outcomes, done = append(outcomes, o), append(done, d.Event.Sequence)
	}
	if err := l.Commit(b.Context(), outcomes, dead, done); err != nil {
		b.Fatal(err)
	}
}

// An event waits until each mapping that wants it has an outcome, also where another of
// the lane has its own already.
func TestHistoryOfTwoMappings(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	runs(t, j, "a", "b")
	l := openLane(t, j)
	acceptN(t, j, 0, 4)
	ds := next(t, l, 4)
	under(t, l, "a", false, ds[:3]...)
	under(t, l, "b", true, ds[1])
	if err := l.Commit(t.Context(), []event.Outcome{outcome(ds[2].Event, "b", event.Skipped)}, nil, []uint64{3}); err != nil {
		t.Fatal(err)
	}
	waits := func(want ...uint64) {
		t.Helper()
		if diff := cmp.Diff(want, pages(t, j, journal.HistoryFilter{Outcome: journal.Waiting}, 10)); diff != "" {
			t.Errorf("waiting (-want +got):\n%s", diff)
		}
		for seq := uint64(1); seq <= 4; seq++ {
			r, err := j.Recorded(t.Context(), seq)
			if err != nil || r.Waiting != slices.Contains(want, seq) || len(r.WaitsIn) > 1 {
				t.Errorf("event %d: %v %v, %v", seq, r.Waiting, r.WaitsIn, err)
			}
		}
	}
	waits(4, 1)
	runs(t, j, "a") // b is gone, and tells of itself what waits for it
	waits(4)
}
