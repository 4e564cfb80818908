package journal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// use is a mapping of the tests' lane.
func use(name string) journal.Use {
	return journal.Use{
		MappingID: journal.MappingID{Lane: lane, Mapping: name}, SHA256: strings.Repeat("ab", 32), Types: []string{"order_changed"},
	}
}

func runs(t testing.TB, j *journal.Journal, names ...string) []event.Lane {
	t.Helper()
	var all []journal.Use
	for _, n := range names {
		all = append(all, use(n))
	}
	again, err := j.Settle(t.Context(), all, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// lives tells how the mappings stand, each on a line.
func lives(t testing.TB, j *journal.Journal) []string {
	t.Helper()
	all, err := j.Lives(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, l := range all {
		line := fmt.Sprintf("%s %s from %d", l.Mapping, l.State, l.From)
		if l.Backlog > 0 {
			line += fmt.Sprintf(", %d wait", l.Backlog)
			if l.OldestAt.IsZero() {
				line += " since never"
			}
		}
		if len(l.Was) > 0 {
			line += fmt.Sprintf(", was %v", l.Was)
		}
		if l.By != "" {
			line += fmt.Sprintf(", by %s: %d %s", l.By, l.Events, l.To)
		}
		out = append(out, line)
	}
	return out
}

func standing(t testing.TB, j *journal.Journal, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, lives(t, j)); diff != "" {
		t.Errorf("mappings (-want +got):\n%s", diff)
	}
}

// under has a mapping deliver events.
func under(t testing.TB, l *journal.Lane, mapping string, done bool, ds ...journal.Delivery) {
	t.Helper()
	var outcomes []event.Outcome
	var acks []uint64
	for _, d := range ds {
		outcomes = append(outcomes, outcome(d.Event, mapping, event.Delivered))
		if done {
			acks = append(acks, d.Event.Sequence)
		}
	}
	if err := l.Commit(t.Context(), outcomes, nil, acks); err != nil {
		t.Fatal(err)
	}
}

// outcomesOf gives the outcomes of an event, each as a text.
func outcomesOf(t testing.TB, j *journal.Journal, seq uint64) []string {
	t.Helper()
	r, err := j.Recorded(t.Context(), seq)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, o := range r.Outcomes {
		text := string(o.Kind) + " by " + o.Mapping
		if o.Reason != nil {
			text += ": " + o.Reason.Message
		}
		out = append(out, text)
	}
	return out
}

// TestMappingBeginsAfterTheLastEvent has mappings begin where they are to: after the
// last event or at a time, and once for all.
func TestMappingBeginsAfterTheLastEvent(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	acceptN(t, j, 0, 3)
	if again := runs(t, j, "a"); len(again) > 0 {
		t.Errorf("lanes %v are to be opened again, which never were", again)
	}
	acceptN(t, j, 3, 2) // after it was settled, before its lane was ever opened
	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir})
	runs(t, j, "a")
	standing(t, j, "a running from 4")
	l := openLane(t, j)
	ds := next(t, l, 2)
	if diff := cmp.Diff([]uint64{4, 5}, sequences(ds)); diff != "" {
		t.Error(diff)
	}
	under(t, l, "a", true, ds...)
	waitFor(t, func() bool { n, err := l.Pending(t.Context()); return err == nil && n == 0 })

	// One more mapping of the same lane, for what came from the second event on.
	second, err := j.Recorded(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	again, err := j.Settle(t.Context(), []journal.Use{use("a"), use("b"), use("c")}, second.StoredAt)
	if err != nil || len(again) != 1 || again[0] != lane {
		t.Fatalf("%v %v", again, err)
	}
	if f := j.From(use("b").MappingID); f != 2 {
		t.Errorf("b is for the events from %d on", f)
	}
	l.Close()
	l = openLane(t, j)
	ds = next(t, l, 4)
	for i, d := range ds {
		want := map[string]event.Kind(nil)
		if i >= 2 {
			want = map[string]event.Kind{"a": event.Delivered}
		}
		if d.Event.Sequence != uint64(i+2) || !d.Late || cmp.Diff(want, d.Done) != "" {
			t.Errorf("event %d: %+v", i+2, d)
		}
	}
	under(t, l, "b", false, ds...)
	under(t, l, "c", true, ds...)
	acceptN(t, j, 5, 1)
	if d := next(t, l, 1)[0]; d.Late || d.PossiblySent || d.Done != nil {
		t.Errorf("a new event: %+v", d)
	}
	l.Close()
	l = openLane(t, j)
	if d := next(t, l, 1)[0]; d.Event.Sequence != 6 || d.Late {
		t.Errorf("the lane went back again: %+v", d)
	}
	if _, err := j.Settle(t.Context(), []journal.Use{use("a"), use("a")}, time.Time{}); err == nil {
		t.Error("one mapping was settled twice")
	}
}

// TestRemovedMappingIsPaused takes a mapping of two out, and brings it back after
// the other has gone on: what it wanted is there, in order, and goes out once.
func TestRemovedMappingIsPaused(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	runs(t, j, "a", "b")
	l := openLane(t, j)
	acceptN(t, j, 0, 2)
	ds := next(t, l, 2)
	under(t, l, "a", false, ds...)
	under(t, l, "b", true, ds[0])
	l.Close()

	runs(t, j, "a")
	standing(t, j, "a running from 1", "b paused from 1, 1 wait")
	l = openLane(t, j)
	acceptN(t, j, 2, 3)
	other := order("9", "id9", `{}`)
	other.Type = "order_deleted"
	accept(t, j, other)
	ds = next(t, l, 5)
	if ds[0].Event.Sequence != 2 || ds[0].Done["a"] == "" {
		t.Errorf("%+v", ds[0])
	}
	under(t, l, "a", true, ds[1:]...)
	if err := l.Commit(t.Context(), nil, nil, []uint64{2}); err != nil {
		t.Fatal(err)
	}
	standing(t, j, "a running from 1", "b paused from 1, 4 wait")
	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir})
	runs(t, j, "a")
	standing(t, j, "a running from 1", "b paused from 1, 4 wait")

	// What is paused keeps its events, however old, and no others.
	sweep(t, j, 400*24*time.Hour)
	if first, n := kept(t, j, 6); first != 2 || n != 5 {
		t.Errorf("%d events from %d on are kept", n, first)
	}
	if len(j.Alarms()) == 0 {
		t.Error("a backlog as old as the retention is no alarm")
	}

	l = openLane(t, j)
	none(t, l)
	if again := runs(t, j, "a", "b"); len(again) != 1 {
		t.Errorf("lanes %v are to be opened again", again)
	}
	l.Close()
	l = openLane(t, j)
	ds = next(t, l, 5)
	for i, d := range ds {
		if d.Event.Sequence != uint64(i+2) || d.Done["a"] == "" || d.Done["b"] != "" || !d.Late || !d.PossiblySent {
			t.Errorf("event %d: %+v", i+2, d)
		}
	}
	under(t, l, "b", true, ds[0], ds[1])
	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir})
	runs(t, j, "a", "b")
	l = openLane(t, j)
	ds = next(t, l, 3)
	if ds[0].Event.Sequence != 4 || !ds[0].Late || ds[0].Done["a"] == "" || ds[0].Done["b"] != "" {
		t.Errorf("after a restart: %+v", ds[0])
	}
	under(t, l, "b", true, ds...)
	none(t, l)
	standing(t, j, "a running from 1", "b running from 1")
	for seq := uint64(2); seq <= 6; seq++ {
		if diff := cmp.Diff([]string{"delivered by a", "delivered by b"}, outcomesOf(t, j, seq)); diff != "" {
			t.Errorf("event %d: %s", seq, diff)
		}
	}
}

