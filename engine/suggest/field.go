package suggest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// The bounds of what is looked at; schemas may be large and may contain themselves.
const (
	maxDepth  = 8
	maxFields = 3000
	// maxRanked is for how many of the sink's fields, of one object, one is looked for.
	maxRanked = 300
)

// presence says what a body holds of a field.
type presence int8

const (
	unasked presence = iota // there is no body
	absent
	empty
	present
)

// field is a field of the source, or of the elements of one of its arrays.
type field struct {
	// steps are those from the record, or from the element.
	steps []string
	node  *schema.Node
	// free means that the schema does not name it: a body holds it in an object that
	// is the users' own.
	free bool
	// within are the steps of the array that it is an element of, by index; nil for none.
	within []string
	key    bool

	label    string
	words    []string // of the name
	views    []meaning
	surround meaning
	class    class
	// vectors, coded and around are views, views that say id where they say code, and
	// surround, for comparisons.
	vectors, coded []vector
	around         vector
	// systems are those that its name, its label and its place speak of; place are
	// those that its name and its place do.
	systems, place meaning

	// flag is the field beside this one that says whether it is a percentage, nil if
	// there is none; flagValue is its value for that.
	flag      *field
	flagValue string

	seen  presence
	value gjson.Result
}

func (f *field) name() string { return f.steps[len(f.steps)-1] }

// text gives the steps as one path: data.contacts.0.phone.
func (f *field) text() string { return strings.Join(f.steps, ".") }

// array is an array of objects of the source.
type array struct {
	field
	// elements are the fields of its elements, their steps from the element.
	elements []*field
}

// reader collects the fields of a source.
type reader struct {
	lex    *lexicon
	key    string
	count  int
	inside []*schema.Node
	fields []*field
	arrays []*array
}

// around is what is known of where a field stands.
type around struct {
	steps  []string
	within []string
	// near is the meaning of the object that holds it, far those of all above.
	near, far meaning
	// named means that near is an object that a weak name such as id or code is of.
	named bool
}

// read collects the fields of an object. body is what the sample holds there.
func (r *reader) read(n *schema.Node, body gjson.Result, asked bool, at around, depth int) {
	if n == nil || depth > maxDepth || slices.Contains(r.inside, n) {
		return
	}
	r.inside = append(r.inside, n)
	defer func() { r.inside = r.inside[:len(r.inside)-1] }()
	from := len(r.fields)
	defer func() {
		r.percentages(r.fields[from:], len(at.steps)+1)
	}()
	for _, p := range n.Properties {
		if r.count++; r.count > maxFields {
			return
		}
		if !usable(p.Name) {
			continue
		}
		value := body.Get(gjson.Escape(p.Name))
		r.one(p.Name, p.Node, value, asked, at, depth)
	}
	if len(n.Properties) > 0 || n.Closed {
		return
	}
	// The users' own fields, of which only the body knows.
	body.ForEach(func(k, v gjson.Result) bool {
		if r.count++; r.count > maxFields || v.IsObject() || v.IsArray() || !usable(k.Str) {
			return r.count <= maxFields
		}
		f := r.field(k.Str, &schema.Node{Types: kindOf(v)}, v, asked, at)
		f.free = true
		r.fields = append(r.fields, f)
		return true
	})
}

// percentages finds the flags among the fields of one object that say whether
// another one is a percentage: percentDiscount of discount.
func (r *reader) percentages(fields []*field, depth int) {
	flags := map[string]*field{}
	for _, f := range fields {
		if len(f.steps) == depth && isFlag(f.node) && slices.Contains(f.words, "percent") {
			flags[sorted(f.words...)] = f
		}
	}
	if len(flags) == 0 {
		return
	}
	for _, f := range fields {
		g := flags[sorted(append([]string{"percent"}, f.words...)...)]
		if len(f.steps) != depth || g == nil {
			continue
		}
		for _, c := range g.node.Choices {
			for _, v := range r.lex.ofLabel(c.Title) {
				if v["percent"] > 0 {
					f.flag, f.flagValue = g, c.JSON
				}
			}
		}
	}
}

func sorted(list ...string) string {
	slices.Sort(list)
	return strings.Join(list, " ")
}

func (r *reader) one(name string, n *schema.Node, value gjson.Result, asked bool, at around, depth int) {
	f := r.field(name, n, value, asked, at)
	inner := around{steps: f.steps, within: at.within, near: r.nearOf(name, n), far: at.far.with(at.near, 1), named: true}
	switch {
	case isObject(n):
		r.fields = append(r.fields, f)
		r.read(n, value, asked, inner, depth+1)
	case isObjects(n):
		if at.within != nil {
			return // an array inside an array
		}
		a := &array{field: *f}
		elements := &reader{lex: r.lex, inside: r.inside}
		first := firstObject(value)
		elements.read(n.Items, first, asked, around{near: inner.near, far: inner.far, named: false, within: f.steps}, depth+1)
		a.elements = elements.fields
		r.arrays = append(r.arrays, a)
		r.count += elements.count
		inner.steps = append(slices.Clone(f.steps), "0")
		inner.within, inner.named = f.steps, false
		r.read(n.Items, value.Get("0"), asked, inner, depth+1)
	default:
		r.fields = append(r.fields, f)
	}
}

