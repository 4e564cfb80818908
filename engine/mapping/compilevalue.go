package mapping

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// target is where a value goes: a field of the sink, with its schema if known.
type target struct {
	sink  *schema.Node
	field string
	// condition means that it is none, and that the value is to be true or false.
	condition bool
}

// value compiles any way to write a value; nil if it was reported.
func (c *compiler) value(s *scope, n *yaml.Node, to target) (rule, typ) {
	switch {
	case c.doc.broken[n] || c.doc.template(n):
		return nil, typ{}
	case n.Kind == yaml.MappingNode:
		return c.longForm(s, n, to)
	case n.Kind == yaml.SequenceNode:
		return c.list(s, n, to)
	case diag.IsNull(n):
		hint := "a path, an expression after `= `, or {value: null} to send null"
		line := c.doc.lineRunes(n.Line)
		from := min(max(n.Column-1, 0), len(line))
		if rest := strings.TrimSpace(string(line[from:min(from+maxQuoted, len(line))])); len(rest) > 1 && rest[0] == '#' && rest[1] != ' ' {
			hint = "` #` begins a comment in YAML; a text that begins with it is {value: " + quoted(rest) + "}"
		}
		c.doc.errorAt("CW105", c.doc.spanOf(n), hint, "there is no value here")
		return nil, typ{}
	}
	if shift := expressionStart(n.Value); shift > 0 {
		return c.expressionRule(s, n, shift, to)
	}
	if n.Style == 0 {
		if raw, ok := plainConstant(n.Value); ok {
			return c.constant([]byte(raw), n, to)
		}
	}
	return c.pathRule(s, n, to, !strings.Contains(n.Value, "."))
}

// expressionStart returns how many characters stand before the expression of a value
// that begins with `=`; 0 if it does not.
func expressionStart(s string) int {
	const blank = " \n\t"
	rest := strings.TrimLeft(s, blank)
	if !strings.HasPrefix(rest, "=") {
		return 0
	}
	return len(s) - len(strings.TrimLeft(rest[1:], blank))
}

// plainConstant returns the JSON of an unquoted number, true or false. A number with
// leading zeros is a text: it stays what was written.
func plainConstant(s string) (string, bool) {
	if s == "true" || s == "false" || isJSONNumber(s) {
		return s, true
	}
	if digits := strings.TrimPrefix(s, "-"); len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "0123456789") == "" {
		return `"` + s + `"`, true
	}
	return "", false
}

// pathRule compiles a path; alone says that it may have been meant as a text.
func (c *compiler) pathRule(s *scope, n *yaml.Node, to target, alone bool) (rule, typ) {
	sc := c.doc.scalar(n)
	if n.Style == 0 && !c.taken(s, n.Value) && c.noPath(s, n, to) {
		return nil, typ{}
	}
	p, perr := parsePath(n.Value)
	if written, first, ok := c.asCalls(n.Value); ok && perr != nil {
		perr = &pathError{from: first.from, to: first.to, message: "a path has no filters", hint: "write " + asValue(written)}
	}
	if strings.HasPrefix(n.Value, "${") && n.Style == 0 {
		perr = &pathError{to: 2, message: "a path has no `${ }`", hint: "write the field's name alone: " + strings.Trim(n.Value, "${} ")}
	}
	if slip := c.pathSlip(s, n.Value); slip != nil {
		perr = slip
	}
	if rest, jsonPath := strings.CutPrefix(n.Value, "$."); jsonPath && n.Style == 0 {
		perr = &pathError{to: 2, message: "a path does not begin with `$.`", hint: "it begins with the name of a field: " + strings.ReplaceAll(rest, "[*]", ".#")}
		if strings.HasPrefix(rest, ".") {
			perr.hint = "it names every step from the record on, as in products.#.price"
		}
	}
	if perr != nil {
		hint := perr.hint
		if to.sink != nil && len(to.sink.Choices) > 0 && to.sink.Allows(string(appendString(nil, n.Value))) {
			hint = "for the text write {value: " + n.Value + "}"
		}
		c.doc.errorAt("CW120", sc.span(perr.from, perr.to), hint, "%s", perr.message)
		return nil, typ{}
	}
	ref, ok := c.resolve(s, p, use{doc: c.doc, at: sc.span, sink: to.sink, text: n.Value, alone: alone})
	if !ok {
		return nil, typ{}
	}
	at := c.doc.spanOf(n)
	c.fits(ref.t, to, at, "`"+n.Value+"`")
	r := &scalarRule{origin: origin{at, to.field}, ref: ref, sink: to.sink}
	r.settle()
	return r, ref.t
}

