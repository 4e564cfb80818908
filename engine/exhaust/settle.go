package exhaust

import "slices"

// maxSettling is how often all places are gone through for a usual record.
const maxSettling = 6

// settle looks for a usual record that maps: texts that can be read, codes that have
// a row; and without a field where none of its values is any good.
func (s *search) settle() {
	now := s.badness(s.usual)
	passed := map[string]bool{}
	empty := false
	for range maxSettling {
		changed := false
		for j, p := range s.shape.places {
			if p.kind != leaf {
				continue
			}
			if now.weight == 0 || s.spent() {
				return
			}
			known := len(p.options)
			p.options = append(p.options, s.more(p)...)
			best, least := s.best(j, now, passed, empty)
			chosen := p.options[best]
			p.options = p.options[:known] // and what was usual is tried as any other
			if best < known {
				p.options = slices.Delete(p.options, best, best+1)
			}
			p.options = slices.Insert(p.options, 0, chosen)
			if best == 0 {
				continue
			}
			for _, key := range now.failures {
				passed[key] = true
			}
			now, changed = least, true
		}
		if !changed && empty {
			return
		}
		empty = !changed
	}
}

// more are texts that a place may have instead of a usual one that cannot be read.
func (s *search) more(p *place) []option {
	var out []option
	if !p.free {
		return nil
	}
	for _, text := range readable(s.shape.limits) {
		if !slices.ContainsFunc(p.options, func(o option) bool { return o.json == text && !o.rare }) {
			out = append(out, option{json: text, unnamed: true})
		}
	}
	return out
}

// best is the option of a place that leaves least to fail, 0 if it is the usual one.
// Another failure in place of those now is better too, if it was not passed: one rule
// may stop at the first. Of empty ones it
// is among those, else among the others: they come where no value anywhere is better.
func (s *search) best(j int, now badness, passed map[string]bool, empty bool) (option int, least badness) {
	least = now
	options := s.shape.places[j].options
	for v, o := range options {
		if v == 0 || (o.absent() || o.json == `""`) != empty || o.rare {
			continue
		}
		next := with(s.usual, j, v)
		b := s.badness(next)
		if (b.weight < least.weight || option == 0 && b.instead(now, passed)) && s.fits(next) {
			option, least = v, b
		}
	}
	return option, least
}

// badness weighs what is wrong with a record.
type badness struct {
	weight   int
	failures []string
}

// instead reports whether failures as bad as those of now have taken their place, and
// none of them was there before.
func (b badness) instead(now badness, passed map[string]bool) bool {
	old := func(key string) bool { return passed[key] || slices.Contains(now.failures, key) }
	return b.weight == now.weight && !slices.ContainsFunc(b.failures, old)
}

// badness weighs an assignment's failures: what is skipped is worse than what cannot
// be mapped, and that is worse than what the sink refuses, which is seen later.
func (s *search) badness(a assignment) badness {
	out := s.outcome(a)
	var b badness
	for _, f := range out.failures {
		b.failures = append(b.failures, f.key)
	}
	switch b.weight = len(out.failures); {
	case out.skipped:
		return badness{1_000_000, []string{"skipped"}}
	case out.unmapped:
		b.weight *= 1000
	}
	return b
}

// fits reports whether a record misses its schema nowhere that the usual one does not.
func (s *search) fits(a assignment) bool {
	usual := s.misfits(s.usual, s.shape.write(s.usual, nil))
	return !slices.ContainsFunc(s.misfits(a, s.shape.write(a, nil)), func(m misfit) bool { return !slices.Contains(usual, m) })
}
