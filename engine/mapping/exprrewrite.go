package mapping

import (
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

const (
	anyNumber = schema.Number | schema.Integer
	anything  = anyNumber | schema.Text | schema.Boolean | schema.Object | schema.Array
)

// rewrite checks a node and returns what expr's machine is to run instead.
func (e *exprCompiler) rewrite(n ast.Node) operand {
	out := e.rewritten(n)
	out.from, out.to = e.balanced(out.from, out.to)
	return out
}

func (e *exprCompiler) rewritten(n ast.Node) operand {
	e.depth++
	defer func() { e.depth-- }()
	loc := n.Location()
	if e.depth > maxTree {
		if !e.failed {
			e.report("CW130", loc.From, loc.To, "name parts of it with `let`", "the expression nests more than %d deep", maxTree)
		}
		return e.broken(n)
	}
	switch n := n.(type) {
	case *ast.NilNode:
		return operand{node: n, t: sureOf(nil), from: loc.From, to: loc.To, constant: true, direct: func(*frame) (any, error) { return nil, nil }, quick: quickConstant(nil)}
	case *ast.BoolNode:
		return e.literal(n.Value, typ{kinds: schema.Boolean}, n)
	case *ast.StringNode:
		return e.literal(n.Value, typ{kinds: schema.Text}, n)
	case *ast.IntegerNode:
		return e.literal(n.Value, typ{kinds: schema.Integer}, n)
	case *ast.FloatNode:
		return e.float(n)
	case *ast.IdentifierNode, *ast.MemberNode:
		return e.name(n)
	case *ast.ChainNode:
		return e.rewrite(n.Node)
	case *ast.UnaryNode:
		return e.unary(n)
	case *ast.BinaryNode:
		return e.binary(n)
	case *ast.SliceNode:
		return e.slice(n)
	case *ast.CallNode:
		return e.function(n, n.Callee, n.Arguments)
	case *ast.BuiltinNode:
		if _, ok := predicates()[n.Name]; ok {
			return e.predicate(n)
		}
		return e.function(n, &ast.IdentifierNode{Value: n.Name}, n.Arguments)
	case *ast.PointerNode:
		return e.pointer(n)
	case *ast.ConditionalNode:
		return e.choice(n)
	case *ast.VariableDeclaratorNode:
		return e.declaration(n)
	case *ast.SequenceNode:
		var last operand
		for _, part := range n.Nodes { // without effects only the last one counts
			last = e.rewrite(part)
		}
		return last
	case *ast.ArrayNode:
		return e.array(n)
	case *ast.MapNode:
		return e.object(n)
	}
	e.report("CW130", loc.From, loc.To, "", "this is not supported in an expression")
	return e.broken(n)
}

// broken stands for what was reported already.
func (e *exprCompiler) broken(n ast.Node) operand {
	e.failed = true
	return operand{node: &ast.NilNode{}, from: n.Location().From, to: n.Location().To, bad: true}
}

func (e *exprCompiler) float(n *ast.FloatNode) operand {
	loc := n.Location()
	digits := strings.ReplaceAll(string(e.text[min(loc.From, len(e.text)):min(loc.To, len(e.text))]), "_", "")
	if strings.HasPrefix(digits, ".") {
		digits = "0" + digits
	}
	digits = strings.TrimSuffix(digits, ".")
	v, ok := parseNumber(digits)
	if !ok {
		e.report("CW130", loc.From, loc.To, "", "`%s` is no number that can be read", digits)
		return e.broken(n)
	}
	return e.literal(v, typ{kinds: schema.Number}, n)
}

// literal is a constant that is written out.
func (e *exprCompiler) literal(v any, t typ, n ast.Node) operand {
	o := constantOf(v, t, n)
	o.t.sure.at = e.span(o.from, max(o.to, o.from+1))
	return o
}

func (e *exprCompiler) local(name string) (typ, bool) {
	for i := len(e.locals) - 1; i >= 0; i-- {
		if e.locals[i].name == name {
			return e.locals[i].t, true
		}
	}
	return typ{}, false
}

// name rewrites a name, or a member of something.
func (e *exprCompiler) name(n ast.Node) operand {
	if steps, from, to, ok := e.steps(n); ok {
		return e.reference(n, steps, from, to)
	}
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if n.Value == "$env" {
			e.report("CW131", n.Location().From, n.Location().To, "name the field", "`$env` is not available")
			return e.broken(n)
		}
		t, _ := e.local(n.Value)
		return operand{node: n, t: t, from: n.Location().From, to: n.Location().To}
	case *ast.MemberNode:
		return e.member(n)
	}
	return e.broken(n)
}

