package mapping

import (
	"fmt"
	"slices"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// modify returns what a modifier makes of a value.
func (w *walker) modify(n *schema.Node, s *segment, path []string) *schema.Node {
	t, so := known(n), w.so(path)
	wrong := func(hint, format string, args ...any) *schema.Node {
		w.wrong(s, pathProblem{rule: "CW123", hint: hint, message: fmt.Sprintf(format, args...)})
		return nil
	}
	list := func(items *schema.Node) *schema.Node { return &schema.Node{Types: schema.Array, Items: items} }
	switch s.modifier.name {
	case "tostr":
		return &schema.Node{Types: schema.Text}
	case "fromstr":
		return nil
	case "dig":
		w.dig(n, s, path)
		return list(nil)
	case "keys":
		switch {
		case t != 0 && !t.Has(schema.Object):
			return wrong("", "%s is %s, and `@keys` are the names of an object's fields", so, kindName(t))
		case t == schema.Object:
			return list(&schema.Node{Types: schema.Text})
		}
		return list(nil)
	case "values":
		switch {
		case t == schema.Array:
			return n
		case t != schema.Object:
			return list(nil)
		}
		return list(valuesNode(n))
	case "flatten":
		if t != schema.Array {
			return sameUnless(n, schema.Array)
		}
		return list(flat(n.Items, gjson.Get(s.modifier.argument, "deep").Bool(), 0))
	case "join":
		if t != schema.Array {
			return sameUnless(n, schema.Array)
		}
		items := known(n.Items)
		if items != 0 && !items.Has(schema.Object) {
			hint := ""
			if items&(schema.Text|anyNumber) != 0 {
				hint = `texts are put together by join(list, ", ") in an expression`
			}
			return wrong(hint, "%s holds %s, and `@join` makes one object of several", so, kindName(items))
		}
		if items != schema.Object {
			return nil
		}
		joined := *n.Items
		joined.Required, joined.Conditions = nil, nil
		return &joined
	case "group":
		if t != 0 && !t.Has(schema.Object) {
			return wrong("", "%s is %s, and `@group` makes a list of an object of lists", so, kindName(t))
		}
		return list(w.grouped(n, s, path))
	}
	return n // @this, @valid, @ugly, @pretty and @reverse
}

// sameUnless is the node itself if a value of it is none of the types, else nil.
func sameUnless(n *schema.Node, kinds schema.Types) *schema.Node {
	if t := known(n); t == 0 || t.Has(kinds) {
		return nil
	}
	return n
}

// valuesNode describes the values of an object's fields, nil if they can be anything.
func valuesNode(n *schema.Node) *schema.Node {
	var all []*schema.Node
	for _, p := range n.Properties {
		all = append(all, p.Node)
	}
	if !n.Closed {
		all = append(all, n.Additional)
	}
	return anyOf(all)
}

// flat describes the elements of a list whose inner lists are opened, once or at any
// depth.
func flat(items *schema.Node, deep bool, depth int) *schema.Node {
	t := known(items)
	switch {
	case t == 0 || depth > maxTyped || t.Has(schema.Array) && t != schema.Array:
		return nil
	case t != schema.Array:
		return items
	case deep:
		return flat(items.Items, deep, depth+1)
	}
	return items.Items
}

// grouped describes the objects that @group makes of an object's lists.
func (w *walker) grouped(n *schema.Node, s *segment, path []string) *schema.Node {
	if known(n) != schema.Object || !n.Closed {
		return nil
	}
	var fields []schema.Property
	for _, p := range n.Properties {
		if t := known(p.Node); t != 0 && !t.Has(schema.Array) {
			continue
		}
		items := itemsNode(p.Node)
		if items == nil {
			items = &schema.Node{}
		}
		fields = append(fields, schema.Property{Name: p.Name, Node: items})
	}
	if len(fields) == 0 {
		w.wrong(s, pathProblem{rule: "CW123", message: fmt.Sprintf("%s has no field that is an array, and `@group` makes a list of an object of lists", w.so(path))})
		return nil
	}
	return schema.ObjectOf(fields...)
}

// dig looks for the name that @dig looks for anywhere in a value.
func (w *walker) dig(n *schema.Node, s *segment, path []string) {
	steps := s.modifier.dug
	if n == nil || len(steps) == 0 || steps[0].all || steps[0].wild || steps[0].modifier != nil || steps[0].multi != nil {
		return
	}
	names, closed := namesIn(n)
	if first := steps[0]; closed && !slices.Contains(names, first.text) && first.text != "" && (first.text[0] < '0' || first.text[0] > '9') {
		w.wrong(s, pathProblem{
			from: first.from, to: first.to, rule: "CW121", hint: diag.DidYouMean(first.text, names),
			message: fmt.Sprintf("nothing in %s has a field `%s`", w.so(path), first.text),
		})
	}
}

// namesIn returns the names of all fields in a value, at any depth; closed is false
// if there can be others.
func namesIn(n *schema.Node) (names []string, closed bool) {
	seen := map[*schema.Node]bool{}
	closed = true
	var visit func(*schema.Node)
	visit = func(n *schema.Node) {
		t := known(n)
		if closed = closed && t != 0; !closed || seen[n] {
			return
		}
		seen[n] = true
		if t.Has(schema.Object) {
			closed = closed && n.Closed
			names = append(names, n.Names()...)
			for _, p := range n.Properties {
				visit(p.Node)
			}
		}
		if t.Has(schema.Array) {
			visit(n.Items)
		}
	}
	visit(n)
	return names, closed
}