// nearOf gives the meaning of a thing that has fields.
func (r *reader) nearOf(name string, n *schema.Node) meaning {
	m := r.lex.ofName(name)
	for _, v := range r.lex.ofLabel(n.Title) {
		m = m.with(v, 0.8)
	}
	return m.with(r.lex.systemsOf(n.Description), 1)
}

// weak are names that say nothing without what they belong to.
var weak = wordSet("id ids code name title number value text ref type status data address index sum cost from to uuid")

func (r *reader) field(name string, n *schema.Node, value gjson.Result, asked bool, at around) *field {
	f := &field{
		steps: append(slices.Clone(at.steps), name), node: n, within: at.within, label: labelOf(n), value: value,
	}
	f.key = r.key != "" && r.key == f.text()
	f.seen = presenceOf(value, asked)
	ofName := r.lex.ofName(name)
	f.views = r.lex.viewsOf(n, ofName)
	if list := words(name); at.named && len(list) == 1 && weak[list[0]] {
		for i := range f.views {
			f.views[i] = f.views[i].with(at.near, 0.6)
		}
	}
	f.words = words(name)
	f.surround = at.far.with(at.near, 1)
	f.vectors, f.around = r.lex.vectors(f.views), r.lex.vector(f.surround)
	for _, v := range f.views {
		if v["id"] == 0 && v["code"] > 0 {
			v = v.with(meaning{"id": v["code"]}, 1) // what the one calls an id is the other's code
			delete(v, "code")
		}
		f.coded = append(f.coded, r.lex.vector(v))
	}
	f.class = classOf(f.views[0].with(ofName, 0.4), n)
	f.place = r.lex.systemsOf(name)
	for c := range f.surround {
		if systems[c] {
			f.place.note(c, 1)
		}
	}
	f.systems = r.lex.systemsOf(n.Title+" "+n.Description).with(f.place, 1)
	return f
}

// viewsOf gives what a field may mean by its name and its label.
func (l *lexicon) viewsOf(n *schema.Node, name meaning) []meaning {
	views := l.ofLabel(n.Title)
	share := 0.5
	if len(views) == 0 {
		views, share = []meaning{{}}, 1
	}
	for i, v := range views {
		views[i] = person(v.with(name, share))
	}
	return views
}

// person makes the name of a receiver, a customer or a contact a person's full name.
func person(m meaning) meaning {
	who := max(m["receiver"], m["customer"], m["contact"], m["sender"])
	if m["name"] > 0 && who > 0 && m["company"] == 0 && m["fullname"] == 0 && m["city"] == 0 && m["id"] == 0 {
		m["fullname"] = min(m["name"], who)
	}
	if m["fullname"] > 0 {
		delete(m, "name")
	}
	return m
}

// labelOf gives a field's label: its title, or the first sentence of its description.
func labelOf(n *schema.Node) string {
	if n.Title != "" {
		return n.Title
	}
	first, _, _ := strings.Cut(n.Description, ". ")
	return strings.TrimSuffix(first, ".")
}

// usable tells whether a path may name a field without any escape.
func usable(name string) bool {
	if name == "" || len(name) > 200 {
		return false
	}
	for _, r := range name {
		if !isWord(r) && r != '-' {
			return false
		}
	}
	_, err := strconv.Atoi(name)
	return err != nil && name[0] != '-'
}

func isObject(n *schema.Node) bool {
	return n.Types&schema.Object != 0 && n.Types&^(schema.Object|schema.Null) == 0
}

// isObjects tells whether n is an array whose elements are objects with fields.
func isObjects(n *schema.Node) bool {
	return n.Types&schema.Array != 0 && n.Items != nil && isObject(n.Items) && len(n.Items.Properties) > 0
}

func firstObject(v gjson.Result) gjson.Result {
	var out gjson.Result
	v.ForEach(func(_, e gjson.Result) bool {
		if e.IsObject() {
			out = e
			return false
		}
		return true
	})
	return out
}

func presenceOf(v gjson.Result, asked bool) presence {
	switch {
	case !asked:
		return unasked
	case !v.Exists():
		return absent
	case v.Type == gjson.Null, v.Type == gjson.String && strings.TrimSpace(v.Str) == "", v.IsArray() && v.Get("#").Int() == 0, v.IsObject() && len(v.Map()) == 0:
		return empty
	default:
		return present
	}
}

func kindOf(v gjson.Result) schema.Types {
	switch v.Type {
	case gjson.String:
		return schema.Text
	case gjson.Number:
		return schema.Number
	case gjson.True, gjson.False:
		return schema.Boolean
	default:
		return 0
	}
}
