package delivery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func TestHeldEventsGiveUpTheirBodiesAndComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		up := time.Now().Add(time.Hour)
		w.far.write = func(_ context.Context, _ string, rec wire.Record, _ uint64) (fate, *wire.Failure) {
			if time.Now().Before(up) && strings.HasPrefix(rec.Key, "bad") {
				return refused, &wire.Failure{Class: wire.Transient}
			}
			return written, nil
		}
		o := w.options()
		o.BodyBudget = 40_000
		r, stop := run(t, o)
		for i := range 2000 {
			w.add(fmt.Sprint("bad", i%10))
		}
		for i := range 200 {
			w.add(fmt.Sprint("good", i))
		}
		until(t, 30*time.Minute, func() bool { return r.Stats().Delivered == 200 })
		if s := r.Stats(); s.BodyBytes > 2*o.BodyBudget || s.AtHand() != 2000 {
			t.Errorf("%d events are held with %d bytes, the budget is %d", s.AtHand(), s.BodyBytes, o.BodyBudget)
		}
		until(t, 3*time.Hour, w.settled)
		stop()
		if w.loads < 1500 {
			t.Errorf("%d bodies were read again, want those beyond the budget", w.loads)
		}
		if s := r.Stats(); s.BodyBytes != 0 || s.Delivered != 2200 {
			t.Errorf("stats %+v", s)
		}
	})
}

// unreadable is a lane whose bodies cannot be read again for a while.
type unreadable struct {
	Lane
	until time.Time
	tries int
}

func (l *unreadable) Load(ctx context.Context, sequence uint64) (event.Event, error) {
	if l.tries++; time.Now().Before(l.until) {
		if l.tries%2 == 0 {
			panic("this journal panics")
		}
		return event.Event{}, errors.New("no answer")
	}
	return l.Lane.Load(ctx, sequence)
}

func TestD2BodyThatCannotBeReadIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		o := w.options()
		o.Workers = 1
		o.BodyBudget = 1
		o.Journal = &unreadable{Lane: o.Journal, until: time.Now().Add(time.Hour)}
		r, stop := run(t, o)
		for range 3 {
			w.add("A")
		}
		time.Sleep(30 * time.Minute)
		if l := r.Retrying(5); len(l) != 1 || l[0].Sequence != 2 || l[0].Attempts != 0 || l[0].PossiblySent {
			t.Errorf("retrying: %+v", l)
		}
		until(t, 2*time.Hour, w.settled)
		stop()
	})
}

func TestD4ReadingStopsWhenTooMuchIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		up := time.Now().Add(time.Hour)
		w.far.write = func(context.Context, string, wire.Record, uint64) (fate, *wire.Failure) {
			if time.Now().Before(up) {
				return refused, &wire.Failure{Class: wire.Transient}
			}
			return written, nil
		}
		o := w.options()
		o.MaxHeld = 300
		r, stop := run(t, o)
		for i := range 1000 {
			w.add(fmt.Sprint("key", i%700))
		}
		time.Sleep(30 * time.Minute)
		if s := r.Stats(); s.AtHand() != 300 || s.Read != 300 {
			t.Errorf("%d events were read and %d are at hand, the bound is 300", s.Read, s.AtHand())
		}
		until(t, 2*time.Hour, w.settled)
		stop()
	})
}

func TestWhatIsReadyTogetherSharesCallsAndCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, echo("a", "upsert_order", "order"), echo("b", "note", "payment"))
		w.far.write = func(ctx context.Context, _ string, _ wire.Record, _ uint64) (fate, *wire.Failure) {
			sleep(ctx, time.Second)
			return written, nil
		}
		w.commit = func(ctx context.Context) (bool, error) { return sleep(ctx, time.Millisecond), ctx.Err() }
		o := w.options()
		o.MaxBatch, o.MaxInFlight = 50, 500
		for i := range 1000 {
			w.add(fmt.Sprint("key", i), func(ev *event.Event, _ *body) {
				if i%2 == 0 {
					ev.Type = "payment"
				}
			})
		}
		r, stop := run(t, o)
		until(t, time.Minute, w.settled)
		stop()
		if n := r.Stats().Calls; n < 20 || n > 40 {
			t.Errorf("1000 records took %d calls of at most 50, want 20 or few more", n)
		}
		for _, c := range w.far.calls {
			if len(c) > 50 {
				t.Errorf("a call has %d records, at most 50 are allowed", len(c))
			}
		}
		if n := len(w.commits); n > 20 {
			t.Errorf("1000 outcomes in two lots took %d commits: %v", n, w.commits)
		}
	})
}

func TestCallsStayWithinAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.mappings[0].Map = padTo(3 << 20)(w.mappings[0].Map)
		o := w.options()
		o.BodyBudget = 1 << 30
		var sizes []int
		good := o.Sink
		o.Sink = sinkFunc(func(ctx context.Context, records []wire.Record, each func(wire.WriteResult)) error {
			size := 0
			for i := range records {
				size += len(records[i].Data)
			}
			w.mu.Lock()
			sizes = append(sizes, size)
			w.mu.Unlock()
			return good.Write(ctx, "upsert_order", records, each)
		})
		for i := range 10 {
			w.add(fmt.Sprint("key", i))
		}
		_, stop := run(t, o)
		until(t, time.Hour, w.settled)
		stop()
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, s := range sizes {
			if s > maxBatchBytes {
				t.Errorf("a call has %d bytes of records", s)
			}
		}
	})
}

func TestEndDrainsWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.far.write = func(ctx context.Context, _ string, _ wire.Record, n uint64) (fate, *wire.Failure) {
			if n == 3 {
				return refused, &wire.Failure{Class: wire.Transient}
			}
			if !sleep(ctx, 20*time.Second) {
				return lostNever, nil
			}
			return written, nil
		}
		r, stop := run(t, w.options())
		for _, key := range []string{"A", "A", "B", "C"} {
			w.add(key)
		}
		time.Sleep(time.Second / 2)
		began := time.Now()
		stop()
		if took := time.Since(began); took != 20*time.Second-time.Second/2 {
			t.Errorf("the end took %s, what was in flight 19.5 s", took)
		}
		if !w.acked[1] || w.acked[2] || w.acked[3] || !w.acked[4] || len(w.dead) != 0 {
			t.Errorf("acknowledged: %v, want 1 and 4, which were in flight", w.acked)
		}
		if s := r.Stats(); !s.Draining || s.Delivered != 2 {
			t.Errorf("stats %+v", s)
		}
		if err := r.Run(t.Context()); err == nil {
			t.Error("a second Run is no error")
		}
	})
}

func TestEndDoesNotWaitForEver(t *testing.T) {
	for name, stubborn := range map[string]bool{"sink ends with its context": false, "sink does not": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				o := w.options()
				o.DrainTimeout = 10 * time.Second
				o.Sink = sinkFunc(func(ctx context.Context, _ []wire.Record, _ func(wire.WriteResult)) error {
					if stubborn {
						time.Sleep(time.Hour)
					}
					<-ctx.Done()
					return ctx.Err()
				})
				r, err := New(o)
				if err != nil {
					t.Fatal(err)
				}
				w.add("A")
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began := time.Now()
				err = r.Run(ctx)
				want := 11 * time.Second
				if stubborn {
					want += grace
				}
				if took := time.Since(began); took != want || (err != nil) != stubborn {
					t.Errorf("Run ended after %s with %v, want %s", took, err, want)
				}
				time.Sleep(2 * time.Hour) // the sink returns at last
				if len(w.acked) != 0 {
					t.Error("what was broken off is acknowledged")
				}
			})
		})
	}
}

// brokenLane cannot be read after its first events.
type brokenLane struct {
	Lane
	reads int
}

func (l *brokenLane) Next(ctx context.Context, limit int) ([]event.Pending, error) {
	if l.reads++; l.reads > 1 {
		sleep(ctx, time.Second/2)
		return nil, errors.New("the consumer is gone")
	}
	return l.Lane.Next(ctx, limit)
}

func TestUnreadableLaneEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.far.write = func(ctx context.Context, _ string, _ wire.Record, _ uint64) (fate, *wire.Failure) {
			sleep(ctx, time.Second)
			return written, nil
		}
		o := w.options()
		o.Journal = &brokenLane{Lane: o.Journal}
		r, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		w.add("A")
		err = r.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "shop to saleapp: read the lane: the consumer is gone") {
			t.Errorf("Run ended with %v", err)
		}
		if !w.settled() {
			t.Error("what was in flight is not stored")
		}
	})
}

func TestNewRefusesWhatCannotRun(t *testing.T) {
	w := newWorld(t)
	for want, change := range map[string]func(*Options){
		"source and sink must be named": func(o *Options) { o.Lane.Sink = "" },
		"a journal is needed":           func(o *Options) { o.Journal = nil },
		"a sink is needed":              func(o *Options) { o.Sink = nil },
		"MaxBatch is 5000":              func(o *Options) { o.MaxBatch = 5000 },
		"Workers is -1":                 func(o *Options) { o.Workers = -1 },
		"CallTimeout is -1s":            func(o *Options) { o.CallTimeout = -time.Second },
		"Backoff.Max 1ms is less":       func(o *Options) { o.Backoff = Backoff{time.Second, time.Millisecond} },
		"two mappings are named a":      func(o *Options) { o.Mappings = []Mapping{echo("a", "x", "t"), echo("a", "y", "t")} },
		"a mapping has no name":         func(o *Options) { o.Mappings = []Mapping{echo("", "x", "t")} },
		"has a name of 257 bytes":       func(o *Options) { o.Mappings = []Mapping{echo(strings.Repeat("n", 257), "x", "t")} },
		"mapping a has no operation":    func(o *Options) { o.Mappings = []Mapping{echo("a", "", "t")} },
		"mapping a has no program":      func(o *Options) { o.Mappings = []Mapping{{Name: "a", Operation: "x", Types: []string{"t"}}} },
		"mapping a wants no event":      func(o *Options) { o.Mappings = []Mapping{echo("a", "x")} },
	} {
		o := w.options()
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New gives %v, want %s", err, want)
		}
	}
}

func TestNewestForgetsTheLongestUnused(t *testing.T) {
	n := newNewest(100)
	for i := range 1000 {
		n.delivered(&item{key: "used", version: 5})
		n.delivered(&item{key: fmt.Sprint(i), version: 5})
	}
	if len(n.young)+len(n.old) > 200 {
		t.Errorf("%d keys are remembered", len(n.young)+len(n.old))
	}
	for _, key := range []string{"used", "999", "950"} {
		if stale, known := n.stale(&item{key: key, version: 4}); !stale || !known {
			t.Errorf("key %s is forgotten", key)
		}
	}
	if _, known := n.stale(&item{key: "3", version: 4}); known {
		t.Error("the first key is not forgotten")
	}
}

func TestFifo(t *testing.T) {
	var q fifo
	in, out := uint64(0), uint64(0)
	for step := range 20_000 {
		for range step % 7 {
			in++
			q.push(&item{sequence: in})
		}
		for range min(q.len(), step%6) {
			if out++; q.pop().sequence != out {
				t.Fatal("out of order")
			}
		}
	}
	if cap(q.items) > 3*q.len()+2048 || q.len() != int(in-out) {
		t.Errorf("%d are in it, with room for %d", q.len(), cap(q.items))
	}
}
