package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Commit stores outcomes on disk, in atomic batches of at most 500, and then
// acknowledges the events in done. Every outcome that says dead needs its letter
// in dead, which is stored first. An outcome whose event has one already under
// the same mapping is passed over: the first one stands. All the events must be
// held, that is, come from Next and not be in done before.
//
// After an *UnavailableError some of the outcomes may be stored; Commit with the
// same arguments may be called again and stores the rest.
func (l *Lane) Commit(ctx context.Context, outcomes []event.Outcome, dead []event.DeadLetter, done []uint64) error {
	l.gate.RLock()
	defer l.gate.RUnlock()
	if err := l.commit(ctx, outcomes, dead, done); err != nil {
		return fmt.Errorf("commit to lane %s to %s: %w", l.name.Source, l.name.Sink, err)
	}
	return nil
}

func (l *Lane) commit(ctx context.Context, outcomes []event.Outcome, dead []event.DeadLetter, done []uint64) error {
	fresh, err := l.fresh(outcomes, done)
	if err != nil {
		return err
	}
	letters, err := lettersOf(fresh, dead)
	if err != nil {
		return err
	}
	if err := l.storeDead(ctx, letters); err != nil {
		return err
	}
	if err := l.storeOutcomes(ctx, fresh); err != nil {
		return err
	}
	return l.acknowledge(done)
}

// fresh checks what is to be committed and gives the outcomes that are new.
func (l *Lane) fresh(outcomes []event.Outcome, done []uint64) ([]*event.Outcome, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	if !l.lease.valid() {
		return nil, ErrLeaseLost
	}
	for _, seq := range done {
		if l.held[seq] == nil {
			return nil, fmt.Errorf("event %d is not held", seq)
		}
	}
	l.commits++
	fresh := make([]*event.Outcome, 0, len(outcomes))
	for i := range outcomes {
		o := &outcomes[i]
		if err := l.check(o); err != nil {
			return nil, fmt.Errorf("outcome of event %d under mapping %q: %w", o.Sequence, o.Mapping, err)
		}
		h := l.held[o.Sequence]
		if !h.give(l.commits, o.Mapping) {
			return nil, fmt.Errorf("outcome of event %d under mapping %q is given twice", o.Sequence, o.Mapping)
		}
		if !slices.Contains(h.done, o.Mapping) {
			fresh = append(fresh, o)
		}
	}
	return fresh, nil
}

func (l *Lane) check(o *event.Outcome) error {
	switch o.Kind {
	case event.Delivered, event.Skipped, event.Superseded, event.Dead:
	case event.Duplicate:
		return errors.New("a duplicate is journaled when it is accepted, not by a lane")
	default:
		return fmt.Errorf("kind %q is none", o.Kind)
	}
	if o.Lane != l.name {
		return fmt.Errorf("it belongs to lane %s to %s", o.Lane.Source, o.Lane.Sink)
	}
	if o.Mapping == "" || len(o.Mapping) > maxMapping {
		return fmt.Errorf("the mapping's name must have 1 to %d bytes", maxMapping)
	}
	if l.held[o.Sequence] == nil {
		return errors.New("the event is not held")
	}
	return nil
}

// lettersOf gives the dead letters of the outcomes that say dead.
func lettersOf(outcomes []*event.Outcome, dead []event.DeadLetter) ([]*event.DeadLetter, error) {
	given := make(map[letter]*event.DeadLetter, len(dead))
	for i := range dead {
		d := &dead[i]
		if d.Event.Sequence != d.Outcome.Sequence {
			return nil, fmt.Errorf("dead letter of event %d has an outcome of event %d", d.Event.Sequence, d.Outcome.Sequence)
		}
		given[letterOf(&d.Outcome)] = d
	}
	var letters []*event.DeadLetter
	for _, o := range outcomes {
		if o.Kind != event.Dead {
			continue
		}
		d := given[letterOf(o)]
		if d == nil {
			return nil, fmt.Errorf("outcome of event %d under mapping %q is dead, its dead letter is missing", o.Sequence, o.Mapping)
		}
		letters = append(letters, d)
	}
	return letters, nil
}

func (l *Lane) storeDead(ctx context.Context, letters []*event.DeadLetter) error {
	msgs := make([]*nats.Msg, len(letters))
	for i, d := range letters {
		m, err := encodeDead(d)
		if err != nil {
			return fmt.Errorf("dead letter of event %d: %w", d.Event.Sequence, err)
		}
		msgs[i] = m
	}
	return l.j.storeAll(ctx, nil, msgs, func(i int, seq uint64) {
		known, reason := shelvedOf(letters[i], seq)
		l.j.shelf.add(known, reason)
		l.j.mu.Lock()
		defer l.j.mu.Unlock()
		l.j.letters[known.letter] = seq
	})
}

