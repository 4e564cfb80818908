package delivery

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// D4: after an orderly end only what was sent without an answer is in doubt, and
// neither what never went out nor what the sink surely did not take.
func TestInDoubtAfterAnOrderlyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.far.write = func(_ context.Context, _ string, rec wire.Record, _ uint64) (fate, *wire.Failure) {
			if rec.Key == "lost" {
				return lostNever, &wire.Failure{Class: wire.Unknown}
			}
			return refused, &wire.Failure{Class: wire.Transient}
		}
		r, stop := run(t, w.options())
		w.add("refused")
		lost := w.add("lost")
		w.add("lost") // waits behind it
		time.Sleep(5 * time.Second)
		if _, ok := r.InDoubt(); ok {
			t.Error("it knows what is in doubt while it runs")
		}
		stop()
		got, ok := r.InDoubt()
		if diff := cmp.Diff([]uint64{lost}, got); diff != "" || !ok {
			t.Errorf("known: %v; in doubt (-want +got):\n%s", ok, diff)
		}
	})
}

// What is broken off at the end leaves unknown what was sent.
func TestInDoubtAfterWorkWasBrokenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.far.write = func(ctx context.Context, _ string, _ wire.Record, _ uint64) (fate, *wire.Failure) {
			<-ctx.Done()
			return lostNever, &wire.Failure{Class: wire.Unknown}
		}
		r, stop := run(t, w.options())
		w.add("slow")
		time.Sleep(time.Second)
		stop()
		if got, ok := r.InDoubt(); ok {
			t.Errorf("only %v is said to be in doubt", got)
		}
	})
}
