package mapping

import (
	"errors"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	exprcompiler "github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

const (
	// maxExpression is the longest expression in bytes.
	maxExpression = 16 << 10
	// maxNodes is how many nodes its tree can have, maxTree how deep it is.
	maxNodes = 2000
	maxTree  = 200
)

// An expression is parsed by expr, checked against the schemas' types, and its
// tree is rewritten so that expr's machine calls our functions for everything that
// touches a value: they know decimals, tolerate what is missing where the language
// says so, and name the path and the place where it does not. The machine itself
// runs choices, predicates, local names and literals.
type expression struct {
	program *vm.Program
	// direct computes an expression that needs no machine: a reference, a constant,
	// or calls of them.
	direct func(*frame) (any, error)
	quick  quick
	// constant is the value of an expression that is nothing else.
	constant any
	refs     []*reference
	branches []*exprBranch
	at       span
	// whole is set if the expression is nothing but a reference.
	whole *reference
}

func (e *expression) run(f *frame) (any, error) {
	if e.direct != nil {
		return e.direct(f)
	}
	r := f.run
	if r.depth == len(r.machines) {
		r.machines = append(r.machines, &vm.VM{})
	}
	m := r.machines[r.depth]
	r.depth++
	v, err := m.Run(e.program, f)
	r.depth--
	if err == nil {
		return v, nil
	}
	var known *failure
	if errors.As(err, &known) {
		return nil, known
	}
	out := &failure{at: e.at, rule: "CW308", message: "this expression cannot be computed for this event"}
	var fe *file.Error
	if errors.As(err, &fe) && strings.Contains(fe.Message, "memory budget") {
		out.message = "this expression makes a list with more than a million elements"
	}
	return nil, out
}

// operand is a checked part of an expression.
type operand struct {
	node ast.Node // for expr's machine
	t    typ
	// from and to are its characters in the expression.
	from, to int
	ref      *reference // set if it is nothing but a reference
	constant bool
	value    any // of a constant
	direct   func(*frame) (any, error)
	quick    quick
	parts    []operand // of a list that is written out and not constant
	items    []operand // of any list that is written out
	bad      bool      // reported already; whatever it is used for is not reported again
}

// exprCompiler checks and rewrites one expression.
type exprCompiler struct {
	c     *compiler
	scope *scope
	src   *scalar
	shift int // characters of the scalar before the expression
	text  []rune
	fns   map[string]*builtin.Function
	refs  []*reference
	// branches are the parts that only some events evaluate.
	branches []*exprBranch
	// locals are names of expr's own let, pointers the elements of predicates around.
	locals   []local
	pointers []typ
	depth    int
	failed   bool
	dead     int // branches around that no event evaluates
	// looping means that # is read from the run, and not by expr's machine.
	looping bool
}

type local struct {
	name string
	t    typ
}

// expression compiles the text that begins shift characters into the scalar; nil
// if it was reported.
func (c *compiler) expression(s *scope, src *scalar, shift int) (*expression, typ) {
	e := &exprCompiler{c: c, scope: s, src: src, shift: shift, text: src.value[shift:], fns: map[string]*builtin.Function{}}
	text := string(e.text)
	if len(text) > maxExpression {
		e.report("CW130", 0, 1, "name parts of it with `let`", "the expression has %d bytes; at most %d are allowed", len(text), maxExpression)
		return nil, typ{}
	}
	if strings.TrimSpace(text) == "" {
		c.doc.errorAt("CW130", src.span(0, len(src.value)), "", "the expression is empty")
		return nil, typ{}
	}
	if at := e.floorDivision(); at >= 0 {
		e.report("CW130", at, at+2, "write floor(a / b)", "`//` is no operator")
		return nil, typ{}
	}
	config := &conf.Config{MaxNodes: maxNodes}
	tree, err := parser.ParseWithConfig(text, config)
	if err != nil {
		e.syntax(err)
		return nil, typ{}
	}
	out := e.rewrite(tree.Node)
	if e.failed {
		return nil, typ{}
	}
	x := &expression{refs: e.refs, branches: e.branches, direct: out.direct, constant: out.value, whole: out.ref, at: e.span(0, len(e.text))}
	x.quick = out.quick.bounded(len(e.fns) + 1)
	if x.direct == nil {
		tree.Node = out.node
		x.program, err = exprcompiler.Compile(tree, &conf.Config{Functions: e.fns})
		if err != nil {
			e.report("CW130", 0, len(e.text), "", "this expression cannot be compiled")
			return nil, typ{}
		}
	}
	return x, out.t
}

// span returns where characters of the expression stand in the file.
func (e *exprCompiler) span(from, to int) span { return e.src.span(from+e.shift, to+e.shift) }

func (e *exprCompiler) report(rule string, from, to int, hint, format string, args ...any) {
	e.failed = true
	if rule == "CW133" { // of operands
		from, to = e.balanced(from, to)
	}
	e.c.doc.errorAt(rule, e.span(from, max(to, from+1)), hint, format, args...)
}

// source returns the text of an operand.
func (e *exprCompiler) source(o operand) string {
	from, to := e.balanced(min(max(o.from, 0), len(e.text)), max(o.to, o.from))
	return shorten(strings.Join(strings.Fields(string(e.text[from:max(from, to)])), " "))
}

// constantOf returns an operand with a known value.
func constantOf(v any, t typ, n ast.Node) operand {
	loc := n.Location()
	node := &ast.ConstantNode{Value: v}
	node.SetLocation(loc)
	t.sure = &certain{value: v}
	return operand{
		node: node, t: t, from: loc.From, to: loc.To, constant: true, value: v,
		direct: func(*frame) (any, error) { return v, nil }, quick: quickConstant(v),
	}
}

// call makes an operand that applies fn to others. Arguments that need no machine
// are read by the call itself.
func (e *exprCompiler) call(n ast.Node, t typ, args []operand, fn func(f *frame, args []any) (any, error)) operand {
	out := operand{t: t, from: n.Location().From, to: n.Location().To}
	direct := true
	for _, a := range args {
		direct = direct && a.direct != nil
		out.from, out.to = min(out.from, a.from), max(out.to, a.to)
		out.bad = out.bad || a.bad
	}
	if len(args) > 0 {
		var ok bool
		out.t, ok = e.folded(t, args, fn)
		out.bad = out.bad || !ok
	}
	name := "$" + strconv.Itoa(len(e.fns))
	node := &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: []ast.Node{&ast.IdentifierNode{Value: "$env"}}}
	if direct {
		out.direct = directCall(args, fn, e.span(0, len(e.text)))
		e.fns[name] = &builtin.Function{Name: name, Func: func(in ...any) (any, error) {
			f, ok := in[0].(*frame)
			if !ok {
				return nil, errNoFrame
			}
			return out.direct(f)
		}}
	} else {
		whole := e.span(0, len(e.text))
		for _, a := range args {
			node.Arguments = append(node.Arguments, a.node)
		}
		e.fns[name] = &builtin.Function{Name: name, Func: func(in ...any) (any, error) {
			f, ok := in[0].(*frame)
			if !ok {
				return nil, errNoFrame
			}
			if !f.run.spend(1) {
				return nil, exhausted(whole)
			}
			return fn(f, in[1:])
		}}
	}
	node.SetLocation(n.Location())
	out.node = node
	return out
}

