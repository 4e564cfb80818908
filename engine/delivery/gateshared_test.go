package delivery

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// What another engine meets holds this one up only until a probe has told whether it
// meets the same; what it meets too ends when a probe passes, or soon after the other
// engine is well.
func TestRefusalOfAnotherEngine(t *testing.T) {
	refusal := &wire.Failure{Class: wire.Auth, Code: "wrong_key", Message: "the key is refused"}
	for name, c := range map[string]struct {
		refused, work bool
	}{
		"it is refused too, and has work": {refused: true, work: true},
		"it is refused too, and has none": {refused: true},
		"it is taken, and has work":       {work: true},
		"it is taken, and has none":       {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				var refused atomic.Bool
				refused.Store(c.refused)
				var probes, sent atomic.Int64
				w.far.write = func(context.Context, string, wire.Record, uint64) (fate, *wire.Failure) {
					sent.Add(1)
					return written, nil
				}
				o := w.options()
				o.Gate = newTestGate(t, GateOptions{Connection: "saleapp", Concurrency: 20, Probe: func(context.Context) error {
					probes.Add(1)
					if refused.Load() {
						return refusal
					}
					return nil
				}})
				if !o.Gate.Doubt("n2", refusal) || o.Gate.Doubt("n3", refusal) {
					t.Fatal("it is doubted once")
				}
				if s := o.Gate.Stats(); s.State != GatePaused || !s.Hearsay || s.Failure.Code != "wrong_key" {
					t.Errorf("doubted: %+v", s)
				}
				r, stop := run(t, o)
				if c.work {
					for i := range 50 {
						w.add(fmt.Sprint("key", i))
					}
				}
				ask := func() { o.Gate.Recheck(t.Context()) }
				time.Sleep(time.Second)
				ask()
				if probes.Load() == 0 {
					t.Error("it was not probed")
				}
				if c.refused {
					time.Sleep(time.Hour)
					if s := o.Gate.Stats(); s.State != GatePaused || s.Hearsay || s.Probed || sent.Load() != 0 {
						t.Errorf("refused: %+v, %d sent", s, sent.Load())
					}
					refused.Store(false)
					before := probes.Load()
					o.Gate.Trust() // the other one is well again
					time.Sleep(time.Second)
					ask()
					if probes.Load() == before {
						t.Error("it is not probed when the other one is well")
					}
					if s := o.Gate.Stats(); !c.work && !s.Probed {
						t.Errorf("asked: %+v", s)
					}
				}
				if c.work {
					until(t, time.Minute, func() bool { return r.Stats().Delivered == 50 })
				}
				if s := o.Gate.Stats(); (c.work || !c.refused) && s.State != GateOpen {
					t.Errorf("in the end: %+v", s)
				}
				stop()
			})
		})
	}
}

// What nobody has confirmed ends with the word that began it, where nothing could be
// asked.
func TestTrustEndsDoubt(t *testing.T) {
	g := newTestGate(t, GateOptions{Connection: "saleapp"})
	g.Trust()
	g.Doubt("n2", &wire.Failure{Class: wire.Auth, Code: "wrong_key"})
	g.Trust()
	if s := g.Stats(); s.State != GateOpen || s.Failure != nil {
		t.Errorf("trusted: %+v", s)
	}
}

// Another share of the limits gives nobody a new burst.
func TestSetKeepsWhatIsUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newTestGate(t, GateOptions{Rate: 10, Burst: 100})
		if n, err := g.Wait(t.Context(), 100); n != 100 || err != nil {
			t.Fatalf("%d %v", n, err)
		}
		for i := range 20 {
			if err := g.Set(GateOptions{Rate: 5 + float64(i%2)*5, Burst: 50 + i%2*50}); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		if n, err := g.Wait(t.Context(), 100); n != 1 || err != nil {
			t.Errorf("%d may go after other bounds were set, want 1: %v", n, err)
		}
		if took := time.Since(began); took < 90*time.Millisecond {
			t.Errorf("it may go after %s, at 10 a second", took)
		}
	})
}
