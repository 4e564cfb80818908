package mapping

import (
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// misshape is why an object, or something in it, can never go where it is to go.
type misshape struct {
	// path leads from the value to the object or the field, with # for elements.
	path []string
	// unknown are the object's fields that the sink's does not have, lacking those that
	// the sink requires and it does not have.
	unknown, lacking []string
	// open means that users can add fields of their own to the object, and so what it
	// lacks.
	open bool
	// is and wants are the types of a field that never becomes the sink's.
	is, wants schema.Types
	// value is a constant that never does, of wants or, if it has a list of values, of
	// choices.
	value, choices string
	sink           *schema.Node // of the object
	made           *madeObject  // the object, if an expression makes it
	key            string       // its field
}

// madeObject is where an expression makes an object, and its fields.
type madeObject struct {
	at   span
	keys map[string]span
}

// shapes holds what is known of a value against the sink's schema, object by object.
type shapes struct {
	made map[*schema.Node]*madeObject
	seen map[[2]*schema.Node]bool // a schema can refer to itself
	out  []misshape
}

// value looks at a value that can go to the sink's field by its type alone.
func (s *shapes) value(t typ, to *schema.Node, path []string) {
	path = slices.Clip(path)
	switch {
	case to == nil || len(path) > maxTyped:
	case t.choices != nil:
		for _, one := range t.choices {
			s.value(one, to, path)
		}
	case t.kinds&^schema.Null == schema.Array && t.parts != nil:
		for i, part := range t.parts {
			s.part(part, to.Items, append(path, strconv.Itoa(i)))
		}
	case t.kinds&^schema.Null == schema.Array && t.elem != nil:
		s.part(*t.elem, to.Items, append(path, "#"))
	default:
		s.node(nodeOf(t), to, path, nil, "")
	}
}

// part looks at an element.
func (s *shapes) part(t typ, to *schema.Node, path []string) {
	if to != nil && !canConvert(t.kinds, to.Types) {
		s.out = append(s.out, misshape{path: path, is: t.kinds &^ schema.Null, wants: to.Types &^ schema.Null})
		return
	}
	s.value(t, to, path)
}

func (s *shapes) node(from, to *schema.Node, path []string, in *madeObject, key string) {
	if from == nil || to == nil || s.seen[[2]*schema.Node{from, to}] || len(path) > maxTyped {
		return
	}
	s.seen[[2]*schema.Node{from, to}] = true
	is := known(from)
	switch {
	case is == 0:
	case !canConvert(is, to.Types):
		s.out = append(s.out, misshape{path: path, is: is, wants: to.Types &^ schema.Null, made: in, key: key})
	case is&(schema.Object|schema.Array) == 0:
		s.constants(from, to, path, in, key)
	case is == schema.Array:
		s.node(from.Items, to.Items, append(slices.Clip(path), "#"), in, key)
	case is == schema.Object:
		s.object(from, to, path)
	}
}

// constants looks at a single value that is one of a list.
func (s *shapes) constants(from, to *schema.Node, path []string, in *madeObject, key string) {
	m := misshape{path: path, is: known(from), wants: to.Types &^ schema.Null, made: in, key: key}
	for _, c := range from.Choices {
		_, _, err := convert(nil, []byte(c.JSON), to)
		if err == nil {
			return
		}
		if m.value = err.value; err.enum {
			m.choices = err.want
		}
	}
	if len(from.Choices) > 0 {
		s.out = append(s.out, m)
	}
}

// object holds an object's fields against those of the sink's. Of one that the record
// has, the first thing that does not fit says enough.
func (s *shapes) object(from, to *schema.Node, path []string) {
	m := misshape{path: path, sink: to, made: s.made[from]}
	before := len(s.out)
	for _, p := range from.Properties {
		child := to.Property(p.Name)
		if child == nil && to.Closed {
			m.unknown = append(m.unknown, p.Name)
			continue
		}
		if child == nil {
			child = to.Additional
		}
		if m.made != nil || len(s.out) == before {
			s.node(p.Node, child, append(slices.Clip(path), p.Name), m.made, p.Name)
		}
	}
	for _, name := range to.Required {
		if from.Property(name) == nil && (from.Closed || len(from.Properties) > 0) {
			m.lacking = append(m.lacking, name)
		}
	}
	if len(from.Properties) == 0 && len(to.Properties) == 0 {
		s.node(from.Additional, to.Additional, append(slices.Clip(path), "*"), m.made, "")
	}
	if len(m.unknown)+len(m.lacking) == 0 {
		return
	}
	m.open = len(m.unknown) == 0 && !from.Closed
	if m.made == nil {
		s.out = s.out[:before]
	}
	s.out = append(s.out, m)
}

// fitsShape reports an array or an object whose fields can never become the sink's.
func (c *compiler) fitsShape(t typ, to target, at span, what string) bool {
	if t.kinds&(schema.Array|schema.Object) == 0 || len(c.doc.found) >= maxFindings {
		return true
	}
	s := shapes{made: c.made, seen: map[[2]*schema.Node]bool{}}
	s.value(t, to.sink, nil)
	ok, said := true, false
	for _, m := range s.out {
		if m.made != nil {
			c.misshapen(m, to)
			ok = false
			continue
		}
		if said { // what the record has is said once
			continue
		}
		said = true
		field := strings.Join(append([]string{to.field}, m.path...), ".")
		text := "`" + to.field + "` cannot take " + what + " as it is: "
		hint := c.shapeHint(t, m, to, what)
		if field = "`" + field + "`"; len(m.path) == 0 {
			field = "it"
		}
		switch {
		case m.choices != "":
			c.doc.errorAt("CW145", at, "it can be "+m.choices, "%s%s cannot be %s", text, field, m.value)
		case m.value != "":
			c.doc.errorAt("CW144", at, hint, "%s%s must be %s, and %s cannot become that", text, field, kindName(m.wants), m.value)
		case m.wants != 0:
			c.doc.errorAt("CW144", at, hint, "%s%s must be %s, and is %s there", text, field, kindName(m.wants), kindName(m.is))
		case m.open:
			c.doc.warnAt("CW144", at, hint, "%s%s needs %s, which its schema does not know", text, field, several(m.lacking))
			continue
		case len(m.unknown) == 0:
			c.doc.errorAt("CW144", at, hint, "%s%s needs %s", text, field, several(m.lacking))
		case len(m.lacking) == 0:
			c.doc.errorAt("CW144", at, hint, "%s%s has no %s", text, field, fieldsNamed(m.unknown))
		default:
			c.doc.errorAt("CW144", at, hint, "%s%s has no %s, and needs %s", text, field, fieldsNamed(m.unknown), several(m.lacking))
		}
		ok = false
	}
	return ok
}

// misshapen reports an object that an expression makes, each field where it stands.
func (c *compiler) misshapen(m misshape, to target) {
	field := strings.Join(append([]string{to.field}, m.path...), ".")
	switch {
	case m.choices != "":
		c.doc.errorAt("CW145", m.made.keys[m.key], "it can be "+m.choices, "`%s` cannot be %s", field, m.value)
		return
	case m.value != "":
		c.doc.errorAt("CW144", m.made.keys[m.key], "", "`%s` is %s, and %s cannot become that", field, kindName(m.wants), m.value)
		return
	case m.wants != 0:
		c.doc.errorAt("CW144", m.made.keys[m.key], "", "`%s` must be %s, and is %s here", field, kindName(m.wants), kindName(m.is))
		return
	}
	for _, name := range m.unknown {
		c.doc.errorAt("CW144", m.made.keys[name], fieldsHint(name, m.sink), "`%s` has no field `%s`", field, name)
	}
	meant := func(name string) bool {
		return slices.ContainsFunc(m.unknown, func(u string) bool { return diag.Suggest(u, m.sink.Names()) == name })
	}
	for _, name := range m.lacking {
		if !meant(name) {
			c.doc.errorAt("CW144", m.made.at, "", "`%s.%s` is required, and this object does not have it", field, name)
		}
	}
}

// fieldsHint says which field of an object was meant, or which it has.
func fieldsHint(name string, object *schema.Node) string {
	hint := diag.DidYouMean(name, object.Names())
	if hint == "" && len(object.Properties) <= 40 {
		hint = "it has " + strings.Join(object.Names(), ", ")
	}
	return hint
}

// cutLast takes the last step off a field's name.
func cutLast(field string) (around, name string) {
	i := strings.LastIndexByte(field, '.')
	return field[:max(i, 0)], field[i+1:]
}

// constantPlace returns where in a constant object or list an error is, at if that is
// not known.
func (c *compiler) constantPlace(n *yaml.Node, err *conversionError, at span) span {
	if err == nil || err.path == "" {
		return at
	}
	key, whole := n, n
	for _, step := range strings.Split(err.path, ".") {
		around := n
		if n.Kind == yaml.SequenceNode {
			if i, e := strconv.Atoi(step); e == nil && i < len(n.Content) {
				n = n.Content[i]
				key = n
			}
		}
		for i := 0; n == around && n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				key, n = n.Content[i], n.Content[i+1]
			}
		}
		if n == around { // what is lacking stands nowhere
			break
		}
	}
	if n == whole {
		return at
	}
	if err.unknown {
		return c.doc.spanOf(key)
	}
	return c.doc.spanOf(n)
}

