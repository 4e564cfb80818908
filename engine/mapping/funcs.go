package mapping

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// param is what a function takes in one place.
type param struct {
	kinds schema.Types // 0 for anything
	// missing allows nil.
	missing bool
	// constant demands a value written in the mapping.
	constant bool
	// elems are what the elements of an array must be, 0 for anything.
	elems schema.Types
	// refuse says what is wrong with a value that is the same for every event; "" for
	// nothing.
	refuse func(v any) (message, hint string)
}

// fn is a function of expressions.
type fn struct {
	params []param
	// least is how many arguments there must be; more than len(params) are allowed
	// if more is set.
	least  int
	more   *param
	result schema.Types
	// of gives the result's type from the arguments', where result is not enough.
	of func(args []operand) typ
	// prepare is called once with the operands, to look at constants; it returns the
	// function, or nil after a report.
	prepare func(e *exprCompiler, args []operand) func(in []any) (any, error)
	call    func(in []any) (any, error)
}

// callError is what a function says of its arguments.
type callError string

func (e callError) Error() string { return string(e) }

// hintedError is a callError with a way out.
type hintedError struct{ message, hint string }

func (e *hintedError) Error() string { return e.message }

func texts(n int) []param {
	return slices.Repeat([]param{{kinds: schema.Text}}, n)
}

// removed are functions of expr that mappings do not have, with what to use.
func removed() map[string]string {
	return map[string]string{
		"now": "a mapping gives the same result whenever it runs; _meta.received_at is when the event came", "date": "use datetime(s, in, out, zone_in, zone_out)",
		"duration": "use datetime(s, in, out, zone_in, zone_out)", "timezone": "use datetime(s, in, out, zone_in, zone_out)",
		"string": "use text(x)", "float": "numbers are decimal; a text becomes a number by the sink's type or with int(x)", "type": "",
		"bitand": "", "bitor": "", "bitxor": "", "bitnand": "", "bitshl": "", "bitshr": "", "bitushr": "", "bitnot": "",
	}
}

// function checks and rewrites a call.
func (e *exprCompiler) function(n ast.Node, callee ast.Node, arguments []ast.Node) operand {
	loc := n.Location()
	id, ok := callee.(*ast.IdentifierNode)
	if !ok {
		hint := "functions are written f(x)"
		if chain, is := callee.(*ast.ChainNode); is {
			callee = chain.Node
		}
		if member, is := callee.(*ast.MemberNode); is {
			hint = e.methodHint(member)
		}
		e.report("CW131", loc.From, loc.To, hint, "there are no methods")
		return e.broken(n)
	}
	end := e.closing(loc.From)
	switch id.Value {
	case "has", "get":
		return e.pathFunction(n, id.Value, arguments, end)
	case "table":
		return e.tableFunction(n, arguments, end)
	}
	def, ok := e.c.functions[id.Value]
	if !ok {
		names := slices.Sorted(func(yield func(string) bool) {
			for name := range e.c.functions {
				if !yield(name) {
					return
				}
			}
			for name := range predicates() {
				if !yield(name) {
					return
				}
			}
			_ = yield("has") && yield("get") && yield("table")
		})
		hint, gone := removed()[id.Value]
		if !gone {
			hint = cmp.Or(foreignFunction(id.Value, names), diag.DidYouMean(id.Value, names), "the functions are listed in the language's reference, mappings/README.md")
		}
		e.report("CW131", loc.From, loc.From+characters(id.Value), hint, "there is no function `%s`", id.Value)
		return e.broken(n)
	}
	args := make([]operand, len(arguments))
	bad := false
	for i, a := range arguments {
		start := len(e.c.noted)
		args[i] = e.rewrite(a)
		if i < len(def.params) && def.params[i].kinds == schema.Integer {
			e.c.counted(start)
		}
		bad = bad || args[i].bad
	}
	most := len(def.params)
	if len(args) < def.least || len(args) > most && def.more == nil {
		e.report("CW132", loc.From, end, "", "`%s` takes %s, and %s given", id.Value, countOf(def.least, most, def.more != nil), are(len(args)))
		return e.broken(n)
	}
	if bad {
		return e.broken(n)
	}
	if (id.Value == "concat" || id.Value == "join") && e.joinedTexts(id.Value, args, loc.From, end) {
		return e.broken(n)
	}
	checks := make([]func(*frame, any) error, len(args))
	for i := range args {
		p := def.more
		if i < most {
			p = &def.params[i]
		}
		if p.constant && !args[i].constant {
			e.report("CW133", args[i].from, args[i].to, "choose between calls: if … { "+id.Value+"(…) } else { "+id.Value+"(…) }",
				"`%s` needs a constant here", id.Value)
			return e.broken(n)
		}
		if p.missing && (args[i].isNil() || p.kinds == 0) {
			continue
		}
		kinds := p.kinds
		if kinds == 0 {
			kinds = anything
		}
		check := e.needs(args[i], kinds, "`"+id.Value+"`")
		e.elements(id.Value, args[i], p.elems)
		e.refused(args[i], p.refuse)
		if e.failed && i >= most {
			return e.broken(n) // the others are wrong in the same way
		}
		if p.missing {
			inner := check
			check = func(f *frame, v any) error {
				if v == nil {
					return nil
				}
				return inner(f, v)
			}
		}
		checks[i] = check
	}
	if e.failed {
		return e.broken(n)
	}
	call := def.call
	if def.prepare != nil {
		if call = def.prepare(e, args); call == nil {
			return e.broken(n)
		}
	}
	t := typ{kinds: def.result}
	if def.of != nil {
		t = def.of(args)
	}
	problem, whole := e.problem(operand{from: loc.From, to: end, ref: firstReference(args)}), e.span(0, len(e.text))
	out := e.call(n, t, args, func(f *frame, in []any) (any, error) {
		for i, check := range checks {
			if check != nil {
				if err := check(f, in[i]); err != nil {
					return nil, err
				}
			}
		}
		work := 0
		for _, v := range in {
			work += sizeOf(v)
		}
		if !f.run.spend(work) {
			return nil, exhausted(whole)
		}
		v, err := call(in)
		if err == nil && !f.run.spend(sizeOf(v)) {
			return nil, exhausted(whole)
		}
		if err != nil {
			rule, hint := "CW311", ""
			switch err := err.(type) { //nolint:errorlint // made by our own functions, never wrapped
			case arithmeticError:
				rule = "CW307"
			case *hintedError:
				hint = err.hint
			}
			return nil, problem(f, rule, err.Error(), hint)
		}
		return v, nil
	})
	out.from, out.to = min(out.from, loc.From), max(out.to, end)
	out.quick = e.quickFunction(id.Value, args)
	return out
}

