package journal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

var operator = journal.Doer{By: "olena", Reason: "the table has the row now", ID: "r1"}

// dies gives an event up under the mapping m.
func dies(t testing.TB, l *journal.Lane, e event.Event, code string) journal.LetterID {
	t.Helper()
	o := outcome(e, "m", event.Dead)
	o.Reason = &event.Reason{Class: "MAPPING", Code: code, Message: "no row", Path: "delivery.type"}
	if err := l.Commit(t.Context(), []event.Outcome{o}, []event.DeadLetter{{Event: e, Outcome: o}}, []uint64{e.Sequence}); err != nil {
		t.Fatal(err)
	}
	return journal.LetterID{Lane: lane, Mapping: "m", Sequence: e.Sequence}
}

// ends gives an event an outcome under the mapping m.
func ends(t testing.TB, l *journal.Lane, e event.Event, kind event.Kind) {
	t.Helper()
	if err := l.Commit(t.Context(), []event.Outcome{outcome(e, "m", kind)}, nil, []uint64{e.Sequence}); err != nil {
		t.Fatal(err)
	}
}

func state(t testing.TB, j *journal.Journal, id journal.LetterID) journal.LetterState {
	t.Helper()
	l, err := j.Letter(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return l.State
}

// TestRetry puts a letter on its way again: it comes once, as it was, for its own
// mapping, and who had it done is kept over a restart (D6, D7).
func TestRetry(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	l := openLane(t, j)
	sent := order("7", "id7", `{"id":7}`)
	sent.Body = []byte("id=7")
	accept(t, j, sent)
	id := dies(t, l, next(t, l, 1)[0].Event, "CW305")

	got, err := j.Retry(t.Context(), []journal.LetterID{id, id, {Lane: lane, Mapping: "m", Sequence: 9}}, operator)
	want := []journal.Resent{
		{Letter: id, As: 2},
		{Letter: id, Problem: "it is named twice"},
		{Letter: journal.LetterID{Lane: lane, Mapping: "m", Sequence: 9}, Problem: "there is no such dead letter"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
	again, err := j.Retry(t.Context(), []journal.LetterID{id}, operator)
	if err != nil || again[0].As != 0 || !strings.Contains(again[0].Problem, "by olena") || !strings.Contains(again[0].Problem, "as event 2") {
		t.Errorf("the second retry: %+v %v", again, err)
	}
	closeJournal(t, j)

	j = open(t, journal.Options{Dir: dir})
	l = openLane(t, j)
	if s := state(t, j, id); s != journal.LetterOnItsWay {
		t.Errorf("state %s after a restart", s)
	}
	e := next(t, l, 1)[0].Event
	if e.Replay == nil || e.Replay.At.IsZero() {
		t.Fatalf("replay %+v", e.Replay)
	}
	wantEvent := *sent
	wantEvent.Sequence = 2
	wantEvent.Replay = &event.Replay{Of: 1, Origin: 1, Sink: "saleapp", Mapping: "m", Kind: event.Retry, By: "olena", Reason: operator.Reason, At: e.Replay.At}
	if diff := cmp.Diff(wantEvent, e); diff != "" {
		t.Errorf("the event (-want +got):\n%s", diff)
	}
	none(t, l)
	ends(t, l, e, event.Delivered)
	if s := state(t, j, id); s != journal.LetterState(event.Delivered) {
		t.Errorf("state %s after delivery", s)
	}
	letter, err := j.Letter(t.Context(), id)
	if err != nil || len(letter.Acts) != 1 || letter.Acts[0].By != "olena" || letter.Acts[0].As != 2 || letter.Acts[0].Kind != event.Retry {
		t.Errorf("acts %+v %v", letter.Acts, err)
	}
	if st, err := j.Stats(t.Context()); err != nil || st.Accepted != 1 || st.Replayed != 1 || st.Dead != 1 || st.Unresolved != 0 {
		t.Errorf("%+v %v", st, err)
	}
	// What the source repeats is still a repeat, also behind a replay.
	if r := accept(t, j, sent); !r.Duplicate || r.Sequence != 1 {
		t.Errorf("%+v", r)
	}
}

// TestRetryIsMended kills an engine between the event and the record of who did it.
func TestRetryIsMended(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	l := openLane(t, j)
	accept(t, j, order("7", "id7", `{"id":7}`))
	id := dies(t, l, next(t, l, 1)[0].Event, "CW305")
	if err := journal.ResendWithoutAct(t.Context(), j, id, operator); err != nil {
		t.Fatal(err)
	}
	if s := state(t, j, id); s != journal.LetterOpen {
		t.Fatalf("state %s", s)
	}
	closeJournal(t, j)
	for range 2 {
		j = open(t, journal.Options{Dir: dir})
		letter, err := j.Letter(t.Context(), id)
		if err != nil || letter.State != journal.LetterOnItsWay || len(letter.Acts) != 1 || letter.Acts[0].By != "olena" {
			t.Errorf("%+v %v", letter, err)
		}
		closeJournal(t, j)
	}
}

func TestEditAndDrop(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	l := openLane(t, j)
	acceptN(t, j, 0, 2)
	ds := next(t, l, 2)
	first, second := dies(t, l, ds[0].Event, "CW305"), dies(t, l, ds[1].Event, "CW401")
	for record, want := range map[string]string{`[1]`: "no JSON object", `{"a":`: "no JSON object"} {
		if _, err := j.Edit(t.Context(), first, []byte(record), operator); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", record, err)
		}
	}
	if _, err := j.Edit(t.Context(), first, []byte(`{"id":99}`), journal.Doer{}); err == nil {
		t.Error("nobody may edit")
	}
	r, err := j.Edit(t.Context(), first, []byte(`{"id":99}`), operator)
	if err != nil || r.As != 3 {
		t.Fatalf("%+v %v", r, err)
	}
	e := next(t, l, 1)[0].Event
	if string(e.Record) != `{"id":99}` || string(e.Body) != `{"id":0}` || e.Replay.Kind != event.Edit {
		t.Errorf("%+v: %s, body %s", e.Replay, e.Record, e.Body)
	}
	if letter, err := j.Letter(t.Context(), first); err != nil || string(letter.Event.Record) != `{"id":0}` {
		t.Errorf("the letter has %s (%v)", letter.Event.Record, err)
	}
	// It dies again: then what it went as is the open letter.
	third := dies(t, l, e, "CW305")
	if a, b := state(t, j, first), state(t, j, third); a != journal.LetterDeadAgain || b != journal.LetterOpen {
		t.Errorf("states %s and %s", a, b)
	}
	if r, err := j.Retry(t.Context(), []journal.LetterID{third}, operator); err != nil || r[0].As != 4 {
		t.Errorf("%+v %v", r, err)
	}
	if e := next(t, l, 1)[0].Event; e.Replay.Of != 3 || e.Replay.Origin != 1 {
		t.Errorf("%+v", e.Replay)
	}
	if r, err := j.Drop(t.Context(), []journal.LetterID{second}, operator); err != nil || r[0].Problem != "" {
		t.Errorf("%+v %v", r, err)
	}
	if r, err := j.Drop(t.Context(), []journal.LetterID{second}, operator); err != nil || !strings.HasPrefix(r[0].Problem, "it was dropped by olena") {
		t.Errorf("%+v %v", r, err)
	}
	if s := state(t, j, second); s != journal.LetterDropped {
		t.Errorf("state %s", s)
	}
	none(t, l)
}

func TestLetters(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	l := openLane(t, j)
	acceptN(t, j, 0, 6)
	var ids []journal.LetterID
	for i, d := range next(t, l, 6) {
		ids = append(ids, dies(t, l, d.Event, fmt.Sprint("CW30", i%2)))
	}
	if _, err := j.Drop(t.Context(), ids[4:5], operator); err != nil {
		t.Fatal(err)
	}
	of := func(p journal.LetterPage, err error) (out []uint64) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range p.Letters {
			out = append(out, l.Event.Sequence)
		}
		return out
	}
	for name, c := range map[string]struct {
		filter journal.LetterFilter
		want   []uint64
	}{
		"open":    {journal.LetterFilter{}, []uint64{6, 4, 3, 2, 1}},
		"all":     {journal.LetterFilter{All: true}, []uint64{6, 5, 4, 3, 2, 1}},
		"code":    {journal.LetterFilter{Code: "CW300"}, []uint64{3, 1}},
		"key":     {journal.LetterFilter{Key: "3"}, []uint64{4}},
		"path":    {journal.LetterFilter{Path: "other"}, nil},
		"mapping": {journal.LetterFilter{Mapping: "other"}, nil},
		"since":   {journal.LetterFilter{Since: outcome(event.Event{}, "m", event.Dead).At.Add(1)}, nil},
	} {
		if diff := cmp.Diff(c.want, of(j.Letters(t.Context(), c.filter, 0, 10))); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	p, err := j.Letters(t.Context(), journal.LetterFilter{}, 0, 2)
	if diff := cmp.Diff([]uint64{6, 4}, of(p, err)); diff != "" || p.Total != 5 {
		t.Errorf("total %d\n%s", p.Total, diff)
	}
	wantReasons := []journal.ReasonCount{
		{Mapping: "m", Class: "MAPPING", Code: "CW301", Path: "delivery.type", Count: 3},
		{Mapping: "m", Class: "MAPPING", Code: "CW300", Path: "delivery.type", Count: 2},
	}
	if diff := cmp.Diff(wantReasons, p.Reasons); diff != "" {
		t.Errorf("reasons:\n%s", diff)
	}
	p, err = j.Letters(t.Context(), journal.LetterFilter{}, p.Next, 3)
	if diff := cmp.Diff([]uint64{3, 2, 1}, of(p, err)); diff != "" || p.Next != 0 {
		t.Errorf("next %d\n%s", p.Next, diff)
	}
	p, err = j.WalkLetters(t.Context(), journal.LetterFilter{}, 0, 3)
	if diff := cmp.Diff([]uint64{1, 2, 3}, of(p, err)); diff != "" {
		t.Error(diff)
	}
	p, err = j.WalkLetters(t.Context(), journal.LetterFilter{}, p.Next, 3)
	if diff := cmp.Diff([]uint64{4, 6}, of(p, err)); diff != "" || p.Next != 0 {
		t.Errorf("next %d\n%s", p.Next, diff)
	}
}

// TestNewer checks what counts as newer than an event, replays by what they repeat.
func TestNewer(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	l := openLane(t, j)
	accept(t, j, order("7", "a", `{"n":1}`))
	accept(t, j, order("8", "b", `{"n":2}`))
	accept(t, j, order("7", "c", `{"n":3}`))
	ds := next(t, l, 3)
	first := dies(t, l, ds[0].Event, "X")
	ends(t, l, ds[1].Event, event.Delivered)
	if n := j.Newer(lane, "7", 1); n != 0 {
		t.Errorf("newer than 1 is %d before anything was delivered", n)
	}
	if _, err := j.Retry(t.Context(), []journal.LetterID{first}, operator); err != nil {
		t.Fatal(err)
	}
	ends(t, l, next(t, l, 1)[0].Event, event.Delivered)
	if n := j.Newer(lane, "7", 1); n != 0 {
		t.Errorf("newer than 1 is %d, which repeats it", n)
	}
	ends(t, l, ds[2].Event, event.Delivered)
	for range 2 {
		if a, b := j.Newer(lane, "7", 1), j.Newer(lane, "7", 3); a != 3 || b != 0 {
			t.Errorf("newer than 1 is %d, than 3 is %d", a, b)
		}
		if n := j.Newer(event.Lane{Source: lane.Source, Sink: "other"}, "7", 1); n != 0 {
			t.Errorf("along another lane %d is newer", n)
		}
		closeJournal(t, j)
		j = open(t, journal.Options{Dir: dir})
	}
}

// TestCorrectedIsNewer keeps what a person corrected from being overwritten by what
// came, and what came later from being held back by it.
func TestCorrectedIsNewer(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	l := openLane(t, j)
	accept(t, j, order("7", "a", `{"n":1}`))
	accept(t, j, order("7", "b", `{"n":2}`))
	ds := next(t, l, 2)
	first := dies(t, l, ds[0].Event, "X")
	dies(t, l, ds[1].Event, "X")
	if _, err := j.Edit(t.Context(), first, []byte(`{"n":10}`), operator); err != nil {
		t.Fatal(err)
	}
	e := next(t, l, 1)[0].Event
	if n := j.Newer(lane, "7", 1); n != 0 {
		t.Errorf("%d is newer before it was delivered", n)
	}
	ends(t, l, e, event.Delivered)
	for range 2 {
		if a, b := j.Newer(lane, "7", 1), j.Newer(lane, "7", 2); a != 3 || b != 0 {
			t.Errorf("newer than 1 is %d, than 2 is %d", a, b)
		}
		closeJournal(t, j)
		j = open(t, journal.Options{Dir: dir})
	}
}

func TestRepeat(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	l := openLane(t, j)
	acceptN(t, j, 0, 3)
	ds := next(t, l, 3)
	id := dies(t, l, ds[0].Event, "X")
	ends(t, l, ds[1].Event, event.Delivered)
	ends(t, l, ds[2].Event, event.Delivered)
	for range 2 { // the same call made again stores nothing twice
		got, err := j.Repeat(t.Context(), []uint64{1, 2, 99}, event.Replay{Mapping: "m"}, operator)
		if err != nil || got[0].As == 0 || got[1].As == 0 || got[2].Problem != "it is not kept any more" {
			t.Fatalf("%+v %v", got, err)
		}
	}
	seen := map[uint64]bool{}
	for _, d := range next(t, l, 2) {
		seen[d.Event.Replay.Of] = d.Event.Replay.Mapping == "m" && d.Event.Replay.Kind == event.Repeat
	}
	if diff := cmp.Diff(map[uint64]bool{1: true, 2: true}, seen); diff != "" {
		t.Error(diff)
	}
	none(t, l)
	if s := state(t, j, id); s != journal.LetterOnItsWay {
		t.Errorf("the letter's state is %s", s)
	}
}
