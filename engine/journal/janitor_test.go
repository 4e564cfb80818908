package journal_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

const day = 24 * time.Hour

// finish gives events an outcome and acknowledges them.
func finish(t testing.TB, l *journal.Lane, ds []journal.Delivery) {
	t.Helper()
	var outcomes []event.Outcome
	var done []uint64
	for _, d := range ds {
		o := outcome(d.Event, "m", event.Delivered)
		o.Lane = journal.NameOf(l)
		outcomes, done = append(outcomes, o), append(done, d.Event.Sequence)
	}
	if err := l.Commit(t.Context(), outcomes, nil, done); err != nil {
		t.Fatal(err)
	}
	// Acknowledgements count a moment later.
	waitFor(t, func() bool {
		floor, err := journal.Floor(t.Context(), l)
		return err == nil && floor >= ds[len(ds)-1].Event.Sequence
	})
}

func sweep(t testing.TB, j *journal.Journal, in time.Duration) {
	t.Helper()
	if err := journal.Sweep(t.Context(), j, time.Now().Add(in)); err != nil {
		t.Fatal(err)
	}
}

// kept gives the first and the last event that can be read.
func kept(t testing.TB, j *journal.Journal, last uint64) (first uint64, n int) {
	t.Helper()
	for seq := last; seq > 0; seq-- {
		if _, err := j.Event(t.Context(), seq); err == nil {
			first = seq
			n++
		}
	}
	return first, n
}

func TestEventsLeaveWithAgeWhenEveryLaneIsDone(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	o := journal.Options{Dir: dir, Logger: slog.New(slog.NewTextHandler(&out, nil))}
	j := open(t, o)
	fast := openLane(t, j)
	slow, err := j.OpenLane(t.Context(), event.Lane{Source: lane.Source, Sink: "slow"})
	if err != nil {
		t.Fatal(err)
	}
	acceptN(t, j, 0, 100)
	finish(t, fast, next(t, fast, 100))
	finish(t, slow, next(t, slow, 40))

	sweep(t, j, 13*day)
	if first, n := kept(t, j, 100); first != 1 || n != 100 {
		t.Errorf("before their age is reached %d events are left, from %d on", n, first)
	}
	sweep(t, j, 15*day)
	if first, n := kept(t, j, 100); first != 41 || n != 60 {
		t.Errorf("%d events are left, from %d on, want what the slow lane is not done with", n, first)
	}
	if a := j.Alarms(); len(a) != 1 || !strings.Contains(a[0], "slow has not delivered event 41") {
		t.Errorf("alarms %q", a)
	}
	sweep(t, j, 15*day)
	if n := strings.Count(out.String(), "slow has not delivered"); n != 1 {
		t.Errorf("the alarm is logged %d times", n)
	}

	// The slow lane's mapping is taken away: its backlog stays all the same, over a restart.
	closeJournal(t, j)
	j = open(t, o)
	sweep(t, j, 50*day)
	if first, n := kept(t, j, 100); first != 41 || n != 60 {
		t.Errorf("without the slow lane's mapping %d events are left, from %d on", n, first)
	}
	if slow, err = j.OpenLane(t.Context(), event.Lane{Source: lane.Source, Sink: "slow"}); err != nil {
		t.Fatal(err)
	}
	ds := next(t, slow, 60)
	if got := sequences(ds); got[0] != 41 || got[59] != 100 {
		t.Fatalf("the slow lane gets %v", got)
	}
	finish(t, slow, ds)
	sweep(t, j, 15*day)
	if _, n := kept(t, j, 100); n != 0 {
		t.Errorf("%d events are left though every lane is done", n)
	}
	if a := j.Alarms(); len(a) != 0 {
		t.Errorf("alarms %q", a)
	}
	if indexed, keys, tables := journal.Known(j); indexed != 0 || keys != 0 || tables > 2 {
		t.Errorf("%d events, %d keys and %d tables are known of what has left", indexed, keys, tables)
	}

	// What has left is no duplicate, and counts go on.
	for range 2 {
		s, err := j.Stats(t.Context())
		if err != nil || s.Accepted != 100 || s.Outcomes[event.Delivered] != 200 || s.LastOutcome != 0 {
			t.Errorf("stats %+v, %v", s, err)
		}
		closeJournal(t, j)
		j = open(t, o)
	}
	fast = openLane(t, j)
	acceptN(t, j, 0, 3)
	ds = next(t, fast, 3)
	if diff := cmp.Diff([]uint64{101, 102, 103}, sequences(ds)); diff != "" {
		t.Errorf("the same events again (-want +got):\n%s", diff)
	}
	finish(t, fast, ds)
	all, err := j.Outcomes(t.Context(), 1, 10)
	if err != nil || len(all) != 3 || all[0].Sequence != 101 {
		t.Errorf("outcomes %+v, %v", all, err)
	}
}

