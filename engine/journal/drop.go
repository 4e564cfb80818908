package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// LifeError says why a mapping cannot be dropped or renamed.
type LifeError struct{ Problem string }

// Error gives the problem.
func (e *LifeError) Error() string { return e.Problem }

// classDropped and codeDropped are the reason of an outcome of a dropped mapping.
const (
	classDropped = "DROPPED"
	codeDropped  = "mapping_dropped"
)

// DropMapping gives a paused mapping up for good, and records that. The events that
// wait for it are skipped then, by SkipDropped, or by the next start if that never
// comes to its end. A lane that has the mapping's events at hand, because it ran in it
// a moment ago, is to be opened again between the two. Errors: *DoerError, *LifeError
// for one that is not paused, *UnavailableError, ctx's.
func (j *Journal) DropMapping(ctx context.Context, id MappingID, by Doer) error {
	if err := by.check(); err != nil {
		return err
	}
	if err := j.Ready(); err != nil {
		return err
	}
	j.lives.changing.Lock()
	defer j.lives.changing.Unlock()
	old, err := j.paused(id)
	if err != nil {
		return err
	}
	if old.Ended != nil {
		return nil // the same, asked for again
	}
	info, err := j.events.Info(ctx)
	if err != nil {
		return j.notStored(ctx, err, "the last event is not known")
	}
	_, count := j.waiting(old)
	now := *old
	now.Ended = &ended{
		Kind: event.DropMapping, At: time.Now().UTC(), By: by.By, Reason: by.Reason, Through: info.State.LastSeq, Events: count,
	}
	return j.end(ctx, &now, &now)
}

// paused gives a mapping that is paused, or is being dropped.
func (j *Journal) paused(id MappingID) (*life, error) {
	l := j.lives.get(id)
	switch {
	case l == nil:
		return nil, &LifeError{fmt.Sprintf("no mapping %s ever ran from %s to %s", id.Mapping, id.Lane.Source, id.Lane.Sink)}
	case l.Ended != nil && l.Ended.Done && l.Ended.To != "":
		return nil, &LifeError{fmt.Sprintf("mapping %s was renamed to %s by %s", id.Mapping, l.Ended.To, l.Ended.By)}
	case l.Ended != nil && l.Ended.Done:
		return nil, &LifeError{fmt.Sprintf("mapping %s was dropped by %s", id.Mapping, l.Ended.By)}
	case !l.Paused:
		return nil, &LifeError{fmt.Sprintf("mapping %s runs: take it out of the configuration first", id.Mapping)}
	}
	return l, nil
}

// end writes that a mapping ended, with what changes with it, and records who did it.
// Where a crash comes between the two, the next start records it.
func (j *Journal) end(ctx context.Context, l *life, changed ...*life) error {
	if err := j.storeLives(ctx, changed...); err != nil {
		return err
	}
	if err := j.storeActs(ctx, []event.Act{actOfEnd(l)}); err != nil {
		return err
	}
	a := actOfEnd(l)
	j.lives.act(&a)
	return nil
}

// act notes that the act of a mapping's end is recorded.
func (s *lives) act(a *event.Act) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acted[endID(a.Lane, a.Mapping, a.At)] = struct{}{}
}

func actOfEnd(l *life) event.Act {
	e := l.Ended
	return event.Act{Kind: e.Kind, At: e.At, By: e.By, Reason: e.Reason, Lane: l.Lane, Mapping: l.Mapping, To: e.To, Events: e.Events}
}

// endID names the act of a mapping's end.
func endID(lane event.Lane, mapping string, at time.Time) string {
	return lane.Source + "/" + lane.Sink + "/" + at.UTC().Format(time.RFC3339Nano) + "/" + mapping
}

