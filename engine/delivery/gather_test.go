package delivery

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// commitsAt notes when each commit begins, and has each take so long.
func commitsAt(w *world, took time.Duration) *[]time.Time {
	var at []time.Time
	w.commit = func(context.Context) (bool, error) {
		w.mu.Lock()
		at = append(at, time.Now())
		w.mu.Unlock()
		time.Sleep(took)
		return true, nil
	}
	return &at
}

// TestCommitsAreShared has a thousand events a second come: their outcomes share
// commits, and one that comes alone after them waits for none.
func TestCommitsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		at := commitsAt(w, 8*time.Millisecond)
		_, stop := run(t, w.options())
		for i := range 1000 {
			w.add(fmt.Sprint("key", i))
			time.Sleep(time.Millisecond)
		}
		until(t, time.Minute, w.settled)
		if n := len(*at); n < 20 || n > 35 {
			t.Errorf("1000 outcomes, one a millisecond, took %d commits", n)
		}
		time.Sleep(time.Second)
		n, began := len(*at), time.Now()
		w.add("alone")
		until(t, time.Minute, w.settled)
		if len(*at) != n+1 || (*at)[n].Sub(began) > time.Millisecond {
			t.Errorf("the outcome of one that came alone waited: %v after %s", (*at)[n:], began)
		}
		stop()
	})
}

// TestNoGatheringBeforeOthersOfTheKey checks that events which wait for those before
// them wait for nothing else (D3).
func TestNoGatheringBeforeOthersOfTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys, each, took = 50, 20, 8 * time.Millisecond
		w := newWorld(t)
		for range each {
			for key := range keys {
				w.add(fmt.Sprint("key", key))
			}
		}
		o := w.options()
		o.Journal = &fakeLane{w: w, reader: w.reader} // none was possibly sent before
		at := commitsAt(w, took)
		_, stop := run(t, o)
		until(t, time.Minute, w.settled)
		stop()
		if last := (*at)[len(*at)-1].Sub((*at)[0]); last > (each+2)*took+gatherLong {
			t.Errorf("%d events of each key, of which one a commit of %s can be stored, took %s: %v", each, took, last, w.commits)
		}
	})
}

// TestGatheringIsShortBeforeAnother checks that what is gathered is stored sooner
// when an event waits for it, while others are on their way.
func TestGatheringIsShortBeforeAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const storing = 8 * time.Millisecond
		w := newWorld(t)
		commitsAt(w, storing)
		w.far.write = func(_ context.Context, _ string, rec wire.Record, _ uint64) (fate, *wire.Failure) {
			if rec.Key != "chain" {
				time.Sleep(20 * time.Millisecond)
			}
			return written, nil
		}
		_, stop := run(t, w.options())
		for i := range 100 { // others are always on their way
			w.add(fmt.Sprint("key", i))
			time.Sleep(time.Millisecond)
		}
		const each = 20
		began := time.Now()
		var last uint64
		for range each {
			last = w.add("chain")
		}
		for i := 0; w.outcome(last, "order").Kind == ""; i++ {
			w.add(fmt.Sprint("more", i))
			time.Sleep(time.Millisecond)
		}
		// Each waits for a commit that is under way, gathering, and its own commit.
		if took := time.Since(began); took > each*(gatherShort+2*storing+2*time.Millisecond) {
			t.Errorf("a chain of %d took %s", each, took)
		}
		until(t, time.Minute, w.settled)
		stop()
	})
}