func (c *compiler) expressionRule(s *scope, n *yaml.Node, shift int, to target) (rule, typ) {
	sc := c.doc.scalar(n)
	x, t := c.expression(s, sc, shift)
	if x == nil {
		return nil, typ{}
	}
	at := sc.span(shift, len(sc.value))
	if x.constant != nil {
		return c.constant(appendJSON(nil, x.constant), n, to)
	}
	what := "this expression"
	if x.whole != nil {
		what = "`" + x.whole.text + "`"
	}
	c.fits(t, to, at, what)
	if x.whole != nil { // as its path
		r := &scalarRule{origin: origin{at, to.field}, ref: x.whole, sink: to.sink}
		r.settle()
		return r, t
	}
	r := &scalarRule{origin: origin{at, to.field}, prog: x, sink: to.sink}
	r.settle()
	return r, t
}

// constant compiles a constant in JSON.
func (c *compiler) constant(raw []byte, n *yaml.Node, to target) (rule, typ) {
	at := c.doc.spanOf(n)
	out, ok, err := convert(nil, raw, to.sink)
	if err != nil || !ok {
		c.badConstant(err, raw, c.constantPlace(n, err, at), to)
		return nil, typ{}
	}
	v, _ := decode(out)
	return &scalarRule{origin: origin{at, to.field}, constant: out, sink: to.sink}, sureOf(v)
}

func (c *compiler) badConstant(err *conversionError, raw []byte, at span, to target) {
	field := to.field
	if err != nil && err.path != "" { // something in the constant
		field = join(field, err.path)
	}
	switch {
	case err == nil:
		c.doc.errorAt("CW144", at, "", "`%s` is %s, and an empty text is none", to.field, kindName(to.sink.Types))
	case err.unknown || err.lacking:
		around, name := cutLast(field)
		if err.lacking {
			c.doc.errorAt("CW144", at, "", "`%s` is required, and this object does not have it", field)
			return
		}
		c.doc.errorAt("CW144", at, fieldsHint(name, err.object), "`%s` has no field `%s`", around, name)
	case err.enum:
		hint := "it can be " + err.want
		if raw[0] == '"' {
			var names []string
			for _, choice := range to.sink.Choices {
				names = append(names, strings.Trim(choice.JSON, `"`))
			}
			if s := diag.DidYouMean(strings.Trim(string(raw), `"`), names); s != "" {
				hint = s
			}
		}
		c.doc.errorAt("CW145", at, hint, "`%s` cannot be %s", field, err.value)
	case err.path != "":
		c.doc.errorAt("CW144", at, "", "`%s` is %s, and %s cannot become that", field, err.want, err.value)
	case kindOfJSON(raw) == schema.Array || to.sink.Types&^schema.Null == schema.Array:
		c.doc.errorAt("CW146", at, "", "`%s` is %s, and this is %s", to.field, kindName(to.sink.Types), kindName(kindOfJSON(raw)))
	default:
		c.doc.errorAt("CW144", at, "", "`%s` is %s, and %s cannot become that", to.field, err.want, err.value)
	}
}

// fits reports a value whose type can never become the sink's.
func (c *compiler) fits(t typ, to target, at span, what string) bool {
	if to.sink == nil {
		return true
	}
	if canConvert(t.kinds, to.sink.Types) {
		return c.valuesFit(t, to, at, what) && c.fitsShape(t, to, at, what)
	}
	from := t.kinds &^ schema.Null
	rule, hint := "CW144", ""
	switch {
	case from == schema.Array && to.sink.Types&^schema.Null == schema.Object:
		rule, hint = "CW146", "take one element (path.0), or say what its fields become: {fields: {…}}"
	case from == schema.Array:
		rule, hint = "CW146", "take one element (path.0), join(list, \", \"), or `type: json`"
	case to.sink.Types&^schema.Null == schema.Array:
		rule, hint = "CW146", "write a list: [value], or use `each`"
	case from == schema.Object:
		hint = "name a field of it, or use `type: json`"
	case from == schema.Boolean:
		hint = "write = if x { 1 } else { 0 }"
	}
	c.doc.errorAt(rule, at, hint, "`%s` must be %s, and %s is %s", to.field, kindName(to.sink.Types&^schema.Null), what, kindName(from))
	return false
}