// mendEnds records the ends of mappings that a crash kept from being recorded.
func (j *Journal) mendEnds(ctx context.Context) error {
	var missing []event.Act
	for _, l := range j.lives.of(event.Lane{}) {
		if l.Ended == nil {
			continue
		}
		if _, is := j.lives.acted[endID(l.Lane, l.Mapping, l.Ended.At)]; !is {
			missing = append(missing, actOfEnd(l))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return j.storeActs(ctx, missing)
}

// SkipDropped journals outcomes for the next events, at most limit, that wait for a
// mapping that was dropped, and gives how many were skipped and are left. Errors as
// DropMapping's.
func (j *Journal) SkipDropped(ctx context.Context, id MappingID, limit int) (skipped, left uint64, err error) {
	j.lives.changing.Lock()
	defer j.lives.changing.Unlock()
	l, err := j.paused(id)
	if err != nil {
		if gone := j.lives.get(id); gone != nil && gone.Ended != nil && gone.Ended.To == "" {
			return 0, 0, nil // it is over
		}
		return 0, 0, err
	}
	if l.Ended == nil {
		return 0, 0, &LifeError{fmt.Sprintf("mapping %s is paused, and was not dropped", id.Mapping)}
	}
	if skipped, err = j.finishDrop(ctx, l, limit); err != nil {
		return skipped, 0, err
	}
	if now := j.lives.get(id); !now.Ended.Done {
		_, left = j.waiting(now)
	}
	return skipped, left, nil
}

// finishDrop skips what waits for a mapping that was dropped, at most limit events if
// that is not 0. The caller holds changing.
func (j *Journal) finishDrop(ctx context.Context, l *life, limit int) (skipped uint64, err error) {
	for {
		n := maxBatch
		if limit > 0 {
			n = min(n, limit-int(skipped))
		}
		var next []uint64
		more := false
		j.wanted(l, l.At, l.Ended.Through, func(seq uint64) bool {
			if more = len(next) == n; !more {
				next = append(next, seq)
			}
			return !more
		})
		if err := j.skip(ctx, l, next); err != nil {
			return skipped, err
		}
		skipped += uint64(len(next))
		if len(next) > 0 {
			// What is before has its outcomes, and need not be looked at again.
			now := *l
			now.At = next[len(next)-1] + 1
			l = &now
		}
		if !more {
			break
		}
		if limit > 0 && skipped >= uint64(limit) {
			j.lives.put(l)
			return skipped, nil
		}
	}
	now, e := *l, *l.Ended
	e.Done = true
	now.Ended = &e
	if err := j.storeLives(ctx, &now); err != nil {
		return skipped, err
	}
	return skipped, j.leaveLane(ctx, l.Lane)
}

// skip journals that events are skipped because their mapping was dropped.
func (j *Journal) skip(ctx context.Context, l *life, sequences []uint64) error {
	why := fmt.Sprintf("mapping %s was dropped by %s", l.Mapping, l.Ended.By)
	if l.Ended.Reason != "" {
		why += ": " + l.Ended.Reason
	}
	outcomes := make([]*event.Outcome, 0, len(sequences))
	msgs := make([]*nats.Msg, 0, len(sequences))
	for _, seq := range sequences {
		e, err := j.load(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return j.notStored(ctx, err, "an event cannot be read")
		}
		o := &event.Outcome{
			Sequence: seq, EventID: e.ID, Type: e.Type, Key: e.Key, Lane: l.Lane, Mapping: l.Mapping, MappingSHA256: l.SHA256,
			Kind: event.Skipped, Reason: &event.Reason{Class: classDropped, Code: codeDropped, Message: why},
			ReceivedAt: e.ReceivedAt, At: time.Now().UTC(),
		}
		m, err := encodeOutcome(o)
		if err != nil {
			return fmt.Errorf("outcome of event %d under mapping %q: %w", seq, l.Mapping, err)
		}
		m.Header[nats.MsgIdHdr] = []string{outcomeID(o)}
		outcomes, msgs = append(outcomes, o), append(msgs, m)
	}
	// What is stored must be known, also when whoever asked has gone: it would be skipped
	// once more.
	return j.storeAll(context.WithoutCancel(ctx), nil, msgs, func(i int, seq uint64) { j.note(outcomes[i], seq) })
}

// leaveLane takes the reader of a lane out that has no mapping any more, so that it
// holds nothing.
func (j *Journal) leaveLane(ctx context.Context, lane event.Lane) error {
	for _, l := range j.lives.of(lane) {
		if l.Ended == nil || !l.Ended.Done {
			return nil
		}
	}
	for n := range j.parts {
		p := lanePart{lane, n}
		j.mu.Lock()
		_, open := j.lanes[p]
		j.mu.Unlock()
		if open {
			continue
		}
		if err := j.events.DeleteConsumer(ctx, j.durableOf(p)); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("end lane %s to %s: %w", lane.Source, lane.Sink, err)
		}
	}
	return nil
}

// finishDrops ends what a crash kept from its end.
func (j *Journal) finishDrops(ctx context.Context) error {
	j.lives.changing.Lock()
	defer j.lives.changing.Unlock()
	for id := range j.lives.old {
		l := j.lives.get(id)
		if l != nil && l.Ended != nil && !l.Ended.Done {
			n, err := j.finishDrop(ctx, l, 0)
			if err != nil {
				return err
			}
			j.log.Info("skipped what waited for a mapping that was dropped", "mapping", id.Mapping, "events", n)
		}
		delete(j.lives.old, id)
	}
	return nil
}

// RenameMapping has a mapping that runs take over the state of one that is paused in
// the same lane: where it was, what became of its events, and its dead letters. It
// records that, and the lane has to be opened again if it is open. Errors as
// DropMapping's.
func (j *Journal) RenameMapping(ctx context.Context, id MappingID, to string, by Doer) (events uint64, err error) {
	if err := by.check(); err != nil {
		return 0, err
	}
	if err := j.Ready(); err != nil {
		return 0, err
	}
	j.lives.changing.Lock()
	defer j.lives.changing.Unlock()
	old, heir, err := j.renaming(id, to)
	if err != nil {
		return 0, err
	}
	first, count := j.waitingBoth(old, heir)
	j.mu.Lock()
	through := j.counts.last
	j.mu.Unlock()
	gone := *old
	gone.Was = nil // they are its heir's
	gone.Ended = &ended{Kind: event.RenameMapping, At: time.Now().UTC(), By: by.By, Reason: by.Reason, To: to, Events: count, Done: true}
	next := *heir
	next.Was = append(append(next.Was[:len(next.Was):len(next.Was)], old.Was...), former{old.Mapping, through})
	if count > 0 {
		next.From = min(next.From, first)
		if b := next.Behind; b != nil && !b.back(j.parts) {
			first = min(first, b.From)
		}
		next.Behind = &behind{From: first}
	}
	if err := j.end(ctx, &gone, &gone, &next); err != nil {
		return 0, err
	}
	for _, w := range next.Was {
		j.past.rename(id.Lane, w.Mapping, to, w.Through)
	}
	return count, nil
}

// PlanRename tells how many events RenameMapping would carry over: those that wait for
// the mapping, and that the other has no outcome of either. Errors as its.
func (j *Journal) PlanRename(id MappingID, to string) (events uint64, err error) {
	old, heir, err := j.renaming(id, to)
	if err != nil {
		return 0, err
	}
	_, events = j.waitingBoth(old, heir)
	return events, nil
}

// renaming gives the two mappings of a rename.
func (j *Journal) renaming(id MappingID, to string) (old, heir *life, err error) {
	if old, err = j.paused(id); err != nil {
		return nil, nil, err
	}
	heir = j.lives.get(MappingID{id.Lane, to})
	switch {
	case old.Ended != nil:
		return nil, nil, &LifeError{fmt.Sprintf("mapping %s is being dropped", id.Mapping)}
	case heir == nil || !heir.running():
		return nil, nil, &LifeError{fmt.Sprintf("no mapping %s runs from %s to %s: give the mapping its new name in the configuration first", to, id.Lane.Source, id.Lane.Sink)}
	}
	return old, heir, nil
}

// waitingBoth tells how many events wait for old that heir has no outcome of either,
// and which is the first.
func (j *Journal) waitingBoth(old, heir *life) (first, count uint64) {
	j.mu.Lock()
	last := j.counts.accepted
	j.mu.Unlock()
	j.wanted(old, old.At, last, func(seq uint64) bool {
		if j.past.waitsFor(seq, heir.Lane, heir.Mapping) {
			if count++; first == 0 {
				first = seq
			}
		}
		return true
	})
	return first, count
}

// Heir gives the name that a mapping has now.
func (j *Journal) Heir(id MappingID) string { return j.past.heir(id.Lane, id.Mapping) }
