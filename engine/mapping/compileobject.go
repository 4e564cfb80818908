package mapping

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// build is an object or array of the sink while its fields are collected: dotted
// names put fields into the same one.
type build struct {
	target
	at    span
	array bool
	kids  []*kid
	// meant are fields that misspelt names were taken for.
	meant []string
}

type kid struct {
	name string
	at   span
	rule rule // or sub
	sub  *build
}

func (b *build) kid(name string) *kid {
	for _, k := range b.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// object compiles `fields` and `choose`; nil if something in them was reported.
func (c *compiler) object(s *scope, fields, choose *yaml.Node, sink *schema.Node, field string, at span) *objectRule {
	b := &build{target: target{sink: sink, field: field}, at: at}
	ok := true
	if fields != nil {
		ok = c.fields(s, fields, b)
	}
	var branches []branch
	var builds []*build
	if choose != nil {
		var good bool
		branches, builds, good = c.branches(s, choose, b)
		ok = ok && good
	}
	o := c.finishObject(b, branches, builds, ok)
	if !ok {
		return nil
	}
	return o
}

// fields compiles the rules of a `fields` map into b.
func (c *compiler) fields(s *scope, n *yaml.Node, b *build) bool {
	entries, ok := c.doc.entries(n, "`fields`")
	if !ok {
		return false
	}
	knows := func(name string) bool { return b.sink == nil || !b.sink.Closed || b.sink.Property(name) != nil }
	for _, e := range c.doc.outdented(c.fallen(entries, b.sink), knows) {
		if len(c.doc.found) >= maxFindings {
			return false // nobody reads on
		}
		ok = c.field(s, e, b) && ok
	}
	return ok
}

// field compiles one rule: a field name, or a dotted path of them, and a value.
func (c *compiler) field(s *scope, e entry, b *build) bool {
	at := c.doc.spanOf(e.key)
	steps := splitName(e.name)
	if slices.Contains(steps, "") {
		c.doc.errorAt("CW120", at, "a literal dot in a name is written `\\.`", "a step of this name is empty")
		return false
	}
	if len(steps) > maxNesting {
		c.doc.errorAt("CW120", at, "", "this name has more than %d steps", maxNesting)
		return false
	}
	for i, name := range steps {
		node, ok := c.sinkStep(b, name, at)
		if !ok {
			// Still look at the value, for mistakes of its own.
			c.value(s, e.value, target{field: e.name})
			return false
		}
		to := target{sink: node, field: join(b.field, name)}
		k := b.kid(name)
		if i == len(steps)-1 {
			if k != nil {
				c.doc.errorAt("CW147", at, "", "`%s` is already made in line %d", to.field, k.at.pos.Line)
				return false
			}
			k = &kid{name: name, at: at}
			b.kids = append(b.kids, k) // also if it fails: there is a rule for it
			k.rule, _ = c.value(s, e.value, to)
			return k.rule != nil
		}
		switch {
		case k == nil:
			k = &kid{name: name, at: at, sub: &build{target: to, at: at, array: isArray(node)}}
			if node != nil && !node.Types.Has(schema.Object) && !node.Types.Has(schema.Array) {
				c.doc.errorAt("CW144", at, "", "`%s` is %s and has no fields", to.field, kindName(node.Types))
				return false
			}
			b.kids = append(b.kids, k)
		case k.sub == nil:
			c.doc.errorAt("CW147", at, "", "`%s` is already made in line %d", to.field, k.at.pos.Line)
			return false
		}
		b = k.sub
	}
	return true
}

func isArray(n *schema.Node) bool {
	return n != nil && n.Types != 0 && n.Types.Has(schema.Array) && !n.Types.Has(schema.Object)
}

// splitName takes a dotted name apart; \. is a dot, \\ a backslash.
func splitName(s string) []string {
	var steps []string
	var b strings.Builder
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			if r != '.' && r != '\\' {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == '.':
			steps = append(steps, b.String())
			b.Reset()
		default:
			b.WriteRune(r)
		}
	}
	if escaped {
		b.WriteByte('\\')
	}
	return append(steps, b.String())
}

// sinkStep returns the schema of a field of b's object or array; nil if not known.
func (c *compiler) sinkStep(b *build, name string, at span) (*schema.Node, bool) {
	if b.sink == nil {
		return nil, true
	}
	if b.array {
		if _, ok := arrayIndex(segment{text: name}); !ok {
			c.doc.errorAt("CW146", at, "use `each`, or name an element: "+b.field+".0."+name, "`%s` is an array and has no field `%s`", b.field, name)
			return nil, false
		}
		return b.sink.Items, true
	}
	if child := b.sink.Property(name); child != nil {
		return child, true
	}
	if len(b.sink.Properties) == 0 && !b.sink.Closed {
		return b.sink.Additional, true
	}
	hint := diag.DidYouMean(name, b.sink.Names())
	b.meant = append(b.meant, diag.Suggest(name, b.sink.Names()))
	what := "the operation"
	if b.field != "" {
		what = "`" + b.field + "`"
	}
	if b.sink.Closed {
		if hint == "" && len(b.sink.Properties) <= 40 {
			hint = "it has " + strings.Join(b.sink.Names(), ", ")
		}
		c.doc.errorAt("CW140", at, hint, "%s has no field `%s`", what, name)
		return nil, false
	}
	if hint == "" {
		hint = "users can add fields of their own there; if this is one, all is well"
	}
	c.doc.warnAt("CW141", at, hint, "%s has no field `%s` that its schema knows", what, name)
	return b.sink.Additional, true
}

