package run

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// garbage is how much of it may gather between two collections where as much or
	// less is in use, in bytes: most of what a backlog takes is numbers that a collector
	// need not look at, and twice of that would be memory for nothing.
	garbage = 32 << 20
	// leastPercent is how much may gather in any case, in percent of what is in use.
	leastPercent = 30
	// trimEvery is how often what was allocated is looked at.
	trimEvery = 5 * time.Second

	// calm is how much is allocated between two looks, in bytes, while little happens:
	// what some 100 orders a second take.
	calm = 16 << 20
	// worth is how much must have been allocated, in bytes, for memory to be given back.
	worth = 24 << 20
	// trims is how often it is given back then. The journal's blocks, of 8 MiB each, go
	// with the third collection: the first takes them from its cache, and what is
	// pooled outlives one more.
	trims = 4
)

// trimMemory has the collector run earlier as more memory is in use, and gives back to
// the system what a burst took once it is over, until ctx ends. What the environment
// says by GOGC or GOMEMLIMIT stands.
func trimMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	in := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(in)
	for _, s := range in {
		if s.Value.Kind() != metrics.KindUint64 {
			return
		}
	}
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	// A burst takes what it takes within a second: what is in use is looked at as
	// soon as it is known.
	collected := collections(ctx)
	var t trimmer
	for set := 100; ; {
		metrics.Read(in[:1])
		if percent := gcPercent(in[0].Value.Uint64()); percent != set {
			set = percent
			debug.SetGCPercent(percent)
		}
		select {
		case <-collected:
		case <-tick.C:
			if metrics.Read(in[1:]); t.due(in[1].Value.Uint64()) {
				debug.FreeOSMemory()
			}
		case <-ctx.Done():
			debug.SetGCPercent(100)
			return
		}
	}
}

// canary is what a collection finds to be in nobody's use. It holds a pointer, so that
// it does not share its memory with something that is.
type canary struct{ _ *canary }

// collections gives a channel that has something after each collection, until ctx ends.
func collections(ctx context.Context) <-chan struct{} {
	collected := make(chan struct{}, 1)
	var wait func()
	wait = func() {
		runtime.AddCleanup(&canary{}, func(struct{}) {
			if ctx.Err() == nil {
				wait()
			}
			select {
			case collected <- struct{}{}:
			default:
			}
		}, struct{}{})
	}
	wait()
	return collected
}

// gcPercent is what GOGC is with so many bytes in use, in steps of 10.
func gcPercent(live uint64) int {
	return min(100, max(leastPercent, int(100*garbage/max(live, 1)/10*10))) //nolint:gosec // far below 2^63
}

// trimmer tells when memory is to be given back: a burst leaves in the heap what it
// needed, where without another one nothing takes it out for minutes.
type trimmer struct {
	// last is what had been allocated by the last look, and from what by the last time
	// that memory was given back in full.
	last, from uint64
	// done is how often it was since.
	done int
}

// due is told at each look how many bytes have ever been allocated.
func (t *trimmer) due(allocated uint64) bool {
	since := allocated - t.last
	t.last = allocated
	if since > calm {
		t.done = 0
		return false
	}
	if t.done == 0 && allocated-t.from < worth {
		return false
	}
	t.from = allocated
	t.done = (t.done + 1) % trims
	return true
}
