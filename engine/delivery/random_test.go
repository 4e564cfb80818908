package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// TestPromisesD2D3D4D5 runs random schedules: failures of every class, lost
// answers that take effect late, slow and failing commits, kills and clean ends.
// The world watches the promises.
func TestPromisesD2D3D4D5(t *testing.T) {
	seeds := 150
	if testing.Short() {
		seeds = 30
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { chances(t, uint64(seed)) })
		})
	}
}

// chance is a source of chance for several goroutines.
type chance struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func (c *chance) n(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rng.IntN(n)
}

func (c *chance) up(d time.Duration) time.Duration { return time.Duration(c.n(int(d))) }

func chances(t *testing.T, seed uint64) {
	luck := &chance{rng: rand.New(rand.NewPCG(seed, 7))}
	mappings := []Mapping{
		echo("a", "upsert_order", "order", "payment"),
		echo("b", "upsert_order", "payment"),
		echo("c", "delete_order", "deletion", "order"),
	}
	unsafe := seed%3 == 0
	if unsafe {
		mappings[2].Repeat = wire.RepeatUnsafe
	}
	w := newWorld(t, mappings...)
	trouble := luck.n(40) // in percent
	w.far.write = func(ctx context.Context, _ string, _ wire.Record, _ uint64) (fate, *wire.Failure) {
		if d := luck.up(200 * time.Millisecond); luck.n(3) > 0 && !sleep(ctx, d) {
			if luck.n(2) == 0 {
				return lostLate, nil
			}
			return lostNever, nil
		}
		if luck.n(100) >= trouble {
			return written, nil
		}
		switch luck.n(8) {
		case 0, 1:
			return refused, &wire.Failure{Class: wire.Transient, Code: "busy"}
		case 2:
			return refused, &wire.Failure{Class: wire.RateLimited, RetryAfter: luck.up(3 * time.Second)}
		case 3:
			return refused, &wire.Failure{Class: wire.Auth, Code: "key_expired"}
		case 4, 5:
			return lostLate, &wire.Failure{Class: wire.Unknown, Code: "timeout"}
		case 6:
			return lostNever, &wire.Failure{Class: wire.Unknown, Code: "timeout"}
		default:
			return refused, &wire.Failure{Class: wire.Invalid, Code: "bad_phone", Path: "phone"}
		}
	}
	w.commit = func(ctx context.Context) (bool, error) {
		if luck.n(4) == 0 {
			sleep(ctx, luck.up(50*time.Millisecond))
		}
		if luck.n(10) == 0 {
			return luck.n(2) == 0, errors.New("the journal does not answer")
		}
		return true, nil
	}
	types := []string{"order", "payment", "deletion", "unwanted"}
	count, spread := 50+luck.n(200), 1+luck.n(30)
	accept := func(i int) {
		w.add(fmt.Sprintf("key%d", luck.n(spread)), func(ev *event.Event, b *body) {
			ev.Type = types[luck.n(len(types))]
			if n := luck.n(30); n < 4 {
				b.Do = map[string]string{"a": []string{"skip", "fail", "panic", "skip"}[n], "b": "skip"}
			}
			if seed%2 == 0 {
				ev.Version = uint64(max(1, i+luck.n(3)-1))
			}
		})
	}
	before := luck.n(count)
	for i := range before {
		accept(i)
	}
	var coming sync.WaitGroup
	coming.Go(func() { // the others come while the runners run
		for i := before; i < count; i++ {
			time.Sleep(luck.up(500 * time.Millisecond))
			accept(i)
		}
	})

	for kills := luck.n(5); kills > 0; kills-- {
		o := tight(luck, w.options())
		if luck.n(2) == 0 {
			o.DrainTimeout = time.Nanosecond
		}
		_, stop := run(t, o)
		time.Sleep(luck.up(20 * time.Second))
		stop()
		w.mu.Lock()
		w.reader++ // what the stopped one may still do is without effect
		clear(w.far.busy)
		w.mu.Unlock()
	}
	r, stop := run(t, tight(luck, w.options()))
	coming.Wait()
	until(t, 24*time.Hour, w.settled)
	stop()
	if s := r.Stats(); s.AtHand() != 0 || s.BodyBytes != 0 || len(r.keys.queues) != 0 || s.Finished+s.Unwanted != s.Read {
		t.Errorf("something is left at the end: %+v", s)
	}
	time.Sleep(testSettle) // for late writes
	for _, ev := range w.events {
		for _, m := range w.mappings {
			o, ok := w.outcomes[ev.Sequence][m.Name]
			wants := false
			for _, typ := range m.Types {
				wants = wants || typ == ev.Type
			}
			if ok != wants {
				t.Errorf("D2: event %d (%s) under %s has an outcome: %t", ev.Sequence, ev.Type, m.Name, ok)
			}
			if o.Kind == event.Dead && o.Reason.Class == classInDoubt && m.Repeat != wire.RepeatUnsafe {
				t.Errorf("D4: event %d is in doubt, and may be repeated", ev.Sequence)
			}
		}
	}
	for key, n := range w.far.created {
		if n > 1 {
			t.Errorf("D5: key %s was created %d times", key, n)
		}
	}
}

// tight makes the bounds so small that they are met.
func tight(luck *chance, o Options) Options {
	o.MaxBatch = 1 + luck.n(16)
	o.MaxInFlight = 1 + luck.n(40)
	o.Concurrency = 1 + luck.n(8)
	o.Workers = 1 + luck.n(3)
	o.MaxHeld = 2 + luck.n(400)
	o.BodyBudget = 1 + luck.n(20_000)
	o.Backoff = Backoff{Initial: 100 * time.Millisecond, Max: time.Minute}
	return o
}
