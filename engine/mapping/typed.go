package mapping

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// raw is a JSON object or array, a slice of the payload. What is in it is read as
// its schema says, when it is read; node is nil where there is none.
type raw struct {
	json []byte
	node *schema.Node
}

// maxTyped is how deep a schema's types are followed into one value; deeper it is
// taken as it is.
const maxTyped = 64

// decodeAs is decode for a value that a schema describes: what has another type
// becomes the schema's where nothing is lost, and "" where no text may stand is
// missing. What cannot become it stays as it is, and is a failure where a rule
// reads it by its name.
func decodeAs(b []byte, node *schema.Node) (any, bool) {
	if node == nil || len(b) == 0 {
		return decode(b)
	}
	switch kind := kindOfJSON(b); {
	case kind == schema.Object || kind == schema.Array:
		return raw{b, node}, true
	case kind == schema.Null || node.Types.Has(kind):
		return decode(b)
	case kind == schema.Text && len(b) == 2:
		return nil, true
	default:
		if out, ok := convertScalar(nil, b, kind, node.Types); ok {
			return decode(out)
		}
		return decode(b)
	}
}

// fieldNode is the node of an object's field, nil if it is not known.
func fieldNode(node *schema.Node, name string) *schema.Node {
	if node == nil {
		return nil
	}
	if child := node.Property(name); child != nil {
		return child
	}
	return node.Additional
}

func itemsNode(node *schema.Node) *schema.Node {
	if node == nil {
		return nil
	}
	return node.Items
}

// typed reports whether everything in an object or array has its schema's type
// already. It allocates nothing.
func typed(b []byte, node *schema.Node, depth int) bool {
	if node == nil || depth > maxTyped {
		return true
	}
	all := true
	switch kind := kindOfJSON(b); {
	case kind == schema.Array && node.Items != nil:
		elements(b, func(e []byte) bool {
			all = typed(e, node.Items, depth+1)
			return all
		})
	case kind == schema.Object && (len(node.Properties) > 0 || node.Additional != nil):
		members(b, func(k, v []byte) bool {
			all = typed(v, fieldNode(node, keyText(k)), depth+1)
			return all
		})
	case kind&(schema.Object|schema.Array|schema.Null) == 0:
		return node.Types.Has(kind)
	}
	return all
}

// misfit is a value inside an object or array that cannot become its schema's type.
type misfit struct {
	path, value string
	want        schema.Types
}

// failure makes the failure of a rule at a place that reads the path source, which
// it calls name; name is "" where the value is in something that was computed of it.
func (m *misfit) failure(at span, source, name string) *failure {
	what, path := kindName(m.want&^schema.Null), source
	if name != "" {
		path = strings.Trim(source+"."+m.path, ".")
	}
	return &failure{
		at: at, rule: "CW302", path: path,
		message: "`" + join(name, m.path) + "` holds " + m.value + " in this event, and that is not " + what,
		hint:    "the source's schema says " + what,
	}
}

// appendTyped appends an object or array with everything in it as its schema says.
// What is missing then is left out, what cannot be converted stays, and the first
// such value is returned.
func appendTyped(dst, b []byte, node *schema.Node) ([]byte, *misfit) {
	if typed(b, node, 0) {
		return append(dst, b...), nil
	}
	w := typedWriter{dst: dst}
	w.value(b, node, 0)
	return w.dst, w.bad
}

type typedWriter struct {
	dst  []byte
	path []string
	bad  *misfit
}

// value appends one value; false, and nothing, for one that is missing.
func (w *typedWriter) value(b []byte, node *schema.Node, depth int) bool {
	kind := kindOfJSON(b)
	switch {
	case node == nil || depth > maxTyped || kind == schema.Null:
	case kind == schema.Array && node.Items != nil:
		w.array(b, node.Items, depth)
		return true
	case kind == schema.Object && (len(node.Properties) > 0 || node.Additional != nil):
		w.object(b, node, depth)
		return true
	case kind&(schema.Object|schema.Array) != 0 || node.Types.Has(kind):
	case kind == schema.Text && len(b) == 2:
		return false
	default:
		out, ok := convertScalar(w.dst, b, kind, node.Types)
		if w.dst = out; ok {
			return true
		}
		if w.bad == nil {
			w.bad = &misfit{path: joinSteps(w.path), value: shorten(string(b)), want: node.Types}
		}
	}
	w.dst = append(w.dst, b...)
	return true
}

func (w *typedWriter) array(b []byte, items *schema.Node, depth int) {
	w.dst = append(w.dst, '[')
	n, mark := 0, len(w.dst)
	elements(b, func(e []byte) bool {
		start := len(w.dst)
		if start > mark {
			w.dst = append(w.dst, ',')
		}
		w.path = append(w.path, strconv.Itoa(n))
		if !w.value(e, items, depth+1) {
			w.dst = w.dst[:start]
		}
		w.path = w.path[:len(w.path)-1]
		n++
		return true
	})
	w.dst = append(w.dst, ']')
}

