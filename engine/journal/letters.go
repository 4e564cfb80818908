package journal

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// LetterState is where a dead letter is.
type LetterState string

// The states of a dead letter. One that went on its way again and was delivered,
// skipped or superseded is in the state of that name.
const (
	// LetterNone: there is no such letter.
	LetterNone LetterState = "none"
	// LetterOpen: nothing was done with it yet.
	LetterOpen LetterState = "open"
	// LetterOnItsWay: it went on its way again and has no outcome yet.
	LetterOnItsWay LetterState = "on_its_way"
	// LetterDeadAgain: it went on its way again, and what it went as is a letter itself.
	LetterDeadAgain LetterState = "dead_again"
	// LetterDropped: it was dropped.
	LetterDropped LetterState = "dropped"
)

// letterState tells where a letter is, and what was done with it last. floors are
// the lanes'.
func (j *Journal) letterState(l letter, floors laneFloors) (LetterState, *event.Act) {
	j.mu.Lock()
	_, stored := j.letters[l]
	j.mu.Unlock()
	if !stored || j.past.became(l) != event.Dead {
		return LetterNone, nil
	}
	acts := j.past.actsOn(l)
	if len(acts) == 0 {
		return LetterOpen, nil
	}
	last := &acts[len(acts)-1]
	if last.As == 0 {
		return LetterDropped, last
	}
	switch kind := j.past.became(letter{lane: l.lane, mapping: l.mapping, sequence: last.As}); {
	case kind == event.Dead:
		return LetterDeadAgain, last
	case kind != "":
		return LetterState(kind), last
	case last.As <= floors.of(l.lane):
		// The lane is past it and nothing came of it: the mapping did not run then.
		return LetterOpen, last
	}
	return LetterOnItsWay, last
}

// endState is letterState for a letter whose retries count as it: where one of them is
// dead again, what became of that.
func (j *Journal) endState(l letter, floors laneFloors) LetterState {
	for {
		state, last := j.letterState(l, floors)
		if state != LetterDeadAgain || last.As <= l.sequence {
			return state
		}
		l.sequence = last.As
		l.mapping = j.past.heir(l.lane, l.mapping)
	}
}

// deadLetter reads a letter.
func (j *Journal) deadLetter(ctx context.Context, l letter) (event.DeadLetter, error) {
	j.mu.Lock()
	place := j.letters[l]
	j.mu.Unlock()
	m, err := j.dead.GetMsg(ctx, place)
	if err != nil {
		return event.DeadLetter{}, fmt.Errorf("dead letter of event %d: %w", l.sequence, err)
	}
	d, err := decodeDead(m.Subject, m.Header, m.Data)
	if err != nil {
		return event.DeadLetter{}, fmt.Errorf("dead letter of event %d: %w", l.sequence, err)
	}
	return d, nil
}

// LetterFilter picks dead letters; what is empty picks all.
type LetterFilter struct {
	Source, Sink, Mapping, Type, Key string
	// Class and Code are the reason's, Path the field that it is about.
	Class, Code, Path string
	// Sequence is the event's, 0 for all.
	Sequence uint64
	// Since and Until bound when it was given up: not before, and before.
	Since, Until time.Time
	// All picks those as well that something was done with.
	All bool
}

// Letter is a dead letter with where it is.
type Letter struct {
	event.DeadLetter
	// Place is its place in the list, which grows with time.
	Place uint64
	State LetterState
	Acts  []event.Act
}

// ReasonCount is how many letters have a reason, one under each mapping.
type ReasonCount struct {
	Mapping string `json:"mapping"`
	Class   string `json:"class"`
	Code    string `json:"code"`
	Path    string `json:"path,omitempty"`
	Count   int    `json:"count"`
}

// LetterPage is a part of the letters that a filter picks.
type LetterPage struct {
	Letters []Letter
	// Next is where the next part goes on, 0 at the end.
	Next uint64
	// Total is how many letters the filter picks, and Reasons how many of them have
	// which, the most frequent first; both of a whole list alone.
	Total   int
	Reasons []ReasonCount
}

// maxReasons bounds the reasons of a page.
const maxReasons = 100

// Letters gives the newest letters that f picks, at most limit, and counts all. It
// reads those that it gives, and knows the others (BenchmarkHistory).
func (j *Journal) Letters(ctx context.Context, f LetterFilter, before uint64, limit int) (LetterPage, error) {
	var places []uint64
	counts := map[*ReasonCount]int{}
	total := 0
	err := j.eachLetter(ctx, &f, 1, func(l *shelved) bool {
		total++
		counts[l.reason]++
		if before == 0 || l.place < before {
			places = append(places, l.place)
			if len(places) >= 2*limit+2 {
				places = slices.Delete(places, 0, len(places)-limit-1)
			}
		}
		return true
	})
	if err != nil {
		return LetterPage{}, fmt.Errorf("read dead letters: %w", err)
	}
	slices.Reverse(places)
	p := LetterPage{Total: total}
	if len(places) > limit {
		places = places[:limit]
		p.Next = places[limit-1]
	}
	for r, n := range counts {
		reason := *r
		reason.Count = n
		p.Reasons = append(p.Reasons, reason)
	}
	slices.SortFunc(p.Reasons, func(a, b ReasonCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Mapping, b.Mapping), cmp.Compare(a.Class, b.Class),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Path, b.Path))
	})
	p.Reasons = p.Reasons[:min(len(p.Reasons), maxReasons)]
	p.Letters, err = j.readLetters(ctx, places)
	return p, err
}

