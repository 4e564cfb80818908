package delivery

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/tracing"
)

// entry is something to be stored: an outcome, an acknowledgement, or both.
type entry struct {
	outcome event.Outcome // its Kind is "" if there is none
	// dead is the event of a dead letter, nil for another outcome.
	dead *event.Event
	// done is the sequence to acknowledge, 0 if more outcomes are to come.
	done uint64
	// it is told when this is stored; may be nil.
	it *item
	// trace is the event's, nil where it has none.
	trace *traced
}

// committer stores entries in the order they came. What came while it stored the
// last ones goes into the next commit, and so what comes together shares an fsync.
// Where several came together, the next ones are given as long again to gather.
type committer struct {
	journal Lane
	inbox   *inbox
	health  *health
	wake    chan struct{}
	tracer  *tracing.Tracer

	mu    sync.Mutex
	queue []entry
	// open counts what is not stored yet.
	open int

	outcomes []event.Outcome
	dead     []event.DeadLetter
	done     []uint64
}

func (c *committer) put(e entry) {
	c.mu.Lock()
	c.queue = append(c.queue, e)
	c.open++
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// pending gives how many entries are not stored yet.
func (c *committer) pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

// maxGather bounds how long entries wait for others to share a commit with.
const maxGather = 10 * time.Millisecond

func (c *committer) run(ctx context.Context) {
	var taken []entry
	var gather time.Duration
	for {
		if gather > 0 && !c.hurry() && !sleep(ctx, gather) {
			return
		}
		clear(taken)
		c.mu.Lock()
		taken, c.queue = c.queue, taken[:0]
		c.mu.Unlock()
		if len(taken) == 0 {
			select {
			case <-c.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		began := time.Now()
		for batch := range slices.Chunk(taken, maxCommit) {
			if !c.store(ctx, batch) {
				return
			}
			c.tell(batch)
		}
		gather = 0
		if len(taken) > 1 {
			gather = min(time.Since(began), maxGather)
		}
	}
}

// hurry tells whether there is enough for a commit already.
func (c *committer) hurry() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue) >= maxCommit/2
}

// tell has the items of a stored batch go on.
func (c *committer) tell(batch []entry) {
	if c.tracer.On() {
		now := time.Now()
		for i := range batch {
			c.traceOutcome(&batch[i], now)
		}
	}
	c.mu.Lock()
	c.open -= len(batch)
	c.mu.Unlock()
	c.inbox.put(func(m *mail) {
		for i := range batch {
			if batch[i].it != nil {
				m.stored = append(m.stored, batch[i].it)
			}
		}
	})
}

// store commits a batch, however often that takes, and gives false if ctx ended
// before it was stored (D2).
func (c *committer) store(ctx context.Context, batch []entry) bool {
	c.outcomes, c.dead, c.done = c.outcomes[:0], c.dead[:0], c.done[:0]
	for i := range batch {
		e := &batch[i]
		if e.outcome.Kind != "" {
			c.outcomes = append(c.outcomes, e.outcome)
		}
		if e.dead != nil {
			c.dead = append(c.dead, event.DeadLetter{Event: *e.dead, Outcome: e.outcome})
		}
		if e.done != 0 {
			c.done = append(c.done, e.done)
		}
	}
	for {
		err := guard(func() error { return c.journal.Commit(ctx, c.outcomes, c.dead, c.done) })
		if err == nil {
			c.health.worked(ctx)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		c.health.report(ctx, err)
		if !sleep(ctx, journalBackoff.after(c.health.failed(ctx, err))) {
			return false
		}
	}
}

// report logs the stack of a panic, which the change of state alone would hide.
func (h *health) report(ctx context.Context, err error) {
	if p, ok := errors.AsType[*panicError](err); ok {
		h.log.ErrorContext(ctx, h.what+" panicked", "panic", p.value, "stack", string(p.stack))
	}
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
