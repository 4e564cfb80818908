package mapping

import (
	"strings"

	"github.com/expr-lang/expr/ast"
)

// tableColumn rewrites table("name", key).column.
func (e *exprCompiler) tableColumn(n *ast.MemberNode) (operand, bool) {
	inner := n.Node
	if chain, ok := inner.(*ast.ChainNode); ok {
		inner = chain.Node
	}
	call, ok := inner.(*ast.CallNode)
	if !ok || n.Method {
		return operand{}, false
	}
	callee, ok := call.Callee.(*ast.IdentifierNode)
	column, named := n.Property.(*ast.StringNode)
	if !ok || callee.Value != "table" || !named || len(call.Arguments) != 2 {
		return operand{}, false
	}
	if name, ok := call.Arguments[0].(*ast.StringNode); !ok || e.c.tables[name.Value] == nil || len(e.c.tables[name.Value].columns) == 0 {
		return operand{}, false
	}
	out := e.tableCall(call, call.Arguments, e.closing(call.Location().From), column)
	out.to = max(out.to, column.Location().To)
	return out, true
}

// tableFunction rewrites table("name", key).
func (e *exprCompiler) tableFunction(n ast.Node, arguments []ast.Node, end int) operand {
	return e.tableCall(n, arguments, end, nil)
}

func (e *exprCompiler) tableCall(n ast.Node, arguments []ast.Node, end int, column *ast.StringNode) operand {
	loc := n.Location()
	if len(arguments) != 2 {
		e.report("CW132", loc.From, end, `table("delivery", delivery_type.id)`, "`table` takes 2 arguments, and %s given", are(len(arguments)))
		return e.broken(n)
	}
	s, ok := arguments[0].(*ast.StringNode)
	if !ok {
		at := arguments[0].Location()
		e.report("CW133", at.From, at.To, "", "`table` needs the table's name in quotes")
		return e.broken(n)
	}
	start := len(e.c.noted)
	key := e.rewrite(arguments[1])
	read := len(e.c.noted)
	at, name := s.Location(), s.Value
	if column != nil {
		at, name = column.Location(), s.Value+"."+column.Value
	}
	t, problem, hint := e.c.tableNamed(name)
	if t == nil && e.c.doc.tableless {
		return e.broken(n)
	}
	if t == nil {
		e.report("CW153", at.From, at.To, hint, "%s", problem)
		return e.broken(n)
	}
	e.c.keyed(start, read, t)
	if key.bad {
		return e.broken(n)
	}
	where, missing := e.span(loc.From, end), e.missing(key)
	source := ""
	if key.ref != nil {
		source = key.ref.source
	}
	keyType, remedy := key.t, e.rowless(key, name, loc.From, end)
	if e.dead > 0 {
		keyType.sure = nil
	}
	if !e.c.useTable(tableUse{table: t, at: where, key: keyType, keyAt: e.span(key.from, key.to), source: e.source(key), name: e.source(key), remedy: remedy}) {
		return e.broken(n)
	}
	out := e.call(n, t.typ(), []operand{key}, func(f *frame, in []any) (any, error) {
		if in[0] == nil {
			return nil, missing(f)
		}
		v, err := t.get(in[0], where, f.run.sourcePath(source), false, remedy)
		if tr := f.run.trace; tr != nil && err == nil {
			tr.row(t, in[0], v)
		}
		return v, err
	})
	out.from, out.to = loc.From, end
	return out
}

// rowless is what can be done about a code without a row where the table name is read
// with the key between from and to: the function itself has no default.
func (e *exprCompiler) rowless(key operand, name string, from, to int) string {
	if len(e.pointers)+len(e.locals) > 0 { // a rule cannot name the key
		return "add a row, or ask only for codes that have one: if k in [1, 2] { table(\"" + name + "\", k) } else { … }"
	}
	what := "expr: '" + e.source(key) + "'"
	switch text := e.source(key); {
	case key.ref != nil && text == key.ref.text:
		what = "path: " + text
	case strings.ContainsAny(text, "'\n"):
		what = "expr: …"
	}
	rule := "{" + what + ", table: " + name + ", default: …}"
	if strings.TrimSpace(string(e.text)) == string(e.text[from:to]) {
		return "add a row, or write " + rule + "; `??` does not catch it"
	}
	return "add a row, or name " + rule + " under `let` and use the name; `??` does not catch it"
}
