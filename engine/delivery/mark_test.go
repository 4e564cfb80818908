package delivery

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// D4, D5: after a kill only what was at the sink is in doubt, and neither what
// waited behind it nor what the sink had refused for now.
func TestOnlyWhatWasSentIsInDoubtAfterAKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := echo("order", "create_order", "order")
		m.Repeat = wire.RepeatUnsafe
		w := newWorld(t, m)
		hang := true
		w.far.write = func(ctx context.Context, _ string, rec wire.Record, n uint64) (fate, *wire.Failure) {
			switch {
			case !hang:
				return written, nil
			case n <= 3:
				return refused, &wire.Failure{Class: wire.Transient, Code: "busy"}
			}
			<-ctx.Done()
			return lostNever, nil
		}
		o := w.options()
		o.DrainTimeout = time.Nanosecond
		o.Backoff = Backoff{Initial: time.Hour, Max: time.Hour}
		r, stop := run(t, o)
		const events = 200
		for i := range events {
			w.add(fmt.Sprint("key", i))
		}
		time.Sleep(time.Minute)
		if s := r.Stats(); s.Sending != maxUnsafe || s.Retrying != 3 {
			t.Fatalf("%d records are at the sink and %d wait, want %d and 3", s.Sending, s.Retrying, maxUnsafe)
		}
		stop()
		hang = false
		clear(w.far.busy)
		_, stop = run(t, w.options())
		until(t, time.Hour, w.settled)
		stop()
		kinds := map[event.Kind]int{}
		for n := range events {
			kinds[w.outcome(uint64(n+1), "order").Kind]++
		}
		if kinds[event.Dead] != maxUnsafe || kinds[event.Delivered] != events-maxUnsafe {
			t.Errorf("outcomes %v, want the %d that were at the sink dead and the others delivered", kinds, maxUnsafe)
		}
	})
}

// Nothing is sent while the journal takes no marks.
func TestNothingUnsafeIsSentWithoutItsMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := echo("order", "create_order", "order")
		m.Repeat = wire.RepeatUnsafe
		w := newWorld(t, m)
		up := time.Now().Add(time.Hour)
		w.mark = func() error {
			if time.Now().Before(up) {
				return errors.New("no space left")
			}
			return nil
		}
		_, stop := run(t, w.options())
		for i := range 20 {
			w.add(fmt.Sprint("key", i))
		}
		time.Sleep(30 * time.Minute)
		if len(w.far.calls) != 0 {
			t.Errorf("%d calls went out", len(w.far.calls))
		}
		until(t, time.Hour, w.settled)
		stop()
		if len(w.dead) != 0 {
			t.Errorf("dead letters: %+v", w.dead)
		}
	})
}
