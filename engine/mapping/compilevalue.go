package mapping

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// target is where a value goes: a field of the sink, with its schema if known.
type target struct {
	sink  *schema.Node
	field string
}

// value compiles any way to write a value; nil if it was reported.
func (c *compiler) value(s *scope, n *yaml.Node, to target) (rule, typ) {
	switch {
	case c.doc.broken[n]:
		return nil, typ{}
	case n.Kind == yaml.MappingNode:
		return c.longForm(s, n, to)
	case n.Kind == yaml.SequenceNode:
		return c.list(s, n, to)
	case isNull(n):
		c.doc.errorAt("CW105", c.doc.spanOf(n), "a path, an expression after `= `, or {value: null} to send null", "there is no value here")
		return nil, typ{}
	}
	if strings.HasPrefix(n.Value, "=") {
		shift := 1
		for _, r := range n.Value[1:] {
			if r != ' ' && r != '\n' && r != '\t' {
				break
			}
			shift++
		}
		return c.expressionRule(s, n, shift, to)
	}
	if n.Style == 0 {
		if raw, ok := plainConstant(n.Value); ok {
			return c.constant([]byte(raw), n, to)
		}
	}
	return c.pathRule(s, n, to)
}

var leadingZero = regexp.MustCompile(`^-?0[0-9]+$`)

// plainConstant returns the JSON of an unquoted number, true or false. A number with
// leading zeros is a text: it stays what was written.
func plainConstant(s string) (string, bool) {
	if s == "true" || s == "false" || isJSONNumber(s) {
		return s, true
	}
	if leadingZero.MatchString(s) {
		return `"` + s + `"`, true
	}
	return "", false
}

func (c *compiler) pathRule(s *scope, n *yaml.Node, to target) (rule, typ) {
	sc := c.doc.scalar(n)
	p, perr := parsePath(n.Value)
	if perr != nil {
		hint := perr.hint
		if to.sink != nil && len(to.sink.Choices) > 0 && to.sink.Allows(string(appendString(nil, n.Value))) {
			hint = "for the text write {value: " + n.Value + "}"
		}
		c.doc.errorAt("CW120", sc.span(perr.from, perr.to), hint, "%s", perr.message)
		return nil, typ{}
	}
	ref, ok := c.resolve(s, p, use{doc: c.doc, at: sc.span, sink: to.sink, text: n.Value})
	if !ok {
		return nil, typ{}
	}
	at := c.doc.spanOf(n)
	c.fits(ref.t, to, at, "`"+n.Value+"`")
	return &scalarRule{origin: origin{at, to.field}, ref: ref, sink: to.sink}, ref.t
}

func (c *compiler) expressionRule(s *scope, n *yaml.Node, shift int, to target) (rule, typ) {
	sc := c.doc.scalar(n)
	x, t := c.expression(s, sc, shift)
	if x == nil {
		return nil, typ{}
	}
	at := sc.span(shift, len(sc.value))
	if x.constant != nil {
		return c.constant(appendJSON(nil, x.constant), n, to)
	}
	c.fits(t, to, at, "this expression")
	return &scalarRule{origin: origin{at, to.field}, prog: x, sink: to.sink}, t
}

// constant compiles a constant in JSON.
func (c *compiler) constant(raw []byte, n *yaml.Node, to target) (rule, typ) {
	at := c.doc.spanOf(n)
	out, ok, err := convert(nil, raw, to.sink)
	if err != nil || !ok {
		c.badConstant(err, raw, at, to)
		return nil, typ{}
	}
	return &scalarRule{origin: origin{at, to.field}, constant: out, sink: to.sink}, typ{kinds: kindOfJSON(out)}
}

func (c *compiler) badConstant(err *conversionError, raw []byte, at span, to target) {
	switch {
	case err == nil:
		c.doc.errorAt("CW144", at, "", "`%s` is %s, and an empty text is none", to.field, kindName(to.sink.Types))
	case err.enum:
		hint := "it can be " + err.want
		if raw[0] == '"' {
			var names []string
			for _, choice := range to.sink.Choices {
				names = append(names, strings.Trim(choice.JSON, `"`))
			}
			if s := diag.DidYouMean(strings.Trim(string(raw), `"`), names); s != "" {
				hint = s
			}
		}
		c.doc.errorAt("CW145", at, hint, "`%s` cannot be %s", to.field, err.value)
	case kindOfJSON(raw) == schema.Array || to.sink.Types&^schema.Null == schema.Array:
		c.doc.errorAt("CW146", at, "", "`%s` is %s, and this is %s", to.field, kindName(to.sink.Types), kindName(kindOfJSON(raw)))
	default:
		c.doc.errorAt("CW144", at, "", "`%s` is %s, and %s cannot become that", to.field, err.want, err.value)
	}
}

