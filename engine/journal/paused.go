package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// LifeState is how a mapping stands.
type LifeState string

// The states of a mapping.
const (
	// LifeRunning: the configuration has it.
	LifeRunning LifeState = "running"
	// LifePaused: the configuration has it no more, and what it wants is kept.
	LifePaused LifeState = "paused"
	// LifeDropping: it was dropped, and some of what it wanted has no outcome yet.
	LifeDropping LifeState = "dropping"
	// LifeDropped: it was dropped.
	LifeDropped LifeState = "dropped"
	// LifeRenamed: another mapping has its state.
	LifeRenamed LifeState = "renamed"
)

// Life is how a mapping of a lane stands.
type Life struct {
	Use
	State LifeState
	// Since is when that began.
	Since time.Time
	// From is the first event that it is for.
	From uint64
	// Backlog is how many events wait for it and OldestAt when the first of them was
	// stored, while it is paused or being dropped. Of one that runs the lane tells.
	Backlog  uint64
	OldestAt time.Time
	// Was are the names that it had before.
	Was []string
	// By says who dropped or renamed it, and why; To is its new name, and Events how
	// many were skipped, or went over to that.
	By, Reason, To string
	Events         uint64
}

// backlog is what is known of the events that wait for a paused mapping.
type backlog struct {
	// seen is up to where they were counted, first the first one, 0 if there is none.
	seen, first, count uint64
}

// wanted walks the events of a range that a mapping wants and that have no outcome
// under it, until fn is false.
func (j *Journal) wanted(l *life, from, through uint64, fn func(seq uint64) bool) {
	types := make(map[string]struct{}, len(l.Types))
	for _, t := range l.Types {
		types[t] = struct{}{}
	}
	picked := j.kinds.picks(func(connection, typ string) bool {
		_, is := types[typ]
		return is && connection == l.Lane.Source
	})
	for seq := max(from, 1); seq <= through; seq++ {
		if j.index.identityOf(seq) != 0 && j.kinds.among(picked, seq) && j.past.waitsFor(seq, l.Lane, l.Mapping) && !fn(seq) {
			return
		}
	}
}

// waiting tells how many events wait for a mapping that is paused, and which is the
// first. What was counted once is not counted again.
func (j *Journal) waiting(l *life) (first, count uint64) {
	j.mu.Lock()
	last := j.counts.accepted
	j.mu.Unlock()
	if e := l.Ended; e != nil {
		last = min(last, e.Through)
	}
	s := j.lives
	s.mu.Lock()
	b := backlog{seen: max(l.At, 1) - 1}
	if known := s.waits[l.id()]; known != nil {
		b = *known
	}
	s.mu.Unlock()
	j.wanted(l, b.seen+1, last, func(seq uint64) bool {
		if b.count++; b.first == 0 {
			b.first = seq
		}
		return true
	})
	b.seen = max(b.seen, last)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[l.id()] == l {
		s.waits[l.id()] = &b
	}
	return b.first, b.count
}

// WaitsFor gives the mappings that are paused, or being dropped, and that an event waits
// for.
func (j *Journal) WaitsFor(e *event.Event) []MappingID {
	var out []MappingID
	for _, l := range j.lives.of(event.Lane{}) {
		if l.Lane.Source != e.Connection || e.Sequence < l.From || !slices.Contains(l.Types, e.Type) {
			continue
		}
		if open := l.Paused && l.Ended == nil || l.Ended != nil && !l.Ended.Done && e.Sequence <= l.Ended.Through; open &&
			j.past.waitsFor(e.Sequence, l.Lane, l.Mapping) {
			out = append(out, l.id())
		}
	}
	return out
}

// Paused tells whether the configuration has a mapping no more that is not dropped.
func (j *Journal) Paused(id MappingID) bool {
	return slices.ContainsFunc(j.lives.of(id.Lane), func(l *life) bool { return l.Mapping == id.Mapping && l.Paused && l.Ended == nil })
}

// counted has a paused mapping's backlog counted anew: one of its events has its
// outcome now.
func (s *lives) counted(lane event.Lane, mapping string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waits) > 0 {
		delete(s.waits, MappingID{lane, mapping})
	}
}

// Lives gives how each mapping stands that runs, is paused or has ended, in order.
func (j *Journal) Lives(ctx context.Context) ([]Life, error) {
	var out []Life
	soon, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	for _, l := range j.lives.of(event.Lane{}) {
		one := Life{
			Use: Use{MappingID: l.id(), SHA256: l.SHA256, Types: l.Types, Unsafe: l.Unsafe}, State: LifeRunning, Since: l.Since, From: l.From,
		}
		for _, w := range l.Was {
			one.Was = append(one.Was, w.Mapping)
		}
		waits := l.Paused
		if e := l.Ended; e != nil {
			one.By, one.Reason, one.To, one.Events, one.Since = e.By, e.Reason, e.To, e.Events, e.At
			one.State, waits = LifeDropped, !e.Done
			switch {
			case e.To != "":
				one.State, waits = LifeRenamed, false
			case !e.Done:
				one.State = LifeDropping
			}
		} else if l.Paused {
			one.State = LifePaused
		}
		if waits {
			var first uint64
			if first, one.Backlog = j.waiting(l); first > 0 {
				m, err := j.events.GetMsg(soon, first)
				if err == nil {
					one.OldestAt = m.Time.UTC()
				} else if !errors.Is(err, jetstream.ErrMsgNotFound) && !isForming(ctx, err) {
					return nil, fmt.Errorf("read the age of a mapping's backlog: %w", err)
				}
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// needed gives the first event that a mapping needs which no lane holds for it, and
// which mapping; 0 if there is none.
func (j *Journal) needed() (uint64, MappingID) {
	var (
		lowest uint64
		who    MappingID
	)
	for _, l := range j.lives.of(event.Lane{}) {
		first := uint64(0)
		switch {
		case l.Ended != nil && l.Ended.Done:
		case l.Ended != nil || l.Paused:
			first, _ = j.waiting(l)
		case l.Behind != nil && !l.Behind.back(j.parts):
			first = l.Behind.From
		}
		if first > 0 && (lowest == 0 || first < lowest) {
			lowest, who = first, l.id()
		}
	}
	return lowest, who
}

// resting tells whether a lane has mappings, and none that runs: what it holds is
// held by them.
func (j *Journal) resting(lane event.Lane) bool {
	all := j.lives.of(lane)
	for _, l := range all {
		if l.running() {
			return false
		}
	}
	return len(all) > 0
}
