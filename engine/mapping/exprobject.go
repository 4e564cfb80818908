package mapping

import (
	"github.com/expr-lang/expr/ast"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// literalFields are the fields of an object that an expression writes out.
type literalFields struct {
	fields  []schema.Property
	keys    map[string]span
	unknown bool // a name is computed
}

func (l *literalFields) add(e *exprCompiler, at ast.Node, key, value operand) {
	name, ok := textOf(key.value)
	if !key.constant || !ok || value.isNil() {
		return
	}
	loc := at.Location()
	if l.keys == nil {
		l.keys = map[string]span{}
	}
	l.keys[name] = e.span(loc.From, max(loc.To, loc.From+1))
	node := nodeOf(value.t)
	if node == nil {
		node = &schema.Node{}
	}
	l.fields = append(l.fields, schema.Property{Name: name, Node: node})
}

// node describes the object; nil if a name in it is not known.
func (l *literalFields) node(e *exprCompiler, object operand) *schema.Node {
	if l.unknown || object.bad {
		return nil
	}
	node := schema.ObjectOf(l.fields...)
	e.c.made[node] = &madeObject{at: e.span(object.from, object.to), keys: l.keys}
	return node
}
