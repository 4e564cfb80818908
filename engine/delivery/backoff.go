package delivery

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff is an exponential wait with jitter.
type Backoff struct {
	// Initial is the shortest wait (1 s) and Max the longest (5 min).
	Initial, Max time.Duration
}

// journalBackoff is how long to wait for a journal that does not answer. It is on
// the same machine or near, so the waits are short.
var journalBackoff = Backoff{Initial: 100 * time.Millisecond, Max: 10 * time.Second}

// after gives the wait after the nth failure in turn, n from 1: the doubled
// Initial, spread from half to one and a half of it, and within Initial and Max.
func (b Backoff) after(n int) time.Duration {
	d := b.Max
	if shift := max(n-1, 0); shift < 40 {
		if e := b.Initial << shift; e > 0 && e>>shift == b.Initial {
			d = min(e, b.Max)
		}
	}
	low, high := max(b.Initial, d/2), min(b.Max, d+d/2)
	if high <= low {
		return low
	}
	return low + rand.N(high-low+1) //nolint:gosec // spreads retries; nothing rests on its being unguessable
}

// sleep waits for d and gives false if ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
