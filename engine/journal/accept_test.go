package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

func TestConcurrentRepeatsOfOneEvent(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	for _, id := range []string{"v1", ""} {
		var mu sync.Mutex
		originals, sequences := 0, map[uint64]bool{}
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				r := accept(t, j, order("key"+id, id, `{"a":1}`))
				mu.Lock()
				defer mu.Unlock()
				sequences[r.Sequence] = true
				if !r.Duplicate {
					originals++
				}
			})
		}
		wg.Wait()
		if originals != 1 || len(sequences) != 1 {
			t.Errorf("id %q: %d originals with sequences %v", id, originals, sequences)
		}
	}
	if s, err := j.Stats(t.Context()); err != nil || s.Accepted != 2 || s.Duplicates != 98 {
		t.Errorf("stats %+v, %v", s, err)
	}
}

func TestManyAtATime(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	batches := journal.CountBatches(t, j)
	var mu sync.Mutex
	got := map[uint64]string{}
	var wg sync.WaitGroup
	for g := range 100 {
		wg.Go(func() {
			for i := range 10 {
				// Keys are shared by four goroutines each, every fifth event is a repeat.
				key, id := fmt.Sprint(g/4), fmt.Sprintf("%d-%d", g, i-i%5)
				if i%5 != 4 {
					id = fmt.Sprintf("%d-%d", g, i)
				}
				r := accept(t, j, order(key, id, fmt.Sprintf(`{"id":%q}`, id)))
				mu.Lock()
				if r.Duplicate != (i%5 == 4) {
					t.Errorf("%s: receipt %+v", id, r)
				}
				if i%5 != 4 {
					if other, taken := got[r.Sequence]; taken {
						t.Errorf("%s and %s are both %d", other, id, r.Sequence)
					}
					got[r.Sequence] = id
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(got) != 800 {
		t.Errorf("%d events, want 800", len(got))
	}
	if n := batches(); n == 0 {
		t.Error("nothing went in a batch")
	}
	for seq, id := range got {
		e, err := j.Event(t.Context(), seq)
		if err != nil || e.ID != id {
			t.Fatalf("event %d is %q, %v; its receipt was for %q", seq, e.ID, err, id)
		}
	}
}

// A message that JetStream has already, as an unanswered publication leaves it,
// makes it refuse the whole batch; the others must be stored all the same.
func TestBatchRefusedForADuplicate(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	known := order("known", "k", `{}`)
	if err := journal.StoreBehindTheIndex(t.Context(), j, known); err != nil {
		t.Fatal(err)
	}
	events := []*event.Event{known}
	for i := range 19 {
		events = append(events, order(fmt.Sprint(i), "x", `{}`))
	}
	sequences, errs := journal.PublishTogether(j, events)
	for i, err := range errs {
		if err != nil {
			t.Errorf("event %d: %v", i, err)
		}
	}
	if sequences[0] != 1 {
		t.Errorf("the known one is %d, want 1", sequences[0])
	}
	seen := map[uint64]bool{}
	for _, seq := range sequences {
		seen[seq] = true
	}
	if s, err := j.Stats(t.Context()); err != nil || len(seen) != 20 {
		t.Errorf("%d sequences, stats %+v, %v", len(seen), s, err)
	}
}

// fillUp accepts events from so many senders until nothing more is taken, and gives their
// ids by their sequences.
func fillUp(t *testing.T, j *journal.Journal, senders int, record string) map[uint64]string {
	t.Helper()
	var mu sync.Mutex
	got := map[uint64]string{}
	var wg sync.WaitGroup
	for g := range senders {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d", g, i)
				r, err := j.Accept(t.Context(), order(id, id, record))
				if err != nil {
					var un *journal.UnavailableError
					if !errors.As(err, &un) || un.RetryAfter <= 0 {
						t.Errorf("a full journal: %v", err)
					}
					return
				}
				mu.Lock()
				got[r.Sequence] = id
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return got
}

func TestFullStreamRefusesAndLosesNothing(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir, MaxEventBytes: 1 << 20})
	record := `{"pad":"` + strings.Repeat("x", 2000) + `"}`
	got := fillUp(t, j, 32, record)
	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir, MaxEventBytes: 4 << 20})
	if s, err := j.Stats(t.Context()); err != nil || s.Accepted != uint64(len(got)) || len(got) < 100 {
		t.Errorf("%d receipts, stats %+v, %v", len(got), s, err)
	}
	for seq, id := range got {
		if e, err := j.Event(t.Context(), seq); err != nil || e.ID != id {
			t.Fatalf("event %d is %q, want %q: %v", seq, e.ID, id, err)
		}
	}
	accept(t, j, order("more", "more", record))
}

func TestReserveOfDisk(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir(), MinFreeDisk: 1 << 60, MaxEventBytes: 1 << 20, MaxOutcomeBytes: 1 << 20, MaxDeadBytes: 1 << 20})
	_, err := j.Accept(t.Context(), order("1", "1", `{}`))
	var un *journal.UnavailableError
	if !errors.As(err, &un) || !strings.Contains(un.Reason, "below the reserve") {
		t.Errorf("accept: %v", err)
	}
}

