package mapping

import (
	"fmt"
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
	b := &build{target: target{sink, field}, at: at}
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
	for _, e := range entries {
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
		to := target{node, join(b.field, name)}
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
		c.doc.errorAt("CW105", c.doc.spanOf(n), "- {when: V, fields: {…}}", "`choose` must be a list, and this is %s", yamlKind(n))
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

// finishBuild makes the rule of an object or array that dotted names made.
func (c *compiler) finishBuild(b *build, ok bool) rule {
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
	if find(n.name) != nil {
		return
	}
	field := join(b.field, n.name)
	label := ""
	if p := b.sink.Property(n.name); p != nil && p.Title != "" {
		label = " (" + p.Title + ")"
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
		if k.rule == nil && k.sub == nil { // reported already
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
		out = append(out, string(appendJSON(nil, v)))
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

// each compiles an array made from an array.
func (c *compiler) each(s *scope, keys map[string]entry, to target, at span) (rule, typ) {
	e := &eachRule{origin: origin{at, to.field}}
	ok := c.fits(typ{kinds: schema.Array}, to, at, "this")
	if k, has := keys["lookups"]; has {
		c.doc.errorAt("CW107", c.doc.spanOf(k.key), "", "`lookups` are not supported yet by this version")
		ok = false
	}
	list, t := c.value(s, keys["each"].value, target{})
	ok = ok && list != nil
	if list != nil && t.knows(schema.Array) {
		c.doc.errorAt("CW146", c.doc.spanOf(keys["each"].value), "", "`each` needs an array, and this is %s", kindName(t.kinds&^schema.Null))
		ok = false
	}
	e.list = list
	name := "item"
	if k, has := keys["as"]; has {
		if n, good := c.doc.text(k.value, "`as`"); good {
			name = n
			ok = c.nameable(s, k.value, "an element's name") && ok
		} else {
			ok = false
		}
	} else if c.named(s, name) {
		c.doc.errorAt("CW125", at, "name the inner element with `as`", "`item` is already the name of the outer element")
		ok = false
	}
	var elem *schema.Node
	if t.node != nil {
		elem = t.node.Items
	} else if t.elem != nil {
		elem = t.elem.node
	}
	source := sourceOf(list)
	e.source = source
	if source == "" {
		source = name
	} else {
		source += ".#"
	}
	e.scope = newScope(s, name, []*schema.Node{elem}, source)
	if k, has := keys["let"]; has {
		c.declare(e.scope, k.value)
	}
	if k, has := keys["where"]; has {
		e.where = c.conditionRule(e.scope, k.value)
		ok = ok && e.where != nil
	}
	ok = c.elementsOf(e, keys, to, at) && ok
	c.unusedLets(e.scope)
	if !ok {
		return nil, typ{}
	}
	return e, typ{kinds: schema.Array}
}

// elementsOf compiles what an each makes of an element.
func (c *compiler) elementsOf(e *eachRule, keys map[string]entry, to target, at span) bool {
	inner := target{field: join(to.field, "#")}
	if to.sink != nil {
		inner.sink = to.sink.Items
	}
	fields, choose := keys["fields"].value, keys["choose"].value
	value, values := keys["value"].value, keys["values"].value
	count := 0
	for _, has := range []bool{fields != nil || choose != nil, value != nil, values != nil} {
		if has {
			count++
		}
	}
	switch {
	case count != 1:
		c.doc.errorAt("CW106", at, "", "`each` has one of `fields`, `value` and `values`")
		return false
	case value != nil:
		r, _ := c.value(e.scope, value, inner)
		e.values = []rule{r}
		return r != nil
	case values == nil:
		if !c.fits(typ{kinds: schema.Object}, inner, at, "this") {
			return false
		}
		o := c.object(e.scope, fields, choose, inner.sink, inner.field, at)
		e.values = []rule{o}
		return o != nil
	case values.Kind != yaml.SequenceNode:
		c.doc.errorAt("CW105", c.doc.spanOf(values), "", "`values` must be a list, and this is %s", yamlKind(values))
		return false
	}
	ok := true
	for _, v := range values.Content {
		elementTo := inner
		if isEach(v) {
			elementTo = to // its elements become this array's
		}
		r, _ := c.value(e.scope, v, elementTo)
		e.values, ok = append(e.values, r), ok && r != nil
	}
	return ok
}

// tableNode reads an inline table.
func (c *compiler) tableNode(name string, n *yaml.Node, at span) (*table, bool) {
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		c.doc.errorAt("CW107", c.doc.spanOf(n), "write the table here: {3: 1, 8: 2}", "tables in files are not supported yet by this version")
		return nil, false
	}
	entries, ok := c.doc.entries(n, "a table")
	if !ok {
		return nil, false
	}
	t := &table{name: name, rows: map[string]any{}, at: at}
	if len(entries) == 0 {
		c.doc.errorAt("CW160", at, "", "the table is empty")
		return nil, false
	}
	for _, e := range entries {
		raw, good := c.json(e.value)
		if e.value.Kind != yaml.ScalarNode {
			c.doc.errorAt("CW160", c.doc.spanOf(e.value), "", "a row of a table is a single value, and this is %s", yamlKind(e.value))
			ok = false
			continue
		}
		v, fine := decode(raw)
		if !good || !fine {
			c.doc.errorAt("CW160", c.doc.spanOf(e.value), "", "this cannot be read as a value")
			ok = false
			continue
		}
		t.rows[e.name], t.keys = v, append(t.keys, e.name)
	}
	return t, ok
}

func (c *compiler) inlineTables(n *yaml.Node) {
	entries, ok := c.doc.entries(n, "`tables`")
	if !ok {
		return
	}
	for _, e := range entries {
		t, ok := c.tableNode(e.name, e.value, c.doc.spanOf(e.key))
		if !ok {
			t = &table{name: e.name, rows: map[string]any{}, at: c.doc.spanOf(e.key), used: true}
		}
		c.tables[e.name] = t
	}
}

// tableOf reads the `table` of a value: a name or an inline table.
func (c *compiler) tableOf(n *yaml.Node) (*table, bool) {
	if n.Kind != yaml.ScalarNode {
		return c.tableNode("", n, c.doc.spanOf(n))
	}
	name, ok := c.doc.text(n, "`table`")
	if !ok {
		return nil, false
	}
	if strings.ContainsAny(name, "/.") {
		return c.tableNode(name, n, c.doc.spanOf(n))
	}
	t := c.tables[name]
	if t == nil {
		hint := diag.DidYouMean(name, c.tableNames())
		if hint == "" && len(c.tables) == 0 {
			hint = fmt.Sprintf("declare it: tables: {%s: {3: 1, 8: 2}}", name)
		}
		c.doc.errorAt("CW153", c.doc.spanOf(n), hint, "there is no table `%s`", name)
		return nil, false
	}
	t.used = true
	return t, true
}
