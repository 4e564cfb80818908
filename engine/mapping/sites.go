package mapping

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// pointKind is what kind of point of a mapping an event can reach.
type pointKind int

const (
	pointRule pointKind = iota
	pointDecision
	pointBranch
	pointRow
	pointDefault
)

// pointKey identifies a point: a rule, a condition (way is true or false), a branch,
// a table (way is the row's key), or a default.
type pointKey struct {
	kind pointKind
	of   any
	way  string
}

type point struct {
	key  pointKey
	what string
	at   span
	// table is set for a row.
	table *table
}

// decision says what a condition decides.
type decision struct {
	kind  string // when, choose, where
	field string // the sink's field with # for indexes; for where the source's element
}

// sites are a program's rules with their places, found by a walk through it.
type sites struct {
	doc       *document
	points    []point
	decisions map[rule]decision
	seen      map[any]bool
}

func newSites(p *Program) *sites {
	s := &sites{doc: p.doc, decisions: map[rule]decision{}, seen: map[any]bool{}}
	s.decision(p.when, "when", "", "`when` of the mapping")
	s.scope(p.scope)
	s.visit(p.record)
	for _, name := range slices.Sorted(maps.Keys(p.tables)) {
		s.table(p.tables[name])
	}
	slices.SortStableFunc(s.points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.file(), b.file()), cmp.Compare(a.at.pos.Line, b.at.pos.Line), cmp.Compare(a.at.pos.Column, b.at.pos.Column))
	})
	return s
}

func (s *sites) add(kind pointKind, of any, way, what string, at span) {
	s.points = append(s.points, point{key: pointKey{kind, of, way}, what: what, at: at})
}

// file is the file of a table's row, "" for what stands in the mapping.
func (p point) file() string {
	if p.table != nil && p.table.doc != nil {
		return p.table.doc.file
	}
	return ""
}

// decision adds both ways of a condition; a choose counts by its branches instead.
func (s *sites) decision(r rule, kind, field, what string) {
	if r == nil {
		return
	}
	s.decisions[r] = decision{kind, field}
	if kind != "choose" {
		s.add(pointDecision, r, "true", what+" is true", spanOfRule(r))
		s.add(pointDecision, r, "false", what+" is false", spanOfRule(r))
	}
	s.visit(r)
}

func (s *sites) scope(sc *scope) {
	for _, l := range sc.lets {
		s.visit(l.rule)
	}
}

func (s *sites) table(t *table) {
	if t == nil || s.seen[t.whole()] {
		return
	}
	t = t.whole()
	s.seen[t] = true
	name := "the table"
	if t.name != "" {
		name = "table `" + t.name + "`"
	}
	for i, key := range t.keys {
		s.points = append(s.points, point{pointKey{pointRow, t, key}, "row `" + key + "` of " + name, t.places[i], t})
	}
}

// row returns where a table's row stands, the table itself if that is not known.
func (s *sites) row(t *table, key string) Place {
	at := t.at
	if i := slices.Index(t.keys, key); i >= 0 && i < len(t.places) {
		at = t.places[i]
	}
	if t.doc != nil {
		return (&sites{doc: t.doc}).place(at)
	}
	return s.place(at)
}

// ruled adds a rule that makes a field or an entry of an array.
func (s *sites) ruled(r rule, what string) {
	s.add(pointRule, r, "", what, spanOfRule(r))
	s.visit(r)
}

func (s *sites) fallback(d rule, field string) {
	if d == nil {
		return
	}
	what := "`default`"
	if field != "" {
		what += " of `" + shown(field) + "`"
	}
	s.add(pointDefault, d, "", what, spanOfRule(d))
	s.visit(d)
}

// visit adds what is inside a rule.
func (s *sites) visit(r rule) {
	if isNilRule(r) || s.seen[r] {
		return
	}
	s.seen[r] = true
	switch r := r.(type) {
	case *scalarRule:
		if r.prog != nil {
			for _, b := range r.prog.branches {
				s.add(pointBranch, b, "", b.what, b.at)
			}
		}
		s.table(r.table)
		s.fallback(r.fallback, r.field)
	case *guarded:
		if r.when != nil {
			s.decision(r.when, "when", r.field, "`when` of `"+shown(r.field)+"`")
		}
		s.visit(r.inner)
	case *defaulted:
		s.visit(r.inner)
		s.fallback(r.fallback, "")
	case *objectRule:
		s.fields(r, r.fields)
		for i := range r.choose {
			b := &r.choose[i]
			s.decision(b.when, "choose", r.field, "")
			s.add(pointBranch, b, "", "entry "+strconv.Itoa(i+1)+" of `choose`", b.at)
			s.fields(r, b.fields)
		}
	case *listRule:
		s.entries(r.entries, join(r.field, "#"))
	case *lookupRule:
		s.decision(r.when, "when", "", "`when` of lookup `"+r.name+"`")
		for _, a := range r.args {
			s.visit(a.rule)
		}
	case *eachRule:
		s.visit(r.list)
		s.scope(r.scope)
		if r.where != nil {
			s.decision(r.where, "where", r.scope.source, "`where` of `"+shown(r.field)+"`")
		}
		s.entries(r.values, join(r.field, "#"))
	}
}

func (s *sites) fields(o *objectRule, fields []objectField) {
	for i := range fields {
		s.ruled(fields[i].rule, "`"+shown(join(o.field, fields[i].name))+"`")
	}
}

func (s *sites) entries(entries []rule, field string) {
	for _, e := range entries {
		if _, isObject := e.(*objectRule); isObject {
			s.visit(e) // its fields count
			continue
		}
		s.ruled(e, "`"+shown(field)+"`")
	}
}

// shown is a field's name without the places of indexes: products.sku.
func shown(field string) string {
	return strings.ReplaceAll(strings.TrimSuffix(field, ".#"), ".#.", ".")
}

func isNilRule(r rule) bool {
	o, ok := r.(*objectRule)
	return r == nil || ok && o == nil
}

// spanOfRule returns where a rule's value stands.
func spanOfRule(r rule) span {
	switch r := r.(type) {
	case *scalarRule:
		return r.at
	case *guarded:
		return spanOfRule(r.inner)
	case *defaulted:
		return spanOfRule(r.inner)
	case *objectRule:
		return r.at
	case *listRule:
		return r.at
	case *eachRule:
		return r.at
	}
	return span{}
}

func (s *sites) rule(r rule) Place { return s.place(spanOfRule(r)) }

// place makes a span public, with the text that stands there.
func (s *sites) place(at span) Place {
	p := Place{File: s.doc.file, Line: at.pos.Line, Column: at.pos.Column}
	line := []rune(s.doc.line(at.pos.Line))
	if at.end > at.pos.Column && at.end <= len(line)+1 {
		p.Text = string(line[at.pos.Column-1 : at.end-1])
	}
	return p
}
