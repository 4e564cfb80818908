package journal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

func acceptN(t testing.TB, j *journal.Journal, from, n int) {
	t.Helper()
	for i := range n {
		accept(t, j, order(fmt.Sprint(from+i), fmt.Sprintf("id%d", from+i), fmt.Sprintf(`{"id":%d}`, from+i)))
	}
}

func sequences(ds []journal.Delivery) []uint64 {
	var s []uint64
	for _, d := range ds {
		s = append(s, d.Event.Sequence)
	}
	return s
}

func TestNewLaneBeginsAfterTheLastEvent(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	acceptN(t, j, 0, 3)
	l := openLane(t, j)
	none(t, l)
	closeJournal(t, j)

	// Where it begins is recorded: what comes while the engine runs without the lane is its own.
	j = open(t, journal.Options{Dir: dir})
	acceptN(t, j, 3, 2)
	l = openLane(t, j)
	ds := next(t, l, 2)
	if diff := cmp.Diff([]uint64{4, 5}, sequences(ds)); diff != "" {
		t.Errorf("sequences (-want +got):\n%s", diff)
	}
	none(t, l)

	other, err := j.OpenLane(t.Context(), event.Lane{Source: lane.Source, Sink: "other"}, journal.LaneOptions{FromStart: true})
	if err != nil {
		t.Fatal(err)
	}
	ds = next(t, other, 5)
	if diff := cmp.Diff([]uint64{1, 2, 3, 4, 5}, sequences(ds)); diff != "" {
		t.Errorf("from the start (-want +got):\n%s", diff)
	}
	for _, d := range ds {
		if d.PossiblySent {
			t.Errorf("event %d of a lane that never sent anything is possibly sent", d.Event.Sequence)
		}
	}
}

func TestLaneReadsItsSourceAlone(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	l := openLane(t, j)
	foreign := order("1", "1", `{}`)
	foreign.Connection = "horoshop"
	accept(t, j, foreign)
	acceptN(t, j, 0, 1)
	if got := sequences(next(t, l, 1)); got[0] != 2 {
		t.Errorf("sequences %v", got)
	}
	none(t, l)
}

func TestLaneHasOneReader(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	l := openLane(t, j)
	if _, err := j.OpenLane(t.Context(), lane); err == nil {
		t.Fatal("the lane was opened twice")
	}
	wait := make(chan error, 1)
	go func() {
		_, err := l.Next(context.WithoutCancel(t.Context()), 1)
		wait <- err
	}()
	l.Close()
	select {
	case err := <-wait:
		if !errors.Is(err, journal.ErrClosed) {
			t.Errorf("Next of a closed lane: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Next hangs after Close")
	}
	if err := l.Commit(t.Context(), nil, nil, nil); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("Commit to a closed lane: %v", err)
	}
	openLane(t, j)
}

