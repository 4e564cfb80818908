package mapping

import (
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// maxRange is how many elements a..b can have.
const maxRange = 10_000

func (e *exprCompiler) unary(n *ast.UnaryNode) operand {
	o := e.rewrite(n.Node)
	if n.Operator == "!" || n.Operator == "not" {
		o = e.condition(o)
		return quickNot(o).of(e.call(n, typ{kinds: schema.Boolean}, []operand{o}, func(_ *frame, in []any) (any, error) {
			b, _ := in[0].(bool)
			return !b, nil
		}))
	}
	number := e.needs(o, anyNumber, "`"+n.Operator+"`")
	out := e.call(n, o.t.plain(), []operand{o}, func(f *frame, in []any) (any, error) {
		if err := number(f, in[0]); err != nil {
			return nil, err
		}
		if n.Operator == "+" {
			return in[0], nil
		}
		return e.wrap(o)(f)(negate(in[0]))
	})
	if o.constant && !o.bad && kindOf(o.value)&anyNumber != 0 && n.Operator == "-" {
		if v, err := negate(o.value); err == nil {
			c := constantOf(v, o.t, n)
			c.from, c.to = n.Location().From, o.to
			return c
		}
	}
	return out
}

// wrap turns an arithmetic error into a failure at the operand.
func (e *exprCompiler) wrap(o operand) func(*frame) func(any, error) (any, error) {
	problem := e.problem(o)
	return func(f *frame) func(any, error) (any, error) {
		return func(v any, err error) (any, error) {
			if err != nil {
				return nil, problem(f, "CW307", err.Error(), "")
			}
			return v, nil
		}
	}
}

// needs checks that an operand can be of one of the kinds, and returns the check of
// its value; what says who needs it.
func (e *exprCompiler) needs(o operand, kinds schema.Types, what string) func(*frame, any) error {
	if !o.bad && o.isNil() {
		if e.dead == 0 {
			nothing := "nil"
			if !o.writtenNil() {
				nothing = "`" + e.source(o) + "`"
			}
			e.report("CW133", o.from, o.to, "", "%s needs %s, and %s is nothing", what, kindName(kinds), nothing)
		}
	} else if !o.bad && o.t.kinds != 0 && o.t.kinds&^schema.Null != 0 && !overlap(o.t.kinds, kinds) {
		e.report("CW133", o.from, o.to, e.becomes(o, kinds, what), "`%s` is %s, and %s needs %s",
			e.source(o), kindName(o.t.kinds&^schema.Null), what, kindName(kinds))
	}
	missing, wrong, source := e.missing(o), e.problem(o), e.source(o)
	return func(f *frame, v any) error {
		if v == nil {
			return missing(f)
		}
		if !kinds.Has(kindOf(v)) {
			return wrong(f, "CW308", "`"+source+"` is "+show(v)+" in this event, and "+what+" needs "+kindName(kinds), conversionHint(source, kinds))
		}
		return nil
	}
}

func overlap(a, b schema.Types) bool {
	if a&anyNumber != 0 {
		a |= anyNumber
	}
	if b&anyNumber != 0 {
		b |= anyNumber
	}
	return a&b != 0
}

func conversionHint(source string, kinds schema.Types) string {
	if kinds == anyNumber {
		return "a text becomes a whole number with int(" + source + ")"
	}
	if kinds == schema.Text {
		return "a number becomes a text with text(" + source + ")"
	}
	return ""
}

func (e *exprCompiler) binary(n *ast.BinaryNode) operand {
	switch n.Operator {
	case "and", "&&", "or", "||":
		return e.logic(n)
	case "??":
		a := e.rewrite(n.Left)
		return e.otherwise(n, a, e.unless(a.t.sure != nil && !a.isNil(), func() operand { return e.rewrite(n.Right) }))
	}
	start := len(e.c.noted)
	a := e.rewrite(n.Left)
	middle := len(e.c.noted)
	b := e.rewrite(n.Right)
	e.c.compared(n, start, middle)
	if n.Operator == ".." {
		e.c.counted(start)
	}
	what := "`" + n.Operator + "`"
	switch n.Operator {
	case "==", "!=":
		return e.equality(n, a, b)
	case "<", "<=", ">", ">=":
		return e.order(n, a, b)
	case "+":
		return e.plus(n, a, b)
	case "-", "*", "/", "%", "**", "^":
		op := n.Operator
		if op == "^" {
			op = "**"
		}
		x := e.needs(a, anyNumber, what)
		if e.failed && !a.bad && !b.bad { // said of the one, it holds for the other
			return e.broken(n)
		}
		y := e.needs(b, anyNumber, what)
		if e.noResult(op, b) {
			return e.broken(n)
		}
		t := typ{kinds: anyNumber}
		if a.t.kinds == schema.Integer && b.t.kinds == schema.Integer && op != "/" {
			t.kinds = schema.Integer
		}
		whole := operand{from: a.from, to: b.to, ref: a.ref}
		wrap := e.wrap(whole)
		return e.call(n, t, []operand{a, b}, func(f *frame, in []any) (any, error) {
			if err := x(f, in[0]); err != nil {
				return nil, err
			}
			if err := y(f, in[1]); err != nil {
				return nil, err
			}
			return wrap(f)(arithmetic(op, in[0], in[1]))
		})
	case "in":
		return e.in(n, a, b)
	case "contains", "startsWith", "endsWith":
		at := e.span(a.from, b.to)
		x, y := e.needs(a, schema.Text, what), e.needs(b, schema.Text, what)
		test := map[string]func(string, string) bool{"contains": strings.Contains, "startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix}[n.Operator]
		return quickTexts(a, b, test).of(e.call(n, typ{kinds: schema.Boolean}, []operand{a, b}, func(f *frame, in []any) (any, error) {
			if err := x(f, in[0]); err != nil {
				return nil, err
			}
			if err := y(f, in[1]); err != nil {
				return nil, err
			}
			s, _ := in[0].(string)
			part, _ := in[1].(string)
			if !f.run.spend(sizeOf(s)) {
				return nil, exhausted(at)
			}
			return test(s, part), nil
		}))
	case "matches":
		x, y := e.needs(a, schema.Text, what), e.needs(b, schema.Text, what)
		constant, wrong, at := e.regex(b), e.problem(b), e.span(a.from, b.to)
		return quickMatches(a, constant).of(e.call(n, typ{kinds: schema.Boolean}, []operand{a, b}, func(f *frame, in []any) (any, error) {
			if err := x(f, in[0]); err != nil {
				return nil, err
			}
			if err := y(f, in[1]); err != nil {
				return nil, err
			}
			s, _ := in[0].(string)
			re := constant
			if re == nil {
				pattern, _ := in[1].(string)
				var err error
				if re, err = compileRegexp(pattern); err != nil {
					return nil, wrong(f, "CW308", "this is no regular expression: "+show(pattern), "")
				}
			}
			if !f.run.spend(sizeOf(s)) {
				return nil, exhausted(at)
			}
			return re.MatchString(s), nil
		}))
	case "..":
		x, y := e.needs(a, schema.Integer, what), e.needs(b, schema.Integer, what)
		wrong, at := e.problem(operand{from: a.from, to: b.to}), e.span(a.from, b.to)
		return e.call(n, typ{kinds: schema.Array, elem: &typ{kinds: schema.Integer}}, []operand{a, b}, func(f *frame, in []any) (any, error) {
			if err := x(f, in[0]); err != nil {
				return nil, err
			}
			if err := y(f, in[1]); err != nil {
				return nil, err
			}
			from, _ := in[0].(int)
			to, _ := in[1].(int)
			if to >= from && uint64(to)-uint64(from) >= maxRange { //nolint:gosec // the difference of two's complements is exact
				return nil, wrong(f, "CW307", "this range has more than 10000 elements", "")
			}
			if !f.run.spend(max(0, to-from) * perElement) {
				return nil, exhausted(at)
			}
			out := []any{}
			for i := from; i <= to; i++ {
				out = append(out, i)
			}
			return out, nil
		})
	}
	loc := n.Location()
	e.report("CW131", loc.From, loc.To, "", "the operator %s is not supported", what)
	return e.broken(n)
}

func (e *exprCompiler) logic(n *ast.BinaryNode) operand {
	or := n.Operator == "or" || n.Operator == "||"
	a := e.rewrite(n.Left)
	if a.t.knows(schema.Boolean) {
		if b := e.rewrite(n.Right); e.chosen(n, a, b) {
			return e.broken(n)
		}
	}
	a = e.condition(a)
	b := e.unless(a.surely(or), func() operand { return e.condition(e.rewrite(n.Right)) })
	b = e.marked(b, n.Right, "behind `"+n.Operator+"`")
	if a.direct != nil && b.direct != nil { // needs no machine
		out := e.call(n, typ{kinds: schema.Boolean}, nil, func(f *frame, _ []any) (any, error) {
			if v, err := a.direct(f); err != nil || v == or {
				return v, err
			}
			return b.direct(f)
		})
		out.from, out.to, out.bad = a.from, b.to, a.bad || b.bad
		return quickLogic(a, b, or).of(out)
	}
	node := &ast.ConditionalNode{Cond: a.node, Exp1: b.node, Exp2: &ast.BoolNode{Value: false}}
	if or {
		node.Exp1, node.Exp2 = &ast.BoolNode{Value: true}, b.node
	}
	node.SetLocation(n.Location())
	return quickLogic(a, b, or).of(operand{node: node, t: typ{kinds: schema.Boolean}, from: a.from, to: b.to, bad: a.bad || b.bad})
}

// otherwise is a ?? b. It needs no machine if neither side does.
func (e *exprCompiler) otherwise(n *ast.BinaryNode, a, b operand) operand {
	out := operand{t: either(a, b)}
	if a.isNil() {
		out.t = b.t
	} else if a.t.sure != nil {
		out.t = a.t
	}
	b = e.marked(b, n.Right, "behind `??`")
	if a.direct != nil && b.direct != nil {
		out = e.call(n, out.t, nil, func(f *frame, _ []any) (any, error) {
			if v, err := a.direct(f); v != nil || err != nil {
				return v, err
			}
			return b.direct(f)
		})
	} else {
		out.node = &ast.BinaryNode{Operator: "??", Left: a.node, Right: b.node}
		out.node.SetLocation(n.Location())
	}
	out.from, out.to, out.bad = a.from, b.to, a.bad || b.bad
	return quickOtherwise(a, b).of(out)
}

func (e *exprCompiler) equality(n *ast.BinaryNode, a, b operand) operand {
	if !a.bad && !b.bad && !a.isNil() && !b.isNil() && a.t.kinds != 0 && b.t.kinds != 0 && !overlap(a.t.kinds, b.t.kinds) {
		e.report("CW133", a.from, b.to, comparisonHint(e, a, b), "`%s` is %s and `%s` is %s: they are never equal",
			e.source(a), kindName(a.t.kinds&^schema.Null), e.source(b), kindName(b.t.kinds&^schema.Null))
	}
	e.everEqual(a, b)
	negated := n.Operator == "!="
	// Where the check knows both types, a value of another type is simply another
	// value. Where it does not, a number against a text is most likely a form's text.
	strict := a.t.kinds == 0 || b.t.kinds == 0
	wrong, at := e.problem(operand{from: a.from, to: b.to, ref: a.ref}), e.span(a.from, b.to)
	sa, sb := e.source(a), e.source(b)
	return quickEqual(a, b, negated).of(e.call(n, typ{kinds: schema.Boolean}, []operand{a, b}, func(f *frame, in []any) (any, error) {
		x, y := in[0], in[1]
		if i, ok := x.(int); ok {
			if j, ok := y.(int); ok {
				return (i == j) != negated, nil
			}
		}
		if strict && x != nil && y != nil {
			if k, l := kindOf(x), kindOf(y); k != l && (k == schema.Text && l&anyNumber != 0 || l == schema.Text && k&anyNumber != 0) {
				return nil, wrong(f, "CW308", "a text is compared with a number here: `"+sa+"` is "+show(x)+" and `"+sb+"` is "+show(y),
					"make both the same: text(x) or int(x)")
			}
		}
		equal, ok := equalValues(x, y)
		if !ok || !f.run.spend(sizeOf(x)+sizeOf(y)) {
			return nil, exhausted(at)
		}
		return equal != negated, nil
	}))
}

func comparisonHint(e *exprCompiler, a, b operand) string {
	text, number := a, b
	if b.t.kinds&schema.Text != 0 {
		text, number = b, a
	}
	if text.t.kinds&schema.Text == 0 || number.t.kinds&anyNumber == 0 {
		return ""
	}
	if text.constant {
		if s, ok := text.value.(string); ok && isJSONNumber(s) {
			return "compare with the number: " + s
		}
		return ""
	}
	if number.constant {
		return `compare with the text: "` + e.source(number) + `"`
	}
	return "text(" + e.source(number) + ") makes a text of the number"
}

func (e *exprCompiler) order(n *ast.BinaryNode, a, b operand) operand {
	what := "`" + n.Operator + "`"
	x, y := e.needs(a, anyNumber|schema.Text, what), e.needs(b, anyNumber|schema.Text, what)
	if !a.bad && !b.bad && !e.failed && a.t.kinds != 0 && b.t.kinds != 0 && !overlap(a.t.kinds, b.t.kinds) {
		e.report("CW133", a.from, b.to, comparisonHint(e, a, b), "`%s` is %s and `%s` is %s: they cannot be compared",
			e.source(a), kindName(a.t.kinds&^schema.Null), e.source(b), kindName(b.t.kinds&^schema.Null))
	}
	wrong := e.problem(operand{from: a.from, to: b.to, ref: a.ref})
	op := n.Operator
	e.everOrdered(op, a, b)
	return quickOrder(op, a, b).of(e.call(n, typ{kinds: schema.Boolean}, []operand{a, b}, func(f *frame, in []any) (any, error) {
		if err := x(f, in[0]); err != nil {
			return nil, err
		}
		if err := y(f, in[1]); err != nil {
			return nil, err
		}
		c, ok := compare(in[0], in[1])
		if !ok {
			return nil, wrong(f, "CW308", show(in[0])+" and "+show(in[1])+" cannot be compared", "make both numbers or both texts: int(x), text(x)")
		}
		return ordered(op, c), nil
	}))
}

// ordered tells whether an operator holds for two values that compare as c.
func ordered(op string, c int) bool {
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// compare orders two numbers or two texts.
func compare(a, b any) (int, bool) {
	if s, ok := a.(string); ok {
		t, ok := b.(string)
		return strings.Compare(s, t), ok
	}
	if kindOf(a)&anyNumber == 0 || kindOf(b)&anyNumber == 0 {
		return 0, false
	}
	return compareNumbers(a, b), true
}

func (e *exprCompiler) plus(n *ast.BinaryNode, a, b operand) operand {
	both := anyNumber | schema.Text
	x, y := e.needs(a, both, "`+`"), e.needs(b, both, "`+`")
	t := typ{}
	switch {
	case a.bad || b.bad || e.failed:
	case a.t.kinds != 0 && b.t.kinds != 0 && !overlap(a.t.kinds, b.t.kinds):
		text := a
		if b.t.kinds&schema.Text == 0 {
			text = b
		}
		e.report("CW133", a.from, b.to, "text("+e.source(text)+") makes a text of a number", "`%s` is %s and `%s` is %s: they cannot be added",
			e.source(a), kindName(a.t.kinds&^schema.Null), e.source(b), kindName(b.t.kinds&^schema.Null))
	case a.t.kinds == schema.Text || b.t.kinds == schema.Text:
		t.kinds = schema.Text
	case a.t.kinds == schema.Integer && b.t.kinds == schema.Integer:
		t.kinds = schema.Integer
	case a.t.kinds != 0 && a.t.kinds&^anyNumber == 0 || b.t.kinds != 0 && b.t.kinds&^anyNumber == 0:
		t.kinds = anyNumber
	}
	whole, at := operand{from: a.from, to: b.to, ref: a.ref}, e.span(a.from, b.to)
	wrap, wrong := e.wrap(whole), e.problem(whole)
	return quickPlus(a, b).of(e.call(n, t, []operand{a, b}, func(f *frame, in []any) (any, error) {
		if err := x(f, in[0]); err != nil {
			return nil, err
		}
		if err := y(f, in[1]); err != nil {
			return nil, err
		}
		s, isText := in[0].(string)
		u, alsoText := in[1].(string)
		if isText && alsoText {
			if len(s)+len(u) > maxText {
				return nil, wrong(f, "CW307", "the text becomes longer than 1 MiB", "")
			}
			if !f.run.spend((len(s) + len(u)) >> 2) {
				return nil, exhausted(at)
			}
			return s + u, nil
		}
		if isText || alsoText {
			return nil, wrong(f, "CW308", show(in[0])+" and "+show(in[1])+" cannot be added", "text(x) makes a text of a number, int(x) a number of a text")
		}
		return wrap(f)(arithmetic("+", in[0], in[1]))
	}))
}

func (e *exprCompiler) in(n *ast.BinaryNode, a, b operand) operand {
	if !b.bad && b.t.kinds != 0 && !b.t.kinds.Has(schema.Array) && !b.t.kinds.Has(schema.Object) {
		hint := ""
		if b.t.kinds&schema.Text != 0 {
			hint = "a part of a text: " + e.source(b) + " contains " + e.source(a)
		}
		e.report("CW133", b.from, b.to, hint, "`%s` is %s, and `in` needs an array or an object", e.source(b), kindName(b.t.kinds&^schema.Null))
	}
	if el := elemOf(b.t); !a.bad && !b.bad && el.kinds != 0 && a.t.kinds != 0 && !a.isNil() && !overlap(a.t.kinds, el.kinds) && b.t.kinds.Has(schema.Array) && !b.t.kinds.Has(schema.Object) {
		e.report("CW133", a.from, b.to, "", "`%s` is %s, and the list holds %s: it is never in it", e.source(a), kindName(a.t.kinds&^schema.Null), kindName(el.kinds))
	}
	e.everIn(a, b)
	wrong, at := e.problem(b), e.span(a.from, b.to)
	return quickIn(a, b.value).of(e.call(n, typ{kinds: schema.Boolean}, []operand{a, b}, func(f *frame, in []any) (any, error) {
		if in[0] == nil || in[1] == nil {
			return false, nil
		}
		if items, ok := list(in[1]); ok {
			if !f.run.spend(len(items) + sizeOf(in[1])) {
				return nil, exhausted(at)
			}
			for _, item := range items {
				equal, ok := equalValues(in[0], item)
				if !ok || !f.run.spend(sizeOf(item)) {
					return nil, exhausted(at)
				}
				if equal {
					return true, nil
				}
			}
			return false, nil
		}
		keys, _, ok := object(in[1])
		if !ok {
			return nil, wrong(f, "CW308", "`in` needs an array or an object, and has "+show(in[1]), "")
		}
		s, ok := textOf(in[0])
		for _, k := range keys {
			if ok && k == s {
				return true, nil
			}
		}
		return false, nil
	}))
}
