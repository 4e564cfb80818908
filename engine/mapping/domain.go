package mapping

import (
	"maps"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// certain is a value that is the same for every event: it is written in the mapping, or
// computed of what is.
type certain struct {
	value any
	// at is where an expression has it as a literal; the zero span else.
	at span
}

// domain lists what a value can be, if it is there at all.
type domain struct {
	list []schema.Choice
	// at is where the values stand that are literals of an expression.
	at map[string]span
	// open means that it can be something else too: the list is of what a system has
	// of itself.
	open bool
}

// maxDomain is how many values of a table are followed.
const maxDomain = 1000

// sureOf describes a value that is known.
func sureOf(v any) typ {
	t := typ{kinds: kindOf(v), sure: &certain{value: v}}
	if items, ok := list(v); ok {
		t.elem = kindsOf(items)
	}
	return t
}

// kindsOf is the type of a list's elements; nil for an empty one.
func kindsOf(items []any) *typ {
	if len(items) == 0 {
		return nil
	}
	t := typ{}
	for _, v := range items {
		t.kinds |= kindOf(v)
	}
	return &t
}

// plain is the type without what is known of its values, for something that is
// computed of one.
func (t typ) plain() typ { return typ{kinds: t.kinds} }

// unsure is the type of a value that can also be missing.
func (t typ) unsure() typ {
	if t.sure != nil {
		t.values, t.sure = t.domain(), nil
	}
	return t
}

// domain returns what the value can be; nil if that is not known.
func (t typ) domain() *domain {
	switch {
	case t.sure != nil:
		if v := t.sure.value; v != nil && kindOf(v)&(schema.Object|schema.Array) == 0 {
			json := string(appendJSON(nil, v))
			d := &domain{list: []schema.Choice{{JSON: json}}}
			if t.sure.at != (span{}) {
				d.at = map[string]span{json: t.sure.at}
			}
			return d
		}
		return nil
	case t.values != nil:
		return t.values
	case t.node == nil:
		return nil
	case len(t.node.Choices) > 0:
		return domainOf(t.node.Choices, false)
	case len(t.node.Known) > 0:
		return domainOf(t.node.Known, true)
	}
	return nil
}

func domainOf(list []schema.Choice, open bool) *domain {
	d := &domain{open: open}
	for _, c := range list {
		if c.JSON != "null" {
			d.list = append(d.list, c)
		}
	}
	if len(d.list) == 0 {
		return nil
	}
	return d
}

// united is what a value can be that is one of two; nil if one of them is not known.
func (d *domain) united(o *domain) *domain {
	if d == nil || o == nil || len(d.list)+len(o.list) > maxDomain {
		return nil
	}
	out := &domain{list: slices.Clone(d.list), open: d.open || o.open}
	for _, c := range o.list {
		if !d.has(c.JSON) {
			out.list = append(out.list, c)
		}
	}
	out.at = maps.Clone(d.at)
	for json, at := range o.at {
		if out.at == nil {
			out.at = map[string]span{}
		}
		if _, twice := out.at[json]; !twice && !slices.ContainsFunc(d.list, func(c schema.Choice) bool { return c.JSON == json }) {
			out.at[json] = at
		}
	}
	return out
}

func (d *domain) has(json string) bool {
	return slices.ContainsFunc(d.list, func(c schema.Choice) bool { return schema.Equal(c.JSON, json) })
}

// names are the values for a message: with their meanings, and not too many.
func (d *domain) names() string { return choices(&schema.Node{Choices: d.list}) }

// defaulting is the type of a value of type t that has a default of type d.
func defaulting(t, d typ) typ {
	if d.kinds != 0 && t.kinds.Has(d.kinds&^schema.Null) && t.node != nil && len(t.node.Choices) == 0 && len(t.node.Known) == 0 {
		return t
	}
	return either(operand{t: t}, operand{t: d})
}

// everEqual reports a comparison with a constant that the other side never is, where
// that side has a list of values; both are of the same type.
func (e *exprCompiler) everEqual(a, b operand) {
	if e.dead > 0 || e.failed || a.t.sure != nil && b.t.sure != nil {
		return
	}
	if a.t.sure != nil {
		a, b = b, a
	}
	x, y := a.t.domain(), b.t.domain()
	switch {
	case x == nil || y == nil:
	case b.t.sure != nil:
		e.everIs(a, b)
	case !x.open && !y.open && !slices.ContainsFunc(y.list, func(c schema.Choice) bool { return x.has(c.JSON) }):
		e.report("CW135", min(a.from, b.from), max(a.to, b.to), "`"+e.source(a)+"` can be "+x.names()+", and `"+e.source(b)+"` "+y.names(),
			"`%s` and `%s` are never equal", e.source(a), e.source(b))
	}
}

// everOrdered reports < and the like that hold for no value of a closed list of numbers.
func (e *exprCompiler) everOrdered(op string, a, b operand) {
	x, y := a.t.domain(), b.t.domain()
	if x == nil || y == nil || x.open || y.open || e.dead > 0 || e.failed || (a.t.sure == nil) == (b.t.sure == nil) {
		return
	}
	for _, one := range x.list {
		for _, other := range y.list {
			v, ok := decode([]byte(one.JSON))
			w, alsoOK := decode([]byte(other.JSON))
			if !ok || !alsoOK || kindOf(v)&anyNumber == 0 || kindOf(w)&anyNumber == 0 || ordered(op, compareNumbers(v, w)) {
				return
			}
		}
	}
	listed, list := a, x
	if a.t.sure != nil {
		listed, list = b, y
	}
	e.report("CW135", min(a.from, b.from), max(a.to, b.to), "`"+e.source(listed)+"` can be "+list.names(),
		"`%s %s %s` is never true", e.source(a), op, e.source(b))
}

// everIs reports that an operand never is the constant o. An empty text is not taken for
// a value of its own: systems send it for what is missing.
func (e *exprCompiler) everIs(a, o operand) {
	d, wanted := a.t.domain(), o.t.domain()
	if d == nil || wanted == nil || wanted.list[0].JSON == `""` || d.has(wanted.list[0].JSON) || e.dead > 0 {
		return
	}
	value := wanted.list[0].JSON
	hint := ""
	var names []string
	for _, c := range d.list {
		names = append(names, strings.Trim(c.JSON, `"`))
		if c.Title != "" && strings.EqualFold(c.Title, strings.Trim(value, `"`)) {
			hint = "`" + c.Title + "` is written " + c.JSON
		}
	}
	if hint == "" && value[0] == '"' {
		hint = diag.DidYouMean(strings.Trim(value, `"`), names)
	}
	if !d.open {
		if hint == "" {
			hint = "it can be " + d.names()
		}
		e.report("CW135", o.from, o.to, hint, "`%s` is never %s", e.source(a), shorten(value))
		return
	}
	if hint != "" {
		hint += "; else "
	}
	hint += "users can add values of their own there: if this is one, all is well"
	e.c.doc.warnAt("CW135", e.span(o.from, max(o.to, o.from+1)), hint, "`%s` is not known to be %s: it can be %s", e.source(a), shorten(value), d.names())
}

// everIn reports constants of a list that an operand never is.
func (e *exprCompiler) everIn(a, b operand) {
	if a.t.sure != nil { // in a list of the source's
		if elem := elemOf(b.t); b.t.sure == nil && elem.domain() != nil {
			b.t = elem
			e.everIs(b, a)
		}
		return
	}
	if e.failed {
		return
	}
	for _, o := range b.items {
		if o.t.sure != nil && overlap(a.t.kinds, o.t.kinds) {
			e.everIs(a, o)
		}
	}
}

// valuesFit reports a value none of whose possible values can become the sink's, and
// each literal that cannot.
func (c *compiler) valuesFit(t typ, to target, at span, what string) bool {
	if t.sure != nil && t.sure.value != nil {
		raw := appendJSON(nil, t.sure.value)
		if made(t.sure.value) {
			raw = appendThere(nil, t.sure.value)
		}
		_, _, err := convert(nil, raw, to.sink)
		if err != nil {
			c.badConstant(err, raw, at, to)
		}
		return err == nil
	}
	d := t.domain()
	if d == nil || d.open {
		return true
	}
	enum, good := false, false
	var literals []func()
	for _, v := range d.list {
		_, _, err := convert(nil, []byte(v.JSON), to.sink)
		if err == nil {
			good = true
			continue
		}
		enum = enum || err.enum
		if literal, written := d.at[v.JSON]; written {
			literals = append(literals, func() { c.badConstant(err, []byte(v.JSON), literal, to) })
		}
	}
	if (good || enum) && len(literals) > 0 {
		for _, report := range literals {
			report()
		}
		return false
	}
	switch {
	case good:
		return true
	case enum:
		c.doc.errorAt("CW145", at, "it can be "+choices(to.sink), "`%s` can be nothing that %s is: %s", to.field, what, d.names())
	default:
		c.doc.errorAt("CW144", at, "a table gives each value its own: {path: …, table: {…}}",
			"`%s` must be %s, and %s is always one of %s", to.field, kindName(to.sink.Types&^schema.Null), what, d.names())
	}
	return false
}
