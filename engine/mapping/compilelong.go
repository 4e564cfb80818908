package mapping

import (
	"cmp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

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
	says := func(e entry) bool {
		return slices.Contains(longKeys(), e.name) || meantKey(e.name, nil, longKeys()) != "" || characters(e.name) > 2 && diag.Suggest(e.name, longKeys()) != ""
	}
	if len(entries) > 0 && !slices.ContainsFunc(entries, says) {
		hint := "a nested object is written {fields: {…}}"
		if len(entries) == 1 && isEmpty(entries[0].value) && n.Style&yaml.FlowStyle != 0 {
			hint = "a path is written without { }: " + entries[0].name
		}
		c.doc.errorAt("CW104", c.doc.spanOf(entries[0].key), hint, "`%s` is no key of a value", entries[0].name)
		return nil, typ{}
	}
	keys, ok := c.doc.known(entries, "a value", longKeys())
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
	_, conditional := keys["when"]
	if conditional {
		c.guarded++
	}
	inner, t, good := c.longValue(s, n, keys, kind, to)
	if conditional {
		c.guarded--
	}
	r, t, g := c.guard(s, n, keys, inner, t, to)
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
	v, noted := keys[kind].value, len(c.noted)
	var r rule
	var t typ
	switch {
	case c.doc.broken[v]:
		return nil, typ{}, false
	case kind == "value":
		r, t = c.constantValue(v, first)
	case v.Kind != yaml.ScalarNode || diag.IsNull(v):
		c.doc.errorAt("CW105", c.doc.spanOf(v), "", "`%s` must be a single value, and this is %s", kind, diag.KindOf(v))
	case kind == "path":
		r, t = c.pathRule(s, v, first, false)
	default:
		r, t = c.expressionRule(s, v, expressionStart(v.Value), first)
	}
	scalar, ok := r.(*scalarRule)
	if !ok {
		return nil, typ{}, false
	}
	read := len(c.noted)
	t, ok = c.modify(s, scalar, keys, shorten(strings.TrimLeft(v.Value, "= \n\t")), t, to)
	if scalar.table != nil {
		c.keyed(noted, read, scalar.table)
	}
	return scalar, t, ok
}

// modify applies table, type and default.
func (c *compiler) modify(s *scope, r *scalarRule, keys map[string]entry, name string, t typ, to target) (typ, bool) {
	ok := true
	r.sink = to.sink
	if e, has := keys["table"]; has {
		r.table, ok = c.tableOf(e.value)
		if ok {
			_, lenient := keys["default"]
			if on, has := keys["on_error"]; has && on.value.Value != "fail" {
				lenient = true
			}
			ok = c.useTable(tableUse{
				table: r.table, at: c.doc.spanOf(e.value), key: t, keyAt: r.at, source: sourceOf(r), name: name, lenient: lenient,
			})
			if t = r.table.typ(); !c.rowsFit(r.table, r.at, keys, to) {
				t.values, ok = nil, false
			}
		}
	}
	if e, has := keys["type"]; has {
		as, good := c.doc.text(e.value, "`type`")
		switch types := conversions(); {
		case !good:
			ok = false
		case as == "json":
			r.asJSON = true
			t = typ{kinds: schema.Text}
		case types[as] == 0:
			c.doc.errorAt("CW105", c.doc.spanOf(e.value), cmp.Or(typeNames(as), diag.DidYouMean(as, []string{"string", "number", "integer", "boolean", "json"})), "`%s` is no type: string, number, integer, boolean or json", as)
			ok = false
		default:
			r.as = types[as]
			if t, good = c.becomes(t, r.as, as, name, r.at); !good {
				ok = false
			}
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
		d, dt := c.value(s, e.value, to)
		r.fallback, ok = d, ok && d != nil
		t = defaulting(t, dt)
	}
	r.settle()
	return t, ok
}

// guard puts when, required and on_error around a rule of type t.
func (c *compiler) guard(s *scope, n *yaml.Node, keys map[string]entry, inner rule, t typ, to target) (rule, typ, bool) {
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
			hint := ""
			if word := truth(e.value.Value); word != "" {
				hint = "write " + word
			}
			c.doc.errorAt("CW105", c.doc.spanOf(e.value), hint, "`required` is true or false")
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
			var d typ
			fallback, d = c.value(s, e.value, to)
			ok = ok && fallback != nil
			t = defaulting(t, d)
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
			hint := diag.DidYouMean(v, []string{"fail", "omit", "default"})
			if slices.Contains([]string{"skip", "ignore", "null", "drop", "continue", "none"}, v) {
				hint = "write omit to leave the field out"
			}
			c.doc.errorAt("CW105", c.doc.spanOf(e.value), hint, "`on_error` is fail, omit or default")
			ok = false
		}
	}
	if !needed {
		return inner, t, ok
	}
	t.sure = nil // it may be missing
	return g, t, ok
}
