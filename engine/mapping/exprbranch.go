package mapping

import "github.com/expr-lang/expr/ast"

// exprBranch is a part of an expression that only some events evaluate: a side of a
// choice, or what stands behind `??`, `and` or `or`.
type exprBranch struct {
	what string
	at   span
}

// marked notes when an operand is evaluated, for the coverage of samples. A choice in
// a branch of another has branches of its own.
func (e *exprCompiler) marked(o operand, n ast.Node, what string) operand {
	if _, choice := n.(*ast.ConditionalNode); choice || o.bad {
		return o
	}
	b := &exprBranch{what: "`" + e.source(o) + "` " + what, at: e.span(o.from, max(o.to, o.from+1))}
	e.branches = append(e.branches, b)
	if inner := o.direct; inner != nil {
		o.direct = func(f *frame) (any, error) {
			if t := f.run.trace; t != nil {
				t.reach(pointBranch, b, "")
			}
			return inner(f)
		}
		read := o.direct
		o.node = e.call(n, o.t, nil, func(f *frame, _ []any) (any, error) { return read(f) }).node
		return o
	}
	o.node = e.call(n, o.t, []operand{o}, func(f *frame, in []any) (any, error) {
		if t := f.run.trace; t != nil {
			t.reach(pointBranch, b, "")
		}
		return in[0], nil
	}).node
	return o
}