// shapeHint says how to make what the sink takes.
func (c *compiler) shapeHint(t typ, m misshape, to target, what string) string {
	node := to.sink
	isList := t.kinds&^schema.Null == schema.Array
	if isList {
		node = node.Items
	}
	if known(node) != schema.Object {
		return fieldHint(t, node, isList, what)
	}
	names := slices.Clone(node.Required)
	for _, name := range node.Names() {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var fields []string
	most := min(len(names), max(3, min(len(node.Required), 4)))
	for _, name := range names[:most] {
		fields = append(fields, name+": …")
	}
	if len(names) > most {
		fields = append(fields, "…")
	}
	made := "fields: {" + strings.Join(fields, ", ") + "}"
	switch path, isPath := strings.CutPrefix(what, "`"); {
	case !isList:
		return "say what each of its fields becomes: {" + made + "}"
	case len(m.path) > 0 && m.path[0] != "#":
		return "say what each field of an element becomes, in a list of {" + made + "}"
	case isPath:
		return "say what each field of an element becomes: {each: " + strings.TrimSuffix(path, "`") + ", " + made + "}"
	}
	return "say what each field of an element becomes: put the expression behind `each:`, with " + made
}

// fieldHint names a field of a list's elements for a list of single values.
func fieldHint(t typ, want *schema.Node, isList bool, what string) string {
	from := nodeOf(elemOf(t))
	path, isPath := strings.CutPrefix(what, "`")
	if !isList || known(from) != schema.Object || known(want) == 0 {
		return ""
	}
	for _, p := range from.Properties {
		if is := known(p.Node); is == 0 || !canConvert(is, want.Types) {
			continue
		}
		if isPath {
			return "name a field of the elements: " + strings.TrimSuffix(path, "`") + ".#." + p.Name
		}
		return "name a field of the elements: map(list, ." + p.Name + ")"
	}
	return ""
}

// fieldsNamed says which fields: field `a`, or fields `a`, `b` and 3 more.
func fieldsNamed(names []string) string {
	if len(names) == 1 {
		return "field `" + names[0] + "`"
	}
	return "fields " + several(names)
}

// several lists names: `a`, `b` and 3 more.
func several(names []string) string {
	const most = 4
	quoted := make([]string, 0, most+1)
	for i, n := range names {
		if i == most && len(names) > most+1 {
			quoted = append(quoted, strconv.Itoa(len(names)-most)+" more")
			break
		}
		quoted = append(quoted, "`"+n+"`")
	}
	if n := len(quoted); n > 1 {
		return strings.Join(quoted[:n-1], ", ") + " and " + quoted[n-1]
	}
	return strings.Join(quoted, "")
}
