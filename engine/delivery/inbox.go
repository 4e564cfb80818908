package delivery

import (
	"sync"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// inbox is where the goroutines that work for the state leave what they have.
// What arrives together is handled together, and so shares calls and commits.
type inbox struct {
	wake chan struct{}
	mu   sync.Mutex
	mail mail
}

type mail struct {
	// read are events from the journal; idle tells that the reader wants an order.
	read []event.Pending
	idle bool
	// broken is why the lane cannot be read any more.
	broken error
	// mapped are items that a worker is done with.
	mapped []*item
	// results are the sink's; ended are the calls that have ended.
	results []result
	ended   []*call
	// answers are lookups'; called are the queues whose calls have ended.
	answers []answer
	called  []*lookupQueue
	// stored are items whose outcomes are stored.
	stored []*item
}

// result is what became of an item's record.
type result struct {
	it *item
	wire.WriteResult
	at time.Time
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// put lets fill add to the mail.
func (b *inbox) put(fill func(*mail)) {
	b.mu.Lock()
	fill(&b.mail)
	b.mu.Unlock()
	b.poke()
}

// poke has the loop look, though there is nothing for it.
func (b *inbox) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take gives the mail and has spare, which was taken before, filled next.
func (b *inbox) take(spare mail) mail {
	clear(spare.read)
	clear(spare.mapped)
	clear(spare.results)
	clear(spare.stored)
	clear(spare.answers)
	clear(spare.called)
	clear(spare.ended)
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.mail
	b.mail = mail{
		read: spare.read[:0], mapped: spare.mapped[:0], results: spare.results[:0], stored: spare.stored[:0],
		answers: spare.answers[:0], called: spare.called[:0], ended: spare.ended[:0],
	}
	return m
}
