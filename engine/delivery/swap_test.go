package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// edition is a mapping whose records name its version, as its digest does.
func edition(name string, v int) Mapping {
	m := echo(name, "upsert_order", "order")
	m.SHA256 = fmt.Sprintf("sha-%s-%d", name, v)
	plain := m.Map
	m.Map = func(ev *mapping.Event, buf []byte) (mapping.Result, error) {
		res, err := plain(ev, buf)
		if err == nil && !res.Skipped {
			res.Record = fmt.Appendf(res.Record[:len(res.Record)-1], `,"sha":%q}`, m.SHA256)
		}
		return res, err
	}
	return m
}

// TestD7SwapUnderLoad swaps mappings fifty times while events flow and fail: the
// world sees to it that none is lost, doubled or out of order, and each outcome names
// the version that made its record.
func TestD7SwapUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(3, 5))
		w := newWorld(t, edition("a", 0), edition("b", 0))
		w.far.write = func(context.Context, string, wire.Record, uint64) (fate, *wire.Failure) {
			time.Sleep(rand.N(20 * time.Millisecond))
			switch rand.N(20) {
			case 0:
				return refused, &wire.Failure{Class: wire.Transient, Code: "busy"}
			case 1:
				return lostLate, &wire.Failure{Class: wire.Unknown, Code: "lost"}
			}
			return written, nil
		}
		r, stop := run(t, w.options())
		for v := range 50 {
			for range 40 {
				what := "send"
				if rnd.IntN(10) == 0 {
					what = "skip"
				}
				w.add(fmt.Sprint(rnd.IntN(30)), do("a", what))
				time.Sleep(time.Millisecond)
			}
			if err := r.Swap([]Mapping{edition("b", v+1), edition("a", v+1)}, Backoff{Initial: time.Second, Max: time.Minute}); err != nil {
				t.Fatal(err)
			}
		}
		until(t, 24*time.Hour, w.settled)
		stop()
		versions := map[string]int{}
		for n := range w.events {
			for _, name := range []string{"a", "b"} {
				o := w.outcome(uint64(n+1), name)
				versions[o.MappingSHA256]++
				if o.Kind == event.Skipped {
					continue
				}
				var sent struct{ Sha string }
				if err := json.Unmarshal(o.Sent, &sent); err != nil || sent.Sha != o.MappingSHA256 {
					t.Fatalf("event %d: the outcome names %s, and %s was sent", n+1, o.MappingSHA256, o.Sent)
				}
			}
		}
		if len(versions) < 50 {
			t.Errorf("%d versions made outcomes, want most of 102", len(versions))
		}
	})
}

// An event keeps the version that it began with over its mappings; one that failed
// goes through the new one, with what is known of its attempts.
func TestSwapOfWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, edition("a", 1), edition("b", 1))
		var broken atomic.Bool
		broken.Store(true)
		w.far.write = func(_ context.Context, _ string, rec wire.Record, _ uint64) (fate, *wire.Failure) {
			time.Sleep(time.Second)
			if broken.Load() && rec.Key == "failing" {
				return lostNever, &wire.Failure{Class: wire.Unknown}
			}
			return written, nil
		}
		r, stop := run(t, w.options())
		w.add("failing")
		w.add("going")
		time.Sleep(1500 * time.Millisecond) // the second is at the sink under b
		if err := r.Swap([]Mapping{edition("a", 2), edition("b", 2), edition("c", 2)}, Backoff{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		broken.Store(false)
		w.mu.Lock()
		w.mappings = append(w.mappings, edition("c", 2)) // from here on
		w.mu.Unlock()
		until(t, time.Hour, w.settled)
		stop()
		for _, want := range []string{"1 a sha-a-2", "1 b sha-b-2", "1 c sha-c-2", "2 a sha-a-1", "2 b sha-b-1"} {
			var n uint64
			var name, sha string
			if _, err := fmt.Sscan(want, &n, &name, &sha); err != nil {
				t.Fatal(err)
			}
			if got := w.outcome(n, name).MappingSHA256; got != sha {
				t.Errorf("event %d under %s: made by %s, want %s", n, name, got, sha)
			}
		}
		if o := w.outcome(1, "a"); o.Attempts < 2 || len(o.Tries) != o.Attempts-1 {
			t.Errorf("the attempts of before are forgotten: %+v", o)
		}
	})
}

