package mapping

import (
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// elements checks that the elements of an array can be of one of the kinds that a
// function works with; kinds 0 takes all.
func (e *exprCompiler) elements(function string, o operand, kinds schema.Types) {
	if kinds == 0 || e.failed || o.bad || o.t.kinds&^schema.Null != schema.Array {
		return
	}
	for _, item := range o.items { // each is there in every event, or is missing
		if have := item.t.kinds &^ schema.Null; !e.failed && have != 0 && !overlap(have, kinds) {
			e.report("CW133", item.from, item.to, conversionHint(e.source(item), kinds), "`%s` is %s, and `%s` needs a list of %s",
				e.source(item), kindName(have), function, pluralKind(kinds))
		}
	}
	if e.failed {
		return
	}
	elem := elemOf(o.t)
	have := elem.kinds &^ schema.Null
	if have == 0 || overlap(have, kinds) {
		return
	}
	source, hint := e.source(o), ""
	switch field := fieldOf(elem.node, kinds); {
	case field != "" && function == "sum":
		hint = "name the field: sum(" + source + ", ." + field + ")"
	case field != "" && function == "sort":
		hint = "name the field: sortBy(" + source + ", ." + field + ")"
	case field != "" && function == "join":
		hint = "name the field: join(map(" + source + ", ." + field + "), \", \")"
	case field != "":
		hint = "name the field: " + function + "(map(" + source + ", ." + field + "))"
	case have == schema.Text && kinds == anyNumber && strings.HasPrefix(source, "map("):
		hint = "a text becomes a whole number with int(x)"
	case have == schema.Text && kinds == anyNumber:
		hint = "a text becomes a whole number with int(x): " + function + "(map(" + source + ", int(#)))"
	}
	e.report("CW133", o.from, o.to, hint, "`%s` holds %s, and `%s` needs a list of %s", source, pluralKind(have), function, pluralKind(kinds))
}

// fieldOf is the first field of an object that is of one of the kinds, or "".
func fieldOf(node *schema.Node, kinds schema.Types) string {
	for _, name := range node.Names() {
		if t := node.Property(name).Types &^ schema.Null; t != 0 && overlap(t, kinds) {
			return name
		}
	}
	return ""
}

// pluralKind says the types of a list's elements in the words of a message.
func pluralKind(t schema.Types) string {
	var words []string
	for _, k := range []struct {
		t    schema.Types
		name string
	}{
		{schema.Text, "texts"},
		{schema.Number, "numbers"},
		{schema.Integer, "whole numbers"},
		{schema.Boolean, "true or false"},
		{schema.Object, "objects"},
		{schema.Array, "arrays"},
	} {
		if t&k.t != 0 && (k.t != schema.Integer || t&schema.Number == 0) {
			words = append(words, k.name)
		}
	}
	return strings.Join(words, " or ")
}

// refused reports a constant that a function refuses whatever its other arguments are.
func (e *exprCompiler) refused(o operand, refuse func(any) (message, hint string)) {
	if refuse == nil || e.failed || e.dead > 0 || o.bad || o.t.sure == nil || o.isNil() {
		return
	}
	if message, hint := refuse(o.t.sure.value); message != "" {
		e.report("CW134", o.from, o.to, hint, "%s", message)
	}
}

// bodyFits checks what a function over a list needs of the elements, or of what its
// second argument makes of each.
func (e *exprCompiler) bodyFits(name string, over, body operand, hasBody bool) {
	switch {
	case name == "sum" && !hasBody:
		e.elements(name, over, anyNumber)
	case name == "groupBy":
		e.orderedBy(name, over, body, keyKinds)
	case name == "sortBy":
		e.orderedBy(name, over, body, anyNumber|schema.Text)
	}
}

// orderedBy checks what a list is put in order or in groups by.
func (e *exprCompiler) orderedBy(name string, over, body operand, kinds schema.Types) {
	have := body.t.kinds &^ schema.Null
	if e.failed || have == 0 || overlap(have, kinds) {
		return
	}
	hint := ""
	if field := fieldOf(body.t.node, kinds); field != "" {
		hint = "name a field: " + name + "(" + e.source(over) + ", ." + field + ")"
	}
	e.report("CW133", body.from, body.to, hint, "`%s` is %s, and `%s` needs %s", e.source(body), kindName(have), name, kindName(kinds))
}
