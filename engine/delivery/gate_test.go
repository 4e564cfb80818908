package delivery

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func newTestGate(t *testing.T, o GateOptions) *Gate {
	t.Helper()
	g, err := NewGate(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// slots is a sink that works on so many records at once, first come first served,
// as a plugin does.
type slots struct {
	Sink
	free chan struct{}
	most atomic.Int64
}

func (s *slots) Write(ctx context.Context, op string, records []wire.Record, each func(wire.WriteResult)) error {
	s.most.Store(max(s.most.Load(), int64(len(s.free)+len(records))))
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range records {
		select {
		case s.free <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		wg.Go(func() {
			defer func() { <-s.free }()
			_ = s.Sink.Write(ctx, op, records[i:i+1], each)
		})
	}
	return nil
}

// D3: 40 orders that hang at a sink with 8 places hold up 200 others only while
// nobody can know it, at their first attempt.
func TestD3OrdersThatHangLeavePlacesToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const limit = 30 * time.Second
		w.far.write = func(ctx context.Context, _ string, rec wire.Record, _ uint64) (fate, *wire.Failure) {
			if strings.HasPrefix(rec.Key, "hangs") {
				sleep(ctx, limit)
				return lostNever, &wire.Failure{Class: wire.Unknown, Code: "timeout"}
			}
			sleep(ctx, 20*time.Millisecond)
			return written, nil
		}
		o := w.options()
		o.DrainTimeout = time.Nanosecond
		o.Sink = &slots{Sink: o.Sink, free: make(chan struct{}, 8)}
		o.Gate = newTestGate(t, GateOptions{Concurrency: 8})
		r, stop := run(t, o)
		for i := range 240 {
			if i%6 == 0 {
				w.add(fmt.Sprint("hangs", i))
			} else {
				w.add(fmt.Sprint("key", i))
			}
		}
		until(t, 7*limit, func() bool { return r.Stats().Delivered == 200 })
		// From now on the 40 are tried again and again, and hold two places.
		for i := range 60 {
			before := r.Stats().Delivered
			w.add(fmt.Sprint("later", i))
			until(t, time.Second, func() bool { return r.Stats().Delivered == before+1 })
			time.Sleep(7 * time.Second)
			if s := o.Gate.Stats(); s.State != GateOpen {
				t.Fatalf("the gate is %s: %v", s.State, s.Failure)
			}
		}
		if s := r.Stats(); s.Dead != 0 {
			t.Errorf("stats %+v", s)
		}
		stop()
	})
}

// D3: orders that never pass, however many, hold the others up for half a minute
// at most.
func TestD3OrdersThatFailDoNotBreakTheGateForOthers(t *testing.T) {
	for _, bad := range []int{tripAt - 1, 4 * tripAt} {
		t.Run(fmt.Sprint(bad), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.far.write = func(_ context.Context, _ string, rec wire.Record, _ uint64) (fate, *wire.Failure) {
					if strings.HasPrefix(rec.Key, "bad") {
						return refused, &wire.Failure{Class: wire.Transient, Code: "locked"}
					}
					return written, nil
				}
				o := w.options()
				o.DrainTimeout = time.Nanosecond
				r, stop := run(t, o)
				for i := range bad {
					w.add(fmt.Sprint("bad", i))
				}
				time.Sleep(time.Hour)
				most := time.Second
				if bad >= tripAt {
					most += brokenMax
				}
				for i := range 5 {
					w.add(fmt.Sprint("good", i))
					until(t, most, func() bool { return r.Stats().Delivered == uint64(i+1) })
					time.Sleep(10 * time.Minute)
				}
				stop()
			})
		})
	}
}

// D4: whatever is the matter with a sink for hours, nothing is lost or given up,
// and then all goes out soon, in order, which the world watches.
func TestD4SinkThatIsOutForHours(t *testing.T) {
	for name, failure := range map[string]*wire.Failure{
		"down":     {Class: wire.Transient, Code: "no_connection"},
		"turns":    {Class: wire.Transient, Code: "unavailable", RetryAfter: 20 * time.Second},
		"limits":   {Class: wire.RateLimited, Code: "http_429", RetryAfter: 20 * time.Second},
		"limits ?": {Class: wire.RateLimited, Code: "http_429"},
		"refuses":  {Class: wire.Auth, Code: "wrong_key"},
		"hangs":    {Class: wire.Unknown, Code: "timeout"},
	} {
		for _, probes := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, probes %t", name, probes), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, echo("a", "upsert_order", "order"), echo("b", "note", "order"))
					up := time.Now().Add(4 * time.Hour)
					var sent atomic.Int64
					w.far.write = func(ctx context.Context, _ string, _ wire.Record, _ uint64) (fate, *wire.Failure) {
						sent.Add(1)
						if !time.Now().Before(up) {
							sleep(ctx, 10*time.Millisecond)
							return written, nil
						}
						if failure.Class == wire.Unknown {
							sleep(ctx, 10*time.Second)
							return lostNever, failure
						}
						return refused, failure
					}
					o := w.options()
					g := GateOptions{Concurrency: 50}
					if probes {
						g.Probe = func(context.Context) error {
							if time.Now().Before(up) {
								return failure
							}
							return nil
						}
					}
					o.Gate = newTestGate(t, g)
					r, stop := run(t, o)
					for i := range 600 {
						w.add(fmt.Sprint("key", i%150), version(uint64(i+1)))
					}
					time.Sleep(3 * time.Hour)
					if s := r.Stats(); s.Dead+s.Delivered != 0 || s.Gate.State == GateOpen || s.Gate.Failure == nil || s.Gate.Since.IsZero() {
						t.Errorf("in the outage: %+v", s)
					}
					if n := sent.Load(); probes && n > 200 && failure.Class != wire.RateLimited {
						t.Errorf("%d records were sent in an outage that a probe can see", n)
					}
					until(t, time.Hour+10*time.Minute, w.settled)
					stop()
					if s := r.Stats(); s.Delivered != 1200 || s.Dead != 0 || s.Gate.State != GateOpen {
						t.Errorf("in the end: %+v", s)
					}
				})
			})
		}
	}
}

