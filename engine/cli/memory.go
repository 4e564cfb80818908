package cli

import (
	"context"
	"os"
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
	// trimEvery is how often what is in use is looked at.
	trimEvery = 5 * time.Second
)

// trimMemory has the collector run earlier as more memory is in use, until ctx ends.
// What the environment says by GOGC or GOMEMLIMIT stands.
func trimMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	for set := 100; ; {
		metrics.Read(live)
		if live[0].Value.Kind() != metrics.KindUint64 {
			return
		}
		if percent := gcPercent(live[0].Value.Uint64()); percent != set {
			set = percent
			debug.SetGCPercent(percent)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			debug.SetGCPercent(100)
			return
		}
	}
}

// gcPercent is what GOGC is with so many bytes in use, in steps of 10.
func gcPercent(live uint64) int {
	return min(100, max(leastPercent, int(100*garbage/max(live, 1)/10*10))) //nolint:gosec // far below 2^63
}
