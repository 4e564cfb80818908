package mapping

import (
	"slices"

	"github.com/expr-lang/expr/ast"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// predicates are expr's functions that take a predicate, with the kind of their result.
func predicates() map[string]schema.Types {
	return map[string]schema.Types{
		"all": schema.Boolean, "none": schema.Boolean, "any": schema.Boolean, "one": schema.Boolean,
		"filter": schema.Array, "map": schema.Array, "count": schema.Integer, "sum": anyNumber,
		"find": 0, "findIndex": schema.Integer, "findLast": 0, "findLastIndex": schema.Integer,
		"groupBy": schema.Object, "sortBy": schema.Array, "reduce": 0,
	}
}

// predicate rewrites all, filter, map, sum and the like. The loop runs in expr's
// machine; what it compares and adds up is ours.
func (e *exprCompiler) predicate(n *ast.BuiltinNode) operand {
	loc := n.Location()
	end := e.closing(loc.From)
	over := e.rewrite(n.Arguments[0])
	if over.bad {
		return e.broken(n)
	}
	items := e.items(n, over)
	elem := elemOf(over.t)
	var body operand
	hasBody, ours := len(n.Arguments) > 1, false
	if hasBody {
		p, ok := n.Arguments[1].(*ast.PredicateNode)
		if !ok {
			e.report("CW130", loc.From, end, "", "`%s` needs a predicate, as in %s(list, .price > 0)", n.Name, n.Name)
			return e.broken(n)
		}
		around, noted := e.looping, len(e.c.noted)
		e.looping = loopsOurselves(n.Name) && len(e.pointers) == 0 && items.direct != nil
		e.pointers = append(e.pointers, elem)
		body = e.rewrite(p.Node)
		if e.looping && !body.bad && body.direct == nil { // it needs the machine, and then its loop
			e.looping, e.c.noted = false, e.c.noted[:noted]
			body = e.rewrite(p.Node)
		}
		ours, e.looping = e.looping, around
		e.pointers = e.pointers[:len(e.pointers)-1]
		if body.bad {
			return e.broken(n)
		}
	}
	out := operand{t: typ{kinds: predicates()[n.Name]}, from: min(loc.From, over.from), to: end}
	if e.bodyFits(n.Name, over, body, hasBody); e.failed {
		return e.broken(n)
	}
	switch n.Name {
	case "sum":
		list := items
		if hasBody {
			if e.needs(body, anyNumber, "`sum`"); e.failed {
				return e.broken(n)
			}
			list = e.loop(n, "map", items, body)
		}
		return e.apply(n, out, list, sum)
	case "groupBy", "sortBy":
		pair := &ast.ArrayNode{Nodes: []ast.Node{&ast.PointerNode{}, body.node}}
		pairs := e.loop(n, "map", items, operand{node: pair})
		if n.Name == "groupBy" {
			return e.apply(n, out, pairs, groupPairs)
		}
		out.t.elem = &elem
		order := constantOf("asc", typ{kinds: schema.Text}, n)
		if len(n.Arguments) > 2 {
			order = e.rewrite(n.Arguments[2])
		}
		if e.refused(order, refuseOrder); order.bad || e.failed {
			return e.broken(n)
		}
		problem := e.problem(operand{from: out.from, to: end})
		made := e.call(n, out.t, []operand{pairs, order}, func(f *frame, in []any) (any, error) {
			list, _ := in[0].([]any)
			o, _ := in[1].(string)
			v, err := sortPairs(list, o)
			if err != nil {
				return nil, problem(f, "CW311", err.Error(), "")
			}
			return v, nil
		})
		made.from, made.to = out.from, end
		return made
	case "reduce":
		node := &ast.BuiltinNode{Name: n.Name, Arguments: []ast.Node{items.node, predicateNode(body)}}
		if len(n.Arguments) > 2 {
			first := e.rewrite(n.Arguments[2])
			if first.bad {
				return e.broken(n)
			}
			node.Arguments = append(node.Arguments, first.node)
		} else {
			e.report("CW132", loc.From, end, "quoted as a whole: '= reduce(list, #acc + #, 0)'", "`reduce` needs what it begins with as its third argument")
			return e.broken(n)
		}
		node.SetLocation(loc)
		out.node = node
		return out
	case "map":
		t := body.t
		out.t.elem = &t
		if body.isNil() {
			out.t.elem = nil
		}
	case "filter":
		out.t.elem = &elem
		body = e.condition(body)
	case "find":
		out.t = elem
		body = e.condition(body)
	case "findLast", "findLastIndex":
		return e.findLast(n, out, items, e.condition(body), elem)
	case "count":
		if !hasBody {
			e.report("CW132", loc.From, end, "len(list) counts the elements", "`count` needs a predicate")
			return e.broken(n)
		}
		body = e.condition(body)
	default:
		body = e.condition(body)
	}
	if body.bad {
		return e.broken(n)
	}
	looped := e.loop(n, n.Name, items, body)
	if ours {
		looped = e.ownLoop(n, items, body)
	}
	looped.t, looped.from, looped.to = out.t, out.from, out.to
	return looped
}

// findLast is findLast and findLastIndex. The machine's own loops from behind leave a
// value on its stack, which shifts the arguments of a call around them.
func (e *exprCompiler) findLast(n *ast.BuiltinNode, out, items, body operand, elem typ) operand {
	if body.bad {
		return e.broken(n)
	}
	found := &ast.ArrayNode{Nodes: []ast.Node{&ast.PointerNode{}}}
	if out.t = elem; n.Name == "findLastIndex" {
		found.Nodes[0] = &ast.PointerNode{Name: "index"}
		out.t = typ{kinds: schema.Integer}
	}
	each := &ast.ConditionalNode{Cond: body.node, Exp1: found, Exp2: &ast.NilNode{}}
	return e.apply(n, out, e.loop(n, "map", items, operand{node: each}), func(all []any) (any, error) {
		for _, one := range slices.Backward(all) {
			if one, ok := one.([]any); ok {
				return one[0], nil
			}
		}
		return nil, nil
	})
}

// loopsOurselves tells which loops run without expr's machine where nothing in them
// needs it.
func loopsOurselves(name string) bool { return name == "filter" || name == "map" }

// ownLoop is filter or map without the machine; # is the last of the run's pointers.
func (e *exprCompiler) ownLoop(n *ast.BuiltinNode, items, body operand) operand {
	return e.call(n, typ{kinds: schema.Array}, nil, func(f *frame, _ []any) (any, error) {
		v, err := items.direct(f)
		if err != nil {
			return nil, err
		}
		list, _ := v.([]any)
		r := f.run
		top := len(r.pointers)
		r.pointers = append(r.pointers, nil)
		out := make([]any, 0, len(list))
		for _, x := range list {
			r.pointers[top] = x
			made, err := body.direct(f)
			if err != nil {
				r.pointers = r.pointers[:top]
				return nil, err
			}
			switch {
			case n.Name == "map":
				out = append(out, made)
			case made == true:
				out = append(out, x)
			}
		}
		r.pointers = r.pointers[:top]
		return out, nil
	})
}

// items makes an operand that is a []any, or fails.
func (e *exprCompiler) items(n *ast.BuiltinNode, over operand) operand {
	check, whole := e.needs(over, schema.Array, "`"+n.Name+"`"), e.span(0, len(e.text))
	return e.call(n, over.t, []operand{over}, func(f *frame, in []any) (any, error) {
		if err := check(f, in[0]); err != nil {
			return nil, err
		}
		items, _ := list(in[0])
		if !f.run.spend(sizeOf(in[0]) + len(items)*perElement) {
			return nil, exhausted(whole)
		}
		return items, nil
	})
}

func predicateNode(body operand) ast.Node {
	p := &ast.PredicateNode{Node: body.node}
	p.SetLocation(body.node.Location())
	return p
}

func (e *exprCompiler) loop(n *ast.BuiltinNode, name string, items, body operand) operand {
	node := &ast.BuiltinNode{Name: name, Arguments: []ast.Node{items.node, predicateNode(body)}}
	node.SetLocation(n.Location())
	return operand{node: node, t: typ{kinds: schema.Array}, from: items.from, to: items.to}
}

// apply calls fn with the list that an operand makes.
func (e *exprCompiler) apply(n *ast.BuiltinNode, out, list operand, fn func([]any) (any, error)) operand {
	problem := e.problem(operand{from: out.from, to: out.to})
	made := e.call(n, out.t, []operand{list}, func(f *frame, in []any) (any, error) {
		items, _ := in[0].([]any)
		v, err := fn(items)
		if err != nil {
			rule := "CW311"
			if _, ok := err.(arithmeticError); ok { //nolint:errorlint // made by our own arithmetic, never wrapped
				rule = "CW307"
			}
			return nil, problem(f, rule, err.Error(), "")
		}
		return v, nil
	})
	made.from, made.to = out.from, out.to
	return made
}

func groupPairs(pairs []any) (any, error) {
	out := map[string]any{}
	for _, p := range pairs {
		pair, _ := p.([]any)
		k, ok := textOf(pair[1])
		if !ok {
			return nil, callError("a group's key must be a text or a number, and is " + show(pair[1]))
		}
		group, _ := out[k].([]any)
		out[k] = append(group, pair[0])
	}
	return out, nil
}
