package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Runner delivers the events of one lane. Make it with New and run it once.
type Runner struct {
	o   Options
	log *slog.Logger
	// guarded are the mappings whose records are marked before they are sent.
	guarded []string

	inbox  *inbox
	pool   *pool
	commit *committer
	orders chan int
	tasks  sync.WaitGroup
	ran    atomic.Bool

	// mu guards all below. The loop holds it while it handles mail; Stats and
	// Retrying hold it while they look.
	mu    sync.Mutex
	plan  *plan
	began time.Time
	// settled is from when on nothing takes effect any more that an earlier reader
	// sent, as far as what was read so far tells.
	settled  time.Time
	draining bool
	drained  bool
	reading  bool

	keys     keys
	counts   [states]int
	runnable fifo
	schedule schedule
	outbox   outbox
	underway underway
	// unsafeOut counts the records at the sink by operations that must not be repeated.
	unsafeOut int
	gate      *Gate
	port      *port
	asking    asking
	newest    *newest

	liveBytes, heldBytes, meanSize int

	total   Totals
	loading *health
	sinking *health
	// lookingUp is the lookups' health.
	lookingUp *health
}

// New checks the options and makes a Runner.
func New(o Options) (*Runner, error) {
	err := o.fill()
	p, planErr := newPlan(o.Mappings)
	if o.Gate == nil && err == nil {
		o.Gate, err = NewGate(GateOptions{
			Connection: o.Lane.Sink, Concurrency: o.MaxInFlight, Backoff: o.Backoff, Logger: o.Logger,
		})
	}
	if err = errors.Join(err, planErr); err != nil {
		return nil, fmt.Errorf("delivery of lane %s to %s: %w", o.Lane.Source, o.Lane.Sink, err)
	}
	log := o.Logger.With("source", o.Lane.Source, "sink", o.Lane.Sink)
	r := &Runner{
		o: o, log: log, plan: p, guarded: p.unsafe(),
		inbox: newInbox(), pool: newPool(), orders: make(chan int, 1),
		keys: keys{queues: map[string]keyQueue{}}, gate: o.Gate, newest: newNewest(newestKeys),
		asking: newAsking(), lookingUp: &health{log: log, what: "asking lookups", from: 10},
		loading: &health{log: log, what: "reading from the journal"},
		sinking: &health{log: log, what: "writing to the sink", from: 3},
	}
	r.commit = &committer{
		journal: o.Journal, inbox: r.inbox, wake: make(chan struct{}, 1), rush: make(chan struct{}, 1), tracer: o.Tracer,
		health: &health{log: log, what: "storing outcomes"},
	}
	return r, nil
}

// Run delivers until ctx ends. Then it takes no new events, starts nothing more,
// waits for what is at the sink, has its outcomes stored, and returns nil. What
// is not done within DrainTimeout is broken off, and possibly sent.
//
// It ends likewise, with an error, when the lane cannot be read any more: that
// has to be opened again then, and a new Runner made. Other errors are work that
// does not return when its context ends, and a second Run.
func (r *Runner) Run(ctx context.Context) error {
	if r.ran.Swap(true) {
		return errors.New("delivery: a runner runs once")
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()

	began := time.Now()
	r.mu.Lock()
	r.began = began
	r.port = r.gate.join(r.o.Lane.Source, r.inbox.poke)
	r.mu.Unlock()
	defer r.leave()
	if err := r.guardMappings(ctx); err != nil {
		return err
	}
	r.tasks.Go(func() { r.read(ctx) })
	r.tasks.Go(func() { r.commit.run(work) })
	for range r.o.Workers {
		w := &worker{
			lane: r.o.Lane, journal: r.o.Journal, log: r.log,
			pool: r.pool, inbox: r.inbox, workers: r.o.Workers, began: began, answers: r.o.Answers, tracer: r.o.Tracer,
		}
		r.tasks.Go(func() { w.run(work) })
	}
	err := r.loop(ctx, work)

	stop()
	r.pool.close()
	ended := make(chan struct{})
	go func() {
		r.tasks.Wait()
		close(ended)
	}()
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-ended:
	case <-patience.C:
		err = errors.Join(err, fmt.Errorf("the sink or the journal did not return within %s after its context had ended", grace))
	}
	if err != nil {
		return fmt.Errorf("delivery of lane %s to %s: %w", r.o.Lane.Source, r.o.Lane.Sink, err)
	}
	return nil
}

// guardMappings says what is marked before it is sent.
func (r *Runner) guardMappings(ctx context.Context) error {
	err := guard(func() error { return r.o.Journal.Guard(ctx, r.guarded) })
	if err == nil || ctx.Err() != nil {
		return nil //nolint:nilerr // it ends before it began
	}
	return fmt.Errorf("delivery of lane %s to %s: %w", r.o.Lane.Source, r.o.Lane.Sink, err)
}

// leave gives back what the gate counts for this lane.
func (r *Runner) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	var abandoned []*item
	for _, q := range r.keys.queues {
		if q.first.state == sending {
			abandoned = append(abandoned, q.first)
		}
	}
	r.port.leave(abandoned)
}