// The store answers late: whoever waited has an error, and the event is known
// all the same once the answer came.
func TestLateAnswer(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir(), AcceptWait: time.Second})
	answer := journal.HoldAnswers(t, j)
	e := order("7", "late", `{}`)
	var un *journal.UnavailableError
	if _, err := j.Accept(t.Context(), e); !errors.As(err, &un) {
		t.Fatalf("unanswered: %v", err)
	}
	if _, err := j.Accept(t.Context(), order("other", "", `{}`)); !errors.As(err, &un) {
		t.Fatalf("while the store does not answer: %v", err)
	}
	answer()
	waitFor(t, func() bool { return j.Ready() == nil })
	if r := accept(t, j, e); r != (journal.Receipt{Sequence: 1, Duplicate: true}) {
		t.Errorf("sent again: %+v", r)
	}
}

func TestBrokenStore(t *testing.T) {
	var log bytes.Buffer
	j := open(t, journal.Options{Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))})
	l := openLane(t, j)
	acceptN(t, j, 0, 1)
	e := next(t, l, 1)[0].Event
	journal.BreakStore(t, j)
	for i := range 3 {
		var un *journal.UnavailableError
		if _, err := j.Accept(t.Context(), order("7", fmt.Sprint(i), `{}`)); !errors.As(err, &un) {
			t.Errorf("accept: %v", err)
		}
		if err := l.Commit(t.Context(), []event.Outcome{outcome(e, "m", event.Delivered)}, nil, []uint64{1}); !errors.As(err, &un) {
			t.Errorf("commit: %v", err)
		}
	}
	closeJournal(t, j)
	if n := strings.Count(log.String(), "store is broken"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
}

func TestCanceledAndClosed(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Accept(ctx, order("1", "1", `{}`)); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	acceptN(t, j, 5, 1)
	closeJournal(t, j)
	var un *journal.UnavailableError
	if _, err := j.Accept(t.Context(), order("2", "2", `{}`)); !errors.As(err, &un) {
		t.Errorf("closed: %v", err)
	}
}

func TestEventThatCannotBeStored(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir(), MaxPayload: 4096})
	for field, change := range map[string]func(*event.Event){
		"connection":  func(e *event.Event) { e.Connection = "Sales Drive" },
		"key":         func(e *event.Event) { e.Key = strings.Repeat("ж", 257) },
		"id":          func(e *event.Event) { e.ID = strings.Repeat("x", 513) },
		"type":        func(e *event.Event) { e.Type = "" },
		"record":      func(e *event.Event) { e.Body = make([]byte, 4096) },
		"received_at": func(e *event.Event) { e.ReceivedAt = time.Time{} },
		"updated_at":  func(e *event.Event) { e.UpdatedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		e := order("1", "1", `{}`)
		change(e)
		_, err := j.Accept(t.Context(), e)
		var bad *journal.EventError
		if !errors.As(err, &bad) || bad.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	largest := order(strings.Repeat("ж", 256), strings.Repeat("ї", 256), `{"a":"`+strings.Repeat("x", 2000)+`"}`)
	largest.Body = make([]byte, 4096-len(largest.Record))
	accept(t, j, largest)
}
