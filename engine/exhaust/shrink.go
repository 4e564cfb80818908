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

// shrink looks for what matters in a record: how it differs from the usual one, and
// which codes decide.
func (s *search) shrink(key string, a assignment) finding {
	probes := 0
	var last failure
	// fails also says whether the failure went away, and not only out of sight: of a
	// skipped record it is not known, nor of one that never came to the sink's schema.
	fails := func(b assignment) (yes, gone bool) {
		if probes++; probes > maxProbes || probes > 1 && s.spent() {
			return false, false
		}
		record := s.shape.write(b, nil)
		out := s.mapped(record, b)
		i := slices.IndexFunc(out.failures, func(f failure) bool { return f.key == key })
		if i >= 0 && !s.possible(b, record) {
			return false, false
		}
		if i >= 0 {
			last = out.failures[i]
		}
		unseen := strings.HasPrefix(key, RuleSink) && out.unmapped
		return i >= 0, i < 0 && !out.skipped && !unseen
	}
	a = slices.Clone(a)
	places := s.shape.places
	for again := true; again; {
		again = false
		for i := range places {
			if a[i] == s.usual[i] {
				continue
			}
			if yes, _ := fails(with(a, i, int(s.usual[i]))); yes {
				a[i] = s.usual[i]
				again = true
			}
		}
	}
	// What is null or empty is said as absent, if that fails too.
	for i, p := range places {
		absent := slices.IndexFunc(p.options, option.absent)
		if a[i] == s.usual[i] || absent < 0 || p.options[a[i]].whole {
			continue
		}
		if o := p.options[a[i]]; o.json == "null" || o.json == "{}" || o.json == `""` {
			if yes, _ := fails(with(a, i, absent)); yes {
				a = with(a, i, absent)
			}
		}
	}
	matters := make([]bool, len(places))
	for i, p := range places {
		matters[i] = a[i] != s.usual[i] || p.decides() && s.there(p, a) && s.decisive(a, i, fails)
	}
	f := finding{key: key}
	for i, p := range places {
		if matters[i] && s.there(p, a) {
			f.conditions = append(f.conditions, condition{path: p.path, option: p.options[a[i]], known: p.node != nil && len(p.node.Known) > 0, lookup: p.lookup})
		}
	}
	small := slices.Clone(a)
	for i, p := range places {
		absent := slices.IndexFunc(p.options, option.absent)
		if matters[i] || absent < 0 {
			continue
		}
		if yes, _ := fails(with(small, i, absent)); yes {
			small = with(small, i, absent)
		}
	}
	f.record = string(s.shape.write(small, nil))
	probes = 0
	fails(small) // for the words of the failure
	f.diag, f.path, f.field, f.table, f.cause = last.diag, last.path, last.field, last.table, last.cause
	f.message = s.say(&f)
	return f
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
