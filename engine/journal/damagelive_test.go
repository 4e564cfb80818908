package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// uncached is longer than JetStream keeps a block in memory that nobody reads.
const uncached = 11 * time.Second

// flipLive changes a bit at a place in the block of a stream that is in use: of the
// first message that holds mark, which must be there once.
func flipLive(t *testing.T, dir, stream, mark string, at int) {
	t.Helper()
	name := filepath.Join(dir, "jetstream", "jetstream", "$G", "streams", stream, "msgs", "1.blk")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(b, []byte(mark))
	if i < 0 || bytes.Contains(b[i+1:], []byte(mark)) {
		t.Fatalf("%q is not in %s once", mark, name)
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{b[i+at] ^ 4}, int64(i+at)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

const endGone = "stream EVENTS ended with message 50 and ends with message 25 now"

// A byte that changes on disk while the engine runs is an alarm as soon as something
// reads it, and something does by itself.
func TestFlippedByteWhileItRuns(t *testing.T) {
	t.Parallel()
	const events, given = 50, 10
	const bad = "1 event cannot be read: 26 (order_changed of salesdrive); have their senders send again what was not delivered of them"
	for _, tc := range []struct {
		name   string
		stream string
		mark   string
		at     int
		// find reads what is damaged, in one of the ways in which it is read.
		find  func(t *testing.T, j *journal.Journal, l *journal.Lane) *journal.Lane
		alarm string
	}{
		{"inspected", "EVENTS", "body of 26", 3, inspect, bad},
		{"an outcome", "OUTCOMES", `"sequence":7,`, 3, inspect, "1 outcome cannot be read: 7"},
		{"a dead letter", "DEAD", "body of 1\"", 3, inspect, "1 dead letter cannot be read: 1"},
		{"in the history", "EVENTS", "body of 26", 3, func(t *testing.T, j *journal.Journal, l *journal.Lane) *journal.Lane {
			if _, err := j.Recorded(t.Context(), 26); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
				t.Fatal(err)
			}
			return l
		}, bad},
		{"in a lane", "EVENTS", "body of 26", 3, func(t *testing.T, j *journal.Journal, l *journal.Lane) *journal.Lane {
			l.Close()
			l = openLane(t, j)
			for last := uint64(0); last < events; {
				ds, err := l.Next(t.Context(), events)
				if err != nil {
					t.Fatal(err)
				}
				last = ds[len(ds)-1].Event.Sequence
			}
			return l
		}, bad},
		{"a length", "EVENTS", "\x1a\x00\x00\x00\x00\x00\x00\x00", -2, inspectCut, endGone},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j := open(t, journal.Options{Dir: dir})
			l := openLane(t, j)
			for i := range events {
				accept(t, j, order(fmt.Sprint(i), fmt.Sprint(i), fmt.Sprintf(`{"text":"body of %d"}`, i+1)))
			}
			ds := next(t, l, given)
			dies(t, l, ds[0].Event, "bad")
			finish(t, l, ds[1:])
			l.Close() // what it has asked for is in memory
			l = openLane(t, j)
			flipLive(t, dir, tc.stream, tc.mark, tc.at)
			if a := j.Alarms(); len(a) > 0 {
				t.Errorf("alarms of a store that is whole: %q", a)
			}
			for range 10 { // what is read stays in memory for so long again
				time.Sleep(uncached)
				if l = tc.find(t, j, l); len(j.Alarms()) > 0 {
					break
				}
			}
			if a := j.Alarms(); len(a) != 1 || !strings.Contains(a[0], tc.alarm) {
				t.Errorf("alarms %q, want %s", a, tc.alarm)
			}
			if sweep(t, j, 0); !slices.ContainsFunc(j.Alarms(), func(a string) bool { return strings.Contains(a, tc.alarm) }) {
				t.Errorf("after a sweep the alarms are %q", j.Alarms())
			}
			if tc.alarm == endGone {
				foundByTheNext(t, j, dir)
			}
		})
	}
}

