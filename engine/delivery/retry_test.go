package delivery

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// attempts notes when each record went out, since the bubble began.
type attempts struct {
	began time.Time
	all   []sentAt
}

type sentAt struct {
	N     uint64
	At    time.Duration
	Maybe bool
}

// script has each event's attempts end as it says, the last one for ever.
func script(w *world, fates map[uint64][]any) *attempts {
	a := &attempts{began: time.Now()}
	w.far.write = func(_ context.Context, _ string, rec wire.Record, n uint64) (fate, *wire.Failure) {
		w.mu.Lock()
		defer w.mu.Unlock()
		a.all = append(a.all, sentAt{n, time.Since(a.began), rec.PossiblySent})
		next := fates[n]
		if len(next) == 0 {
			return written, nil
		}
		fates[n] = next[1:]
		switch f := next[0].(type) {
		case wire.Class:
			if f == wire.Unknown {
				return lostNever, &wire.Failure{Class: f, Code: "timeout", Message: "no answer in 20 s"}
			}
			return refused, &wire.Failure{Class: f, Code: strings.ToLower(f.String()), Message: "no"}
		case *wire.Failure:
			return refused, f
		default:
			panic(fmt.Sprint("no fate: ", f))
		}
	}
	return a
}

func TestD4OutageDelaysAndDropsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		began := time.Now()
		up := began.Add(6 * time.Hour)
		var times []time.Time
		w.far.write = func(_ context.Context, _ string, rec wire.Record, _ uint64) (fate, *wire.Failure) {
			if rec.Key == "key1" {
				times = append(times, time.Now())
			}
			if time.Now().Before(up) {
				return refused, &wire.Failure{Class: wire.Transient, Code: "http_503", Message: "down for repairs"}
			}
			return written, nil
		}
		r, stop := run(t, w.options())
		for i := range 500 {
			w.add(fmt.Sprint("key", i%100))
		}
		time.Sleep(5 * time.Hour)
		s := r.Stats()
		if s.Retrying+s.Sending+s.Mapping != 100 || s.Waiting != 400 || s.Dead != 0 || s.Delivered != 0 {
			t.Errorf("in the outage: %+v", s)
		}
		list := r.Retrying(10)
		if len(list) != 10 || !slices.IsSortedFunc(list, func(a, b Retry) int { return a.Next.Compare(b.Next) }) {
			t.Errorf("retrying: %+v", list)
		}
		for _, it := range list {
			if it.Attempts < 5 || it.Attempts > 12 || it.Failure == nil || it.Failure.Code != "http_503" || it.Mapping != "order" || time.Until(it.Next) > 5*time.Minute || time.Until(it.Next) < 0 {
				t.Errorf("retrying: %+v", it)
			}
		}
		if all := r.Retrying(1000); len(all) != s.Retrying {
			t.Errorf("%d are listed, %d retry", len(all), s.Retrying)
		}
		for sequence, behind := range map[uint64]uint64{2: 0, 102: 2, 402: 2} {
			at, ok := r.Where("key1", sequence)
			if !ok || at.Behind != behind || (behind > 0) != (at.Stage == StageBehind) || behind == 0 && at.Attempts < 5 {
				t.Errorf("event %d is %+v, %t", sequence, at, ok)
			}
		}
		if at, ok := r.Where("key1", 3); ok {
			t.Errorf("another key's event is %+v", at)
		}
		until(t, 2*time.Hour, w.settled)
		if at, ok := r.Where("key1", 2); ok {
			t.Errorf("a finished event is %+v", at)
		}
		stop()
		if len(w.dead) != 0 {
			t.Errorf("dead letters: %v", w.dead)
		}
		// While nothing passes, one record tries it each 30 s or sooner, in turn.
		if n := len(w.far.calls); n > 6*3600/15+200 {
			t.Errorf("%d calls in an outage of 6 h", n)
		}
		if o := w.outcome(2, "order"); o.Attempts != len(times)-4 {
			t.Errorf("outcome says %d attempts, there were %d", o.Attempts, len(times)-4)
		}
	})
}