// TestDropMapping gives a paused mapping up, over a kill: each event that waits for
// it is skipped once and says why, and who did it is recorded once.
func TestDropMapping(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	runs(t, j, "a", "b")
	l := openLane(t, j)
	acceptN(t, j, 0, 7)
	ds := next(t, l, 7)
	under(t, l, "b", false, ds[2])
	under(t, l, "a", false, ds...)
	l.Close()
	b := use("b").MappingID
	if err := j.DropMapping(t.Context(), b, operator); err == nil || !strings.Contains(err.Error(), "runs: take it out") {
		t.Errorf("dropping what runs: %v", err)
	}
	if err := j.DropMapping(t.Context(), use("x").MappingID, operator); err == nil || !strings.Contains(err.Error(), "ever ran") {
		t.Errorf("dropping what never was: %v", err)
	}
	runs(t, j, "a")
	if _, _, err := j.SkipDropped(t.Context(), b, 10); err == nil {
		t.Error("what is paused was skipped")
	}
	if err := j.DropMapping(t.Context(), b, journal.Doer{}); err == nil {
		t.Error("nobody dropped it")
	}
	if err := j.DropMapping(t.Context(), b, operator); err != nil {
		t.Fatal(err)
	}
	acceptN(t, j, 7, 1) // after it was dropped
	if n, left, err := j.SkipDropped(t.Context(), b, 2); n != 2 || left != 4 || err != nil {
		t.Errorf("%d skipped, %d left: %v", n, left, err)
	}
	standing(t, j, "a running from 1", "b dropping from 1, 4 wait, by olena: 6 ")
	closeJournal(t, j)

	j = open(t, journal.Options{Dir: dir})
	runs(t, j, "a")
	sweep(t, j, 0)
	standing(t, j, "a running from 1", "b dropped from 1, by olena: 6 ")
	for seq := uint64(1); seq <= 8; seq++ {
		want := []string{"delivered by a", "skipped by b: mapping b was dropped by olena: " + operator.Reason}
		switch seq {
		case 3:
			want = []string{"delivered by b", "delivered by a"}
		case 8:
			want = []string{}
		}
		if diff := cmp.Diff(want, outcomesOf(t, j, seq)); diff != "" {
			t.Errorf("event %d (-want +got):\n%s", seq, diff)
		}
	}
	if n, left, err := j.SkipDropped(t.Context(), b, 2); n != 0 || left != 0 || err != nil {
		t.Errorf("%d skipped, %d left: %v", n, left, err)
	}
	acts, err := journal.Acts(t.Context(), j)
	want := []event.Act{{Kind: event.DropMapping, By: "olena", Reason: operator.Reason, Lane: lane, Mapping: "b", Events: 6}}
	if diff := cmp.Diff(want, acts, cmpopts.IgnoreFields(event.Act{}, "At")); err != nil || diff != "" {
		t.Errorf("acts: %v %s", err, diff)
	}
	if st, err := j.Stats(t.Context()); err != nil || st.Replayed != 0 || st.Accepted != 8 || st.Outcomes[event.Skipped] != 6 {
		t.Errorf("%+v %v", st, err)
	}

	// The name is free again, and begins anew.
	runs(t, j, "a", "b")
	standing(t, j, "a running from 1", "b running from 9")
	// A lane without mappings holds nothing.
	runs(t, j)
	for _, name := range []string{"a", "b"} {
		if err := j.DropMapping(t.Context(), use(name).MappingID, operator); err != nil {
			t.Fatal(err)
		}
		if _, _, err := j.SkipDropped(t.Context(), use(name).MappingID, 100); err != nil {
			t.Fatal(err)
		}
	}
	if st, err := j.Stats(t.Context()); err != nil || len(st.Lanes) != 0 {
		t.Errorf("%+v %v", st.Lanes, err)
	}
	runs(t, j, "a")
	if l := openLane(t, j); l != nil {
		none(t, l)
	}
}