func (l *Lane) storeOutcomes(ctx context.Context, outcomes []*event.Outcome) error {
	msgs, err := encodeOutcomes(outcomes)
	if err != nil {
		return err
	}
	return l.j.storeAll(ctx, l.fence, msgs, func(i int, seq uint64) {
		o := outcomes[i]
		l.mu.Lock()
		if h := l.held[o.Sequence]; h != nil {
			h.note(o.Mapping)
		}
		l.mu.Unlock()
		l.marks.ended(o.Mapping, o.Sequence)
		l.j.note(o, seq)
	})
}

// note counts an outcome that was stored at seq, unless it did already.
func (j *Journal) note(o *event.Outcome, seq uint64) {
	if !j.past.outcome(o.Sequence, seq, o.Lane, o.Mapping, o.Kind) {
		return
	}
	j.lives.counted(o.Lane, o.Mapping)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.counts.last = max(j.counts.last, seq)
	j.counts.outcomes[o.Kind]++
	if o.Kind == event.Dead {
		s := standing{at: seq, letter: letterOf(o)}
		at, _ := slices.BinarySearchFunc(j.standing, seq, func(s standing, seq uint64) int {
			return int(min(max(int64(s.at)-int64(seq), -1), 1)) //nolint:gosec // sequences are far below 2^63
		})
		j.standing = slices.Insert(j.standing, at, s)
	}
}

// acknowledge tells JetStream which events need not come again. That may be lost
// in a crash: the outcomes say the same.
func (l *Lane) acknowledge(done []uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, seq := range done {
		h := l.held[seq]
		if h == nil {
			continue // given twice
		}
		if h.reply == "" { // it is acknowledged when the consumer comes to it
			l.early.out[seq] = true
			delete(l.held, seq)
			continue
		}
		if err := l.j.nc.Publish(h.reply, []byte("+ACK")); err != nil {
			return fmt.Errorf("acknowledge event %d: %w", seq, err)
		}
		delete(l.held, seq)
		if l.fence != nil {
			l.acked[seq] = acked{h.reply, time.Now()}
		}
	}
	return nil
}

// storeAll stores msgs in order, in atomic batches, and calls stored for each
// with its sequence once it is on disk. It fails with ErrLeaseLost where f is broken.
func (j *Journal) storeAll(ctx context.Context, f *fence, msgs []*nats.Msg, stored func(i int, seq uint64)) error {
	for first := 0; first < len(msgs); {
		size, end := 0, first
		for end < len(msgs) && end-first < maxBatch && (end == first || size+len(msgs[end].Data) <= maxBatchBytes) {
			size += len(msgs[end].Data)
			end++
		}
		if err := j.storeBatch(ctx, f, msgs[first:end], func(i int, seq uint64) { stored(first+i, seq) }); err != nil {
			return err
		}
		first = end
	}
	return nil
}

func (j *Journal) storeBatch(ctx context.Context, f *fence, msgs []*nats.Msg, stored func(i int, seq uint64)) error {
	if why := j.brokenBy.Load(); why != nil {
		return unavailable(retryFull, *why, "the store is broken until it is opened anew")
	}
	if len(msgs) > 1 {
		wait, cancel := j.answering(ctx)
		f.guard(msgs[0])
		a, err := publishBatch(wait, j.nc, msgs)
		f.unguard(msgs[0])
		cancel()
		if err == nil {
			for i := range msgs {
				stored(i, a.Sequence-uint64(len(msgs)-1-i)) //nolint:gosec // i is below len(msgs)
			}
			return nil
		}
		if refused(err) == nil {
			return j.unanswered(ctx, err)
		}
	}
	// One of them was stored before, or there is room for some only: each by itself.
	for i, m := range msgs {
		wait, cancel := j.answering(ctx)
		f.guard(m)
		a, err := publishOne(wait, j.nc, m)
		cancel()
		if err != nil {
			if f.broken(err) {
				return fmt.Errorf("%w: %w", ErrLeaseLost, err)
			}
			if refused(err) == nil {
				return j.unanswered(ctx, err)
			}
			return j.notStored(ctx, err, "outcomes are not stored")
		}
		stored(i, a.Sequence)
	}
	return nil
}

// unanswered handles a commit that JetStream did not answer.
func (j *Journal) unanswered(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		j.broken(err)
	}
	return j.notStored(ctx, err, "outcomes are not stored")
}