func firstReference(args []operand) *reference {
	for _, a := range args {
		if a.ref != nil {
			return a.ref
		}
	}
	return nil
}

// are counts in front of a participle: "1 is", "3 are".
func are(n int) string {
	if n == 1 {
		return "1 is"
	}
	return strconv.Itoa(n) + " are"
}

func countOf(least, most int, more bool) string {
	plural := func(n int) string {
		if n == 1 {
			return "1 argument"
		}
		return strconv.Itoa(n) + " arguments"
	}
	switch {
	case more:
		return "at least " + plural(least)
	case least == most:
		return plural(most)
	}
	return strconv.Itoa(least) + " to " + plural(most)
}

// closing returns what follows the parenthesis that closes the call at from.
func (e *exprCompiler) closing(from int) int {
	depth, end := 0, min(from+1, len(e.text))
	e.brackets(from, len(e.text), func(i int, _ bool) bool {
		switch e.text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth <= 0 {
				end = i + 1
				return false
			}
		}
		return true
	})
	return end
}

// pathFunction rewrites has("path") and get("path").
func (e *exprCompiler) pathFunction(n ast.Node, name string, arguments []ast.Node, end int) operand {
	loc := n.Location()
	if len(arguments) == 2 && name == "get" {
		e.report("CW132", loc.From, end, `write x[key], or get("path") ?? otherwise`, "`get` takes one path")
		return e.broken(n)
	}
	if len(arguments) != 1 {
		e.report("CW132", loc.From, end, "", "`%s` takes 1 argument, and %s given", name, are(len(arguments)))
		return e.broken(n)
	}
	s, ok := arguments[0].(*ast.StringNode)
	if !ok {
		at := arguments[0].Location()
		e.report("CW133", at.From, at.To, name+`("delivery_phone")`, "`%s` needs a path in quotes", name)
		return e.broken(n)
	}
	at := e.within(s.Location().From)
	p, perr := parsePath(s.Value)
	if perr != nil {
		e.report("CW120", at(perr.from), at(perr.to), perr.hint, "%s", perr.message)
		return e.broken(n)
	}
	ref, ok := e.c.resolve(e.scope, p, use{
		doc: e.c.doc, text: s.Value,
		at: func(a, b int) span { return e.span(at(a), at(b)) },
	})
	if !ok {
		return e.broken(n)
	}
	if name == "get" {
		return e.referenceTo(n, ref, loc.From, end)
	}
	out := e.call(n, typ{kinds: schema.Boolean}, nil, func(f *frame, _ []any) (any, error) {
		if b, ok := ref.bytes(f); ok {
			return !isMissing(b), nil
		}
		v, err := ref.value(f)
		return v != nil, err
	})
	out.to = end
	return out
}

// within returns where the characters of the quoted text that begins at from stand: an
// escape is one character of the text and several of the expression.
func (e *exprCompiler) within(from int) func(i int) int {
	places := []int{from + 1}
	quote := rune('"')
	if from < len(e.text) {
		quote = e.text[from]
	}
	for i := from + 1; i < len(e.text) && e.text[i] != quote; places = append(places, i) {
		length := 1
		if e.text[i] == '\\' && quote != '`' && i+1 < len(e.text) {
			switch c := e.text[i+1]; {
			case c == 'x' || c >= '0' && c <= '3':
				length = 4
			case c == 'u':
				length = 6
			case c == 'U':
				length = 10
			default:
				length = 2
			}
		}
		i += length
	}
	return func(i int) int { return places[min(max(i, 0), len(places)-1)] }
}

func (c *compiler) tableNames() []string {
	var names []string
	for name := range c.tables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// numbers returns a list's numbers.
func numbers(v any) ([]any, error) {
	items, ok := list(v)
	if !ok {
		return nil, callError("this needs a list of numbers, and has " + show(v))
	}
	for _, x := range items {
		if x == nil {
			return nil, errMissingNumber
		}
		if kindOf(x)&anyNumber == 0 {
			return nil, callError("this needs a list of numbers, and has " + show(x) + " in it")
		}
	}
	return items, nil
}

func joinTexts(items []any, sep string) (string, error) {
	var b strings.Builder
	if len(items) > 1 {
		b.Grow(64)
	}
	n := 0
	for _, item := range items {
		if item == nil {
			continue
		}
		s, ok := textOf(item)
		if !ok {
			return "", callError("only texts and numbers can be joined, and there is " + show(item))
		}
		if s == "" {
			continue
		}
		if n > 0 {
			b.WriteString(sep)
		}
		if b.WriteString(s); b.Len() > maxText {
			return "", callError("the text becomes longer than 1 MiB")
		}
		n++
	}
	return b.String(), nil
}
