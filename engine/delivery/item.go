package delivery

import (
	"slices"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// state is where an item is on its way.
type state uint8

const (
	// waiting: behind another event of its key.
	waiting state = iota
	// retrying: the first of its key, until the time of its next attempt.
	retrying
	// runnable: its time has come, there is no room yet.
	runnable
	// transforming: with a worker, or on its way there.
	transforming
	// questioning: waiting for answers of lookups that its mapping needs.
	questioning
	// ready: mapped, not sent yet.
	ready
	// sending: at the sink.
	sending
	// committing: its outcome is being stored.
	committing
	// finished: all of its outcomes are stored.
	finished
	states
)

// item is an event at hand. It belongs to the state's goroutine, save while it is
// transforming, when it belongs to a worker.
type item struct {
	sequence  uint64
	eventType string
	key       string
	version   uint64
	updated   int64 // Unix nanoseconds, 0 if unknown
	// prior tells that an earlier reader may have sent it, and unsent under which
	// mappings it surely did not.
	prior  bool
	unsent []string
	// late tells that the lane had been further when it read it.
	late bool
	// stale tells that a newer event of the key was delivered.
	stale bool
	// unsure tells that the lane has to be asked for that first, and last is what it
	// says.
	unsure bool
	last   mark
	state  state
	done   map[string]event.Kind
	// replay is set for an event that repeats another, and newer for one that was
	// overtaken.
	replay *event.Replay
	newer  uint64
	// behind is the next event of the same key.
	behind *item

	// ev is the event itself, nil while it is held by its sequence alone; size is
	// what it weighs, and weighed tells that the held bodies count it.
	ev      *event.Event
	size    int
	weighed bool

	// trace is the event's, nil where it has none.
	trace *traced

	// plan is set when the event begins, step is the mapping at hand.
	plan *plan
	step int
	attempt

	// What a worker made: outcomes of mappings that send nothing, then the record
	// of the mapping at step, or why the body could not be read.
	outcomes []event.Outcome
	record   []byte
	loadErr  error
	// questions are what the mapping at hand has to know first.
	questions []mapping.Question
	// answers are known for it, open is how many are asked for, and asked why one
	// of them has no answer now.
	answers mapping.Answers
	open    int
	asked   *wire.Failure
}

// attempt is how far an item is with the mapping at hand.
type attempt struct {
	// attempts counts how often the record was sent.
	attempts int
	// loads counts in turn the failed readings of the body, asks the failed lookups.
	loads, asks int
	// sent tells that an attempt may have taken effect, and lost when it ended.
	sent bool
	lost time.Time
	// hung tells that the last attempt got no answer, and notBefore until when the
	// sink, or what it may still do, forbids another.
	hung      bool
	notBefore time.Time
	// generation and passes are the gate's when the record was sent, inDoubt that it
	// took a place for those that may hang.
	generation, passes uint64
	inDoubt            bool
	// due is the time of the next attempt, place its index in the queue of those.
	due   time.Time
	place int
	// failure is the last one, nil if there was none; tries are the last ones.
	failure *wire.Failure
	tries   []event.Try
}

func newItem(p *event.Pending) *item {
	ev := p.Event
	it := &item{
		sequence: ev.Sequence, eventType: ev.Type, key: strings.Clone(ev.Key), version: ev.Version,
		prior: p.PossiblySent, late: p.Late, unsent: p.Unsent, done: p.Done, replay: ev.Replay, ev: &ev, size: weight(&ev),
	}
	if !ev.UpdatedAt.IsZero() {
		it.updated = ev.UpdatedAt.UnixNano()
	}
	return it
}

// weight is what an event holds in memory, in bytes.
func weight(ev *event.Event) int {
	return len(ev.Record) + len(ev.Body) + len(ev.Key) + len(ev.ID) + 256
}

// mapping is the mapping at hand.
func (it *item) mapping() *Mapping { return &it.plan.mappings[it.step] }

// enter makes the mapping with index step the one at hand.
func (it *item) enter(step int, began time.Time) {
	it.step, it.answers = step, nil
	it.attempt = attempt{}
	if it.prior && step >= 0 && !slices.Contains(it.unsent, it.mapping().Name) {
		it.sent, it.lost = true, began
	}
}

// live tells whether the item counts against the window.
func (s state) live() bool {
	switch s {
	case transforming, questioning, ready, sending, committing:
		return true
	case waiting, retrying, runnable, finished, states:
	}
	return false
}

// fifo is a queue of items.
type fifo struct {
	items []*item
	head  int
}

func (q *fifo) len() int { return len(q.items) - q.head }

func (q *fifo) push(it *item) { q.items = append(q.items, it) }

func (q *fifo) pop() *item {
	it := q.items[q.head]
	q.items[q.head] = nil
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	} else if q.head > 1024 && q.head > len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	return it
}