var errNoFrame = errors.New("an expression ran without its event")

// directCall returns a function that reads its arguments itself.
func directCall(args []operand, fn func(*frame, []any) (any, error), whole span) func(*frame) (any, error) {
	return func(f *frame) (any, error) {
		r := f.run
		if !r.spend(1) {
			return nil, exhausted(whole)
		}
		base := len(r.args)
		for i := range args {
			v, err := args[i].direct(f)
			if err != nil {
				r.args = r.args[:base]
				return nil, err
			}
			r.args = append(r.args, v)
		}
		v, err := fn(f, r.args[base:])
		r.args = r.args[:base]
		return v, err
	}
}

// missing is the failure of an operand that is nil where a value is needed.
func (e *exprCompiler) missing(o operand) func(*frame) error {
	at := e.span(e.balanced(o.from, o.to))
	text := e.source(o)
	if o.ref != nil {
		text = o.ref.text
	}
	source := ""
	if o.ref != nil {
		source = o.ref.source
	}
	hint := "guard it with `??`"
	message := "`" + text + "` is missing in this event"
	if source != "" && o.ref.let == nil {
		message = "`" + text + "` is missing in this event"
		hint = "guard it with `??` or `has(\"" + text + "\")`"
	}
	return func(f *frame) error {
		return &failure{at: at, rule: "CW301", path: f.run.sourcePath(source), message: message, hint: hint}
	}
}

// problem makes a failure at an operand.
func (e *exprCompiler) problem(o operand) func(f *frame, rule, message, hint string) error {
	at := e.span(e.balanced(o.from, o.to))
	source := ""
	if o.ref != nil {
		source = o.ref.source
	}
	return func(f *frame, rule, message, hint string) error {
		return &failure{at: at, rule: rule, path: f.run.sourcePath(source), message: message, hint: hint}
	}
}

// condition makes an operand that is true or false, or fails.
func (e *exprCompiler) condition(o operand) operand {
	if !o.bad && o.t.knows(schema.Boolean) {
		hint := conditionHint(e.source(o), o.t, o.ref, true)
		if o.constant {
			hint = constantConditionHint(string(appendJSON(nil, o.value)))
		}
		e.report("CW133", o.from, o.to, hint, "`%s` is %s, and a condition must be true or false", e.source(o), kindName(o.t.kinds))
		o.bad = true
		return o
	}
	missing, wrong, text := e.missing(o), e.problem(o), e.source(o)
	at := &ast.NilNode{}
	at.SetLocation(file.Location{From: o.from, To: o.to})
	out := e.call(at, typ{kinds: schema.Boolean}, []operand{o}, func(f *frame, in []any) (any, error) {
		switch v := in[0].(type) {
		case bool:
			return v, nil
		case nil:
			return nil, missing(f)
		default:
			return nil, wrong(f, "CW308", "`"+text+"` must be true or false, and is "+show(v), "compare it with something")
		}
	})
	out.quick = quickCondition(o)
	return out
}
