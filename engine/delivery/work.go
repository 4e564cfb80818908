package delivery

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/tracing"
)

// pool is the items that wait for a worker.
type pool struct {
	mu     sync.Mutex
	some   sync.Cond
	items  fifo
	closed bool
}

// maxTake bounds the items that a worker takes at once.
const maxTake = 16

func newPool() *pool {
	p := &pool{}
	p.some.L = &p.mu
	return p
}

func (p *pool) put(it *item) {
	p.mu.Lock()
	p.items.push(it)
	p.mu.Unlock()
	p.some.Signal()
}

// take waits for items and gives a share of them, nil once the pool is closed.
func (p *pool) take(into []*item, workers int) []*item {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.items.len() == 0 && !p.closed {
		p.some.Wait()
	}
	if p.closed {
		return nil
	}
	for range max(1, min(p.items.len()/workers, maxTake)) {
		into = append(into, p.items.pop())
	}
	return into
}

func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.some.Broadcast()
}

// worker maps items: it is the part of the work that costs processor time.
type worker struct {
	lane    event.Lane
	journal Lane
	log     *slog.Logger
	pool    *pool
	inbox   *inbox
	workers int
	answers *AnswerCache
	began   time.Time
	tracer  *tracing.Tracer

	ev mapping.Event
	// buf is what records are cut from.
	buf []byte
}

// bufferSize is how much memory records are cut from at a time. A record that is
// long at the sink keeps its piece from being freed.
const bufferSize = 32 << 10

func (w *worker) run(ctx context.Context) {
	taken := make([]*item, 0, maxTake)
	for {
		taken = w.pool.take(taken[:0], w.workers)
		if taken == nil {
			return
		}
		for _, it := range taken {
			if it.ev == nil && !w.load(ctx, it) || it.unsure && !w.compare(ctx, it) {
				continue
			}
			w.do(ctx, it)
		}
		w.inbox.put(func(m *mail) { m.mapped = append(m.mapped, taken...) })
	}
}

// load reads the body of an item that was held by its sequence alone.
func (w *worker) load(ctx context.Context, it *item) bool {
	it.loadErr = guard(func() error {
		ev, err := w.journal.Load(ctx, it.sequence)
		if err == nil {
			it.ev = &ev
		}
		return err
	})
	return it.loadErr == nil
}

// compare asks the lane whether something newer than the item was delivered.
func (w *worker) compare(ctx context.Context, it *item) bool {
	it.loadErr = guard(func() error {
		version, updated, err := w.journal.Newest(ctx, it.key)
		if err != nil {
			return err
		}
		it.last.version = version
		if !updated.IsZero() {
			it.last.updated = updated.UnixNano()
		}
		it.stale, it.unsure = it.stale || markOf(it).before(it.last), false
		return nil
	})
	return it.loadErr == nil
}

// do runs the item's mappings from its step on, up to one that has a record to
// send; step is then that mapping, or -1 if there is none.
func (w *worker) do(ctx context.Context, it *item) {
	for it.step >= 0 {
		m := it.mapping()
		if it.stale {
			w.decide(it, m, event.Superseded, nil)
			continue
		}
		began := it.trace.clock()
		record, skipped, err := w.apply(it, m)
		w.traceMap(it, m, began, skipped, err)
		switch {
		case len(it.questions) > 0:
			return
		case err != nil:
			w.report(ctx, it, m, err)
			w.decide(it, m, event.Dead, reasonOfMapping(err))
		case skipped:
			w.decide(it, m, event.Skipped, nil)
		default:
			it.record = record
			return
		}
	}
}

// decide notes an outcome without sending and goes to the next mapping.
func (w *worker) decide(it *item, m *Mapping, kind event.Kind, why *event.Reason) {
	o := outcomeOf(w.lane, it, m, kind)
	o.Reason = why
	if kind == event.Superseded {
		o.Operation, o.Reason = "", reasonOvertaken(it)
	}
	o.Attempts = it.attempts
	it.outcomes = append(it.outcomes, o)
	it.enter(it.plan.next(it.step+1, it.eventType, it.done), w.began)
}

func (w *worker) apply(it *item, m *Mapping) (record []byte, skipped bool, err error) {
	ev := it.ev
	w.ev = mapping.Event{
		ID: ev.ID, Connection: ev.Connection, Type: ev.Type, Key: ev.Key,
		ReceivedAt: ev.ReceivedAt, Record: ev.Record,
	}
	if cap(w.buf)-len(w.buf) < bufferSize/8 {
		w.buf = make([]byte, 0, bufferSize)
	}
	start := len(w.buf)
	var res mapping.Result
	err = guard(func() (err error) {
		if m.Lookups == 0 {
			res, err = m.Map(&w.ev, w.buf)
		} else {
			res, err = w.mapWith(it, m)
		}
		return err
	})
	if err != nil || res.Skipped || len(it.questions) > 0 {
		return nil, res.Skipped, err
	}
	if len(res.Record) <= start {
		return nil, false, errors.New("the mapping made no record")
	}
	end := len(res.Record)
	record = res.Record[start:end:end]
	if cap(res.Record) <= bufferSize {
		w.buf = res.Record
	} else {
		w.buf = nil // grew for a long record, which keeps all of it
	}
	return record, false, nil
}

// mapWith maps with the answers that the item has or the cache holds. What they
// leave open is left in the item's questions.
func (w *worker) mapWith(it *item, m *Mapping) (mapping.Result, error) {
	for range m.Lookups + 1 {
		res, err := m.MapWith(&w.ev, it.answers, w.buf)
		if err != nil || len(res.Questions) == 0 {
			return res, err
		}
		if it.answers == nil {
			it.answers = mapping.Answers{}
		}
		now := time.Now()
		for _, q := range res.Questions {
			key := q.Key()
			if a, ok := w.answers.get(key, now); ok {
				it.answers[key] = a
			} else {
				it.questions = append(it.questions, q)
			}
		}
		if len(it.questions) > 0 {
			return mapping.Result{}, nil
		}
	}
	return mapping.Result{}, errors.New("the mapping asks more rounds of questions than it has lookups")
}

func (w *worker) report(ctx context.Context, it *item, m *Mapping, err error) {
	if p, ok := errors.AsType[*panicError](err); ok {
		w.log.ErrorContext(ctx, "mapping panicked", "mapping", m.Name, "sequence", it.sequence,
			"panic", p.value, "stack", string(p.stack))
	}
}