// WalkLetters gives the oldest letters that f picks behind the place after, at most
// limit, for whoever goes through all of them.
func (j *Journal) WalkLetters(ctx context.Context, f LetterFilter, after uint64, limit int) (LetterPage, error) {
	var places []uint64
	err := j.eachLetter(ctx, &f, after+1, func(l *shelved) bool {
		places = append(places, l.place)
		return len(places) <= limit
	})
	if err != nil {
		return LetterPage{}, fmt.Errorf("read dead letters: %w", err)
	}
	var p LetterPage
	if len(places) > limit {
		places = places[:limit]
		p.Next = places[limit-1]
	}
	p.Letters, err = j.readLetters(ctx, places)
	return p, err
}

// Letter gives one letter; LetterNone is the state of one that is not there.
func (j *Journal) Letter(ctx context.Context, id LetterID) (Letter, error) {
	floors, err := j.floors(ctx)
	if err != nil {
		return Letter{}, fmt.Errorf("read a dead letter: %w", err)
	}
	state, _ := j.letterState(id.letter(), floors)
	if state == LetterNone {
		return Letter{State: state}, nil
	}
	d, err := j.deadLetter(ctx, id.letter())
	if err != nil {
		return Letter{}, fmt.Errorf("read the journal: %w", err)
	}
	return Letter{DeadLetter: d, State: state, Acts: j.past.actsOn(id.letter())}, nil
}

// eachLetter calls fn for each letter that f picks, oldest first, until that is false.
func (j *Journal) eachLetter(ctx context.Context, f *LetterFilter, from uint64, fn func(*shelved) bool) error {
	floors, err := j.floors(ctx)
	if err != nil {
		return err
	}
	var some []shelved
	for {
		if some = j.shelf.from(from, some[:0]); len(some) == 0 {
			return nil
		}
		for i := range some {
			l := &some[i]
			from = l.place + 1
			if !f.picks(l) || !j.stands(l, floors, f.All) {
				continue
			}
			if !fn(l) {
				return nil
			}
		}
	}
}

// stands tells whether a letter counts, and is open unless all do.
func (j *Journal) stands(l *shelved, floors laneFloors, all bool) bool {
	j.mu.Lock()
	current := j.letters[l.letter] == l.place
	j.mu.Unlock()
	if !current {
		return false
	}
	state, _ := j.letterState(l.letter, floors)
	return state == LetterOpen || all && state != LetterNone
}

func (j *Journal) readLetters(ctx context.Context, places []uint64) ([]Letter, error) {
	floors, err := j.floors(ctx)
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	out := make([]Letter, 0, len(places))
	for _, place := range places {
		m, err := j.dead.GetMsg(ctx, place)
		if err != nil {
			return nil, fmt.Errorf("read dead letter %d: %w", place, err)
		}
		d, err := decodeDead(m.Subject, m.Header, m.Data)
		if err != nil {
			return nil, fmt.Errorf("read dead letter %d: %w", place, err)
		}
		l := letterOf(&d.Outcome)
		state, _ := j.letterState(l, floors)
		out = append(out, Letter{DeadLetter: d, Place: place, State: state, Acts: j.past.actsOn(l)})
	}
	return out, nil
}

// reasonHeaders repeats in a letter's headers what filters ask for.
func reasonHeaders(o *event.Outcome) map[string]string {
	h := map[string]string{hdrDeadAt: encodeTime(o.At)}
	if r := o.Reason; r != nil {
		maps.Copy(h, map[string]string{
			hdrReasonClass: short(r.Class), hdrReasonCode: short(r.Code), hdrReasonPath: short(r.Path),
		})
	}
	return h
}

// short is a text as a header holds it.
func short(s string) string { return url.PathEscape(clipped(s)) }

// clipped is a text as long as lists know it.
func clipped(s string) string { return words.Bounded(s, 256) }

// Headers of a dead letter beside the event's and the outcome's.
const (
	hdrReasonClass = "Cw-Reason-Class"
	hdrReasonCode  = "Cw-Reason-Code"
	hdrReasonPath  = "Cw-Reason-Path"
	hdrDeadAt      = "Cw-Dead-At"
)
