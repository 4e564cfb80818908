package delivery

import (
	"context"
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
// Where several came together, the next ones are given time to gather: a commit by
// itself costs as much as some fifty outcomes.
type committer struct {
	journal Lane
	inbox   *inbox
	health  *health
	wake    chan struct{}
	// rush ends the gathering of entries.
	rush   chan struct{}
	tracer *tracing.Tracer

	mu    sync.Mutex
	queue []entry
	// open counts what is not stored yet.
	open int
	// pressing tells that an event waits for an entry of the queue, patient that what
	// was gathered has waited for gatherShort.
	pressing, patient bool

	outcomes []event.Outcome
	dead     []event.DeadLetter
	done     []uint64
}

func (c *committer) put(e entry) {
	c.mu.Lock()
	c.queue = append(c.queue, e)
	c.open++
	if e.it != nil && e.it.behind != nil {
		c.pressing = true
	}
	hasten := len(c.queue) == enough || c.pressing && c.patient
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	if hasten {
		c.hasten()
	}
}

// hasten has what was gathered be stored now: nothing more comes before that is.
func (c *committer) hasten() {
	select {
	case c.rush <- struct{}{}:
	default:
	}
}

// pending gives how many entries are not stored yet.
func (c *committer) pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

const (
	// gatherShort bounds how long entries wait for others to share a commit with while
	// another event waits for one of them, gatherLong while none does: what was sent
	// is with the sink already, and only the next of its key waits for the commit.
	gatherShort = 10 * time.Millisecond
	gatherLong  = 30 * time.Millisecond
	// enough is how many entries wait for no others.
	enough = maxCommit / 2
)

func (c *committer) run(ctx context.Context) {
	var taken []entry
	several, took := false, time.Duration(0)
	for {
		if several && !c.gather(ctx, min(took, gatherShort)) {
			return
		}
		clear(taken)
		c.mu.Lock()
		taken, c.queue = c.queue, taken[:0]
		c.pressing, c.patient = false, false
		c.mu.Unlock()
		if len(taken) == 0 {
			several = false
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
			select {
			case <-c.rush: // others come now, after these
			default:
			}
			c.tell(batch)
		}
		several, took = len(taken) > 1, time.Since(began)
	}
}

// gather waits until enough has come: for short, and until gatherLong is over unless an
// event waits for what came. It gives false if ctx ends before.
func (c *committer) gather(ctx context.Context, short time.Duration) bool {
	t := time.NewTimer(short)
	defer t.Stop()
	for _, more := range []time.Duration{gatherLong - short, 0} {
		c.mu.Lock()
		over := len(c.queue) >= enough || c.patient && c.pressing
		c.mu.Unlock()
		if over {
			return true
		}
		select {
		case <-t.C:
		case <-c.rush:
			return true
		case <-ctx.Done():
			return false
		}
		c.mu.Lock()
		c.patient = true
		c.mu.Unlock()
		t.Reset(more)
	}
	return true
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
