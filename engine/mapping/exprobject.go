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
	node := value.described()
	if node == nil {
		node = &schema.Node{}
	}
	l.fields = append(l.fields, schema.Property{Name: name, Node: node})
}

// described is what is known of a part of a list or an object that is written out.
func (o operand) described() *schema.Node {
	if k := kindOf(o.value); o.constant && k != 0 && k&(schema.Object|schema.Array) == 0 {
		return &schema.Node{Types: k, Choices: []schema.Choice{{JSON: string(appendJSON(nil, o.value))}}}
	}
	return nodeOf(o.t)
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
