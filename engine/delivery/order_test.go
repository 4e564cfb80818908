package delivery

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// sentEvents gives the sequences that came to the far system, in the order of calls.
func (w *world) sentEvents() []uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []uint64
	for _, c := range w.far.calls {
		for _, rec := range c {
			var n uint64
			_, _ = fmt.Sscanf(string(rec.Data), `{"n":%d`, &n)
			out = append(out, n)
		}
	}
	return out
}

func TestD3NextEventOfAKeyWaitsUntilTheOutcomeIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		disk := make(chan struct{})
		w.commit = func(ctx context.Context) (bool, error) {
			select {
			case <-disk:
				return true, nil
			case <-ctx.Done():
				return false, ctx.Err()
			}
		}
		_, stop := run(t, w.options())
		for _, key := range []string{"A", "A", "B", "A"} {
			w.add(key)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := w.sentEvents(); len(got) != 2 || got[0]+got[1] != 4 {
			t.Errorf("with nothing stored, events %v went out, want 1 and 3", got)
		}
		close(disk)
		until(t, time.Minute, w.settled)
		if got := w.sentEvents(); !slices.Equal(got[2:], []uint64{2, 4}) {
			t.Errorf("events went out as %v, want 2 and 4 in the end", got)
		}
		stop()
	})
}

func TestD3KeysDoNotWaitForEachOther(t *testing.T) {
	for name, bad := range map[string]func(context.Context) (fate, *wire.Failure){
		"one hangs at the sink": func(ctx context.Context) (fate, *wire.Failure) {
			sleep(ctx, time.Hour)
			return lostNever, nil
		},
		"one fails for hours": func(context.Context) (fate, *wire.Failure) {
			return refused, &wire.Failure{Class: wire.Transient, Code: "locked"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.far.write = func(ctx context.Context, _ string, rec wire.Record, _ uint64) (fate, *wire.Failure) {
					if rec.Key == "bad" {
						return bad(ctx)
					}
					return written, nil
				}
				o := w.options()
				o.CallTimeout, o.DrainTimeout = 2*time.Hour, time.Nanosecond
				r, stop := run(t, o)
				const others = 3000
				for i := range others {
					w.add("bad")
					w.add(fmt.Sprint("key", i))
				}
				until(t, time.Second, func() bool { return r.Stats().Finished == others })
				if s := r.Stats(); s.Waiting != others-1 || s.AtHand() != others {
					t.Errorf("%d events wait and %d are at hand, want %d and %d", s.Waiting, s.AtHand(), others-1, others)
				}
				stop()
			})
		})
	}
}

func TestMappingsOfAnEventRunInTurnByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, echo("c", "close", "order"), echo("a", "upsert_order", "order", "payment"), echo("b", "note", "order"))
		var ops []string
		w.far.write = func(ctx context.Context, op string, _ wire.Record, n uint64) (fate, *wire.Failure) {
			sleep(ctx, time.Second)
			w.mu.Lock()
			defer w.mu.Unlock()
			ops = append(ops, fmt.Sprint(n, op, len(w.outcomes[n])))
			return written, nil
		}
		_, stop := run(t, w.options())
		w.add("A", do("b", "skip"))
		w.add("A", func(ev *event.Event, _ *body) { ev.Type = "payment" })
		w.add("A")
		until(t, time.Minute, w.settled)
		stop()
		// A number before the operation is the event's, behind it how many outcomes
		// of the event are stored.
		if want := []string{"1upsert_order0", "1close2", "2upsert_order0", "3upsert_order0", "3note1", "3close2"}; !slices.Equal(ops, want) {
			t.Errorf("operations ran as %v, want %v", ops, want)
		}
		if k := w.outcome(1, "b").Kind; k != event.Skipped {
			t.Errorf("outcome of b is %q", k)
		}
	})
}

func TestD2WhatHasAnOutcomeIsNotRunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, echo("a", "upsert_order", "order"), echo("b", "note", "order"))
		for range 3 {
			w.add("A")
		}
		stored := func(n uint64, name string) {
			w.outcomes[n] = map[string]event.Outcome{}
			for _, m := range name {
				w.outcomes[n][string(m)] = event.Outcome{Kind: event.Delivered}
			}
		}
		stored(1, "ab")
		stored(2, "a")
		w.add("A", func(ev *event.Event, _ *body) { ev.Type = "unwanted" })
		r, stop := run(t, w.options())
		until(t, time.Hour, w.settled)
		stop()
		if got := w.sentEvents(); !slices.Equal(got, []uint64{2, 3, 3}) {
			t.Errorf("events %v went out, want 2 for b, and 3 for both", got)
		}
		if s := r.Stats(); s.Unwanted != 2 || s.Finished != 2 || s.Delivered != 3 {
			t.Errorf("stats %+v", s.Totals)
		}
		if len(w.outcomes[4]) != 0 {
			t.Errorf("an event that nobody wants has outcomes: %v", w.outcomes[4])
		}
	})
}

func TestD6OlderEventIsSuperseded(t *testing.T) {
	at := func(s string) func(*event.Event, *body) {
		return func(ev *event.Event, _ *body) {
			var err error
			if ev.UpdatedAt, err = time.Parse(time.TimeOnly, s); err != nil {
				panic(err)
			}
		}
	}
	both := func(v uint64, s string) func(*event.Event, *body) {
		return func(ev *event.Event, b *body) { version(v)(ev, b); at(s)(ev, b) }
	}
	invalid := func(ev *event.Event, b *body) { version(9)(ev, b); b.Do = map[string]string{"order": "fail"} }
	for name, c := range map[string]struct {
		events []func(*event.Event, *body)
		want   string
	}{
		"version":           {[]func(*event.Event, *body){version(3), version(2), version(3), version(4), version(1)}, "dsdds"},
		"time":              {[]func(*event.Event, *body){at("10:00:02"), at("10:00:01"), at("10:00:02"), at("10:00:03")}, "dsdd"},
		"version decides":   {[]func(*event.Event, *body){both(3, "10:00:01"), both(4, "10:00:00"), both(4, "10:00:02"), both(4, "10:00:01")}, "ddds"},
		"unknown":           {[]func(*event.Event, *body){version(3), func(*event.Event, *body) {}, version(2)}, "dds"},
		"only of delivered": {[]func(*event.Event, *body){invalid, version(2)}, "xd"},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restarts %t", name, restart), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					_, stop := run(t, w.options())
					w.add("other", version(100))
					for i, e := range c.events {
						if restart && i > 0 { // what was delivered before counts all the same
							until(t, time.Minute, w.settled)
							stop()
							_, stop = run(t, w.options())
						}
						w.add("A", e)
					}
					until(t, time.Minute, w.settled)
					stop()
					got := ""
					for i := range c.events {
						o := w.outcome(uint64(i+2), "order")
						got += map[event.Kind]string{event.Delivered: "d", event.Superseded: "s", event.Dead: "x"}[o.Kind]
						if o.Kind == event.Superseded && (o.Attempts != 0 || o.Mapping != "order" || o.MappingSHA256 != "sha-order") {
							t.Errorf("outcome %+v", o)
						}
					}
					if got != c.want {
						t.Errorf("outcomes %s, want %s", got, c.want)
					}
				})
			})
		}
	}
}
