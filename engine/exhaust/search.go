package exhaust

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// search goes through the records of one event's schema.
type search struct {
	program *mapping.Program
	ref     mapping.Ref
	sink    *schema.Schema
	shape   *shape

	usual   assignment // the first option of every place; maps without a failure, if one was found
	seen    map[uint64]bool
	valid   map[uint64][]schema.Violation // by the hash of what was made
	records int
	work    int
	cut     bool

	kinds  []string
	trials map[string][]trial // records that show a failure, by its key
}

// trial is a record that fails.
type trial struct {
	at assignment
}

func newSearch(p *mapping.Program, ref mapping.Ref, source, sink *schema.Schema, answers map[string]*schema.Schema) *search {
	s := &search{
		program: p, ref: ref, sink: sink, shape: newShape(p, source, answers),
		seen: map[uint64]bool{}, valid: map[uint64][]schema.Violation{}, trials: map[string][]trial{},
	}
	s.usual = make(assignment, len(s.shape.places))
	return s
}

// bases is how many records are changed one place at a time, and around how many
// pairs are tried.
const (
	maxBases = 40
	pairOf   = 6
)

func (s *search) run() {
	s.settle()
	bases := []assignment{s.usual, s.bare()}
	marks := map[string]bool{s.try(s.usual): true, s.try(bases[1]): true}
	for i := 0; i < len(bases) && s.records < maxRecords/2; i++ {
		for j, p := range s.shape.places {
			for v := range p.options {
				next := with(bases[i], j, v)
				mark := s.try(next)
				if mark != "" && !marks[mark] && len(bases) < maxBases {
					marks[mark] = true
					bases = append(bases, next)
				}
			}
		}
	}
	for _, b := range bases[:min(len(bases), pairOf)] {
		s.pairs(b)
	}
	s.cut = s.cut || s.records >= maxRecords || s.spent() || s.shape.cut
}

// spent reports whether the records tried so far have cost all that they may.
func (s *search) spent() bool { return s.work > maxWork }

// bare is the record with as little in it as the schema allows, but with the objects
// and the first elements that something may stand in: what several fields give in
// turn is missing only where all of them are.
func (s *search) bare() assignment {
	a := slices.Clone(s.usual)
	for i, p := range s.shape.places {
		if p.kind != leaf {
			continue
		}
		if v := slices.IndexFunc(p.options, func(o option) bool { return o.json == "" && !o.whole }); v >= 0 {
			a[i] = uint8(v) //nolint:gosec // at most maxValues and a few
		}
	}
	return a
}

// settle looks for a usual record that maps: texts that can be read, codes that
// have a row.
func (s *search) settle() {
	for range 3 {
		least := s.badness(s.usual)
		if least == 0 || s.spent() {
			return
		}
		before := least
		for j, p := range s.shape.places {
			if p.kind != leaf || least == 0 || s.spent() {
				continue
			}
			if o := &p.options[0]; o.json == `"x"` {
				for _, text := range readable() {
					old := o.json
					o.json = text
					if b := s.badness(s.usual); b < least {
						least = b
						continue
					}
					o.json = old
				}
			}
			for v, o := range p.options {
				if o.json == "" || o.rare {
					continue
				}
				if b := s.badness(with(s.usual, j, v)); b < least { // it becomes the first
					least = b
					p.options[0], p.options[v] = p.options[v], p.options[0]
				}
			}
		}
		if least == before {
			return
		}
	}
}

// badness weighs an assignment's failures: what is skipped is worse than what cannot
// be mapped, and that is worse than what the sink refuses, which is seen later.
func (s *search) badness(a assignment) int {
	out := s.outcome(a)
	switch {
	case out.skipped:
		return 1_000_000
	case out.unmapped:
		return 1000 * len(out.failures)
	}
	return len(out.failures)
}

// pairs changes two places at a time. Every pair of places gets its first
// combination before any gets its second, so that all get some where there are too
// many.
func (s *search) pairs(base assignment) {
	places := s.shape.places
	options := make([][]int, len(places))
	for i, p := range places {
		for v, o := range p.options {
			if v != int(base[i]) && !o.rare && p.read {
				options[i] = append(options[i], v)
			}
		}
	}
	for round := 0; ; round++ {
		more := false
		for i := range places {
			for j := range i {
				n := len(options[i]) * len(options[j])
				if round >= n {
					continue
				}
				more = true
				if s.records >= maxRecords || s.spent() {
					s.cut = true
					return
				}
				a := with(base, j, options[j][round%len(options[j])])
				a[i] = uint8(options[i][round/len(options[j])]) //nolint:gosec // at most maxValues and a few
				s.try(a)
			}
		}
		if !more {
			return
		}
	}
}

// with returns a copy of the assignment with another option of one place.
func with(a assignment, place, option int) assignment {
	b := slices.Clone(a)
	b[place] = uint8(option) //nolint:gosec // at most maxValues and a few
	return b
}

// try maps a record and remembers its failures; it returns what the result looks
// like, "" for a record that was tried before.
func (s *search) try(a assignment) string {
	record := s.shape.write(a, nil)
	h := sum(s.shape.text(a, record))
	if s.seen[h] || s.records >= maxRecords || s.spent() {
		return ""
	}
	s.seen[h] = true
	out := s.mapped(record, a)
	for _, f := range out.failures {
		list, known := s.trials[f.key]
		if !known {
			if len(s.kinds) >= maxKinds {
				s.cut = true
				continue
			}
			s.kinds = append(s.kinds, f.key)
		}
		more := func(t trial) bool { return s.covers(t.at, a) }
		if len(list) < maxWitnesses && !slices.ContainsFunc(list, more) {
			s.trials[f.key] = append(list, trial{a})
		}
	}
	return out.mark
}

// covers reports whether all places that a changes are changed by b too, which then
// most likely fails for the same cause.
func (s *search) covers(a, b assignment) bool {
	for i := range a {
		if a[i] != s.usual[i] && b[i] == s.usual[i] {
			return false
		}
	}
	return true
}

func sum(b []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(b) // never fails
	return h.Sum64()
}

// outcome is what becomes of an assignment, without remembering it.
func (s *search) outcome(a assignment) outcome { return s.mapped(s.shape.write(a, nil), a) }

// arrived is when every made-up event comes.
func arrived() time.Time { return time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC) }
