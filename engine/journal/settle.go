package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Settle records, before the lanes are opened with them, which mappings run from now
// on. One that is new is for the events after the last one, or, where since is not
// zero, for those that were stored then or later; one that has come back goes on
// where it was; one that ran and is not named any more is paused where it is, and
// everything that it wants is kept. It gives the lanes that have to be opened again,
// should they be open, for they have to go back.
func (j *Journal) Settle(ctx context.Context, running []Use, since time.Time) ([]event.Lane, error) {
	again, err := patiently(ctx, j, func() (again []event.Lane, err error) {
		err = j.agreed(ctx, func() (err error) {
			again, err = j.settle(ctx, running, since)
			return err
		})
		return again, err
	})
	if err != nil {
		return nil, fmt.Errorf("record which mappings run: %w", err)
	}
	return again, nil
}

func (j *Journal) settle(ctx context.Context, running []Use, since time.Time) ([]event.Lane, error) {
	j.lives.changing.Lock()
	defer j.lives.changing.Unlock()
	info, err := j.events.Info(ctx)
	if err != nil {
		return nil, err
	}
	s := settling{j: j, now: time.Now().UTC(), last: info.State.LastSeq, begin: info.State.LastSeq + 1, named: map[MappingID]struct{}{}}
	if s.floors, err = j.floors(ctx); err != nil {
		return nil, err
	}
	if !since.IsZero() {
		if s.begin, err = j.firstSince(ctx, max(info.State.FirstSeq, 1), info.State.LastSeq, since); err != nil {
			return nil, err
		}
	}
	for i := range running {
		u := &running[i]
		if err := errors.Join(checkName(u.Lane.Source), checkName(u.Lane.Sink)); err != nil {
			return nil, err
		}
		if u.Mapping == "" || len(u.Mapping) > maxMapping {
			return nil, fmt.Errorf("a mapping's name must have 1 to %d bytes", maxMapping)
		}
		if err := s.run(ctx, u); err != nil {
			return nil, err
		}
	}
	for _, l := range j.lives.of(event.Lane{}) {
		if _, is := s.named[l.id()]; !is && l.running() {
			s.pause(l)
		}
	}
	for part := range slices.Chunk(s.changed, maxBatch) {
		if err := j.storeLives(ctx, part...); err != nil {
			return nil, err
		}
	}
	return slices.Collect(maps.Keys(s.again)), nil
}

// settling is a call of Settle.
type settling struct {
	j       *Journal
	now     time.Time
	last    uint64 // the last event
	begin   uint64 // where what is new begins
	floors  laneFloors
	named   map[MappingID]struct{}
	changed []*life
	again   map[event.Lane]struct{}
}

// run has a mapping run.
func (s *settling) run(ctx context.Context, u *Use) error {
	if _, twice := s.named[u.MappingID]; twice {
		return fmt.Errorf("mapping %s of lane %s to %s is named twice", u.Mapping, u.Lane.Source, u.Lane.Sink)
	}
	s.named[u.MappingID] = struct{}{}
	l := life{Lane: u.Lane, Mapping: u.Mapping, Since: s.now, From: s.begin}
	old := s.j.lives.get(u.MappingID)
	if old != nil && old.Ended != nil && !old.Ended.Done {
		// Its name is wanted again before its end is over.
		if _, err := s.j.finishDrop(ctx, old, 0); err != nil {
			return err
		}
		old = s.j.lives.get(u.MappingID)
	}
	switch {
	case old == nil || old.Ended != nil:
		is := s.opened(u.Lane)
		if is && len(s.j.lives.of(u.Lane)) == 0 {
			l.From = 1 // the lane ran before lives were recorded
		} else if is && (l.From <= s.last || s.j.follow != nil) { // whoever reads it now does not have it
			l.Behind = &behind{From: l.From}
		}
	case old.Paused:
		// Whether the lane has been further is seen when it is opened.
		l.From, l.Was, l.Behind = old.From, old.Was, &behind{From: old.At}
	default:
		l.From, l.Was, l.Behind, l.Since = old.From, old.Was, old.Behind, old.Since
		if old.SHA256 == u.SHA256 && old.Unsafe == u.Unsafe && slices.Equal(old.Types, u.Types) {
			return nil
		}
	}
	l.SHA256, l.Types, l.Unsafe = u.SHA256, u.Types, u.Unsafe
	s.changed = append(s.changed, &l)
	if l.Behind != nil && !l.Behind.back(s.j.parts) {
		if s.again == nil {
			s.again = map[event.Lane]struct{}{}
		}
		s.again[l.Lane] = struct{}{}
	}
	return nil
}

// pause has a mapping stand where it is.
func (s *settling) pause(old *life) {
	l := *old
	l.Paused, l.Since = true, s.now
	l.At = max(l.From, min(s.floors.of(l.Lane), s.last)+1)
	if b := l.Behind; b != nil && !b.back(s.j.parts) {
		l.At = min(l.At, b.From) // the lane never went back
	}
	s.changed = append(s.changed, &l)
	s.j.log.Warn("a mapping is gone from the configuration: what it wants is kept until it is back, dropped or renamed",
		"mapping", l.Mapping, "source", l.Lane.Source, "sink", l.Lane.Sink)
}

// opened tells whether the lane was ever opened.
func (s *settling) opened(lane event.Lane) bool {
	for p := range s.floors {
		if p.Lane == lane {
			return true
		}
	}
	return false
}