func TestCommitAndTakeover(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	l := openLane(t, j)
	acceptN(t, j, 0, 6)
	ds := next(t, l, 6)
	// 1 is done, 2 has one of two outcomes, 3 has its outcome and no
	// acknowledgement, 4 is untouched, 5 is done above the floor, 6 too without outcome.
	err := l.Commit(t.Context(), []event.Outcome{
		outcome(ds[0].Event, "m", event.Delivered), outcome(ds[1].Event, "m", event.Skipped),
		outcome(ds[2].Event, "m", event.Delivered), outcome(ds[4].Event, "m", event.Superseded),
	}, nil, []uint64{1, 5, 6})
	if err != nil {
		t.Fatal(err)
	}
	want := []journal.Delivery{ // 2 to 7
		{PossiblySent: true, Done: map[string]event.Kind{"m": event.Skipped}},
		{PossiblySent: true, Done: map[string]event.Kind{"m": event.Delivered}},
		{PossiblySent: true},
		{PossiblySent: true, Done: map[string]event.Kind{"m": event.Superseded}},
		{PossiblySent: true},
		{},
	}
	check := func() {
		t.Helper()
		ds = next(t, l, 6)
		if diff := cmp.Diff([]uint64{2, 3, 4, 5, 6, 7}, sequences(ds)); diff != "" {
			t.Fatalf("sequences (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, ds, cmpopts.IgnoreFields(journal.Delivery{}, "Event")); diff != "" {
			t.Errorf("deliveries (-want +got):\n%s", diff)
		}
	}
	waitFor(t, func() bool { n, err := l.Pending(t.Context()); return err == nil && n == 3 })
	l.Close()
	l = openLane(t, j)
	acceptN(t, j, 6, 1)
	check()

	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir})
	l = openLane(t, j)
	want[5].PossiblySent = true
	check()

	// An outcome that stands is not replaced.
	if err := l.Commit(t.Context(), []event.Outcome{
		outcome(ds[1].Event, "m", event.Skipped), outcome(ds[1].Event, "n", event.Skipped),
	}, nil, []uint64{3}); err != nil {
		t.Fatal(err)
	}
	s, err := j.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Outcomes[event.Delivered] != 2 || s.Outcomes[event.Skipped] != 2 || s.LastOutcome != 5 {
		t.Errorf("stats %+v", s)
	}
}

func waitFor(t testing.TB, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("waited for nothing")
}

func TestCommitOfManyOutcomes(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	l := openLane(t, j)
	var wg sync.WaitGroup
	for g := range 100 { // together, so that they share what the disk takes
		wg.Go(func() { acceptN(t, j, 6*g, 6) })
	}
	wg.Wait()
	ds := next(t, l, 600)
	var outcomes []event.Outcome
	var done []uint64
	for _, d := range ds {
		outcomes = append(outcomes, outcome(d.Event, "a", event.Delivered), outcome(d.Event, "b", event.Skipped))
		done = append(done, d.Event.Sequence)
	}
	if err := l.Commit(t.Context(), outcomes, nil, done); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { n, err := l.Pending(t.Context()); return err == nil && n == 0 })
	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir})
	got, err := j.Outcomes(t.Context(), 1, 5000)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(outcomes, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if got, err = j.Outcomes(t.Context(), 1199, 5000); err != nil || len(got) != 2 {
		t.Errorf("%d outcomes from 1199 on, %v", len(got), err)
	}
	none(t, openLane(t, j))
}

func TestCommitRefusesWhatIsNotItsOwn(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	l := openLane(t, j)
	acceptN(t, j, 0, 1)
	e := next(t, l, 1)[0].Event
	foreign, unknown, dup, dead, unnamed := outcome(e, "m", event.Delivered), outcome(e, "m", "lost"),
		outcome(e, "m", event.Duplicate), outcome(e, "m", event.Dead), outcome(e, "", event.Delivered)
	foreign.Lane.Sink = "elsewhere"
	absent := outcome(e, "m", event.Delivered)
	absent.Sequence = 9
	for name, os := range map[string][]event.Outcome{
		"another lane's": {foreign}, "unknown kind": {unknown}, "duplicate": {dup}, "no letter": {dead},
		"no mapping": {unnamed}, "not held": {absent}, "twice": {outcome(e, "m", event.Delivered), outcome(e, "m", event.Skipped)},
	} {
		if err := l.Commit(t.Context(), os, nil, nil); err == nil {
			t.Errorf("%s: committed", name)
		}
	}
	if err := l.Commit(t.Context(), nil, nil, []uint64{2}); err == nil {
		t.Error("acknowledged an event that is not held")
	}
	if s, err := j.Stats(t.Context()); err != nil || s.LastOutcome != 0 {
		t.Errorf("stats %+v, %v", s, err)
	}
}