// fits reports a value whose type can never become the sink's.
func (c *compiler) fits(t typ, to target, at span, what string) bool {
	if to.sink == nil || canConvert(t.kinds, to.sink.Types) {
		return true
	}
	from := t.kinds &^ schema.Null
	rule, hint := "CW144", ""
	switch {
	case from == schema.Array:
		rule, hint = "CW146", "take one element (path.0), join(list, \", \"), or `type: json`"
	case to.sink.Types&^schema.Null == schema.Array:
		rule, hint = "CW146", "write a list: [value], or use `each`"
	case from == schema.Object:
		hint = "name a field of it, or use `type: json`"
	case from == schema.Boolean:
		hint = "write = if x { 1 } else { 0 }"
	}
	c.doc.errorAt(rule, at, hint, "`%s` must be %s, and %s is %s", to.field, kindName(to.sink.Types&^schema.Null), what, kindName(from))
	return false
}

// list compiles an array that is written out.
func (c *compiler) list(s *scope, n *yaml.Node, to target) (rule, typ) {
	at := c.doc.spanOf(n)
	if !c.fits(typ{kinds: schema.Array}, to, at, "this") {
		return nil, typ{}
	}
	l := &listRule{origin: origin{at, to.field}}
	inner := target{field: join(to.field, "#")}
	if to.sink != nil {
		inner.sink = to.sink.Items
	}
	ok := true
	for _, item := range n.Content {
		entryTo := inner
		if isEach(item) {
			entryTo = to // its elements become the list's
		}
		r, _ := c.value(s, item, entryTo)
		l.entries, ok = append(l.entries, r), ok && r != nil
	}
	if !ok {
		return nil, typ{}
	}
	return l, typ{kinds: schema.Array}
}

func isEach(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == "each" {
			return true
		}
	}
	return false
}

func longKeys() []string {
	return []string{
		"path", "expr", "value", "each", "fields", "as", "let", "lookups", "where", "values", "choose",
		"table", "default", "type", "when", "required", "on_error",
	}
}

// longForm compiles {path: …} and the like.
func (c *compiler) longForm(s *scope, n *yaml.Node, to target) (rule, typ) {
	entries, ok := c.doc.entries(n, "a value")
	if !ok {
		return nil, typ{}
	}
	keys := map[string]entry{}
	for _, e := range entries {
		if !slices.Contains(longKeys(), e.name) {
			if !slices.ContainsFunc(entries, func(e entry) bool { return slices.Contains(longKeys()[:5], e.name) }) {
				hint := diag.DidYouMean(e.name, longKeys())
				if hint == "" || characters(e.name) < 3 {
					hint = "a nested object is written {fields: {…}}"
				}
				c.doc.errorAt("CW104", c.doc.spanOf(e.key), hint, "`%s` is no key of a value", e.name)
				return nil, typ{}
			}
			c.doc.unknownKey(e, "a value", longKeys())
			ok = false
			continue
		}
		keys[e.name] = e
	}
	kind := ""
	for _, k := range []string{"each", "path", "expr", "fields", "value"} {
		if _, has := keys[k]; !has || kind == "each" && (k == "fields" || k == "value") {
			continue
		}
		if kind != "" {
			c.doc.errorAt("CW104", c.doc.spanOf(keys[k].key), "", "a value has either `%s` or `%s`", kind, k)
			ok = false
			continue
		}
		kind = k
	}
	if _, has := keys["choose"]; has && kind == "" {
		kind = "fields"
	}
	if kind == "" {
		c.doc.errorAt("CW106", c.doc.spanOf(n), "", "the value does not say what it is: path, expr, value, each or fields")
		return nil, typ{}
	}
	ok = c.fittingKeys(keys, kind) && ok
	inner, t, good := c.longValue(s, n, keys, kind, to)
	r, g := c.guard(s, n, keys, inner, to)
	if !ok || !good || !g || inner == nil {
		return nil, typ{}
	}
	return r, t
}

