package journal_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

var lane = event.Lane{Source: "salesdrive", Sink: "saleapp"}

// open opens a journal that is closed at the test's end, if it is not before.
func open(t testing.TB, o journal.Options) *journal.Journal {
	t.Helper()
	if o.Logger == nil && testing.Verbose() {
		o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	o.MinFreeDisk = max(o.MinFreeDisk, 1)
	if o.AcceptWait == 0 {
		o.AcceptWait = 10 * time.Minute // the disk may be slow
	}
	j, err := journal.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeJournal(t, j) })
	return j
}

func closeJournal(t testing.TB, j *journal.Journal) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
	defer cancel()
	if err := j.Close(ctx); err != nil {
		t.Error(err)
	}
}

// order makes an event of the order key, with an ID unless it is "".
func order(key, id, record string) *event.Event {
	return &event.Event{
		ID: id, Connection: lane.Source, Type: "order_changed", Key: key, Version: 3,
		UpdatedAt:  time.Date(2025, 3, 4, 12, 30, 0, 0, time.UTC),
		ReceivedAt: time.Date(2025, 3, 4, 12, 30, 1, 500, time.UTC), Record: []byte(record),
	}
}

func accept(t testing.TB, j *journal.Journal, e *event.Event) journal.Receipt {
	t.Helper()
	r, err := j.Accept(t.Context(), e)
	if err != nil {
		t.Errorf("accept %s/%s: %v", e.Key, e.ID, err)
	}
	return r
}

func openLane(t testing.TB, j *journal.Journal, o ...journal.LaneOptions) *journal.Lane {
	t.Helper()
	l, err := j.OpenLane(t.Context(), lane, o...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// next reads exactly n deliveries.
func next(t testing.TB, l *journal.Lane, n int) []journal.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var all []journal.Delivery
	for len(all) < n {
		ds, err := l.Next(ctx, n-len(all))
		if err != nil {
			t.Fatalf("next after %d of %d: %v", len(all), n, err)
		}
		all = append(all, ds...)
	}
	return all
}

// none checks that no event is there.
func none(t testing.TB, l *journal.Lane) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if ds, err := l.Next(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("next gave %d events and %v, want none", len(ds), err)
	}
}

func outcome(e event.Event, mapping string, kind event.Kind) event.Outcome {
	return event.Outcome{
		Sequence: e.Sequence, EventID: e.ID, Type: e.Type, Key: e.Key, Lane: lane, Mapping: mapping,
		MappingSHA256: "ab12", Kind: kind, At: time.Date(2025, 3, 4, 12, 30, 2, 0, time.UTC),
	}
}

func TestAcceptedEventIsReadBackAsItWas(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	l := openLane(t, j)
	want := order("Замовлення № 7/ü %\n", "new_order:7", `{"id":7,"tovar":"чай"}`)
	want.Body = []byte("id=7&tovar=%D1%87")
	if r := accept(t, j, want); r != (journal.Receipt{Sequence: 1}) {
		t.Fatalf("receipt %+v", r)
	}
	plain := order("8", "", `{"id":8}`)
	accept(t, j, plain)
	want.Sequence, plain.Sequence = 1, 2

	ds := next(t, l, 2)
	if diff := cmp.Diff([]journal.Delivery{{Event: *want}, {Event: *plain}}, ds); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	got, err := l.Load(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*want, got); diff != "" {
		t.Errorf("loaded (-want +got):\n%s", diff)
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	_, err := journal.Open(t.Context(), journal.Options{Dir: dir})
	var locked *journal.LockedError
	if !errors.As(err, &locked) || locked.Dir != dir {
		t.Fatalf("second open: %v", err)
	}
	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir})
	accept(t, j, order("1", "a", `{}`))
}

func TestDuplicatesAreKnownAfterRestart(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	for i := range 20 {
		accept(t, j, order(fmt.Sprint(i%5), fmt.Sprintf("v%d", i), fmt.Sprintf(`{"v":%d}`, i)))
	}
	accept(t, j, order("A", "", `{"v":"a"}`))
	for range 2 {
		// An ID counts anywhere in the history, whatever the record; a record
		// counts against the key's latest event.
		for want, e := range map[uint64]*event.Event{
			1: order("0", "v0", `{"other":true}`), 20: order("4", "v19", `{"v":19}`), 21: order("A", "", `{"v":"a"}`),
		} {
			if r := accept(t, j, e); r != (journal.Receipt{Sequence: want, Duplicate: true}) {
				t.Errorf("repeat of %d: %+v", want, r)
			}
		}
		closeJournal(t, j)
		j = open(t, journal.Options{Dir: dir})
	}
	// The same ID under another key, and the same record as another type, are others.
	if r := accept(t, j, order("other", "v0", `{}`)); r.Duplicate {
		t.Errorf("another key: %+v", r)
	}
	deleted := order("A", "", `{"v":"a"}`)
	deleted.Type = "order_deleted"
	if r := accept(t, j, deleted); r.Duplicate {
		t.Errorf("another type: %+v", r)
	}
	s, err := j.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Accepted != 23 || s.Duplicates != 6 {
		t.Errorf("%d accepted and %d duplicates, want 23 and 6", s.Accepted, s.Duplicates)
	}
	outcomes, err := j.Outcomes(t.Context(), 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	if len(outcomes) != 6 || outcomes[0].Kind != event.Duplicate || outcomes[0].Lane != (event.Lane{Source: lane.Source}) {
		t.Errorf("outcomes %+v", outcomes)
	}
}

func TestChangeBackIsNoDuplicate(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	var got []journal.Receipt
	for _, record := range []string{"a", "b", "a", "a", "b"} {
		got = append(got, accept(t, j, order("7", "", `{"v":"`+record+`"}`)))
	}
	want := []journal.Receipt{{Sequence: 1}, {Sequence: 2}, {Sequence: 3}, {Sequence: 3, Duplicate: true}, {Sequence: 4}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("receipts (-want +got):\n%s", diff)
	}
}

// A stream that is there but cannot be read must not be replaced by an empty one.
func TestDamagedStreamIsNotMadeAnew(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	accept(t, j, order("1", "a", `{}`))
	closeJournal(t, j)
	meta := filepath.Join(dir, "jetstream", "jetstream", "$G", "streams", "EVENTS", "meta.inf")
	if err := os.WriteFile(meta, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if j, err := journal.Open(t.Context(), journal.Options{Dir: dir}); err == nil {
		closeJournal(t, j)
		t.Fatal("opened over a damaged stream")
	} else if !strings.Contains(err.Error(), "cannot be recovered") {
		t.Error(err)
	}
}
