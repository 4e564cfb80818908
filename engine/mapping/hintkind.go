package mapping

import (
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// becomes says how an operand becomes one of the kinds that a function or an operator
// needs; "" if nothing does that. what is the function or operator in backquotes.
func (e *exprCompiler) becomes(o operand, kinds schema.Types, what string) string {
	text := e.source(o)
	if strings.HasSuffix(text, "…") { // it was cut
		text = "x"
	}
	from := o.t.kinds &^ schema.Null
	switch {
	case from == schema.Object:
		if o.t.node == nil || len(o.t.node.Names()) == 0 || o.ref == nil {
			return "name a field of it"
		}
		return "name a field of it, as in " + text + "." + o.t.node.Names()[0]
	case from == schema.Array:
		return e.fromList(o, text, kinds)
	case kinds&anyNumber != 0 && from == schema.Boolean:
		return "write (if " + text + " { 1 } else { 0 })"
	case kinds&anyNumber != 0 && from == schema.Text && kinds&schema.Text == 0:
		return e.numberOf(o, text)
	case kinds.Has(schema.Text):
		return "it becomes a text with text(" + text + ")"
	case what == "`sum`" && from&^anyNumber == 0:
		return "numbers are added up with +"
	case kinds == schema.Array && what != "`sum`" && from == schema.Text:
		return "a text becomes a list with split(" + text + ", \",\")"
	}
	return ""
}

// numberOf says how a text becomes a number.
func (e *exprCompiler) numberOf(o operand, text string) string {
	switch s, constant := o.value.(string); {
	case constant && isJSONNumber(s):
		return "write the number without quotes: " + s
	case constant:
		return ""
	case o.ref != nil && o.ref.let == nil && !strings.ContainsAny(text, "?\"'"):
		return "int(" + text + ") makes a whole number of a text; one with a fraction is made under `let`: {path: " + text + ", type: number}"
	}
	return "int(" + text + ") makes a whole number of a text; one with a fraction is made under `let`: {expr: …, type: number}"
}

// fromList says what of a list is one of the kinds.
func (e *exprCompiler) fromList(o operand, text string, kinds schema.Types) string {
	elem := elemOf(o.t)
	of := "#"
	if elem.kinds.Has(schema.Object) && elem.kinds != 0 {
		of = ".price"
		if elem.node != nil && len(elem.node.Names()) > 0 {
			of = "." + fieldOfKind(elem.node, kinds)
		}
	}
	if kinds == schema.Text || kinds == schema.Text|anyNumber {
		if of == "#" {
			return "a list becomes a text with join(" + text + ", \", \")"
		}
		return "a list becomes a text with join(map(" + text + ", " + of + "), \", \")"
	}
	if kinds == anyNumber && of == "#" {
		return "sum(" + text + ") adds its numbers up, len(" + text + ") counts its elements"
	}
	if kinds == anyNumber {
		return "sum(" + text + ", " + of + ") adds numbers of it up, len(" + text + ") counts its elements"
	}
	return ""
}

// fieldOfKind is the first field of an object that is of one of the kinds, and the first
// of all if none is.
func fieldOfKind(n *schema.Node, kinds schema.Types) string {
	names := n.Names()
	for _, name := range names {
		if t := n.Property(name).Types &^ schema.Null; t != 0 && t&^kinds == 0 {
			return name
		}
	}
	return names[0]
}

// joinedTexts reports texts and numbers where the function name takes lists, concat and
// join; false if there are none.
func (e *exprCompiler) joinedTexts(name string, args []operand, from, to int) bool {
	single := func(a operand) bool {
		kinds := a.t.kinds &^ schema.Null
		return kinds != 0 && kinds&^(schema.Text|anyNumber) == 0
	}
	var sources []string
	texts, some := true, false
	for _, a := range args {
		sources = append(sources, e.source(a))
		texts, some = texts && a.t.kinds&^schema.Null == schema.Text, some || single(a)
	}
	if name == "join" {
		if len(args) == 0 || !single(args[0]) {
			return false
		}
		separator := `", "`
		if last := args[len(args)-1]; len(args) > 1 && last.constant {
			separator, sources = e.source(last), sources[:len(sources)-1]
		}
		e.report("CW133", args[0].from, args[0].to, "write join(["+strings.Join(sources, ", ")+"], "+separator+")",
			"`%s` is %s, and `join` takes a list in [ ]", e.source(args[0]), kindName(args[0].t.kinds&^schema.Null))
		return true
	}
	if !some {
		return false
	}
	hint := "a text is made of them with join([" + strings.Join(sources, ", ") + "], \"\")"
	if texts {
		hint = "texts are joined with +: " + strings.Join(sources, " + ")
	}
	e.report("CW133", from, to, hint, "`concat` puts lists together, and no texts or numbers")
	return true
}
