package delivery

import (
	"context"
	"errors"
	"log/slog"
	"slices"
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
	// unsafe tells that it must not be repeated.
	unsafe bool
	// fresh are those that nothing is known against, doubtful those whose last
	// attempt got no answer.
	fresh, doubtful fifo
}

func (o *outbox) push(operation string, it *item) {
	o.size++
	i := slices.IndexFunc(o.queues, func(q *opQueue) bool { return q.operation == operation })
	if i < 0 {
		i = len(o.queues)
		o.queues = append(o.queues, &opQueue{operation: operation})
	}
	// A connector that was replaced may say otherwise of it.
	o.queues[i].unsafe = it.mapping().Repeat == wire.RepeatUnsafe
	if it.hung {
		o.queues[i].doubtful.push(it)
	} else {
		o.queues[i].fresh.push(it)
	}
}

// underway are the calls that were begun lately. What takes long keeps no others
// waiting (D3).
type underway []*call

// callAge is for how long a call counts as begun lately.
const callAge = 2 * time.Second

// room tells whether one more call may begin, or when.
func (u *underway) room(now time.Time, most int) (ok bool, again time.Time) {
	*u = slices.DeleteFunc(*u, func(c *call) bool { return c.done || now.Sub(c.began) >= callAge })
	if len(*u) < most {
		return true, time.Time{}
	}
	return false, (*u)[0].began.Add(callAge)
}

// dispatch starts calls for what is ready: all that became ready since the last
// time shares them. It gives when more may go, where that is known.
func (r *Runner) dispatch(ctx context.Context, now time.Time) (again time.Time) {
	denied, waits := 0, false
	// What does not wait for the gate must not stand before other lanes in its queue.
	defer func() {
		if !waits {
			r.port.withdraw()
		}
	}()
	for r.outbox.size > 0 && denied < len(r.outbox.queues) {
		ok, at := r.underway.room(now, r.o.Concurrency)
		if !ok {
			return earlier(again, at)
		}
		most := min(r.o.MaxBatch, r.o.MaxInFlight-r.counts[sending])
		if most <= 0 {
			break
		}
		q := r.outbox.queues[r.outbox.turn%len(r.outbox.queues)]
		r.outbox.turn++
		doubtful, fresh := q.doubtful.len(), q.fresh.len()
		if q.unsafe {
			most = min(most, maxUnsafe-r.unsafeOut)
			if most <= 0 {
				denied++
				continue
			}
		}
		if doubtful+fresh == 0 {
			denied++
			continue
		}
		doubtful, fresh, at = r.port.take(now, doubtful, fresh, most)
		if doubtful+fresh == 0 {
			again = earlier(again, at)
			denied++
			waits = waits || r.port.waits
			continue
		}
		denied, waits = 0, false
		items := make([]*item, 0, doubtful+fresh)
		for range doubtful {
			items = append(items, q.doubtful.pop())
		}
		for range fresh {
			items = append(items, q.fresh.pop())
		}
		r.outbox.size -= len(items)
		r.begin(ctx, q.operation, items, doubtful, now)
	}
	return again
}

// begin starts calls for items, of which the first doubtful ones may hang again:
// one call, unless the records are long.
func (r *Runner) begin(ctx context.Context, operation string, items []*item, doubtful int, now time.Time) {
	for i, it := range items {
		r.port.mark(it, i < doubtful)
		it.attempts++
		r.enter(it, sending)
	}
	for len(items) > 0 {
		n, bytes := 1, len(items[0].record)
		for n < len(items) && bytes+len(items[n].record) <= maxBatchBytes {
			bytes += len(items[n].record)
			n++
		}
		c := &call{
			operation: operation, items: items[:n:n], records: make([]wire.Record, n), answered: make([]bool, n),
			inbox: r.inbox, gate: r.gate, log: r.log, timeout: r.o.CallTimeout, began: now, lease: r.o.Lease,
		}
		for i, it := range c.items {
			if m := it.mapping(); m.Repeat == wire.RepeatUnsafe {
				r.unsafeOut++
				if c.marks == nil {
					c.marks = map[string][]uint64{}
				}
				c.marks[m.Name] = append(c.marks[m.Name], it.sequence)
			}
			c.records[i] = wire.Record{
				Index: uint32(i), Key: it.key, Data: it.record, PossiblySent: it.sent,
				Traceparent: r.traceSend(it, now),
			}
		}
		items = items[n:]
		r.underway = append(r.underway, c)
		r.total.Calls++
		r.tasks.Go(func() { c.run(ctx, r.o.Sink, r.o.Journal) })
	}
}