func TestOldestEventsLeaveForWantOfRoom(t *testing.T) {
	dir := t.TempDir()
	o := journal.Options{Dir: dir, MaxEventBytes: 1 << 20, Retention: journal.Retention{Bytes: 300 << 10}}
	j := open(t, o)
	l := openLane(t, j)
	fillUp := func(from, n int) {
		t.Helper()
		for i := range n {
			id := fmt.Sprint(from + i)
			accept(t, j, order(id, id, kilobyte))
		}
	}
	fillUp(0, 400)
	finish(t, l, next(t, l, 400))
	sweep(t, j, 0)
	first, n := kept(t, j, 400)
	if n > 300 || n < 100 || first+uint64(n) != 401 {
		t.Errorf("%d events are left, from %d on, want the newest 300 KiB", n, first)
	}
	// A backlog stays whatever its size, and is an alarm.
	fillUp(400, 400)
	sweep(t, j, 0)
	if first, n := kept(t, j, 800); first != 401 || n != 400 {
		t.Errorf("%d events are left, from %d on, want the 400 that are not delivered", n, first)
	}
	if a := j.Alarms(); len(a) != 1 || !strings.Contains(a[0], "nearly full") {
		t.Errorf("alarms %q", a)
	}
	if got := sequences(next(t, l, 400)); got[0] != 401 || got[399] != 800 {
		t.Errorf("the lane gets %d to %d", got[0], got[399])
	}
}

// D6: a dead letter outlives its event until it is resolved, also over a restart.
func TestDeadLettersOutliveTheirEvents(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	l := openLane(t, j)
	acceptN(t, j, 0, 3)
	ds := next(t, l, 3)
	by := journal.Doer{By: "olena"}
	var ids []journal.LetterID
	for _, d := range ds {
		ids = append(ids, dies(t, l, d.Event, "bad"))
	}
	// The second goes on its way again and is delivered; the third is dropped.
	if _, err := j.Retry(t.Context(), ids[1:2], by); err != nil {
		t.Fatal(err)
	}
	finish(t, l, next(t, l, 1))
	if _, err := j.Drop(t.Context(), ids[2:], by); err != nil {
		t.Fatal(err)
	}
	for _, restart := range []bool{false, true, true} {
		if restart {
			closeJournal(t, j)
			j = open(t, journal.Options{Dir: dir})
			l = openLane(t, j)
		}
		sweep(t, j, 15*day)
		if _, n := kept(t, j, 4); n != 0 {
			t.Errorf("%d events are left", n)
		}
		p, err := j.Letters(t.Context(), journal.LetterFilter{All: true}, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Letters) != 1 || p.Letters[0].State != journal.LetterOpen || p.Letters[0].Event.Sequence != 1 || len(p.Letters[0].Event.Record) == 0 {
			t.Errorf("after a restart %t: %+v", restart, p.Letters)
		}
		s, err := j.Stats(t.Context())
		if err != nil || s.Dead != 1 || s.Unresolved != 1 || s.Outcomes[event.Dead] != 3 {
			t.Errorf("after a restart %t: stats %+v, %v", restart, s, err)
		}
		if dead, err := j.Dead(t.Context(), 1, 10); err != nil || len(dead) != 1 {
			t.Errorf("%d dead letters, %v", len(dead), err)
		}
	}
	// It can still be put on its way, and then leaves too.
	done, err := j.Retry(t.Context(), ids[:1], by)
	if err != nil || done[0].As != 5 {
		t.Fatalf("%+v, %v", done, err)
	}
	finish(t, l, next(t, l, 1))
	sweep(t, j, 15*day)
	if p, err := j.Letters(t.Context(), journal.LetterFilter{All: true}, 0, 10); err != nil || len(p.Letters) != 0 {
		t.Errorf("%+v, %v", p.Letters, err)
	}
	if s, err := j.Stats(t.Context()); err != nil || s.Dead != 0 || s.Unresolved != 0 {
		t.Errorf("stats %+v, %v", s, err)
	}
}

func TestRetentionIsBounded(t *testing.T) {
	for _, r := range []journal.Retention{{Age: 3 * day}, {Age: 61 * day}, {Bytes: -1}} {
		if j, err := journal.Open(t.Context(), journal.Options{Dir: t.TempDir(), Retention: r}); err == nil {
			closeJournal(t, j)
			t.Errorf("%+v is taken", r)
		}
	}
}