// steps returns the path that a chain of constant members spells, if it begins with
// a name of the mapping.
func (e *exprCompiler) steps(n ast.Node) (steps []segment, from, to int, ok bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if _, local := e.local(n.Value); local || n.Value == "$env" {
			return nil, 0, 0, false
		}
		loc := n.Location()
		return []segment{{text: n.Value, from: 0, to: loc.To - loc.From}}, loc.From, loc.To, true
	case *ast.ChainNode:
		return e.steps(n.Node)
	case *ast.MemberNode:
		if n.Method {
			return nil, 0, 0, false
		}
		steps, from, _, ok = e.steps(n.Node)
		if !ok {
			return nil, 0, 0, false
		}
		loc := n.Property.Location()
		s := segment{from: loc.From - from, to: loc.To - from}
		switch p := n.Property.(type) {
		case *ast.StringNode:
			s.text = p.Value
			s.escaped = strings.ContainsAny(p.Value, `\`)
		case *ast.IntegerNode:
			if p.Value < 0 || p.Value > 999_999_999 {
				return nil, 0, 0, false
			}
			s.text = string(e.text[loc.From:min(loc.To, len(e.text))])
			if _, isIndex := arrayIndex(s); !isIndex {
				return nil, 0, 0, false
			}
		default:
			return nil, 0, 0, false
		}
		if s.text == "" || s.escaped {
			return nil, 0, 0, false
		}
		return append(steps, s), from, e.afterMember(loc), true
	}
	return nil, 0, 0, false
}

// afterMember returns what follows a member whose name or index stands at loc: the
// bracket behind it belongs to it unless a dot stands before it, as in [a.b].
func (e *exprCompiler) afterMember(loc file.Location) int {
	before, behind := loc.From-1, loc.To
	for before >= 0 && e.text[before] == ' ' {
		before--
	}
	for behind < len(e.text) && e.text[behind] == ' ' {
		behind++
	}
	if before >= 0 && before < len(e.text) && e.text[before] != '.' && behind < len(e.text) && e.text[behind] == ']' {
		return behind + 1
	}
	return loc.To
}

// reference makes an operand of a path into the record or a named value.
func (e *exprCompiler) reference(n ast.Node, steps []segment, from, to int) operand {
	text := string(e.text[from:min(to, len(e.text))])
	ref, ok := e.c.resolve(e.scope, plainPath(steps), use{
		doc: e.c.doc, text: text, inside: true,
		at: func(a, b int) span { return e.span(from+a, from+b) },
	})
	if !ok {
		out := e.broken(n)
		out.from, out.to = from, to
		return out
	}
	return e.referenceTo(n, ref, from, to)
}

func (e *exprCompiler) referenceTo(n ast.Node, ref *reference, from, to int) operand {
	e.refs = append(e.refs, ref)
	out := e.call(n, ref.t, nil, func(f *frame, _ []any) (any, error) { return ref.value(f) })
	out.direct, out.quick = ref.value, quickReference(ref)
	out.ref, out.from, out.to = ref, from, to
	return out
}

// member rewrites access to a member that is computed, or of something computed.
func (e *exprCompiler) member(n *ast.MemberNode) operand {
	if out, ok := e.tableColumn(n); ok {
		return out
	}
	of := e.rewrite(n.Node)
	if n.Method {
		e.report("CW131", n.Location().From, n.Location().To, e.methodHint(n), "there are no methods")
		return e.broken(n)
	}
	key := e.rewrite(n.Property)
	if of.bad || key.bad {
		return e.broken(n)
	}
	if of.t.kinds != 0 && !of.t.kinds.Has(schema.Object) && !of.t.kinds.Has(schema.Array) {
		hint := ""
		if of.t.kinds&schema.Text != 0 {
			hint = "a part of a text is s[0:3], or match(s, `…`)"
		}
		e.report("CW133", of.from, key.to, hint, "`%s` is %s and has no members", e.source(of), kindName(of.t.kinds))
		return e.broken(n)
	}
	t := typ{}
	if name, ok := key.value.(string); ok && of.t.node != nil {
		found, problems := typeOf([]*schema.Node{of.t.node}, []string{"`" + e.source(of) + "`"}, "", []segment{{text: name}})
		t = found
		for _, problem := range problems {
			at := e.span(key.from, key.to)
			if problem.severity == 0 {
				e.failed = true
				e.c.doc.errorAt(problem.rule, at, problem.hint, "%s", problem.message)
				return e.broken(n)
			}
			e.c.doc.warnAt(problem.rule, at, problem.hint, "%s", problem.message)
		}
	} else if key.t.kinds == schema.Integer {
		t = elemOf(of.t)
	}
	wrong := e.problem(of)
	source := e.source(of)
	whole := operand{from: of.from, to: key.to, ref: of.ref}
	whole.to = max(whole.to, e.afterMember(file.Location{From: n.Property.Location().From, To: key.to}))
	asRead, at := e.asRead(whole, t), e.span(of.from, whole.to)
	return e.call(n, t, []operand{of, key}, func(f *frame, in []any) (any, error) {
		if !f.run.spend(sizeOf(in[0])) {
			return nil, exhausted(at)
		}
		v, msg := index(in[0], in[1])
		if msg != "" {
			return nil, wrong(f, "CW308", "`"+source+"` "+msg, "")
		}
		if err := asRead(f, v); err != nil {
			return nil, err
		}
		return v, nil
	})
}

// index returns v[key]; nil for what is not there, and a message for what has no members.
func index(v, key any) (any, string) {
	if v == nil || key == nil {
		return nil, ""
	}
	if i, ok := key.(int); ok {
		if items, ok := list(v); ok {
			if i < 0 {
				i += len(items)
			}
			if i < 0 || i >= len(items) {
				return nil, ""
			}
			return items[i], ""
		}
	}
	name, ok := textOf(key)
	switch kind := kindOf(v); {
	case kind == schema.Object && ok:
		return member(v, name), ""
	case kind == schema.Array:
		return nil, "is an array, and " + show(key) + " is no index"
	default:
		return nil, "is " + kindName(kind) + " in this event and has no members"
	}
}

func (e *exprCompiler) pointer(n *ast.PointerNode) operand {
	loc := n.Location()
	t := typ{}
	switch n.Name {
	case "":
		if len(e.pointers) > 0 {
			t = e.pointers[len(e.pointers)-1]
		}
	case "index":
		t.kinds = schema.Integer
	case "acc":
	default:
		e.report("CW131", loc.From, loc.To+len(n.Name), "", "`#%s` does not exist; there are #, #index and, in reduce, #acc", n.Name)
		return e.broken(n)
	}
	out := operand{node: n, t: t, from: loc.From, to: loc.To}
	if e.looping && n.Name == "" {
		out.direct = func(f *frame) (any, error) { return f.run.pointers[len(f.run.pointers)-1], nil }
	}
	if t.node != nil && t.kinds != 0 && t.kinds&(schema.Object|schema.Array) == 0 {
		asRead := e.asRead(out, t)
		return e.call(n, t, []operand{out}, func(f *frame, in []any) (any, error) { return in[0], asRead(f, in[0]) })
	}
	return out
}

func (e *exprCompiler) choice(n *ast.ConditionalNode) operand {
	cond := e.condition(e.rewrite(n.Cond))
	a := e.unless(cond.surely(false), func() operand { return e.rewrite(n.Exp1) })
	b := e.unless(cond.surely(true), func() operand { return e.rewrite(n.Exp2) })
	t := either(a, b)
	switch {
	case cond.surely(true):
		t = a.t
	case cond.surely(false):
		t = b.t
	}
	a, b = e.marked(a, n.Exp1, "of a choice"), e.marked(b, n.Exp2, "of a choice")
	if cond.direct != nil && a.direct != nil && b.direct != nil { // needs no machine
		out := e.call(n, t, nil, func(f *frame, _ []any) (any, error) {
			v, err := cond.direct(f)
			if err != nil {
				return nil, err
			}
			if v == true {
				return a.direct(f)
			}
			return b.direct(f)
		})
		out.from, out.to, out.bad = min(cond.from, a.from), max(a.to, b.to), cond.bad || a.bad || b.bad
		return quickChoice(cond, a, b).of(out)
	}
	node := &ast.ConditionalNode{Ternary: n.Ternary, Cond: cond.node, Exp1: a.node, Exp2: b.node}
	node.SetLocation(n.Location())
	return quickChoice(cond, a, b).of(operand{
		node: node, t: t, from: min(cond.from, a.from), to: max(a.to, b.to),
		bad: cond.bad || a.bad || b.bad,
	})
}

// either is the type of a value that is one of two.
func either(a, b operand) typ {
	switch {
	case a.isNil() && b.isNil():
		return a.t
	case a.isNil():
		return b.t.unsure()
	case b.isNil():
		return a.t.unsure()
	case a.t.kinds == 0 || b.t.kinds == 0:
		return typ{}
	}
	t := oneOf(a.t, b.t)
	t.sure, t.values = nil, a.t.domain().united(b.t.domain())
	if t.values != nil && a.t.sure != nil && b.t.sure != nil && len(t.values.list) == 1 {
		t.sure = a.t.sure
	}
	return t
}

// isNil tells of an operand that is nil for every event, writtenNil that it is the word.
func (o operand) isNil() bool { return o.t.sure != nil && o.t.sure.value == nil }

func (o operand) writtenNil() bool { return o.constant && o.value == nil }

func (e *exprCompiler) declaration(n *ast.VariableDeclaratorNode) operand {
	loc := n.Location()
	if e.c.taken(e.scope, n.Name) {
		e.report("CW125", loc.From, loc.To, "choose another name", "`%s` is already a name here", n.Name)
	}
	value := e.rewrite(n.Value)
	e.locals = append(e.locals, local{n.Name, value.t})
	body := e.rewrite(n.Expr)
	e.locals = e.locals[:len(e.locals)-1]
	node := &ast.VariableDeclaratorNode{Name: n.Name, Value: value.node, Expr: body.node}
	node.SetLocation(loc)
	return operand{node: node, t: body.t, from: loc.From, to: body.to, bad: value.bad || body.bad}
}

func (e *exprCompiler) array(n *ast.ArrayNode) operand {
	node := &ast.ArrayNode{}
	node.SetLocation(n.Location())
	out := operand{node: node, t: typ{kinds: schema.Array}, from: n.Location().From, to: n.Location().To}
	out.t.parts = []typ{}
	values, constant, direct := []any{}, true, true
	var elem *typ
	var parts []operand
	for _, part := range n.Nodes {
		o := e.rewrite(part)
		parts, direct = append(parts, o), direct && o.direct != nil
		node.Nodes = append(node.Nodes, o.node)
		out.to, out.bad = max(out.to, o.to), out.bad || o.bad
		values, constant = append(values, o.value), constant && o.constant
		kind := typ{kinds: o.t.kinds, node: o.t.shape()}
		if elem != nil && !o.isNil() {
			kind = eitherOf(*elem, kind)
		}
		out.t.parts = append(out.t.parts, typ{kinds: o.t.kinds, node: o.described(), parts: o.t.parts, choices: o.t.choices})
		if !o.isNil() {
			elem = &kind
		}
	}
	out.t.elem, out.items = elem, parts
	if out.to < len(e.text) && e.text[out.to] == ']' {
		out.to++
	}
	if constant && !out.bad {
		c := constantOf(values, out.t, n)
		c.to, c.items = out.to, parts
		return c
	}
	if direct && !out.bad { // needs no machine
		made := e.call(n, out.t, parts, func(_ *frame, in []any) (any, error) { return slices.Clone(in), nil })
		made.from, made.to, made.parts, made.items = out.from, out.to, parts, parts
		return made
	}
	return out
}

func (e *exprCompiler) object(n *ast.MapNode) operand {
	node := &ast.MapNode{}
	node.SetLocation(n.Location())
	out := operand{node: node, t: typ{kinds: schema.Object}, from: n.Location().From, to: n.Location().To}
	var fields literalFields
	for _, p := range n.Pairs {
		pair, ok := p.(*ast.PairNode)
		if !ok {
			continue
		}
		key := e.rewrite(pair.Key)
		if !key.constant {
			fields.unknown = true
			o := key
			missing := e.missing(o)
			key = e.call(pair.Key, typ{kinds: schema.Text}, []operand{o}, func(f *frame, in []any) (any, error) {
				s, ok := textOf(in[0])
				if !ok {
					return nil, missing(f)
				}
				return s, nil
			})
		}
		value := e.rewrite(pair.Value)
		fields.add(e, pair.Key, key, value)
		made := &ast.PairNode{Key: key.node, Value: value.node}
		made.SetLocation(p.Location())
		node.Pairs = append(node.Pairs, made)
		out.to, out.bad = max(out.to, value.to), out.bad || key.bad || value.bad
	}
	out.t.node = fields.node(e, out)
	return out
}

func (e *exprCompiler) slice(n *ast.SliceNode) operand {
	of := e.rewrite(n.Node)
	bound := func(b ast.Node) operand {
		if b == nil {
			return operand{node: &ast.NilNode{}, t: sureOf(nil), constant: true, from: of.from, to: of.to, direct: func(*frame) (any, error) { return nil, nil }}
		}
		start := len(e.c.noted)
		o := e.rewrite(b)
		e.c.counted(start)
		if !o.bad && o.t.knows(schema.Integer) {
			e.report("CW133", o.from, o.to, "", "`%s` is %s, and a position is a whole number", e.source(o), kindName(o.t.kinds))
		}
		return o
	}
	from, to := bound(n.From), bound(n.To)
	if of.bad || from.bad || to.bad {
		return e.broken(n)
	}
	if of.t.knows(schema.Text) && of.t.knows(schema.Array) {
		e.report("CW133", of.from, of.to, "", "`%s` is %s; only a text or an array has parts", e.source(of), kindName(of.t.kinds))
	}
	missing, wrong, at := e.missing(of), e.problem(of), e.span(of.from, of.to)
	t := of.t.plain()
	if elem := elemOf(of.t); elem.kinds != 0 {
		t.elem = &elem
	}
	out := e.call(n, t, []operand{of, from, to}, func(f *frame, in []any) (any, error) {
		if in[0] == nil {
			return nil, missing(f)
		}
		if !f.run.spend(sizeOf(in[0])) {
			return nil, exhausted(at)
		}
		for _, at := range in[1:] {
			if _, whole := at.(int); !whole && at != nil {
				return nil, wrong(f, "CW308", "a position is a whole number that fits, and here it is "+show(at), "")
			}
		}
		out, ok := cut(in[0], in[1], in[2])
		if !ok {
			return nil, wrong(f, "CW308", "a part can be cut from a text or an array, and not from "+show(in[0]), "")
		}
		return out, nil
	})
	// The bounds may be left out, and stand in brackets of their own: the bracket that
	// opens behind the text ends the part.
	for i := of.to; i < len(e.text); i++ {
		if e.text[i] == '[' {
			out.to = max(out.to, i+1)
			break
		}
	}
	return out
}

// cut returns v[from:to] of a text, in characters, or an array; positions beyond the
// ends mean the ends, negative ones count from the end.
func cut(v, from, to any) (any, bool) {
	var size int
	var runes []rune
	items, isList := list(v)
	if s, ok := v.(string); ok {
		runes = []rune(s)
		size = len(runes)
	} else if isList {
		size = len(items)
	} else {
		return nil, false
	}
	position := func(p any, otherwise int) (int, bool) {
		if p == nil {
			return otherwise, true
		}
		n, ok := p.(int)
		if n < 0 {
			n += size
		}
		return min(max(n, 0), size), ok
	}
	a, ok1 := position(from, 0)
	b, ok2 := position(to, size)
	if !ok1 || !ok2 {
		return nil, false
	}
	b = max(a, b)
	if isList {
		return items[a:b:b], true
	}
	return string(runes[a:b]), true
}

// regex compiles a constant pattern; nil if it was reported or is not constant.
func (e *exprCompiler) regex(o operand) *regexp.Regexp {
	s, ok := o.value.(string)
	if !ok && o.t.sure != nil && e.dead == 0 && !o.bad { // computed of constants
		if s, ok = o.t.sure.value.(string); ok {
			if _, err := compileRegexp(s); err != nil {
				fault := faultOf(s, err)
				e.report("CW134", o.from, o.to, fault.hint, "this is no regular expression, %s: %s", show(s), fault.message)
			}
		}
		return nil
	}
	if !ok {
		return nil
	}
	re, err := compileRegexp(s)
	if err != nil {
		e.badRegexp(o, s, err)
		return nil
	}
	return re
}