func TestDeadLetterCountsWithItsOutcome(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	l := openLane(t, j)
	first := order("7", "x", `{"id":7}`)
	first.Body = []byte("id=7")
	accept(t, j, first)
	acceptN(t, j, 1, 1)
	ds := next(t, l, 2)

	var letters []event.DeadLetter
	var outcomes []event.Outcome
	for _, d := range ds {
		o := outcome(d.Event, "m", event.Dead)
		o.Reason = &event.Reason{Class: "MAPPING", Code: "CW301", Message: "немає такого рядка", Line: 3}
		o.Answer = json.RawMessage(`{"ok":false}`)
		outcomes, letters = append(outcomes, o), append(letters, event.DeadLetter{Event: d.Event, Outcome: o})
	}
	// A letter alone, as a crash between the two streams leaves it, does not count.
	if err := journal.StoreDeadOnly(t.Context(), l, letters[1]); err != nil {
		t.Fatal(err)
	}
	if got, err := j.Dead(t.Context(), 1, 10); err != nil || len(got) != 0 {
		t.Fatalf("letters without outcome: %+v, %v", got, err)
	}
	if err := l.Commit(t.Context(), outcomes[:1], letters[:1], []uint64{1}); err != nil {
		t.Fatal(err)
	}
	check := func(want ...event.DeadLetter) {
		t.Helper()
		got, err := j.Dead(t.Context(), 1, 10)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("letters (-want +got):\n%s", diff)
		}
	}
	check(letters[0])
	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir})
	check(letters[0])

	// Given up again after the crash, with another reason: that one counts.
	l = openLane(t, j)
	if ds := next(t, l, 1); ds[0].Event.Sequence != 2 {
		t.Fatalf("after the crash came %d, want 2", ds[0].Event.Sequence)
	}
	outcomes[1].Reason.Message = "інша причина"
	if err := l.Commit(t.Context(), outcomes[1:], letters[1:], []uint64{2}); err != nil {
		t.Fatal(err)
	}
	letters[1].Outcome = outcomes[1]
	check(letters...)
	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir})
	check(letters...)
	if got, err := j.Dead(t.Context(), 2, 10); err != nil || len(got) != 1 || got[0].Event.Sequence != 2 {
		t.Errorf("from 2: %+v, %v", got, err)
	}
	if s, err := j.Stats(t.Context()); err != nil || s.Dead != 2 {
		t.Errorf("stats %+v, %v", s, err)
	}
}

func TestHugeAnswerDoesNotStopALane(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	l := openLane(t, j)
	acceptN(t, j, 0, 2)
	ds := next(t, l, 2)
	long, broken := outcome(ds[0].Event, "m", event.Delivered), outcome(ds[1].Event, "m", event.Delivered)
	long.Answer, _ = json.Marshal(string(make([]byte, 1<<20)))
	broken.Answer = json.RawMessage(`<html>`)
	if err := l.Commit(t.Context(), []event.Outcome{long, broken}, nil, []uint64{1, 2}); err != nil {
		t.Fatal(err)
	}
	got, err := j.Outcomes(t.Context(), 1, 10)
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if want := fmt.Sprintf(`{"omitted_bytes":%d}`, len(long.Answer)); string(got[0].Answer) != want {
		t.Errorf("long answer became %.80s", got[0].Answer)
	}
	if want := `{"omitted_bytes":6}`; string(got[1].Answer) != want {
		t.Errorf("broken answer became %.80s", got[1].Answer)
	}
}

func TestOpenedAnewALaneKnowsWhatWasOnItsWay(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	l := openLane(t, j)
	const n = 200
	acceptN(t, j, 0, n)
	var outcomes []event.Outcome
	for _, d := range next(t, l, n) {
		outcomes = append(outcomes, outcome(d.Event, "order", event.Delivered))
	}
	l.Close()
	if err := journal.SendOutcomes(j, outcomes); err != nil {
		t.Fatal(err)
	}
	l = openLane(t, j)
	for _, d := range next(t, l, n) {
		if d.Done["order"] != event.Delivered {
			t.Fatalf("event %d has the outcomes %v", d.Event.Sequence, d.Done)
		}
	}
}
