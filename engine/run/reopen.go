package run

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// reopenEvery is how often it is looked whether a lane has been opened again.
const reopenEvery = 20 * time.Millisecond

// reopen has a lane opened again, if it is open, and waits until that is so: what it
// has at hand is finished, as at an orderly end. On a cluster it does not wait.
func (e *engine) reopen(ctx context.Context, id event.Lane) error {
	i := slices.IndexFunc(e.lanes, func(l *lane) bool { return l.Lane == id })
	if i < 0 {
		return nil
	}
	l := e.lanes[i]
	before := l.runner.Load()
	l.mu.Lock()
	l.reopenLocked()
	l.mu.Unlock()
	if before == nil {
		return nil // on a cluster, where its partitions are opened one by one, or before it runs
	}
	tick := time.NewTicker(reopenEvery)
	defer tick.Stop()
	for l.runner.Load() == before {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("open lane %s to %s again: %w", id.Source, id.Sink, ctx.Err())
		}
	}
	return nil
}