// TestRenameMapping gives a mapping another name: it goes on where it was under the
// old one, and its dead letters are its own.
func TestRenameMapping(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	runs(t, j, "m", "other")
	l := openLane(t, j)
	acceptN(t, j, 0, 4)
	ds := next(t, l, 4)
	under(t, l, "other", false, ds...)
	letter := dies(t, l, ds[0].Event, "CW305")
	under(t, l, "m", true, ds[1])
	l.Close()
	runs(t, j, "new", "other")
	standing(t, j, "m paused from 1, 2 wait", "new running from 5", "other running from 1")
	l = openLane(t, j)
	if err := l.Commit(t.Context(), nil, nil, sequences(next(t, l, 2))); err != nil {
		t.Fatal(err)
	}
	acceptN(t, j, 4, 1)
	five := next(t, l, 1)
	under(t, l, "new", false, five...)
	under(t, l, "other", true, five...)
	waitFor(t, func() bool { n, err := l.Pending(t.Context()); return err == nil && n == 0 })

	m := use("m").MappingID
	if _, err := j.RenameMapping(t.Context(), m, "nobody", operator); err == nil || !strings.Contains(err.Error(), "in the configuration first") {
		t.Errorf("renamed to what does not run: %v", err)
	}
	// m wants the event that came while it was paused as well, which the new one has
	// delivered: only what neither has an outcome of is left.
	if n, err := j.PlanRename(m, "new"); err != nil || n != 2 {
		t.Fatalf("planned %d %v", n, err)
	}
	if _, err := j.PlanRename(m, "nobody"); err == nil || !strings.Contains(err.Error(), "in the configuration first") {
		t.Errorf("planned to what does not run: %v", err)
	}
	for seq, want := range map[uint64]int{1: 0, 3: 1, 5: 1} {
		r, err := j.Recorded(t.Context(), seq)
		if err != nil || len(j.WaitsFor(&r.Event)) != want {
			t.Errorf("event %d waits for %v %v", seq, j.WaitsFor(&r.Event), err)
		}
	}
	n, err := j.RenameMapping(t.Context(), m, "new", operator)
	if err != nil || n != 2 {
		t.Fatalf("%d %v", n, err)
	}
	if _, err := j.RenameMapping(t.Context(), m, "new", operator); err == nil || !strings.Contains(err.Error(), "was renamed to new by olena") {
		t.Errorf("renamed twice: %v", err)
	}
	l.Close()
	for round := range 2 {
		standing(t, j, "m renamed from 1, by olena: 2 new", "new running from 3, was [m]", "other running from 1")
		if heir := j.Heir(m); heir != "new" {
			t.Errorf("m is %s now", heir)
		}
		if round == 0 {
			closeJournal(t, j)
			j = open(t, journal.Options{Dir: dir})
			runs(t, j, "new", "other")
		}
	}
	l = openLane(t, j)
	ds = next(t, l, 3)
	for i, d := range ds {
		want := map[string]event.Kind{"other": event.Delivered}
		if i == 2 {
			want["new"] = event.Delivered
		}
		if diff := cmp.Diff(want, d.Done); d.Event.Sequence != uint64(i+3) || !d.Late || diff != "" {
			t.Errorf("event %d of %+v: %s", i+3, d, diff)
		}
	}
	under(t, l, "new", true, ds[:2]...)
	if err := l.Commit(t.Context(), nil, nil, []uint64{5}); err != nil {
		t.Fatal(err)
	}

	// Its letter goes on its way under the new name.
	done, err := j.Retry(t.Context(), []journal.LetterID{letter}, operator)
	if err != nil || done[0].Problem != "" {
		t.Fatalf("%+v %v", done, err)
	}
	again := next(t, l, 1)
	if r := again[0].Event.Replay; r == nil || r.Mapping != "new" {
		t.Errorf("%+v", r)
	}
	if s := state(t, j, letter); s != journal.LetterOnItsWay {
		t.Errorf("state %s", s)
	}
	under(t, l, "new", true, again...)
	for range 2 {
		if s := state(t, j, letter); s != journal.LetterState(event.Delivered) {
			t.Errorf("state %s", s)
		}
		if got := pages(t, j, journal.HistoryFilter{Mapping: "new"}, 10); cmp.Diff([]uint64{6, 5, 4, 3, 2, 1}, got) != "" {
			t.Errorf("events of the new name: %v", got)
		}
		closeJournal(t, j)
		j = open(t, journal.Options{Dir: dir})
		runs(t, j, "new", "other")
	}
	// A mapping with the old name is another one.
	runs(t, j, "m", "new", "other")
	standing(t, j, "m running from 7", "new running from 3, was [m]", "other running from 1")
	l = openLane(t, j)
	acceptN(t, j, 6, 1)
	under(t, l, "m", true, next(t, l, 1)...)
	if got := pages(t, j, journal.HistoryFilter{Mapping: "new"}, 10); cmp.Diff([]uint64{6, 5, 4, 3, 2, 1}, got) != "" {
		t.Errorf("events of the new name: %v", got)
	}
}

