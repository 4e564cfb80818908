package journal

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// shelf knows of each dead letter that is kept what lists are asked for, so that
// no list reads letters that it does not show. It costs some 100 bytes a letter.
type shelf struct {
	mu sync.Mutex
	// letters are in the order of their places.
	letters []shelved
	// reasons are those that letters have, once each.
	reasons map[ReasonCount]*ReasonCount
	types   map[string]string
}

// shelved is what is known of a letter.
type shelved struct {
	letter
	place    uint64
	at       int64 // when it was given up, in Unix nanoseconds; 0 where that is not known
	typ, key string
	reason   *ReasonCount
}

func newShelf() *shelf {
	return &shelf{reasons: map[ReasonCount]*ReasonCount{}, types: map[string]string{}}
}

// add notes a letter. One that was stored before is passed over.
func (s *shelf) add(l shelved, reason ReasonCount) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reasons[reason] == nil {
		s.reasons[reason] = &reason
	}
	if _, known := s.types[l.typ]; !known {
		s.types[l.typ] = l.typ
	}
	l.reason, l.typ = s.reasons[reason], s.types[l.typ]
	at, known := s.find(l.place)
	if !known {
		s.letters = slices.Insert(s.letters, at, l)
	}
}

func (s *shelf) find(place uint64) (int, bool) {
	return slices.BinarySearchFunc(s.letters, place, func(l shelved, place uint64) int { return cmp.Compare(l.place, place) })
}

// drop takes a letter out.
func (s *shelf) drop(place uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, known := s.find(place); known {
		s.letters = slices.Delete(s.letters, at, at+1)
	}
}

// from gives a part of the letters, from a place on, in order; the caller asks on
// behind the last one.
func (s *shelf) from(place uint64, into []shelved) []shelved {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, _ := s.find(place)
	return append(into, s.letters[at:min(at+chunkLen, len(s.letters))]...)
}

// shelvedOf gives what is known of a letter at its place.
func shelvedOf(d *event.DeadLetter, place uint64) (shelved, ReasonCount) {
	o := &d.Outcome
	l := shelved{letter: letterOf(o), place: place, at: o.At.UnixNano(), typ: d.Event.Type, key: d.Event.Key}
	r := ReasonCount{Mapping: o.Mapping}
	if o.Reason != nil {
		r.Class, r.Code, r.Path = clipped(o.Reason.Class), clipped(o.Reason.Code), clipped(o.Reason.Path)
	}
	return l, r
}

// readShelved reads the same from a letter's headers.
func readShelved(mk mark, h nats.Header, place uint64) (shelved, ReasonCount, error) {
	l := shelved{letter: letter{lane: mk.lane, mapping: mk.mapping, sequence: mk.sequence}, place: place}
	r := ReasonCount{Mapping: mk.mapping}
	for _, f := range []struct {
		header string
		to     *string
	}{{hdrType, &l.typ}, {hdrKey, &l.key}, {hdrReasonClass, &r.Class}, {hdrReasonCode, &r.Code}, {hdrReasonPath, &r.Path}} {
		var err error
		if *f.to, err = url.PathUnescape(h.Get(f.header)); err != nil {
			return l, r, fmt.Errorf("header %s %q: %w", f.header, h.Get(f.header), err)
		}
	}
	at, err := decodeTime(h.Get(hdrDeadAt))
	if err != nil {
		return l, r, fmt.Errorf("header %s %q: %w", hdrDeadAt, h.Get(hdrDeadAt), err)
	}
	if !at.IsZero() {
		l.at = at.UnixNano()
	}
	return l, r, nil
}

// picks tells whether the filter picks a letter, whatever was done with it.
func (f *LetterFilter) picks(l *shelved) bool {
	r := l.reason
	return (f.Source == "" || f.Source == l.lane.Source) && (f.Sink == "" || f.Sink == l.lane.Sink) &&
		(f.Mapping == "" || f.Mapping == l.mapping) && (f.Sequence == 0 || f.Sequence == l.sequence) &&
		(f.Type == "" || f.Type == l.typ) && (f.Key == "" || f.Key == l.key) &&
		(f.Class == "" || f.Class == r.Class) && (f.Code == "" || f.Code == r.Code) && (f.Path == "" || f.Path == r.Path) &&
		(f.Since.IsZero() || !time.Unix(0, l.at).Before(f.Since)) && (f.Until.IsZero() || time.Unix(0, l.at).Before(f.Until))
}
