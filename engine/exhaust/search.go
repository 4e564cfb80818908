package exhaust

import (
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// search goes through the records of one event's schema.
type search struct {
	program *mapping.Program
	ref     mapping.Ref
	source  *schema.Schema
	sink    *schema.Schema
	shape   *shape

	usual    assignment                    // the first option of every place; maps without a failure, if one was found
	seen     map[uint64]uint64             // what came of a record, by its hash
	valid    map[uint64][]schema.Violation // by the hash of what was made
	refusals map[uint64]string             // why a lookup does not take its arguments, by their hash
	records  int
	work     int
	// mappedRecords are those of records that came to the sink's schema, skippedRecords
	// those that `when` left out.
	mappedRecords, skippedRecords int
	cut                           bool
	// tolerated is what the usual records themselves do not fit.
	tolerated map[misfit]bool

	kinds  []string
	trials map[string][]trial // records that show a failure, by its key
}

// trial is a record that fails.
type trial struct {
	at assignment
}

func newSearch(p *mapping.Program, ref mapping.Ref, source, sink *schema.Schema, lookups map[string]mapping.LookupSchema) *search {
	s := &search{
		program: p, ref: ref, source: source, sink: sink, shape: newShape(p, source, sink, lookups),
		seen: map[uint64]uint64{}, valid: map[uint64][]schema.Violation{}, trials: map[string][]trial{},
		tolerated: map[misfit]bool{}, refusals: map[uint64]string{},
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
	s.tolerate(bases...)
	marks := map[string]bool{}
	for _, b := range bases {
		mark, _ := s.try(b)
		marks[mark] = true
	}
	for i := 0; i < len(bases) && s.records < maxRecords/2; i++ {
		for j, p := range s.shape.places {
			var null, absent uint64
			for v, o := range p.options {
				if o.long && i > 1 {
					continue
				}
				next := with(bases[i], j, v)
				mark, result := s.try(next)
				if mark != "" && !marks[mark] && len(bases) < maxBases {
					marks[mark] = true
					bases = append(bases, next)
				}
				switch {
				case o.json == "null":
					null = result
				case o.absent():
					absent = result
				}
			}
			if null != absent && null != 0 && absent != 0 {
				p.nullMatters()
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
		if v := slices.IndexFunc(p.options, option.absent); v >= 0 {
			a[i] = uint8(v) //nolint:gosec // at most maxValues and a few
		}
	}
	return a
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
// like, "" for a record that was tried before, and a number that stands for all of the
// result, 0 if it is not known.
func (s *search) try(a assignment) (mark string, result uint64) {
	record := s.shape.write(a, nil)
	h := sum(s.shape.text(a, record))
	if before, known := s.seen[h]; known || s.records >= maxRecords || s.spent() {
		return "", before
	}
	out := s.mapped(record, a)
	s.seen[h] = out.result
	checked := false
	for _, f := range out.failures {
		list, known := s.trials[f.key]
		more := func(t trial) bool { return s.covers(t.at, a) }
		if len(list) >= maxWitnesses || slices.ContainsFunc(list, more) {
			continue
		}
		if !checked && !s.possible(a, record) {
			return "", out.result
		}
		checked = true
		if !known {
			if len(s.kinds) >= maxKinds {
				s.cut = true
				continue
			}
			s.kinds = append(s.kinds, f.key)
		}
		s.trials[f.key] = append(list, trial{a})
	}
	return out.mark, out.result
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
	return max(h.Sum64(), 1)
}

// misfit is a way in which a made-up record, or the answer of the named lookup, does
// not fit its own schema.
type misfit struct{ lookup, path, demand string }

// misfits lists them, but for what is null: that is tried in place of what is absent,
// whatever the schema says.
func (s *search) misfits(a assignment, record []byte) []misfit {
	var out []misfit
	add := func(lookup string, of *schema.Schema, value []byte) {
		if of == nil || len(value) == 0 {
			return
		}
		for _, v := range of.Validate(value) {
			if !strings.HasSuffix(v.Message, ", and is null") {
				out = append(out, misfit{lookup, v.Path, demand(v.Message)})
			}
		}
	}
	add("", s.source, record)
	for _, key := range s.shape.order {
		add(key, s.shape.schemas[key], s.shape.writeAnswer(key, a, nil))
	}
	return out
}

// tolerate notes what the first records do not fit: where nothing is known that does,
// it is no reason to leave a record out.
func (s *search) tolerate(first ...assignment) {
	for _, a := range first {
		for _, m := range s.misfits(a, s.shape.write(a, nil)) {
			s.tolerated[m] = true
		}
	}
}

// possible reports whether the schemas allow the record and the answers, so that a
// failure of them is one that can come.
func (s *search) possible(a assignment, record []byte) bool {
	return !slices.ContainsFunc(s.misfits(a, record), func(m misfit) bool { return !s.tolerated[m] })
}

// demand is what a violation wants, without the value that it has.
func demand(message string) string {
	for _, before := range []string{", and is ", ", and has "} {
		message, _, _ = strings.Cut(message, before)
	}
	return message
}

// outcome is what becomes of an assignment, without remembering it.
func (s *search) outcome(a assignment) outcome { return s.mapped(s.shape.write(a, nil), a) }

// arrived is when every made-up event comes.
func arrived() time.Time { return time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC) }
