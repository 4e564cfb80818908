package delivery

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// maxAsking bounds the calls to one lookup at once.
const maxAsking = 8

// asking is the questions of mappings that wait for answers. Equal ones are asked
// once, those of one lookup together, for all events at hand.
type asking struct {
	flights map[string]*flight
	queues  map[string]*lookupQueue
}

// flight is a question under way, with the events that wait for it.
type flight struct {
	key     string
	q       mapping.Question
	queue   *lookupQueue
	waiting []*item
	// closures are the queue's when it was asked.
	closures int
	// traced are those of waiting that have a trace.
	traced []asker
}

// lookupQueue is one lookup's questions. Its connection is left alone until the
// time in until; after that one question goes first, and the others when it has
// an answer.
type lookupQueue struct {
	connection, lookup string
	queued             []*flight
	calls              int
	until              time.Time
	closures           int
	why                *wire.Failure
}

func newAsking() asking {
	return asking{flights: map[string]*flight{}, queues: map[string]*lookupQueue{}}
}

func (a *asking) queue(q *mapping.Question) *lookupQueue {
	name := q.Connection + "." + q.Name
	if a.queues[name] == nil {
		a.queues[name] = &lookupQueue{connection: q.Connection, lookup: q.Name}
	}
	return a.queues[name]
}

// ask has an item wait for the answers to its questions. It stays the first of
// its key meanwhile (D3).
func (r *Runner) ask(ctx context.Context, it *item, now time.Time) {
	questions := it.questions
	it.questions, it.asked = nil, nil
	for i := range questions {
		if q := r.asking.queue(&questions[i]); q.why != nil && now.Before(q.until) {
			it.asked = q.why
			r.askLater(ctx, it, now)
			return
		}
	}
	r.enter(it, questioning)
	for i := range questions {
		key := questions[i].Key()
		f := r.asking.flights[key]
		if f == nil {
			f = &flight{key: key, q: questions[i], queue: r.asking.queue(&questions[i])}
			r.asking.flights[key] = f
			f.queue.queued = append(f.queue.queued, f)
		}
		f.waiting = append(f.waiting, it)
		it.open++
		r.traceAsk(f, it, now)
	}
}

// askLater has an item wait because a lookup cannot be asked now: as with a sink,
// that delays and never drops (D4).
func (r *Runner) askLater(ctx context.Context, it *item, now time.Time) {
	f := it.asked
	it.asks++
	pause := max(r.o.Backoff.after(it.asks), min(f.RetryAfter, maxWait))
	for _, q := range r.asking.queues {
		if q.why == f { // it is closed as a whole
			pause = max(pause, q.until.Sub(now))
		}
	}
	it.answers = nil
	r.total.Retries++
	r.log.DebugContext(ctx, "a lookup failed for now", "sequence", it.sequence, "mapping", it.mapping().Name,
		"class", f.Class.String(), "code", f.Code, "message", f.Message, "again_in", pause)
	r.wait(it, now.Add(pause))
}

// dispatchQuestions starts calls for the questions that wait.
func (r *Runner) dispatchQuestions(ctx context.Context) {
	for _, q := range r.asking.queues {
		for len(q.queued) > 0 {
			size, calls := wire.MaxBatch, maxAsking
			if q.why != nil { // it has just been closed
				size, calls = 1, 1
			}
			if q.calls >= calls {
				break
			}
			n := min(len(q.queued), size)
			c := &lookupCall{
				queue: q, flights: append([]*flight(nil), q.queued[:n]...), answered: make([]bool, n),
				inbox: r.inbox, log: r.log, timeout: r.o.CallTimeout, questions: make([]wire.Question, n),
			}
			q.queued = append(q.queued[:0], q.queued[n:]...)
			for i, f := range c.flights {
				f.closures = q.closures
				c.questions[i] = wire.Question{Index: uint32(i), Args: f.q.Args, Traceparent: f.traceparent()}
			}
			q.calls++
			r.total.LookupCalls++
			r.tasks.Go(func() { c.run(ctx, r.o.Lookups) })
		}
	}
}

// answer is what a lookup said to a flight.
type answer struct {
	flight *flight
	wire.Answer
}