// fittingKeys reports keys that mean nothing beside a kind of value.
func (c *compiler) fittingKeys(keys map[string]entry, kind string) bool {
	allowed := []string{kind, "when", "required", "on_error", "default"}
	switch kind {
	case "each":
		allowed = append(allowed, "as", "let", "lookups", "where", "fields", "value", "values", "choose")
	case "fields":
		allowed = append(allowed, "choose")
	default:
		allowed = append(allowed, "table", "type")
	}
	ok := true
	for name, e := range keys {
		if another := slices.Contains([]string{"path", "expr", "value", "each", "fields"}, name); !another && !slices.Contains(allowed, name) {
			c.doc.errorAt("CW104", c.doc.spanOf(e.key), "", "`%s` cannot stand beside `%s`", name, kind)
			ok = false
		}
	}
	return ok
}

func (c *compiler) longValue(s *scope, n *yaml.Node, keys map[string]entry, kind string, to target) (rule, typ, bool) {
	at := c.doc.spanOf(n)
	if e, has := keys[kind]; has {
		at = c.doc.spanOf(e.key)
	}
	switch kind {
	case "each":
		r, t := c.each(s, keys, to, at)
		return r, t, r != nil
	case "fields":
		if !c.fits(typ{kinds: schema.Object}, to, at, "this") {
			return nil, typ{}, false
		}
		o := c.object(s, keys["fields"].value, keys["choose"].value, to.sink, to.field, at)
		if o == nil {
			return nil, typ{}, false
		}
		return o, typ{kinds: schema.Object}, true
	}
	// A table or a type stands between the value and the sink.
	first := to
	_, hasTable := keys["table"]
	_, hasType := keys["type"]
	if hasTable || hasType {
		first.sink = nil
	}
	v := keys[kind].value
	var r rule
	var t typ
	switch {
	case c.doc.broken[v]:
		return nil, typ{}, false
	case kind == "value":
		r, t = c.constantValue(v, first)
	case v.Kind != yaml.ScalarNode || isNull(v):
		c.doc.errorAt("CW105", c.doc.spanOf(v), "", "`%s` must be a single value, and this is %s", kind, yamlKind(v))
	case kind == "path":
		r, t = c.pathRule(s, v, first)
	default:
		shift := 0
		if strings.HasPrefix(v.Value, "=") {
			shift = len(v.Value) - len(strings.TrimLeft(v.Value[1:], " "))
		}
		r, t = c.expressionRule(s, v, shift, first)
	}
	scalar, ok := r.(*scalarRule)
	if !ok {
		return nil, typ{}, false
	}
	t, ok = c.modify(s, scalar, keys, t, to)
	return scalar, t, ok
}

// constantValue compiles {value: …}: any YAML value, as it stands.
func (c *compiler) constantValue(n *yaml.Node, to target) (rule, typ) {
	if isNull(n) {
		at := c.doc.spanOf(n)
		if to.sink != nil && !to.sink.Types.Has(schema.Null) {
			c.doc.errorAt("CW144", at, "leave the field out", "`%s` cannot be null", to.field)
			return nil, typ{}
		}
		return &scalarRule{origin: origin{at, to.field}, null: true}, typ{kinds: schema.Null}
	}
	raw, ok := c.json(n)
	if !ok {
		return nil, typ{}
	}
	return c.constant(raw, n, to)
}

// json returns a YAML value as JSON.
func (c *compiler) json(n *yaml.Node) ([]byte, bool) {
	if n.Kind == yaml.SequenceNode {
		out := []byte{'['}
		for i, e := range n.Content {
			b, ok := c.json(e)
			if !ok {
				return nil, false
			}
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, b...)
		}
		return append(out, ']'), true
	}
	if n.Kind == yaml.MappingNode {
		entries, ok := c.doc.entries(n, "a constant object")
		out := []byte{'{'}
		for i, e := range entries {
			b, good := c.json(e.value)
			if ok = ok && good; !ok {
				return nil, false
			}
			if i > 0 {
				out = append(out, ',')
			}
			out = append(append(appendString(out, e.name), ':'), b...)
		}
		return append(out, '}'), ok
	}
	if isNull(n) {
		return []byte("null"), true
	}
	if n.Style == 0 {
		if raw, ok := plainConstant(n.Value); ok {
			return []byte(raw), true
		}
	}
	return appendString(nil, n.Value), true
}

