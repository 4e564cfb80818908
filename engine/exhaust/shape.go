package exhaust

import (
	"slices"
	"strconv"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// kind is what a place holds.
type kind int8

const (
	leaf kind = iota
	object
	array
)

// place is a spot of the record that can have different values.
type place struct {
	name   string // of the field; the index of an element
	quoted string // the name in JSON
	path   string // from the root
	node   *schema.Node
	kind   kind
	// kids are fields of an object; of an array the elements that are read apart, by
	// ascending index, the first always 0.
	kids []*place
	// always means that the schema requires it, or that it is the key.
	always bool
	read   bool
	free   bool // any text may stand here
	inside bool // of an object that is read as a whole
	// constants, keys and table are what the mapping does with it.
	constants []string
	keys      []string
	table     string
	isKey     bool
	counted   bool // it says how many there are to be
	// lookup is the lookup in whose answer it stands; "" for the record.
	lookup string

	index   int // among the variable places; -1 for the root and elements
	options []option
	kept    int // how many options are not only for shrinking, where there are more
}

// option is one value of a place.
type option struct {
	// json is the value; "" for absent. For an array it says how many elements it has.
	json  string
	count int
	// whole means that the kids are written.
	whole bool
	// title is what the schema calls it; named says that the schema names it at all,
	// or the mapping does.
	title   string
	named   bool
	unnamed bool // beside what the schema names
	// rare values are tried alone in every kind of record and not in pairs, long ones
	// only in two kinds.
	rare, long bool
}

// absent reports whether nothing stands at the place.
func (o option) absent() bool { return o.json == "" && !o.whole }

// nullMatters has null tried in pairs too: the mapping makes something else of it
// than of what is absent.
func (p *place) nullMatters() {
	for i := range p.options {
		if p.options[i].json == "null" {
			p.options[i].rare = false
		}
	}
}

const (
	// maxPlaces bounds the places of a record, maxValues the values of one.
	maxPlaces = 150
	maxFields = 1000 // that are there only because the schema requires them
	maxValues = 40
	// maxIndex is the highest index of an element that is read apart.
	maxIndex = 3
	// maxItems is the most elements that an array gets because its schema wants as many.
	maxItems = 10
	// maxWhole is how many fields are made of an object that is read as a whole.
	maxWhole = 12
)

// shape is the record of an event as far as a mapping reads it, with the answers to
// its lookups.
type shape struct {
	root *place
	// lookups are the answers, by their keys, and order is the order of these.
	lookups map[string]*place
	schemas map[string]*schema.Schema
	args    map[string]*schema.Schema
	order   []string
	places  []*place // those with a choice of values, parents first
	id      *place   // _meta.id; nil if it is not read
	fields  int      // how many were added by complete
	limits  limits   // of the sink
	cut     bool     // there are more than maxPlaces
}

func newShape(p *mapping.Program, source, sink *schema.Schema, lookups map[string]mapping.LookupSchema) *shape {
	taking := []*schema.Schema{sink}
	for _, a := range p.Answered() {
		taking = append(taking, lookups[a.Lookup.String()].Args)
	}
	s := &shape{
		limits: limitsOf(taking), root: &place{kind: object, index: -1, always: true},
		lookups: map[string]*place{}, schemas: map[string]*schema.Schema{}, args: map[string]*schema.Schema{},
	}
	key := ""
	if source != nil {
		s.root.node = source.Root()
		key = source.Key()
	}
	for _, r := range p.Reads() {
		s.add(s.root, r)
	}
	if key != "" {
		s.add(s.root, mapping.Read{Path: strings.Split(key, ".")})
		for at, steps := s.root, strings.Split(key, "."); at != nil && len(steps) > 0; steps = steps[1:] {
			if at = at.kid(steps[0]); at != nil {
				at.always, at.isKey = true, len(steps) == 1
			}
		}
	}
	s.complete(s.root, 0)
	s.number(s.root)
	if p.ReadsID() {
		s.id = &place{name: "id", path: metaID, options: []option{{json: `"exhaustive"`}, {}}, read: true}
		s.choose(s.id, false)
	}
	for _, a := range p.Answered() {
		s.answer(a, lookups[a.Lookup.String()])
	}
	return s
}

// metaID is what a mapping calls the id of an event, which many sources give none.
const metaID = "_meta.id"

// eventID is the id of the event that the assignment describes.
func (s *shape) eventID(a assignment) string {
	if s.id == nil {
		return ""
	}
	return textOf(s.id.option(a).json)
}

func (p *place) kid(name string) *place {
	for _, k := range p.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

func isIndex(step string) bool {
	return step == "#" || step != "" && strings.Trim(step, "0123456789") == ""
}

// add makes the places of a path that is read from root on.
func (s *shape) add(root *place, r mapping.Read) {
	at := root
	for _, step := range r.Path {
		t := schema.Types(0)
		if at.node != nil {
			t = at.node.Types
		}
		asArray := at != root && isIndex(step) && t.Has(schema.Array) && at.kind != object
		if step == "#" && !asArray {
			return
		}
		if at != root && !asArray && !t.Has(schema.Object) || at.kind == array && !asArray {
			return // the checker has warned, or it is a way to write that yields nothing
		}
		if asArray {
			at.kind = array
			n := 0
			if step != "#" {
				var err error
				if n, err = strconv.Atoi(step); err != nil || n > maxIndex {
					return
				}
			}
			var items *schema.Node
			if at.node != nil {
				items = at.node.Items
			}
			for i := len(at.kids); i <= n; i++ {
				at.kids = append(at.kids, &place{name: strconv.Itoa(i), path: join(at.path, strconv.Itoa(i)), node: items, lookup: at.lookup, index: -1})
			}
			at = at.kids[n]
			continue
		}
		at.kind = object
		at = at.field(step)
	}
	at.read = true
	at.constants = append(at.constants, r.Constants...)
	at.counted = at.counted || r.Counts
	if r.Keys != nil {
		at.keys, at.table = append(at.keys, r.Keys...), r.Table
	}
}

func (p *place) field(name string) *place {
	if k := p.kid(name); k != nil {
		return k
	}
	node := p.node.Property(name)
	if node == nil && p.node != nil {
		node = p.node.Additional
	}
	k := &place{name: name, path: join(p.path, name), node: node, lookup: p.lookup}
	if p.node != nil {
		k.always = slices.Contains(p.node.Required, name)
	}
	p.kids = append(p.kids, k)
	return k
}

// complete adds what the schema requires, and the fields of what is read as a whole.
func (s *shape) complete(p *place, depth int) {
	if depth > 8 {
		return
	}
	if p.node != nil && len(p.kids) == 0 && p.read {
		t := p.node.Types
		switch {
		case t&schema.Array != 0 && p.node.Items != nil:
			p.kind = array
			p.kids = []*place{{name: "0", path: join(p.path, "0"), node: p.node.Items, lookup: p.lookup, index: -1, read: depth < 4}}
		case t&schema.Object != 0:
			p.kind = object
			for _, f := range p.node.Properties[:min(len(p.node.Properties), maxWhole)] {
				p.field(f.Name).read = depth < 3
			}
		}
	}
	if p.kind == leaf && p.node != nil && !p.read && len(p.kids) == 0 {
		// It is there only because it is required.
		if p.node.Types == schema.Object {
			p.kind = object
		}
		if p.node.Types == schema.Array {
			p.kind = array
		}
	}
	if p.kind == object && p.node != nil {
		for _, name := range p.node.Required {
			if s.fields++; s.fields < maxFields {
				p.field(name)
			}
		}
	}
	if p.kind == array && len(p.kids) == 0 {
		var items *schema.Node
		if p.node != nil {
			items = p.node.Items
		}
		p.kids = []*place{{name: "0", path: join(p.path, "0"), node: items, lookup: p.lookup, index: -1}}
	}
	for _, k := range p.kids {
		s.complete(k, depth+1)
	}
}

// number gives every place its options, and an index where there are several.
func (s *shape) number(p *place) {
	for _, k := range p.kids {
		element := p.kind == array
		k.index, k.quoted = -1, quote(k.name)
		k.options = k.values(s.limits)
		k.inside = p.inside || p.read && p.kind == object
		if k.inside || element {
			k.nullMatters() // null goes along in the object; of an element there is no absent
		}
		s.choose(k, element)
		s.number(k)
	}
}

// choose gives a place an index if it has several options.
func (s *shape) choose(k *place, element bool) {
	if element && k.kind != leaf {
		k.options = k.options[:1]
	} else if element {
		k.options = slices.DeleteFunc(k.options, option.absent)
	}
	if len(k.options) > 1 && len(s.places) >= maxPlaces {
		s.cut = true
	} else if len(k.options) > 1 {
		k.index = len(s.places)
		s.places = append(s.places, k)
	}
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "." + b
}

// assignment is a choice of an option for every place.
type assignment []uint8

// alike stands behind the choices where further elements of a list are like the first
// and not usual ones.
const alike = 255

// write appends the record that the assignment describes.
func (s *shape) write(a assignment, dst []byte) []byte { return writeObject(s.root, a, dst) }

func (p *place) option(a assignment) *option {
	if p.index < 0 {
		return &p.options[0]
	}
	return &p.options[a[p.index]]
}

func writeObject(p *place, a assignment, dst []byte) []byte {
	dst = append(dst, '{')
	for _, k := range p.kids {
		o := k.option(a)
		if o.json == "" && !o.whole {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(dst, k.quoted...), ':')
		dst = writeValue(k, o, a, dst)
	}
	return append(dst, '}')
}

func writeValue(p *place, o *option, a assignment, dst []byte) []byte {
	switch {
	case !o.whole:
		return append(dst, o.json...)
	case p.kind == object:
		return writeObject(p, a, dst)
	}
	dst = append(dst, '[')
	for i := range o.count {
		if i > 0 {
			dst = append(dst, ',')
		}
		with := a
		k := p.kids[0]
		if i < len(p.kids) {
			k = p.kids[i]
		} else if len(a) == 0 || a[len(a)-1] != alike {
			with = usualOf(a) // a further element is a usual one
		}
		dst = writeValue(k, k.option(with), with, dst)
	}
	return append(dst, ']')
}

// usualOf returns an assignment of the first options.
func usualOf(a assignment) assignment { return make(assignment, len(a)) }
