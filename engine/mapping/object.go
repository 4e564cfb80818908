package mapping

import (
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// objectRule makes an object of the sink's record.
type objectRule struct {
	origin
	node   *schema.Node
	fields []objectField
	choose []branch
	// names are all field names, of fields and of every branch; a field's index is
	// its place here.
	names []string
	rules []span // where each of names is ruled first
	needs []need
	// keep writes {} where there are no fields: the record itself.
	keep bool
}

type objectField struct {
	name  string
	key   []byte // "name":
	index int
	rule  rule
}

type branch struct {
	at     span
	when   rule // nil for the last, which always holds
	fields []objectField
}

// need is a field that the sink demands, if a condition holds.
type need struct {
	name  string
	index int // -1 if no rule makes it
	when  *schema.Predicate
}

func (o *objectRule) value(f *frame) (any, error) { return written(o, f) }

func (o *objectRule) write(f *frame, dst []byte) ([]byte, bool, error) {
	r := f.run
	start, base := len(dst), len(r.spans)
	for range o.names {
		r.spans = append(r.spans, outSpan{})
	}
	defer func() { r.spans = r.spans[:base] }()
	failures := len(r.failures)
	dst = o.writeFields(f, append(dst, '{'), o.fields, base)
	if len(o.choose) > 0 {
		var err error
		if dst, err = o.writeBranch(f, dst, base); err != nil {
			r.fail(err, o.field)
			o.lose(r, base)
		}
	}
	if len(dst) == start+1 && !o.keep {
		if len(r.failures) > failures {
			return dst[:start], false, nil
		}
		return dst[:start], false, nil
	}
	dst = append(dst, '}')
	if len(o.needs) > 0 {
		o.check(f, dst, base)
	}
	return dst, true, nil
}

func (o *objectRule) writeFields(f *frame, dst []byte, fields []objectField, base int) []byte {
	r := f.run
	for i := range fields {
		field := &fields[i]
		mark := len(dst)
		if dst[mark-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(dst, field.key...)
		from := len(dst)
		failures := len(r.failures)
		var out []byte
		var ok bool
		var err error
		if r.trace == nil {
			out, ok, err = field.rule.write(f, dst)
		} else {
			out, ok, err = r.trace.field(join(o.field, field.name), field.rule, f, dst)
		}
		if err == nil && len(out) > maxRecord {
			err = tooLarge(o.at, join(o.field, field.name))
		}
		if err != nil {
			r.fail(err, join(o.field, field.name))
		}
		at := &r.spans[base+field.index]
		at.failed = err != nil || len(r.failures) > failures
		if err != nil || !ok {
			dst = out[:mark]
			continue
		}
		dst = out
		at.start, at.end = from, len(dst)
	}
	return dst
}

func (o *objectRule) writeBranch(f *frame, dst []byte, base int) ([]byte, error) {
	for i := range o.choose {
		b := &o.choose[i]
		if b.when != nil {
			yes, err := condition(b.when, f, b.at)
			if err != nil {
				return dst, err
			}
			if !yes {
				continue
			}
		}
		if r := f.run; r.trace != nil {
			r.trace.branch(b, o.field, f)
		}
		return o.writeFields(f, dst, b.fields, base), nil
	}
	return dst, &failure{
		at: o.at, rule: "CW309", field: o.field, message: "no `when` of this `choose` is true for this event",
		hint: "an entry without `when`, written last, takes what is left",
	}
}

// lose marks the fields of all branches as failed: that no branch could be picked is
// reported, and what they would have made is not asked for again.
func (o *objectRule) lose(r *run, base int) {
	for _, b := range o.choose {
		for _, field := range b.fields {
			r.spans[base+field.index].failed = true
		}
	}
}

// check reports the fields that the sink demands and that are not there.
func (o *objectRule) check(f *frame, dst []byte, base int) {
	r := f.run
	get := func(name string) schema.Field {
		for i, n := range o.names {
			if n == name {
				at := r.spans[base+i]
				switch {
				case at.end > 0:
					return schema.Field{Present: schema.True, JSON: view(dst[at.start:at.end])}
				case at.failed:
					return schema.Field{Present: schema.Unknown}
				}
				break
			}
		}
		return schema.Field{Present: schema.False}
	}
	for i := range o.needs {
		n := &o.needs[i]
		if n.index >= 0 {
			if at := r.spans[base+n.index]; at.end > 0 || at.failed {
				continue
			}
		}
		if n.when != nil && n.when.Eval(get) != schema.True {
			continue
		}
		e := &failure{at: o.at, rule: "CW304", field: join(o.field, n.name), hint: "map it from a path that is there, give it a `default`, or skip such events with `when`"}
		e.message = "`" + fillIndexes(e.field, r.to) + "` is required"
		if n.when != nil {
			e.message += " when " + n.when.String()
		}
		if n.index < 0 {
			e.message += ", and no rule makes it"
		} else {
			e.at = o.rules[n.index]
			e.message += ", and is missing in this event"
			rule := o.ruleOf(n.index)
			e.path = r.sourcePath(firstSource(rule))
			if path := sourceOf(rule); path != "" {
				e.message += ": `" + r.sourcePath(path) + "` is not there"
			} else if story, unfound := missingLookup(rule, f); story != "" {
				e.message += ": " + story
				e.unfound = unfound
			}
		}
		r.fail(e, e.field)
	}
}

// ruleOf returns the rule of the field with an index, nil if only branches have one.
func (o *objectRule) ruleOf(index int) rule {
	for _, f := range o.fields {
		if f.index == index {
			return f.rule
		}
	}
	return nil
}

func sourceOf(r rule) string {
	switch r := r.(type) {
	case *scalarRule:
		if r.ref != nil && r.fallback == nil {
			return r.ref.source
		}
	case *eachRule:
		return r.source
	case *guarded:
		return sourceOf(r.inner)
	}
	return ""
}

// firstSource is the path that a rule reads first, for what an error is about.
func firstSource(r rule) string {
	if g, ok := r.(*guarded); ok {
		r = g.inner
	}
	if s, ok := r.(*scalarRule); ok && s.prog != nil && len(s.prog.refs) > 0 {
		return s.prog.refs[0].source
	}
	return sourceOf(r)
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "." + b
}