// A mapping that is gone ends what it began, and wants nothing else.
func TestSwapTakesAMappingAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, edition("a", 1), edition("b", 1))
		w.far.write = func(context.Context, string, wire.Record, uint64) (fate, *wire.Failure) {
			time.Sleep(time.Second)
			return written, nil
		}
		r, stop := run(t, w.options())
		for range 3 {
			w.add("A")
		}
		time.Sleep(500 * time.Millisecond)
		w.mu.Lock()
		w.mappings = w.mappings[:1]
		w.mu.Unlock()
		if err := r.Swap([]Mapping{edition("a", 1)}, Backoff{}); err != nil {
			t.Fatal(err)
		}
		until(t, time.Hour, w.settled)
		stop()
		for n, want := range map[uint64][]string{1: {"a", "b"}, 2: {"a"}, 3: {"a"}} {
			got := []string{}
			for name := range w.outcomes[n] {
				got = append(got, name)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("event %d has outcomes under %v, want %v", n, got, want)
			}
		}
	})
}

func TestSwapRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		unsafe := edition("create", 1)
		unsafe.Repeat = wire.RepeatUnsafe
		w := newWorld(t, edition("a", 1), unsafe)
		r, stop := run(t, w.options())
		safe, other := edition("create", 2), edition("other", 1)
		other.Repeat = wire.RepeatUnsafe
		for name, ms := range map[string][]Mapping{
			"one that must be marked":    {edition("a", 2), unsafe, other},
			"one that is marked no more": {edition("a", 2), safe},
		} {
			if err := r.Swap(ms, Backoff{}); !errors.Is(err, ErrReopen) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := r.Swap([]Mapping{edition("a", 2), edition("a", 3)}, Backoff{}); err == nil || !strings.Contains(err.Error(), "two mappings are named a") {
			t.Errorf("%v", err)
		}
		if err := r.Swap(w.mappings, Backoff{Initial: time.Hour, Max: time.Second}); err == nil {
			t.Error("took a backoff that cannot be")
		}
		w.add("A")
		until(t, time.Hour, w.settled)
		if got := w.outcome(1, "a").MappingSHA256; got != "sha-a-1" {
			t.Errorf("after refusals %s runs", got)
		}
		next := edition("create", 3)
		next.Repeat = wire.RepeatUnsafe
		if err := r.Swap([]Mapping{edition("a", 2), next}, Backoff{}); err != nil {
			t.Error(err)
		}
		w.add("A")
		until(t, time.Hour, w.settled)
		stop()
		if got := w.outcome(2, "create").MappingSHA256; got != "sha-create-3" {
			t.Errorf("%s made it", got)
		}
	})
}

// A gate's bounds change while it is in use; what is at the sink counts.
func TestGateSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var at, most atomic.Int64
		w.far.write = func(context.Context, string, wire.Record, uint64) (fate, *wire.Failure) {
			for n, m := at.Add(1), most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Second)
			at.Add(-1)
			return written, nil
		}
		o := w.options()
		o.Gate = newTestGate(t, GateOptions{Connection: "saleapp", Concurrency: 50})
		r, stop := run(t, o)
		for i := range 400 {
			w.add(fmt.Sprint(i))
		}
		time.Sleep(1500 * time.Millisecond)
		if n := most.Load(); n != 50 {
			t.Errorf("%d were at the sink, want 50", n)
		}
		if err := o.Gate.Set(GateOptions{Concurrency: -1}); err == nil || !strings.Contains(err.Error(), "saleapp") {
			t.Errorf("took a bound that cannot be: %v", err)
		}
		if err := o.Gate.Set(GateOptions{Concurrency: 10}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		most.Store(0)
		time.Sleep(3 * time.Second)
		if n := most.Load(); n != 10 {
			t.Errorf("%d were at the sink, want 10", n)
		}
		if err := o.Gate.Set(GateOptions{Concurrency: 50, Rate: 20, Burst: 1}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		before := r.Stats().Delivered
		time.Sleep(5 * time.Second)
		if n := r.Stats().Delivered - before; n < 90 || n > 110 {
			t.Errorf("%d in 5 s, want 20 a second", n)
		}
		if err := o.Gate.Set(GateOptions{Concurrency: 50}); err != nil {
			t.Fatal(err)
		}
		until(t, 10*time.Second, w.settled)
		stop()
	})
}