func (w *typedWriter) object(b []byte, node *schema.Node, depth int) {
	w.dst = append(w.dst, '{')
	mark := len(w.dst)
	members(b, func(k, v []byte) bool {
		start := len(w.dst)
		if start > mark {
			w.dst = append(w.dst, ',')
		}
		name := keyText(k)
		w.dst = append(append(append(w.dst, '"'), k...), '"', ':')
		w.path = append(w.path, name)
		if !w.value(v, fieldNode(node, name), depth+1) {
			w.dst = w.dst[:start]
		}
		w.path = w.path[:len(w.path)-1]
		return true
	})
	w.dst = append(w.dst, '}')
}

func joinSteps(steps []string) string {
	out := ""
	for _, s := range steps {
		out = join(out, s)
	}
	return out
}

// made tells of a list or object that an expression made.
func made(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

// misfitIn returns the first value of the record, inside what an expression made,
// that cannot become its schema's type.
func misfitIn(v any) *misfit {
	switch v := v.(type) {
	case raw:
		if v.node != nil {
			_, bad := appendTyped(nil, v.json, v.node)
			return bad
		}
	case []any:
		for _, e := range v {
			if bad := misfitIn(e); bad != nil {
				return bad
			}
		}
	case map[string]any:
		for _, k := range sortedKeys(v) {
			if bad := misfitIn(v[k]); bad != nil {
				return bad
			}
		}
	}
	return nil
}

// asRead is the failure of a value that a rule reads by its name and that is not of
// the type that the schema gives it; nil if it is.
func (e *exprCompiler) asRead(o operand, t typ) func(*frame, any) error {
	if t.node == nil || t.kinds == 0 {
		return func(*frame, any) error { return nil }
	}
	wrong, source := e.problem(o), e.source(o)
	return func(f *frame, v any) error {
		k := kindOf(v)
		if v == nil || t.kinds.Has(k) {
			return nil
		}
		if d, ok := v.(decimal); ok && t.kinds.Has(schema.Integer) && wholeDecimal(d) {
			return nil
		}
		what := kindName(t.kinds &^ schema.Null)
		return wrong(f, "CW302", "`"+source+"` holds "+show(v)+" in this event, and that is not "+what, "the source's schema says "+what)
	}
}

// wholeDecimal tells whether a number that is too long for an int is whole.
func wholeDecimal(d decimal) bool {
	_, ok := wholeText(d.d.Text('f'))
	return ok
}

// elemOf is the type of an array's elements.
func elemOf(t typ) typ {
	switch {
	case t.elem != nil:
		return *t.elem
	case t.node != nil && t.node.Items != nil:
		return typ{kinds: t.node.Items.Types, node: t.node.Items}
	}
	return typ{}
}

// nodeOf describes what the check knows of a value; nil if that is nothing.
func nodeOf(t typ) *schema.Node {
	switch {
	case t.node != nil:
		return t.node
	case t.kinds == 0:
		return nil
	case t.elem == nil:
		return &schema.Node{Types: t.kinds}
	}
	return &schema.Node{Types: t.kinds, Items: nodeOf(*t.elem)}
}

// shape is the node of a value that is, or can be, an object or an array; nil for others.
func (t typ) shape() *schema.Node {
	if t.kinds&(schema.Object|schema.Array) == 0 {
		return nil
	}
	return nodeOf(t)
}

// eitherOf is the type of a value that has one of two types.
func eitherOf(a, b typ) typ {
	if a.kinds == 0 || b.kinds == 0 {
		return typ{}
	}
	t := typ{kinds: a.kinds | b.kinds}
	switch {
	case a.node == b.node:
		t.node = a.node
	case a.shape() != nil && b.shape() != nil:
		t.node = united(a.shape(), b.shape())
	case t.shape() != nil:
		wider := *cmp.Or(a.shape(), b.shape())
		wider.Types = t.kinds
		t.node = &wider
	}
	return t
}

// maxChoices is how many types of one value are followed each for itself: choices of
// choices double with every step.
const maxChoices = 64

// oneOf is eitherOf for the two sides of a choice, of which each can be looked at.
func oneOf(a, b typ) typ {
	empty := func(t typ) bool { return t.kinds == schema.Array && t.parts != nil && len(t.parts) == 0 }
	switch { // [] says nothing of elements
	case empty(a) && b.kinds&^schema.Null == schema.Array:
		return b
	case empty(b) && a.kinds&^schema.Null == schema.Array:
		return a
	}
	t := eitherOf(a, b)
	if t.kinds&(schema.Object|schema.Array) != 0 && (a.node == nil || a.node != b.node) {
		for _, side := range []typ{a, b} {
			if side.choices == nil {
				side.choices = []typ{side}
			}
			t.choices = append(t.choices, side.choices...)
		}
		if len(t.choices) > maxChoices {
			t.choices = nil
		}
	}
	return t
}