// modify applies table, type and default.
func (c *compiler) modify(s *scope, r *scalarRule, keys map[string]entry, t typ, to target) (typ, bool) {
	ok := true
	r.sink = to.sink
	if e, has := keys["table"]; has {
		r.table, ok = c.tableOf(e.value)
		if ok {
			t = r.table.typ()
			ok = c.rowsFit(r.table, e.value, keys, to)
		}
	}
	if e, has := keys["type"]; has {
		name, good := c.doc.text(e.value, "`type`")
		types := map[string]schema.Types{"string": schema.Text, "number": schema.Number, "integer": schema.Integer, "boolean": schema.Boolean}
		switch {
		case !good:
			ok = false
		case name == "json":
			r.asJSON = true
			t = typ{kinds: schema.Text}
		case types[name] == 0:
			c.doc.errorAt("CW105", c.doc.spanOf(e.value), diag.DidYouMean(name, []string{"string", "number", "integer", "boolean", "json"}), "`%s` is no type: string, number, integer, boolean or json", name)
			ok = false
		default:
			r.as = types[name]
			t = typ{kinds: r.as}
		}
	}
	if r.constant != nil && (r.table != nil || r.as != 0 || r.asJSON) {
		// The constant is only the beginning; compute it as any value.
		v, _ := decode(r.constant)
		r.prog = &expression{direct: func(*frame) (any, error) { return v, nil }}
		r.constant = nil
	}
	if r.table != nil || r.as != 0 || r.asJSON {
		ok = c.fits(t, to, r.at, "this value") && ok
	}
	if e, has := keys["default"]; has {
		d, _ := c.value(s, e.value, to)
		r.fallback, ok = d, ok && d != nil
	}
	return t, ok
}

// rowsFit checks that every row of a table can go to the sink's field.
func (c *compiler) rowsFit(t *table, n *yaml.Node, keys map[string]entry, to target) bool {
	if _, typed := keys["type"]; typed || to.sink == nil {
		return true
	}
	for _, k := range t.keys {
		raw := appendJSON(nil, t.rows[k])
		if _, ok, err := convert(nil, raw, to.sink); err != nil || !ok && string(raw) != "null" {
			rule, why := "CW144", "is not "+kindName(to.sink.Types)
			if err != nil && err.enum {
				rule, why = "CW145", "is not among "+err.want
			}
			c.doc.errorAt(rule, c.doc.spanOf(n), "", "row `%s` of the table gives %s, and that %s, as `%s` needs", k, raw, why, to.field)
			return false
		}
	}
	return true
}

// guard puts when, required and on_error around a rule.
func (c *compiler) guard(s *scope, n *yaml.Node, keys map[string]entry, inner rule, to target) (rule, bool) {
	g := &guarded{origin: origin{c.doc.spanOf(n), to.field}, inner: inner}
	needed, ok := false, true
	if e, has := keys["when"]; has {
		g.when = c.conditionRule(s, e.value)
		g.at = c.doc.spanOf(e.value)
		needed, ok = true, g.when != nil
	}
	if e, has := keys["required"]; has {
		switch e.value.Value {
		case "true":
			g.required, needed = true, true
		case "false":
		default:
			c.doc.errorAt("CW105", c.doc.spanOf(e.value), "", "`required` is true or false")
			ok = false
		}
		g.reads = sourceOf(inner)
		if g.when == nil {
			g.at = c.doc.spanOf(e.key)
		}
	}
	var fallback rule
	if e, has := keys["default"]; has {
		if scalar, is := inner.(*scalarRule); is {
			fallback = scalar.fallback
		} else if inner != nil {
			fallback, _ = c.value(s, e.value, to)
			ok = ok && fallback != nil
			inner = &defaulted{inner, fallback}
			g.inner, needed = inner, true
		}
	}
	if e, has := keys["on_error"]; has {
		switch v := e.value.Value; {
		case v == "fail":
		case v == "omit":
			g.omit, needed = true, true
		case v == "default" && keys["default"].value != nil:
			g.useDefault, needed, g.fallback = true, true, fallback
		case v == "default":
			c.doc.errorAt("CW106", c.doc.spanOf(e.value), "say `default`, or `on_error: omit`", "`on_error: default` needs a `default`")
			ok = false
		default:
			c.doc.errorAt("CW105", c.doc.spanOf(e.value), diag.DidYouMean(v, []string{"fail", "omit", "default"}), "`on_error` is fail, omit or default")
			ok = false
		}
	}
	if !needed {
		return inner, ok
	}
	return g, ok
}

// conditionRule compiles a when or where.
func (c *compiler) conditionRule(s *scope, n *yaml.Node) rule {
	r, t := c.value(s, n, target{})
	if r == nil {
		return nil
	}
	if t.knows(schema.Boolean) {
		c.doc.errorAt("CW133", c.doc.spanOf(n), fmt.Sprintf("compare it with something: = %s != 0", strings.TrimLeft(n.Value, "= ")),
			"a condition must be true or false, and this is %s", kindName(t.kinds&^schema.Null))
		return nil
	}
	return r
}