// list compiles an array that is written out.
func (c *compiler) list(s *scope, n *yaml.Node, to target) (rule, typ) {
	at := c.doc.spanOf(n)
	if !c.fits(typ{kinds: schema.Array}, to, at, "this") {
		return nil, typ{}
	}
	l := &listRule{origin: origin{at, to.field}}
	inner := target{field: join(to.field, "#")}
	if to.sink != nil {
		inner.sink = to.sink.Items
	}
	ok := true
	for i, item := range n.Content {
		if len(c.doc.found) >= maxFindings {
			return nil, typ{} // nobody reads on
		}
		if n.Style&yaml.FlowStyle != 0 && c.doc.splitList(n.Content[i:]) {
			ok = false
			continue
		}
		entryTo := inner
		if isEach(item) {
			entryTo = to // its elements become the list's
		}
		r, _ := c.value(s, item, entryTo)
		l.entries, ok = append(l.entries, r), ok && r != nil
	}
	if !ok {
		return nil, typ{}
	}
	return l, typ{kinds: schema.Array}
}

func isEach(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode && keyNode(n, "each") != nil
}

// keyNode is the key of a map with the name, nil if there is none.
func keyNode(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i]
		}
	}
	return nil
}

// constantValue compiles {value: …}: any YAML value, as it stands.
func (c *compiler) constantValue(n *yaml.Node, to target) (rule, typ) {
	if diag.IsNull(n) {
		at := c.doc.spanOf(n)
		if to.sink != nil && !to.sink.Types.Has(schema.Null) {
			c.doc.errorAt("CW144", at, "leave the field out", "`%s` cannot be null", to.field)
			return nil, typ{}
		}
		return &scalarRule{origin: origin{at, to.field}, null: true}, typ{kinds: schema.Null}
	}
	raw, ok := c.json(n)
	if !ok {
		return nil, typ{}
	}
	return c.constant(raw, n, to)
}

// json returns a YAML value as JSON.
func (c *compiler) json(n *yaml.Node) ([]byte, bool) {
	if n.Kind == yaml.SequenceNode {
		out := []byte{'['}
		for i, e := range n.Content {
			b, ok := c.json(e)
			if !ok {
				return nil, false
			}
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, b...)
		}
		return append(out, ']'), true
	}
	if n.Kind == yaml.MappingNode {
		entries, ok := c.doc.entries(n, "a constant object")
		out := []byte{'{'}
		for i, e := range entries {
			b, good := c.json(e.value)
			if ok = ok && good; !ok {
				return nil, false
			}
			if i > 0 {
				out = append(out, ',')
			}
			out = append(append(appendString(out, e.name), ':'), b...)
		}
		return append(out, '}'), ok
	}
	if diag.IsNull(n) {
		return []byte("null"), true
	}
	if n.Style == 0 {
		if raw, ok := plainConstant(n.Value); ok {
			return []byte(raw), true
		}
	}
	return appendString(nil, n.Value), true
}

// conditionRule compiles a when or where.
func (c *compiler) conditionRule(s *scope, n *yaml.Node) rule {
	r, t := c.value(s, n, target{condition: true})
	if r == nil {
		return nil
	}
	if !t.knows(schema.Boolean) {
		return r
	}
	at, hint := c.doc.spanOf(n), "compare it with something, as in = payed == 1"
	if v, ok := r.(*scalarRule); ok {
		at = v.at
		inside := v.prog != nil || n.Kind == yaml.ScalarNode && expressionStart(n.Value) > 0 || n.Kind == yaml.MappingNode && keyNode(n, "path") == nil
		switch {
		case v.constant != nil:
			hint = constantConditionHint(string(v.constant))
		case v.ref != nil:
			hint = conditionHint(v.ref.text, t, v.ref, inside)
		case at.end > at.pos.Column && v.prog != nil:
			hint = conditionHint(string(c.doc.lineRunes(at.pos.Line)[at.pos.Column-1:at.end-1]), t, nil, true)
		}
	}
	c.doc.errorAt("CW133", at, hint, "a condition must be true or false, and this is %s", kindName(t.kinds&^schema.Null))
	return nil
}