// TestPausedMappingKeepsItsMarks pauses a mapping whose operation must not be
// repeated: what it may have sent is in doubt when it is back, and nothing else.
func TestPausedMappingKeepsItsMarks(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	unsafe := use("b")
	unsafe.Unsafe = true
	both := []journal.Use{use("a"), unsafe}
	settle := func(uses []journal.Use) {
		t.Helper()
		if _, err := j.Settle(t.Context(), uses, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	settle(both)
	l := openLane(t, j)
	if err := l.Guard(t.Context(), []string{"b"}); err != nil {
		t.Fatal(err)
	}
	acceptN(t, j, 0, 3)
	next(t, l, 3)
	if err := l.Mark(t.Context(), "b", []uint64{2}); err != nil {
		t.Fatal(err)
	}
	closeJournal(t, j) // without a word of what was sent
	j = open(t, journal.Options{Dir: dir})
	settle(both[:1])
	l = openLane(t, j)
	if err := l.Guard(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	under(t, l, "a", true, next(t, l, 3)...)
	none(t, l)
	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir})
	settle(both)
	l = openLane(t, j)
	if err := l.Guard(t.Context(), []string{"b"}); err != nil {
		t.Fatal(err)
	}
	for i, d := range next(t, l, 3) {
		if surely := len(d.Unsent) == 1 && d.Unsent[0] == "b"; !d.PossiblySent || surely != (i != 1) {
			t.Errorf("event %d: possibly sent %v, surely not by %v", i+1, d.PossiblySent, d.Unsent)
		}
	}
}

// TestTexts keeps a mapping's text once, and finds it by the beginning of its digest.
func TestTexts(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	a := journal.Text{
		SHA256: strings.Repeat("a1", 32), Mapping: "замовлення / 1", File: "m/mapping.yaml", Source: []byte("mapping: x\n"),
		Tables: []journal.TextTable{{Path: "t.csv", File: "m/t.csv", Text: []byte("a,b\n\xff")}},
	}
	b := journal.Text{SHA256: "a1b" + strings.Repeat("0", 61), Mapping: "b", Source: []byte(strings.Repeat("x", 1<<20))}
	for range 2 {
		for _, x := range []journal.Text{a, b} {
			if err := j.KeepText(t.Context(), &x); err != nil {
				t.Fatal(err)
			}
		}
		all, err := j.Texts(t.Context())
		want := []journal.Text{{SHA256: a.SHA256, Mapping: a.Mapping}, {SHA256: b.SHA256, Mapping: "b"}}
		if diff := cmp.Diff(want, all, cmpopts.IgnoreFields(journal.Text{}, "At")); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		got, err := j.Text(t.Context(), "A1A1A1")
		if diff := cmp.Diff(&a, got, cmpopts.IgnoreFields(journal.Text{}, "At")); err != nil || diff != "" || got.At.IsZero() {
			t.Errorf("%v %s", err, diff)
		}
		closeJournal(t, j)
		j = open(t, journal.Options{Dir: dir})
	}
	for _, c := range []struct{ digest, problem string }{
		{"a1", "6 to 64 hex digits"},
		{"xyzxyz", "6 to 64 hex digits"},
		{"ffffff", "that begins with ffffff"},
		{strings.Repeat("c", 64), "is not kept"},
	} {
		if _, err := j.Text(t.Context(), c.digest); err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: %v", c.digest, err)
		}
	}
	b.SHA256 = "short"
	if err := j.KeepText(t.Context(), &b); err == nil {
		t.Error("a text without a digest was kept")
	}
}
