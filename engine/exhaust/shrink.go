package exhaust

import (
	"slices"
	"strings"
)

// findings shrinks the records that were kept for each failure.
func (s *search) findings() []finding {
	var out []finding
	before := s.records
	for n := range maxWitnesses {
		for _, key := range s.kinds {
			if n >= len(s.trials[key]) {
				continue
			}
			if n > 0 && (s.records-before > maxShrinking || s.spent()) {
				s.cut = true
				return out
			}
			out = append(out, s.shrink(key, s.trials[key][n].at))
		}
	}
	return out
}

// probe tries records to make one that fails smaller.
type probe struct {
	s    *search
	key  string
	left int
	last failure
}

// fails also says whether the failure went away, and not only out of sight: of a
// skipped record it is not known, nor of one that never came to the sink's schema.
func (p *probe) fails(b assignment) (yes, gone bool) {
	if p.left--; p.left < 0 || p.s.spent() {
		return false, false
	}
	record := p.s.shape.write(b, nil)
	out := p.s.mapped(record, b)
	i := slices.IndexFunc(out.failures, func(f failure) bool { return f.key == p.key })
	if i >= 0 && !p.s.possible(b, record) {
		return false, false
	}
	if i >= 0 {
		p.last = out.failures[i]
	}
	unseen := strings.HasPrefix(p.key, RuleSink) && out.unmapped
	return i >= 0, i < 0 && !out.skipped && !unseen
}

// reduce changes as many places as it can while the failure stays: all that are
// left at once, then halves of them. change gives the option that a place is to have;
// false if it has nothing to change.
func (p *probe) reduce(a assignment, from, to int, change func(a assignment, i int) (int, bool)) assignment {
	next := slices.Clone(a)
	n := 0
	for i := from; i < to; i++ {
		if v, ok := change(a, i); ok {
			next[i] = uint8(v) //nolint:gosec // at most maxValues and a few
			n++
		}
	}
	if n == 0 {
		return a
	}
	if yes, _ := p.fails(next); yes {
		return next
	}
	if to-from == 1 {
		return a
	}
	middle := (from + to) / 2
	return p.reduce(p.reduce(a, from, middle, change), middle, to, change)
}

// shrink looks for what matters in a record: how it differs from the usual one, and
// which codes decide. What is left is as small as it can be: texts and lists have no
// more than the failure needs, and what may be absent is.
func (s *search) shrink(key string, a assignment) finding {
	p := &probe{s: s, key: key, left: maxProbes}
	places := s.shape.places
	a = s.plain(p, a)
	a = s.shorten(p, a)
	a = s.plain(p, a)
	defer s.forget()
	p.left = maxProbes
	matters := make([]bool, len(places))
	for i, at := range places {
		matters[i] = a[i] != s.usual[i] || at.decides() && s.there(at, a) && s.decisive(a, i, p.fails)
	}
	f := finding{key: key}
	for i, at := range places {
		if matters[i] && s.there(at, a) {
			f.conditions = append(f.conditions, condition{path: at.path, option: at.options[a[i]], known: at.node != nil && len(at.node.Known) > 0, lookup: at.lookup})
		}
	}
	p.left = maxProbes
	small := a
	if yes, _ := p.fails(append(slices.Clone(a), alike)); yes {
		small = append(slices.Clone(a), alike)
	}
	small = p.reduce(small, 0, len(places), func(a assignment, i int) (int, bool) {
		absent := slices.IndexFunc(places[i].options, option.absent)
		return absent, !matters[i] && !s.around(i, matters, a) && absent >= 0 && int(a[i]) != absent
	})
	f.record = string(s.shape.write(small, nil))
	p.left = 1
	p.fails(small) // for the words of the failure
	last := p.last
	f.diag, f.path, f.field, f.table, f.cause = last.diag, last.path, last.field, last.table, last.cause
	f.message = s.say(&f)
	return f
}

// plain makes everything usual that can be, and absent what is null or empty.
func (s *search) plain(p *probe, a assignment) assignment {
	places := s.shape.places
	for again := true; again; {
		before := slices.Clone(a)
		a = p.reduce(a, 0, len(places), func(a assignment, i int) (int, bool) { return int(s.usual[i]), a[i] != s.usual[i] })
		again = !slices.Equal(before, a)
	}
	return p.reduce(a, 0, len(places), func(a assignment, i int) (int, bool) {
		absent := slices.IndexFunc(places[i].options, option.absent)
		o := places[i].options[a[i]]
		return absent, a[i] != s.usual[i] && absent >= 0 && !o.whole && (o.json == "null" || o.json == "{}" || o.json == `""`)
	})
}

// shorten makes texts and lists that are not as usual as short as they can be.
func (s *search) shorten(p *probe, a assignment) assignment {
	for i, at := range s.shape.places {
		if a[i] == s.usual[i] {
			continue
		}
		long, least := at.options[a[i]], 0
		var cut func(n int) option
		switch text := []rune(textOf(long.json)); {
		case long.whole && at.kind == array && long.count > 1:
			least = long.count
			cut = func(n int) option { return option{whole: true, count: n, rare: true} }
		case len(text) > 1 && !long.named && at.free:
			least = len(text)
			cut = func(n int) option { return option{json: quote(string(text[:n])), unnamed: long.unnamed, rare: true} }
		default:
			continue
		}
		at.kept = len(at.options)
		best := a
		for most := 0; least-most > 1; { // fails with least, and not with most as far as is known
			n := (least + most) / 2
			at.options = append(at.options, cut(n))
			if yes, _ := p.fails(with(a, i, len(at.options)-1)); yes {
				least, best = n, with(a, i, len(at.options)-1)
			} else {
				most = n
			}
		}
		a = best
	}
	return a
}

// forget takes away what shorten has added.
func (s *search) forget() {
	for _, at := range s.shape.places {
		if at.kept > 0 {
			at.options, at.kept = at.options[:at.kept], 0
		}
	}
}

// decides reports whether a place holds a code, as opposed to any text or amount.
func (p *place) decides() bool {
	n := 0
	for _, o := range p.options {
		if o.named {
			n++
		}
	}
	return p.kind == leaf && n > 0
}

// decisive reports whether another code at the place makes the failure go away.
func (s *search) decisive(a assignment, i int, fails func(assignment) (bool, bool)) bool {
	for v, o := range s.shape.places[i].options {
		if v == int(a[i]) || o.rare || o.json == "" || o.json == `""` {
			continue
		}
		if _, gone := fails(with(a, i, v)); gone {
			return true
		}
	}
	return false
}

// there reports whether what is around a place is in the record.
func (s *search) there(p *place, a assignment) bool {
	for _, q := range s.shape.places {
		if q == p || q.lookup != p.lookup || q.kind == leaf || len(p.path) <= len(q.path) || p.path[:len(q.path)] != q.path || p.path[len(q.path)] != '.' {
			continue
		}
		if o := q.options[a[q.index]]; !o.whole || q.kind == array && o.count == 0 {
			return false
		}
	}
	return true
}

// around reports whether what matters stands in an element of a list: the record that is shown
// has what its conditions speak of.
func (s *search) around(i int, matters []bool, a assignment) bool {
	outer := s.shape.places[i]
	for j, p := range s.shape.places {
		if outer.kind == array && matters[j] && p.lookup == outer.lookup && strings.HasPrefix(p.path, outer.path+".") && s.there(p, a) {
			return true
		}
	}
	return false
}
