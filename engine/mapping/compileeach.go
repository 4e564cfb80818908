package mapping

import (
	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// each compiles an array made from an array.
func (c *compiler) each(s *scope, keys map[string]entry, to target, at span) (rule, typ) {
	e := &eachRule{origin: origin{at, to.field}}
	fits := c.arrayFits(to, at)
	ok := fits
	noted := len(c.noted)
	list, t := c.value(s, keys["each"].value, target{})
	steps := elementSteps(list, c.noted[noted:])
	ok = ok && list != nil
	if list != nil && t.knows(schema.Array) {
		c.doc.errorAt("CW146", c.doc.spanOf(keys["each"].value), "", "`each` needs an array, and this is %s", kindName(t.kinds&^schema.Null))
		ok = false
	}
	e.list = list
	name, nameless := "item", false
	if k, has := keys["as"]; has {
		if n, good := c.doc.text(k.value, "`as`"); good {
			name = n
			if !c.nameable(s, k.value, n, "an element's name") {
				c.doc.lose(n)
				ok = false
			}
		} else {
			ok, nameless = false, true
		}
	} else if fits && c.named(s, name) {
		c.doc.errorAt("CW125", at, "name the inner element with `as`", "`item` is already the name of the outer element")
		ok = false
	}
	elem := nodeOf(elemOf(t))
	source := sourceOf(list)
	e.source = source
	if source == "" {
		source = name
	} else {
		source += ".#"
	}
	e.scope = newScope(s, name, []*schema.Node{elem}, source)
	e.scope.steps, e.scope.nameless = steps, nameless
	if k, has := keys["let"]; has {
		c.declare(e.scope, k.value)
	}
	if k, has := keys["lookups"]; has {
		c.declareLookups(e.scope, k.value)
	}
	if k, has := keys["where"]; has {
		c.guarded++
		defer func() { c.guarded-- }()
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

// arrayFits reports an each that goes where no array can stand.
func (c *compiler) arrayFits(to target, at span) bool {
	if to.sink == nil || canConvert(schema.Array, to.sink.Types) {
		return true
	}
	hint := "one value of a list is taken in an expression, as in = len(list) or = first(list).name"
	if to.sink.Types.Has(schema.Text) {
		hint = `a list becomes a text in an expression, as in = join(map(list, .name), ", ")`
	}
	c.doc.errorAt("CW146", at, hint, "`%s` must be %s, and `each` makes an array", to.field, kindName(to.sink.Types&^schema.Null))
	return false
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
	case count == 0 && c.doc.lost["fields"]:
		return false
	case count != 1:
		c.doc.errorAt("CW106", at, "", "`each` has one of `fields`, `value` and `values`")
		return false
	case value != nil:
		r, _ := c.value(e.scope, value, inner)
		e.values, e.single = []rule{r}, true
		return r != nil
	case values == nil:
		if !c.fits(typ{kinds: schema.Object}, inner, at, "this") {
			return false
		}
		o := c.object(e.scope, fields, choose, inner.sink, inner.field, at)
		e.values = []rule{o}
		return o != nil
	case values.Kind != yaml.SequenceNode:
		c.doc.errorAt("CW105", c.doc.spanOf(values), "", "`values` must be a list, and this is %s", diag.KindOf(values))
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