// call is one call to the sink.
type call struct {
	operation string
	items     []*item
	records   []wire.Record
	inbox     *inbox
	gate      *Gate
	log       *slog.Logger
	timeout   time.Duration
	began     time.Time
	// marks are the events, by mapping, that must be marked before they are sent.
	marks map[string][]uint64
	lease Lease
	// done is the loop's.
	done bool

	mu       sync.Mutex
	answered []bool
	over     bool
	silence  *time.Timer
	// heard is when its last result came.
	heard time.Time
}

// maxUnsafe bounds the records of a lane that are at the sink at once by operations
// that must not be repeated: so many are in doubt at most when the engine is killed.
const maxUnsafe = 16

// longSilence is how many times longer than the sink as a whole a call may be silent:
// its records may wait at the sink behind others that take long.
const longSilence = 10

// run makes the call. Every item has its result when it returns.
func (c *call) run(ctx context.Context, sink Sink, journal Lane) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for mapping, sequences := range c.marks {
		if err := guard(func() error { return journal.Mark(ctx, mapping, sequences) }); err != nil {
			c.end(&wire.Failure{Class: wire.Transient, Code: "not_marked", Message: "the journal does not take the mark that it is sent: " + err.Error()})
			return
		}
	}
	// Asked last of all: from here on it is sent (D3).
	ctx, release, err := within(ctx, c.lease)
	if err != nil {
		c.end(&wire.Failure{Class: wire.Transient, Code: "lease_lost", Message: err.Error()})
		return
	}
	defer release()
	c.mu.Lock()
	c.heard = time.Now()
	c.silence = time.AfterFunc(c.timeout, func() { c.waited(cancel) })
	c.mu.Unlock()
	defer c.silence.Stop()

	err = guard(func() error {
		return sink.Write(ctx, c.operation, c.records, c.answer)
	})
	if p, ok := errors.AsType[*panicError](err); ok {
		c.log.ErrorContext(ctx, "sink panicked", "operation", c.operation, "panic", p.value, "stack", string(p.stack))
	}
	if err == nil {
		err = errors.New("the sink gave no result")
	}
	c.end(&wire.Failure{Class: wire.Unknown, Code: "no_result", Message: err.Error()})
}

// waited breaks the call off when nothing came for too long.
func (c *call) waited(cancel context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	silent := min(now.Sub(c.heard), c.gate.silent(now))
	if silent >= c.timeout || now.Sub(c.heard) >= longSilence*c.timeout {
		cancel()
		return
	}
	c.silence.Reset(c.timeout - silent)
}

func (c *call) answer(res wire.WriteResult) {
	c.mu.Lock()
	i := int(res.Index)
	if c.over || i >= len(c.items) || c.answered[i] {
		c.mu.Unlock()
		return
	}
	c.answered[i] = true
	c.heard = time.Now()
	c.mu.Unlock()
	c.inbox.put(func(m *mail) {
		m.results = append(m.results, result{it: c.items[i], WriteResult: res, at: time.Now()})
	})
}

// end gives the items without a result a failure; once they were handed over, that
// they were possibly written (D5).
func (c *call) end(f *wire.Failure) {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	now := time.Now()
	c.inbox.put(func(m *mail) {
		for i, ok := range c.answered {
			if !ok {
				m.results = append(m.results, result{it: c.items[i], at: now, WriteResult: wire.WriteResult{Failure: f}})
			}
		}
		m.ended = append(m.ended, c)
	})
}
