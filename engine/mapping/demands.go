package mapping

import (
	"slices"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// demands fills in what the sink requires of an object, and reports what no rule
// can give, for each entry of a choose.
func (c *compiler) demands(o *objectRule, b *build, builds []*build) {
	add := func(name string, when *schema.Predicate) {
		o.needs = append(o.needs, need{name: name, index: slices.Index(o.names, name), when: when})
	}
	for _, name := range b.sink.Required {
		add(name, nil)
	}
	for i := range b.sink.Conditions {
		for _, name := range b.sink.Conditions[i].Required {
			add(name, &b.sink.Conditions[i].If)
		}
	}
	if len(builds) == 0 {
		builds = []*build{nil}
	}
	for _, extra := range builds {
		at := b.at
		find := func(name string) *kid {
			k := b.kid(name)
			if k == nil && extra != nil {
				k = extra.kid(name)
			}
			if k == nil && (slices.Contains(b.meant, name) || extra != nil && slices.Contains(extra.meant, name)) {
				return &kid{name: name}
			}
			return k
		}
		if extra != nil {
			at = extra.at
		}
		for i := range o.needs {
			c.demand(&o.needs[i], find, b, at)
		}
	}
}

func (c *compiler) demand(n *need, find func(string) *kid, b *build, at span) {
	if find(n.name) != nil || c.doc.lost[n.name] {
		return
	}
	field := join(b.field, n.name)
	label := ""
	if p := b.sink.Property(n.name); p != nil && p.Title != "" {
		label = " (" + shorten(p.Title) + ")"
	}
	if n.when == nil {
		c.doc.errorAt("CW142", at, "", "`%s`%s is required, and no rule makes it", field, label)
		return
	}
	get := func(name string) schema.Field {
		k := find(name)
		if k == nil {
			return schema.Field{Present: schema.False}
		}
		return staticField(k.rule)
	}
	switch n.when.Eval(get) {
	case schema.False:
	case schema.True:
		c.doc.errorAt("CW143", at, "", "`%s`%s is required when %s, and no rule makes it", field, label, n.when)
	case schema.Unknown:
		if c.canHold(n.when, find, get) {
			c.doc.warnAt("CW143", at, "an event for which that holds becomes a dead letter", "`%s`%s is required when %s, and no rule makes it", field, label, n.when)
		}
	}
}

// staticField is what is known of a field before any event.
func staticField(r rule) schema.Field {
	if s, ok := r.(*scalarRule); ok && s.constant != nil {
		return schema.Field{Present: schema.True, JSON: string(s.constant)}
	}
	return schema.Field{Present: schema.Unknown}
}

// canHold tries a predicate with every value that a field from a table can have; it
// is false only if none of them makes it hold.
func (c *compiler) canHold(when *schema.Predicate, find func(string) *kid, get func(string) schema.Field) bool {
	possible := true
	when.Fields(func(name string) {
		k := find(name)
		if k == nil {
			return
		}
		if k.rule == nil && k.sub == nil || readsBroken(k.rule) { // reported already
			possible = false
			return
		}
		values := possibleValues(k.rule)
		if values == nil {
			return
		}
		holds := false
		for _, v := range values {
			holds = holds || when.Eval(func(other string) schema.Field {
				if other == name {
					return schema.Field{Present: schema.True, JSON: v}
				}
				return get(other)
			}) != schema.False
		}
		absent := when.Eval(func(other string) schema.Field {
			if other == name {
				return schema.Field{Present: schema.False}
			}
			return get(other)
		})
		possible = possible && (holds || absent == schema.Unknown)
	})
	return possible
}

// readsBroken reports whether a rule reads a table that was reported already.
func readsBroken(r rule) bool {
	if g, ok := r.(*guarded); ok {
		r = g.inner
	}
	s, ok := r.(*scalarRule)
	return ok && s.table != nil && s.table.broken
}

// possibleValues returns all values of a rule that reads a table; nil if not known.
func possibleValues(r rule) []string {
	if g, ok := r.(*guarded); ok {
		r = g.inner
	}
	s, ok := r.(*scalarRule)
	if !ok || s.table == nil || s.as != 0 || s.asJSON {
		return nil
	}
	var out []string
	for _, v := range s.table.rows {
		raw := appendJSON(nil, v)
		if made, ok, err := convert(nil, raw, s.sink); ok && err == nil { // a file's cells are text
			raw = made
		}
		out = append(out, string(raw))
	}
	if s.fallback != nil {
		d, ok := s.fallback.(*scalarRule)
		if !ok || d.constant == nil {
			return nil
		}
		out = append(out, string(d.constant))
	}
	return out
}