func TestGateIsSharedByTheLanesOfASink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newTestGate(t, GateOptions{Concurrency: 12, Rate: 100, Burst: 20})
		var at, most, all atomic.Int64
		var lanes []*Runner
		var worlds []*world
		for _, source := range []string{"shop", "crm", "market"} {
			w := newWorld(t)
			w.far.write = func(ctx context.Context, _ string, _ wire.Record, _ uint64) (fate, *wire.Failure) {
				all.Add(1)
				most.Store(max(most.Load(), at.Add(1)))
				defer at.Add(-1)
				sleep(ctx, 50*time.Millisecond)
				return written, nil
			}
			o := w.options()
			o.Gate = g
			for i := range 1000 {
				w.add(fmt.Sprint(source, i))
			}
			r, stop := run(t, o)
			defer stop()
			lanes, worlds = append(lanes, r), append(worlds, w)
		}
		time.Sleep(10 * time.Second)
		if n := all.Load(); n < 990 || n > 1020 {
			t.Errorf("%d records went in 10 s at 100 a second and 20 at once", n)
		}
		for _, r := range lanes {
			if n := r.Stats().Delivered; n < 250 {
				t.Errorf("a lane got %d of 1000 places, want about a third", n)
			}
		}
		for _, w := range worlds {
			until(t, time.Minute, w.settled)
		}
		if n := most.Load(); n > 12 {
			t.Errorf("%d records were at the sink at once, 12 are allowed", n)
		}
	})
}

func TestRefusedCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		probe   bool
		operate bool
	}{
		"a probe passes":    {probe: true},
		"a record passes":   {},
		"an operator helps": {probe: true, operate: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				var key atomic.Bool
				refusal := &wire.Failure{Class: wire.Auth, Code: "wrong_key", Message: "the key is refused"}
				var sent, probes atomic.Int64
				w.far.write = func(context.Context, string, wire.Record, uint64) (fate, *wire.Failure) {
					sent.Add(1)
					if !key.Load() {
						return refused, refusal
					}
					return written, nil
				}
				var out bytes.Buffer
				g := GateOptions{Connection: "saleapp", Concurrency: 20, Logger: slog.New(slog.NewTextHandler(&out, nil))}
				if c.probe {
					g.Probe = func(context.Context) error {
						probes.Add(1)
						if key.Load() && !c.operate {
							return nil
						}
						return refusal
					}
				}
				o := w.options()
				o.Gate = newTestGate(t, g)
				_, stop := run(t, o)
				for i := range 500 {
					w.add(fmt.Sprint("key", i))
				}
				time.Sleep(3 * time.Hour)
				if s := o.Gate.Stats(); s.State != GatePaused || s.Failure != refusal || s.Sending != 0 {
					t.Errorf("gate %+v", s)
				}
				if n := probes.Load(); c.probe && (sent.Load() > 20 || n < 30 || n > 100) {
					t.Errorf("%d records and %d probes met the refusal, want what was out, and a probe each 5 min", sent.Load(), n)
				}
				key.Store(true)
				if c.operate {
					if !o.Gate.Resume() {
						t.Error("there was nothing to resume")
					}
					until(t, time.Minute, w.settled)
				}
				until(t, 8*time.Minute, w.settled)
				stop()
				if o.Gate.Resume() {
					t.Error("there is something to resume in the end")
				}
				log := out.String()
				if n := strings.Count(log, "sending is paused"); n != 1 || strings.Count(log, "sending goes on") != 1 {
					t.Errorf("the pause is logged %d times, want once, and its end:\n%s", n, log)
				}
			})
		})
	}
}

func TestStoppedByAnOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		o := w.options()
		o.Gate = newTestGate(t, GateOptions{})
		o.Gate.Stop()
		r, stop := run(t, o)
		for i := range 50 {
			w.add(fmt.Sprint("key", i), func(ev *event.Event, _ *body) { ev.Version = 1 })
		}
		time.Sleep(24 * time.Hour)
		if s := r.Stats(); s.Calls != 0 || s.Gate.State != GateStopped || s.Ready != 50 {
			t.Errorf("stats %+v", s)
		}
		o.Gate.Resume()
		until(t, time.Minute, w.settled)
		stop()
	})
}

func TestGateRefusesImpossibleBounds(t *testing.T) {
	for _, o := range []GateOptions{{Concurrency: -1}, {Rate: -1}, {Burst: -1}, {Backoff: Backoff{Initial: time.Hour, Max: time.Second}}} {
		if _, err := NewGate(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

func TestLookupsKeepToTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newTestGate(t, GateOptions{Rate: 10, Burst: 5})
		began := time.Now()
		for left := 25; left > 0; {
			n, err := g.Wait(t.Context(), min(left, 8))
			if err != nil || n < 1 || n > 5 {
				t.Fatal(n, err)
			}
			left -= n
		}
		if d := time.Since(began); d != 2*time.Second {
			t.Errorf("25 questions took %s at 10 a second after 5 at once", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := g.Wait(ctx, 50); err == nil {
			t.Error("it does not stop waiting")
		}
		if n, err := newTestGate(t, GateOptions{}).Wait(ctx, 1000); n != 1000 || err != nil {
			t.Errorf("without a rate: %d, %v", n, err)
		}
	})
}