// TestOneOrderThatWaitsIsLogged checks that an outage shows in the log soon, though
// a single order meets it.
func TestOneOrderThatWaitsIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		up := time.Now().Add(time.Hour)
		w.far.write = func(context.Context, string, wire.Record, uint64) (fate, *wire.Failure) {
			if time.Now().Before(up) {
				return refused, &wire.Failure{Class: wire.Transient, Code: "no_connection", Message: "connection refused"}
			}
			return written, nil
		}
		o := w.options()
		var out bytes.Buffer
		o.Logger = slog.New(slog.NewTextHandler(&out, nil))
		_, stop := run(t, o)
		w.add("key")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := strings.Count(out.String(), "writing to the sink fails, it is tried again"); n != 1 || !strings.Contains(out.String(), "connection refused") {
			t.Errorf("after 10 s the outage is logged %d times, want once with its cause:\n%s", n, out.String())
		}
		until(t, 2*time.Hour, w.settled)
		stop()
		if !strings.Contains(out.String(), "writing to the sink works again") {
			t.Errorf("the end of the outage is not logged:\n%s", out.String())
		}
	})
}

func TestD4RefusedCredentialsPauseTheLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		mended := time.Now().Add(3 * time.Hour)
		var sent atomic.Int64
		w.far.write = func(context.Context, string, wire.Record, uint64) (fate, *wire.Failure) {
			sent.Add(1)
			if time.Now().Before(mended) {
				return refused, &wire.Failure{Class: wire.Auth, Code: "key_expired", Message: "the key has expired"}
			}
			return written, nil
		}
		o := w.options()
		var out bytes.Buffer
		o.Logger = slog.New(slog.NewTextHandler(&out, nil))
		o.MaxInFlight = 64
		r, stop := run(t, o)
		for i := range 1000 {
			w.add(fmt.Sprint("key", i))
		}
		time.Sleep(2 * time.Hour)
		s := r.Stats()
		if f := s.Gate.Failure; f == nil || f.Code != "key_expired" || !s.Gate.Until.After(time.Now()) || s.Dead != 0 {
			t.Errorf("stats: %+v", s)
		}
		if n := sent.Load(); n > 64+60 {
			t.Errorf("%d records went out while the credentials are refused, want one at a time", n)
		}
		until(t, 2*time.Hour, w.settled)
		stop()
		if s := r.Stats(); s.Gate.Failure != nil || s.Delivered != 1000 {
			t.Errorf("stats: %+v", s)
		}
		if n := strings.Count(out.String(), "sending is paused"); n != 1 || !strings.Contains(out.String(), "sending goes on") {
			t.Errorf("the pause is logged %d times, want once and its end:\n%s", n, out.String())
		}
	})
}

func TestD4RateLimitPausesTheLaneForAsLongAsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := script(w, map[uint64][]any{
			1: {&wire.Failure{Class: wire.RateLimited, Code: "http_429", RetryAfter: 90 * time.Second}},
			2: {wire.RateLimited},
		})
		_, stop := run(t, w.options())
		w.add("A")
		time.Sleep(time.Second)
		for i := range 20 {
			w.add(fmt.Sprint("other", i))
		}
		until(t, time.Hour, w.settled)
		stop()
		limited := time.Duration(0)
		for i, s := range a.all {
			if i > 0 && s.At < 90*time.Second {
				t.Errorf("event %d goes out at %s, and the sink asked for 90 s", s.N, s.At)
			}
			if s.N == 2 && limited == 0 {
				limited = s.At
			}
			// A limit without a time backs off, 1 to 3 s after the first or the second.
			if wait := s.At - limited; limited > 0 && wait > 0 && (wait < time.Second || wait > 3*time.Second) {
				t.Errorf("event %d goes out %s after the limit without a time", s.N, wait)
			}
		}
		if len(a.all) != 23 {
			t.Errorf("%d attempts, want 21 and 2 that met the limit: %v", len(a.all), a.all)
		}
	})
}

func TestTransientHonoursRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := script(w, map[uint64][]any{1: {&wire.Failure{Class: wire.Transient, RetryAfter: time.Hour}}})
		_, stop := run(t, w.options())
		w.add("A")
		w.add("B")
		until(t, 2*time.Hour, w.settled)
		stop()
		if len(a.all) != 3 || a.all[1].At > time.Second || a.all[2].At < time.Hour || a.all[2].At > time.Hour+time.Second {
			t.Errorf("attempts %v, want the second of event 1 after an hour, and event 2 at once", a.all)
		}
	})
}

func TestD5LostAnswerIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := script(w, map[uint64][]any{1: {wire.Transient, wire.Unknown, wire.Transient, wire.Auth}})
		_, stop := run(t, w.options())
		w.add("A")
		until(t, time.Hour, w.settled)
		stop()
		if len(a.all) != 5 {
			t.Fatalf("attempts %v", a.all)
		}
		for i, s := range a.all {
			if maybe := i >= 2; s.Maybe != maybe {
				t.Errorf("attempt %d says possibly sent: %t, want %t", i+1, s.Maybe, maybe)
			}
		}
		if wait := a.all[2].At - a.all[1].At; wait != testSettle {
			t.Errorf("after the lost answer %s pass, want the operation's %s", wait, testSettle)
		}
		if o := w.outcome(1, "order"); o.Kind != event.Delivered || o.Attempts != 5 || o.Action != "created" {
			t.Errorf("outcome %+v", o)
		}
	})
}

