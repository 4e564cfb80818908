package delivery

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// maxBatchBytes bounds the records of one call, so that it stays well within the
// 64 MiB of a message; a single record may be longer.
const maxBatchBytes = 8 << 20

// outbox is the records that are ready to be sent, by operation.
type outbox struct {
	queues []*opQueue
	size   int
	// turn is the queue that is asked first.
	turn int
}

type opQueue struct {
	operation string
	items     fifo
}

func (o *outbox) push(operation string, it *item) {
	o.size++
	for _, q := range o.queues {
		if q.operation == operation {
			q.items.push(it)
			return
		}
	}
	q := &opQueue{operation: operation}
	q.items.push(it)
	o.queues = append(o.queues, q)
}

// next gives the queue whose turn it is, nil if all are empty.
func (o *outbox) next() *opQueue {
	for i := range o.queues {
		at := (o.turn + i) % len(o.queues)
		if o.queues[at].items.len() > 0 {
			o.turn = (at + 1) % len(o.queues)
			return o.queues[at]
		}
	}
	return nil
}

// dispatch starts calls for what is ready: all that became ready since the last
// time shares them.
func (r *Runner) dispatch(ctx context.Context, now time.Time) {
	for r.calls < r.o.Concurrency && r.outbox.size > 0 {
		q := r.outbox.next()
		want := min(q.items.len(), r.o.MaxBatch)
		room := r.o.MaxInFlight - r.counts[sending]
		if room < want && room < r.o.MaxInFlight/4 {
			return // the sink has enough; a call for each few would only cost
		}
		n := r.gate.room(now, min(want, room))
		if n <= 0 {
			return
		}
		c := &call{
			operation: q.operation, items: make([]*item, 0, n), records: make([]wire.Record, 0, n),
			inbox: r.inbox, log: r.log, timeout: r.o.CallTimeout,
		}
		for bytes := 0; len(c.items) < n; {
			it := q.items.items[q.items.head]
			if bytes += len(it.record); bytes > maxBatchBytes && len(c.items) > 0 {
				break
			}
			q.items.pop()
			r.outbox.size--
			r.gate.sent(it)
			it.attempts++
			r.enter(it, sending)
			c.records = append(c.records, wire.Record{
				Index: uint32(len(c.items)), //nolint:gosec // at most MaxBatch
				Key:   it.key, Data: it.record, PossiblySent: it.sent,
			})
			c.items = append(c.items, it)
		}
		c.answered = make([]bool, len(c.items))
		r.calls++
		r.total.Calls++
		r.tasks.Go(func() { c.run(ctx, r.o.Sink) })
	}
}

// call is one call to the sink.
type call struct {
	operation string
	items     []*item
	records   []wire.Record
	inbox     *inbox
	log       *slog.Logger
	timeout   time.Duration

	mu       sync.Mutex
	answered []bool
	over     bool
}

// run makes the call. Every item has its result when it returns.
func (c *call) run(ctx context.Context, sink Sink) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(c.timeout, cancel)
	defer silence.Stop()

	err := guard(func() error {
		return sink.Write(ctx, c.operation, c.records, func(res wire.WriteResult) {
			silence.Reset(c.timeout)
			c.answer(res)
		})
	})
	if p, ok := errors.AsType[*panicError](err); ok {
		c.log.ErrorContext(ctx, "sink panicked", "operation", c.operation, "panic", p.value, "stack", string(p.stack))
	}
	if err == nil {
		err = errors.New("the sink gave no result")
	}
	c.end(err)
}

func (c *call) answer(res wire.WriteResult) {
	c.mu.Lock()
	i := int(res.Index)
	if c.over || i >= len(c.items) || c.answered[i] {
		c.mu.Unlock()
		return
	}
	c.answered[i] = true
	c.mu.Unlock()
	c.inbox.put(func(m *mail) {
		m.results = append(m.results, result{it: c.items[i], WriteResult: res, at: time.Now()})
	})
}

// end gives the items without a result the failure that they were possibly
// written (D5).
func (c *call) end(err error) {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	now := time.Now()
	c.inbox.put(func(m *mail) {
		for i, ok := range c.answered {
			if !ok {
				m.results = append(m.results, result{it: c.items[i], at: now, WriteResult: wire.WriteResult{
					Failure: &wire.Failure{Class: wire.Unknown, Code: "no_result", Message: err.Error()},
				}})
			}
		}
		m.ended++
	})
}