// loop handles mail and time until ctx has ended, or the lane cannot be read any
// more, and what was in flight is done. The error is why the lane cannot be read.
func (r *Runner) loop(ctx, work context.Context) (broken error) {
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	patience := time.NewTimer(time.Hour)
	patience.Stop()
	defer patience.Stop()
	ending := ctx.Done()
	drain := func() {
		ending = nil
		patience.Reset(r.o.DrainTimeout)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.draining = true
	}
	var post mail
	for {
		next, more := r.turn(work, post)
		post = next.mail
		if next.drained {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.drained = true
			return broken
		}
		if err := post.broken; err != nil && ending != nil {
			broken = fmt.Errorf("read the lane: %w", err)
			drain()
			continue
		}
		if more {
			alarm.Reset(next.wait)
		} else {
			alarm.Stop()
		}
		select {
		case <-r.inbox.wake:
			// What is about to come is handled with what has come.
			runtime.Gosched()
		case <-alarm.C:
		case <-ending:
			drain()
		case <-r.o.lost():
			return errors.Join(broken, ErrLost)
		case <-patience.C:
			r.log.WarnContext(work, "gave up waiting for what is in flight", "after", r.o.DrainTimeout,
				"records", r.Stats().Sending)
			return broken
		}
	}
}

// turned is what a turn of the loop leaves.
type turned struct {
	mail    mail
	wait    time.Duration
	drained bool
}

// turn handles what is there and starts what can be started. more tells whether
// there is something to wait for by time.
func (r *Runner) turn(ctx context.Context, spare mail) (t turned, more bool) {
	t.mail = r.inbox.take(spare)
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for _, it := range t.mail.stored {
		r.stored(it)
	}
	for i := range t.mail.results {
		r.result(ctx, &t.mail.results[i], now)
	}
	for _, c := range t.mail.ended {
		c.done = true
	}
	for i := range t.mail.answers {
		r.answered(ctx, &t.mail.answers[i], now)
	}
	for _, q := range t.mail.called {
		q.calls--
	}
	for _, it := range t.mail.mapped {
		r.mapped(ctx, it, now)
	}
	if t.mail.idle {
		r.reading = false
	}
	if r.draining {
		r.port.withdraw()
		busy := r.counts[transforming] + r.counts[sending] + r.commit.pending()
		t.drained = busy == 0
		return t, false
	}
	for i := range t.mail.read {
		r.accept(&t.mail.read[i])
	}
	if r.port.reopened() {
		r.schedule.hurry(now)
	}
	pass := r.gate.look(now, r.outbox.size > 0 || len(r.schedule) > 0)
	if pass.probe {
		r.tasks.Go(func() { r.gate.probe(ctx) })
	}
	// What was tried before waits with the gate, where it is seen to wait.
	for pass.open && r.outbox.size+r.counts[transforming]+r.runnable.len() < pass.most {
		it := r.schedule.take(now)
		if it == nil {
			break
		}
		r.enqueue(it)
	}
	for r.runnable.len() > 0 && r.hasRoom() {
		r.start(r.runnable.pop())
	}
	r.dispatchQuestions(ctx)
	at := pass.until
	if pass.open {
		at = r.dispatch(ctx, now)
		if len(r.schedule) > 0 && r.schedule[0].due.After(now) {
			at = earlier(at, r.schedule[0].due)
		}
	}
	// All that is on its way is to be stored, and others of its keys wait for that.
	if n := r.counts[committing]; n > 0 && n == r.live() && r.counts[waiting] > 0 {
		r.commit.hasten()
	}
	if n := r.order(now); n > 0 && !r.reading {
		r.reading = true
		r.orders <- n
	}
	t.wait = max(at.Sub(now), 0)
	return t, !at.IsZero()
}

// earlier gives the earlier of two times, of which a zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// InDoubt tells, after Run, which of the events that have no outcome were possibly
// sent by it. ok is false where that is unknown: Run has not ended, or it broke off
// what was in flight.
func (r *Runner) InDoubt() (sequences []uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.drained {
		return nil, false
	}
	for _, q := range r.keys.queues {
		if q.first.sent {
			sequences = append(sequences, q.first.sequence)
		}
	}
	slices.Sort(sequences)
	return sequences, true
}

// read asks the journal for as many events as it is told to, time and again.
func (r *Runner) read(ctx context.Context) {
	for {
		var limit int
		select {
		case limit = <-r.orders:
		case <-ctx.Done():
			return
		}
		var pending []event.Pending
		err := guard(func() (err error) {
			pending, err = r.o.Journal.Next(ctx, limit)
			return err
		})
		if ctx.Err() != nil {
			return
		}
		if err == nil && len(pending) == 0 {
			err = errors.New("the journal gave no event and no error")
		}
		r.inbox.put(func(m *mail) {
			m.read = append(m.read, pending...)
			m.idle, m.broken = true, err
		})
		if err != nil {
			return
		}
	}
}