func TestD5WhatAnEarlierRunMayHaveSentIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.add("A")
		w.add("B", do("order", "skip"))
		a := script(w, map[uint64][]any{})
		r, stop := run(t, w.options())
		w.add("C")
		w.add("A")
		time.Sleep(time.Second)
		if w.outcome(2, "order").Kind != event.Skipped || w.outcome(3, "order").Kind != event.Delivered {
			t.Error("what needs no sending, or cannot have been sent, waits")
		}
		if l := r.Retrying(5); len(l) != 1 || l[0].Sequence != 1 || l[0].Attempts != 0 || !l[0].PossiblySent {
			t.Errorf("retrying: %+v", l)
		}
		until(t, time.Hour, w.settled)
		stop()
		want := []sentAt{{3, 0, false}, {1, testSettle, true}, {4, testSettle, false}}
		if diff := cmp.Diff(want, a.all); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

// After a crash all of a backlog may have been sent. It is not all taken into memory
// to wait there.
func TestD5BacklogInDoubtIsNotReadFarAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for i := range 3 * maxDoubtful {
			w.add(fmt.Sprint("key", i))
		}
		r, stop := run(t, w.options())
		time.Sleep(testSettle - time.Second)
		if s := r.Stats(); s.Read != maxDoubtful || s.AtHand() != maxDoubtful {
			t.Errorf("%d events were read and %d are at hand, the bound is %d", s.Read, s.AtHand(), maxDoubtful)
		}
		until(t, testSettle, w.settled)
		stop()
	})
}

func TestD5UnsafeOperationInDoubtIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := echo("order", "create_order", "order")
		m.Repeat = wire.RepeatUnsafe
		w := newWorld(t, m)
		w.add("A")
		a := script(w, map[uint64][]any{2: {wire.Transient, wire.Unknown}})
		_, stop := run(t, w.options())
		w.add("B")
		w.add("B")
		until(t, time.Hour, w.settled)
		stop()
		for n, attempts := range map[uint64]int{1: 0, 2: 2} {
			o := w.outcome(n, "order")
			if o.Kind != event.Dead || o.Attempts != attempts || o.Reason.Class != "IN_DOUBT" || o.Reason.Code != "in_doubt" || o.Reason.Hint == "" {
				t.Errorf("outcome %+v, reason %+v", o, o.Reason)
			}
		}
		if msg := w.outcome(2, "order").Reason.Message; !strings.Contains(msg, "no answer in 20 s") {
			t.Errorf("the reason does not say how the answer was lost: %s", msg)
		}
		// The next event of the key waits until the lost one can have no effect.
		if last := a.all[len(a.all)-1]; len(a.all) != 3 || last.N != 3 || last.At-a.all[1].At < testSettle {
			t.Errorf("attempts %v", a.all)
		}
	})
}

func TestBackoff(t *testing.T) {
	b := Backoff{Initial: time.Second, Max: 5 * time.Minute}
	for n, want := range map[int][2]time.Duration{
		0: {time.Second, 1500 * time.Millisecond}, 1: {time.Second, 1500 * time.Millisecond},
		2: {time.Second, 3 * time.Second}, 3: {2 * time.Second, 6 * time.Second},
		8: {64 * time.Second, 192 * time.Second}, 9: {128 * time.Second, 300 * time.Second},
		10: {150 * time.Second, 300 * time.Second}, 64: {150 * time.Second, 300 * time.Second}, 1 << 40: {150 * time.Second, 300 * time.Second},
	} {
		low, high := time.Duration(1<<62), time.Duration(0)
		for range 2000 {
			d := b.after(n)
			low, high = min(low, d), max(high, d)
		}
		if spread := (want[1] - want[0]) / 10; low < want[0] || high > want[1] || low > want[0]+spread || high < want[1]-spread {
			t.Errorf("after %d failures %s to %s, want %s to %s", n, low, high, want[0], want[1])
		}
	}
	if d := (Backoff{Initial: 200 * 365 * 24 * time.Hour, Max: 1<<63 - 1}).after(30); d <= 0 {
		t.Errorf("a long backoff overflows: %s", d)
	}
}