// An event at hand that the disk does not give is told apart from one that is not kept;
// once it can be read it is delivered, and no alarm any more.
func TestEventThatCanBeReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	l := openLane(t, j)
	for i := range 3 {
		accept(t, j, order(fmt.Sprint(i), fmt.Sprint(i), fmt.Sprintf(`{"text":"body of %d"}`, i+1)))
	}
	ds := next(t, l, 3)
	finish(t, l, ds[:1])
	read := func(want func(err error) bool) error {
		t.Helper()
		var err error
		for range 10 {
			time.Sleep(uncached)
			if _, err = l.Load(t.Context(), 2); want(err) {
				return nil
			}
		}
		return fmt.Errorf("it is not as it should be: %w", err)
	}
	flipLive(t, dir, "EVENTS", "body of 2", 3)
	if err := read(func(err error) bool { return err != nil }); err != nil {
		t.Fatal(err)
	}
	_, err := j.Recorded(t.Context(), 2)
	bad, is := errors.AsType[*journal.UnreadableError](err)
	if !is || bad.Sequence != 2 || !strings.Contains(bad.Error(), "event 2 (order_changed of salesdrive) is kept and cannot be read from the disk; nothing has become of it yet") {
		t.Errorf("an event that cannot be read: %v", err)
	}
	if _, err := j.Recorded(t.Context(), 4); !errors.Is(err, jetstream.ErrMsgNotFound) || errors.As(err, &bad) {
		t.Errorf("an event that did not come: %v", err)
	}
	if a := j.Alarms(); len(a) != 1 || !strings.Contains(a[0], "1 event cannot be read: 2") {
		t.Errorf("alarms %q", a)
	}
	flipLive(t, dir, "EVENTS", "bod\x7d of 2", 3)
	if err := read(func(err error) bool { return err == nil }); err != nil {
		t.Fatal(err)
	}
	sweep(t, j, 0)
	if a := j.Alarms(); len(a) > 0 {
		t.Errorf("alarms once it can be read: %q", a)
	}
	finish(t, l, ds[1:])
}

// inspectCut waits, too, for what is looked for each second.
func inspectCut(t *testing.T, j *journal.Journal, l *journal.Lane) *journal.Lane {
	inspect(t, j, l)
	for range 300 {
		if len(j.Alarms()) > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return l
}

func inspect(t *testing.T, j *journal.Journal, l *journal.Lane) *journal.Lane {
	if err := journal.Inspect(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	return l
}

// foundByTheNext opens the journal anew after its end was cut off: nothing is accepted
// before, and the alarm stays until somebody takes the note away.
func foundByTheNext(t *testing.T, j *journal.Journal, dir string) {
	t.Helper()
	if _, err := j.Accept(t.Context(), order("51", "51", `{}`)); err == nil {
		t.Error("an event was accepted in the place of one that was cut off")
	}
	select {
	case <-j.Mended():
	case <-time.After(time.Minute):
		t.Fatal("the journal is not to be opened anew")
	}
	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir})
	note := filepath.Join(dir, "damage.txt")
	if a := j.Alarms(); len(a) != 1 || !strings.Contains(a[0], note+" says what") {
		t.Errorf("alarms of the next one: %q", a)
	}
	if text, err := os.ReadFile(note); err != nil || !strings.Contains(string(text), endGone) {
		t.Errorf("the note says %q, %v", text, err)
	}
	accept(t, j, order("51", "51", `{}`))
	closeJournal(t, j)
	if err := os.Remove(note); err != nil {
		t.Fatal(err)
	}
	if a := open(t, journal.Options{Dir: dir}).Alarms(); len(a) > 0 {
		t.Errorf("alarms once it was seen to: %q", a)
	}
}

// Of a store that is whole nothing is said, whatever has left it.
func TestInspectionOfAWholeStore(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	l := openLane(t, j)
	other := *order("9", "9", `{}`)
	other.Connection = "other"
	for i := range 6 {
		accept(t, j, order(fmt.Sprint(i), fmt.Sprint(i), `{}`))
		other.ID = fmt.Sprint(i)
		accept(t, j, &other)
	}
	ds := next(t, l, 6)
	dropped := dies(t, l, ds[0].Event, "bad")
	dies(t, l, ds[3].Event, "bad")
	finish(t, l, []journal.Delivery{ds[1], ds[2], ds[4], ds[5]})
	if _, err := j.Drop(t.Context(), []journal.LetterID{dropped}, journal.Doer{By: "olena"}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		inspect(t, j, l)
		sweep(t, j, 30*24*time.Hour)
	}
	if _, err := j.Recorded(t.Context(), 2); !errors.Is(err, jetstream.ErrMsgNotFound) {
		t.Errorf("an event that has left: %v", err)
	}
	if a := j.Alarms(); len(a) > 0 {
		t.Errorf("alarms %q", a)
	}
}