// branches compiles `choose`.
func (c *compiler) branches(s *scope, n *yaml.Node, base *build) (out []branch, builds []*build, ok bool) {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		c.doc.errorAt("CW105", c.doc.spanOf(n), "- {when: V, fields: {…}}", "`choose` must be a list, and this is %s", diag.KindOf(n))
		return nil, nil, false
	}
	ok = true
	for i, item := range n.Content {
		entries, isMap := c.doc.entries(item, "an entry of `choose`")
		if !isMap {
			ok = false
			continue
		}
		b := &build{target: base.target, at: c.doc.spanOf(item)}
		br := branch{at: b.at}
		hasWhen, hasFields := false, false
		c.guarded++
		for _, e := range entries {
			switch e.name {
			case "when":
				hasWhen = true
				br.when = c.conditionRule(s, e.value)
				br.at = c.doc.spanOf(e.value)
				ok = ok && br.when != nil
			case "fields":
				hasFields = true
				ok = c.fields(s, e.value, b) && ok
			default:
				c.doc.unknownKey(e, "an entry of `choose`", []string{"when", "fields"})
				ok = false
			}
		}
		c.guarded--
		if !hasFields {
			c.doc.errorAt("CW106", b.at, "", "this entry of `choose` has no `fields`")
			ok = false
		}
		if !hasWhen && i < len(n.Content)-1 {
			c.doc.errorAt("CW106", b.at, "put it last", "an entry of `choose` without `when` takes everything, so the ones behind it are never reached")
			ok = false
		}
		for _, k := range b.kids {
			if first := base.kid(k.name); first != nil {
				c.doc.errorAt("CW147", k.at, "", "`%s` is already made in line %d, for every event", join(base.field, k.name), first.at.pos.Line)
				ok = false
			}
		}
		out, builds = append(out, br), append(builds, b)
	}
	return out, builds, ok
}

// finishObject makes the rule of an object, after checking what the sink demands.
func (c *compiler) finishObject(b *build, branches []branch, builds []*build, ok bool) *objectRule {
	o := &objectRule{origin: origin{b.at, b.field}, node: b.sink}
	index := func(k *kid) int {
		if i := slices.Index(o.names, k.name); i >= 0 {
			return i
		}
		o.names = append(o.names, k.name)
		o.rules = append(o.rules, k.at)
		return len(o.names) - 1
	}
	collect := func(b *build) []objectField {
		var out []objectField
		for _, k := range b.kids {
			f := objectField{name: k.name, key: append(appendString(nil, k.name), ':'), index: index(k), rule: k.rule}
			if k.sub != nil {
				f.rule = c.finishBuild(k.sub, ok)
			}
			out = append(out, f)
		}
		return out
	}
	o.fields = collect(b)
	for i := range branches {
		branches[i].fields = collect(builds[i])
	}
	o.choose = branches
	if b.sink != nil {
		c.demands(o, b, builds)
	}
	return o
}

// unsure decides what dotted names make where no schema says whether it is an array: one
// if their steps count from 0 on, as in items.0.name, else an object.
func (c *compiler) unsure(b *build, ok bool) {
	if n := b.sink; n != nil && n.Types != 0 && (!n.Types.Has(schema.Array) || !n.Types.Has(schema.Object)) {
		return
	}
	var first *kid
	indexes := map[int]bool{}
	for _, k := range b.kids {
		if i, isIndex := arrayIndex(segment{text: k.name}); isIndex && i < len(b.kids) {
			indexes[i] = true
		} else if isIndex && first == nil {
			first = k
		}
	}
	switch {
	case len(indexes) == len(b.kids):
		b.array = true
	case first != nil && ok:
		c.doc.warnAt("CW146", first.at, "elements of an array are written from 0 on without gaps; `"+b.field+": {fields: …}` says that an object is meant",
			"`%s` becomes an object with the field `%s`, and no array", b.field, first.name)
	}
}

// finishBuild makes the rule of an object or array that dotted names made.
func (c *compiler) finishBuild(b *build, ok bool) rule {
	if !b.array {
		c.unsure(b, ok)
	}
	if !b.array {
		return c.finishObject(b, nil, nil, ok)
	}
	l := &listRule{origin: origin{b.at, b.field}}
	entries := make([]rule, len(b.kids))
	for _, k := range b.kids {
		i, isIndex := arrayIndex(segment{text: k.name})
		if !isIndex || i >= len(entries) || entries[i] != nil {
			c.doc.errorAt("CW146", k.at, "elements count from 0 without gaps", "`%s` leaves out an element", join(b.field, k.name))
			return l
		}
		entries[i] = k.rule
		if k.sub != nil {
			entries[i] = c.finishBuild(k.sub, ok)
		}
	}
	l.entries = entries
	return l
}
