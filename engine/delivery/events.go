package delivery

import (
	"context"
	"log/slog"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/words"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// The handlers of what happens to an item. They run in the loop, under mu.

// accept takes an event in: it goes live if its key is free, and waits if not.
func (r *Runner) accept(p *event.Pending) {
	r.total.Read++
	if r.plan.next(0, p.Event.Type, r.plan.without(p.Event.Sequence, p.Event.Replay, r.o.Lane.Sink, p.Done)) < 0 {
		r.total.Unwanted++
		r.commit.put(entry{done: p.Event.Sequence})
		return
	}
	it := newItem(p)
	it.trace = traceOf(r.o.Tracer, &p.Event)
	r.weigh(it)
	r.counts[it.state]++
	if r.keys.add(it) {
		r.start(it)
		return
	}
	r.park(it)
}

// enqueue has the first of a key go live when there is room.
func (r *Runner) enqueue(it *item) {
	r.enter(it, runnable)
	r.runnable.push(it)
}

// start makes an item live and has its mapping at hand run.
func (r *Runner) start(it *item) {
	r.enter(it, transforming)
	if it.plan == nil {
		it.plan = r.plan
		it.done = it.plan.without(it.sequence, it.replay, r.o.Lane.Sink, it.done)
		stale, known := r.newest.stale(it)
		it.stale, it.unsure = stale || r.overtaken(it), !known
		it.enter(it.plan.next(0, it.eventType, it.done), r.began)
	} else {
		r.renew(it)
	}
	r.pool.put(it)
}

// mapped takes an item back from a worker.
func (r *Runner) mapped(ctx context.Context, it *item, now time.Time) {
	if it.loadErr != nil {
		it.loads++
		r.loading.report(ctx, it.loadErr)
		r.loading.failed(ctx, it.loadErr)
		it.loadErr = nil
		r.wait(it, now.Add(journalBackoff.after(it.loads)))
		return
	}
	if it.loads > 0 {
		it.loads = 0
		r.loading.worked(ctx)
	}
	if it.last != (mark{}) {
		r.newest.learn(it)
	}
	last := len(it.outcomes) - 1
	for i := range it.outcomes {
		e := entry{outcome: it.outcomes[i]}
		if i == last && it.step < 0 {
			e.done, e.it = it.sequence, it
		}
		r.store(ctx, it, e)
	}
	clear(it.outcomes)
	it.outcomes = it.outcomes[:0]
	switch {
	case len(it.questions) > 0:
		r.ask(ctx, it, now)
	case it.step >= 0:
		it.answers, it.asked = nil, nil
		r.send(ctx, it, now)
	case last < 0: // a mapping that wanted it is gone
		r.enter(it, committing)
		r.commit.put(entry{done: it.sequence, it: it})
	default:
		r.enter(it, committing)
	}
}

// send puts a mapped item with what is ready to go to the sink, unless an earlier
// attempt forbids that, for now or at all (D5).
func (r *Runner) send(ctx context.Context, it *item, now time.Time) {
	m := it.mapping()
	if it.sent {
		if at := it.lost.Add(m.Settle); at.After(now) {
			if it.lost.Equal(r.began) {
				r.settled = laterOf(r.settled, at)
			}
			r.wait(it, at)
			return
		}
		// Given up only now, because the next event of the key goes out then.
		if m.Repeat == wire.RepeatUnsafe {
			r.giveUp(ctx, it, reasonInDoubt(m, it.failure), it.record)
			return
		}
	}
	r.enter(it, ready)
	r.outbox.push(m.Operation, it)
}

// wait has an item wait for its time.
func (r *Runner) wait(it *item, until time.Time) {
	it.record = nil
	r.enter(it, retrying)
	r.park(it)
	r.schedule.add(it, until)
}

// result decides by the class of a record's failure alone what to do.
func (r *Runner) result(ctx context.Context, res *result, now time.Time) {
	it, f := res.it, res.Failure
	m := it.mapping()
	until := r.port.back(it, f, now)
	r.traceResult(it, m, res)
	if m.Repeat == wire.RepeatUnsafe {
		r.unsafeOut--
	}
	sent := it.record
	it.record = nil
	if f == nil {
		r.sinking.worked(ctx)
		r.newest.delivered(it)
		o := outcomeOf(r.o.Lane, it, m, event.Delivered)
		o.Attempts, o.Action, o.Answer = it.attempts, words.Bounded(res.Action, maxAction), answerOf(res.Answer)
		o.Trail = it.trail(sent)
		r.settle(ctx, it, entry{outcome: o})
		return
	}
	it.failure, it.hung = f, false
	it.tried(f, res.at)
	r.total.Failures++
	pause := r.o.Backoff.after(it.attempts)
	asked := min(f.RetryAfter, maxWait)
	switch f.Class {
	case wire.Invalid, wire.NotFound, wire.Ambiguous:
		r.giveUp(ctx, it, reasonOfFailure(f, it.sent), sent)
		return
	case wire.RateLimited, wire.Auth:
		pause, it.notBefore = max(until.Sub(now), 0), now
	case wire.Transient:
		r.sinking.failed(ctx, f)
		pause, it.notBefore = max(pause, asked), now.Add(asked)
	default: // wire.Unknown, and what a newer plugin may call a failure
		r.sinking.failed(ctx, f)
		it.sent, it.lost, it.hung = true, res.at, true
		it.notBefore = laterOf(it.lost.Add(m.Settle), now.Add(asked))
		if m.Repeat == wire.RepeatUnsafe {
			pause = m.Settle // and then it is given up
		} else {
			pause = max(pause, it.notBefore.Sub(now))
		}
	}
	if m.Repeat == wire.RepeatUnsafe && !it.sent {
		r.o.Journal.Unmark(m.Name, []uint64{it.sequence})
	}
	r.total.Retries++
	if r.log.Enabled(ctx, slog.LevelDebug) {
		r.log.With(it.names()...).DebugContext(ctx, "delivery failed for now", "sequence", it.sequence, "mapping", m.Name,
			"attempt", it.attempts, "class", f.Class.String(), "code", f.Code, "message", f.Message, "again_in", pause)
	}
	r.wait(it, now.Add(pause))
}

// giveUp makes an item a dead letter under the mapping at hand; sent is the record
// that went to the sink, or would have.
func (r *Runner) giveUp(ctx context.Context, it *item, why *event.Reason, sent []byte) {
	o := outcomeOf(r.o.Lane, it, it.mapping(), event.Dead)
	o.Attempts, o.Reason, o.Trail = it.attempts, why, it.trail(sent)
	r.settle(ctx, it, entry{outcome: o})
}

// settle has the outcome of the mapping at hand stored. The item goes on when it is.
func (r *Runner) settle(ctx context.Context, it *item, e entry) {
	it.record = nil
	e.it = it
	it.step = it.plan.next(it.step+1, it.eventType, it.done)
	if it.step < 0 {
		e.done = it.sequence
	}
	r.enter(it, committing)
	r.store(ctx, it, e)
}

// store counts an outcome and hands it to the committer.
func (r *Runner) store(ctx context.Context, it *item, e entry) {
	o := &e.outcome
	e.trace = it.trace
	switch o.Kind {
	case event.Delivered:
		r.total.Delivered++
	case event.Skipped:
		r.total.Skipped++
	case event.Superseded:
		r.total.Superseded++
	case event.Dead:
		r.total.Dead++
		e.dead = it.ev
		r.log.With(it.names()...).WarnContext(ctx, "dead letter", "sequence", it.sequence, "mapping", o.Mapping, "class", o.Reason.Class,
			"code", o.Reason.Code, "path", o.Reason.Path, "file", o.Reason.File, "line", o.Reason.Line)
	case event.Duplicate: // the journal's, no mapping sees it
	}
	r.commit.put(e)
}

// stored goes on with an item whose outcome is stored: its next mapping, or the
// next event of its key, which may go out now and not before (D3).
func (r *Runner) stored(it *item) {
	if it.step >= 0 {
		if r.draining {
			r.enter(it, runnable)
			return
		}
		it.enter(it.step, r.began)
		r.start(it)
		return
	}
	r.enter(it, finished)
	r.total.Finished++
	it.ev = nil
	if next := r.keys.remove(it); next != nil {
		r.enqueue(next)
	}
}