// answered hands an answer to the items that wait for it.
func (r *Runner) answered(ctx context.Context, a *answer, now time.Time) {
	f, failure := a.flight, a.Failure
	delete(r.asking.flights, f.key)
	f.traceAnswer(failure, now)
	known := mapping.Found(a.Found)
	keep := f.q.CacheFor
	if failure != nil {
		known.Found = nil
		switch failure.Class {
		case wire.NotFound:
			failure = nil
		case wire.Ambiguous:
			known.Refusal = &mapping.Refusal{Ambiguous: true, Message: failure.Message}
			for _, c := range a.Candidates {
				known.Refusal.Candidates = append(known.Refusal.Candidates, c)
			}
			failure = nil
		case wire.Invalid:
			known.Refusal = &mapping.Refusal{Message: failure.Message}
			keep, failure = 0, nil
		case wire.Transient, wire.RateLimited, wire.Auth, wire.Unknown:
		}
	}
	if failure == nil {
		r.lookingUp.worked(ctx)
		if f.closures == f.queue.closures { // asked since it was closed, if it was
			f.queue.why, f.queue.closures = nil, 0
		}
		if keep > 0 {
			r.o.Answers.put(f.key, known, now.Add(keep))
		}
	} else {
		r.lookupFailed(ctx, f, failure, now)
	}
	for _, it := range f.waiting {
		it.open--
		if failure != nil {
			it.asked = failure
		} else {
			if it.answers == nil {
				it.answers = mapping.Answers{}
			}
			it.answers[f.key] = known
		}
		if it.open == 0 {
			r.askedAll(ctx, it, now)
		}
	}
}

// askedAll goes on with an item whose questions have all come back.
func (r *Runner) askedAll(ctx context.Context, it *item, now time.Time) {
	switch {
	case it.asked != nil:
		r.askLater(ctx, it, now)
	case r.draining:
		r.enter(it, runnable)
	default:
		it.asks = 0
		r.enter(it, transforming)
		r.pool.put(it)
	}
}

// lookupFailed closes a lookup for a while whose connection is not to be asked now,
// and sends back what waits behind that.
func (r *Runner) lookupFailed(ctx context.Context, of *flight, f *wire.Failure, now time.Time) {
	q := of.queue
	r.total.LookupFailures++
	r.lookingUp.failed(ctx, f)
	if f.Class != wire.RateLimited && f.Class != wire.Auth {
		return
	}
	pause := min(f.RetryAfter, maxWait)
	if of.closures == q.closures { // else it was asked before, and tells nothing new
		q.closures++
		q.why = f
		pause = max(pause, r.o.Backoff.after(q.closures))
	}
	if until := now.Add(pause); until.After(q.until) {
		q.until = until
	}
	queued := q.queued
	q.queued = nil
	for _, flight := range queued {
		delete(r.asking.flights, flight.key)
		flight.traceAnswer(f, now)
		for _, it := range flight.waiting {
			it.open--
			it.asked = f
			if it.open == 0 {
				r.askedAll(ctx, it, now)
			}
		}
	}
}

// lookupCall is one call to a lookup.
type lookupCall struct {
	queue     *lookupQueue
	flights   []*flight
	questions []wire.Question
	inbox     *inbox
	log       *slog.Logger
	timeout   time.Duration

	mu       sync.Mutex
	answered []bool
	over     bool
}

// run makes the call. Every flight has its answer when it returns.
func (c *lookupCall) run(ctx context.Context, lookups Lookups) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(c.timeout, cancel)
	defer silence.Stop()
	err := guard(func() error {
		return lookups.Find(ctx, c.queue.connection, c.queue.lookup, c.questions, func(a wire.Answer) {
			silence.Reset(c.timeout)
			c.answer(a)
		})
	})
	if p, ok := errors.AsType[*panicError](err); ok {
		c.log.ErrorContext(ctx, "a lookup panicked", "connection", c.queue.connection, "lookup", c.queue.lookup, "panic", p.value, "stack", string(p.stack))
	}
	if err == nil {
		err = errors.New("the lookup gave no answer")
	}
	c.end(err)
}

func (c *lookupCall) answer(a wire.Answer) {
	c.mu.Lock()
	i := int(a.Index)
	if c.over || i >= len(c.flights) || c.answered[i] {
		c.mu.Unlock()
		return
	}
	c.answered[i] = true
	c.mu.Unlock()
	c.inbox.put(func(m *mail) { m.answers = append(m.answers, answer{c.flights[i], a}) })
}

// end gives the flights without an answer the failure that there was none, which
// may pass: a question changes nothing.
func (c *lookupCall) end(err error) {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.inbox.put(func(m *mail) {
		for i, ok := range c.answered {
			if !ok {
				m.answers = append(m.answers, answer{c.flights[i], wire.Answer{
					Failure: &wire.Failure{Class: wire.Transient, Code: "no_answer", Message: err.Error()},
				}})
			}
		}
		m.called = append(m.called, c.queue)
	})
}
