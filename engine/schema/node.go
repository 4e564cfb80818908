package schema

import (
	"reflect"
	"slices"
	"strings"
)

// Types is a set of JSON types. The empty set means any.
type Types uint8

// The JSON types of a schema. Number includes Integer.
const (
	Text Types = 1 << iota
	Number
	Integer
	Boolean
	Object
	Array
	Null
)

var typeNames = []struct {
	t    Types
	name string
}{
	{Text, "string"},
	{Number, "number"},
	{Integer, "integer"},
	{Boolean, "boolean"},
	{Object, "object"},
	{Array, "array"},
	{Null, "null"},
}

// Has reports whether a value of one of the types in u may stand here.
func (t Types) Has(u Types) bool {
	if t == 0 {
		return true
	}
	if t&Number != 0 {
		t |= Integer
	}
	return t&u != 0
}

// String names the types as JSON Schema does: "string or null"; "anything" for the empty set.
func (t Types) String() string {
	var names []string
	for _, n := range typeNames {
		if t&n.t != 0 {
			names = append(names, n.name)
		}
	}
	if len(names) == 0 {
		return "anything"
	}
	return strings.Join(names, " or ")
}

// Words names the types for people, in a fixed order: "text", "whole number", "list".
// A number may be whole, which is not said beside it, and null is not named.
func (t Types) Words() []string {
	var words []string
	for _, k := range []struct {
		t    Types
		name string
	}{{Text, "text"}, {Number, "number"}, {Integer, "whole number"}, {Boolean, "true or false"}, {Object, "object"}, {Array, "list"}} {
		if t&k.t != 0 && (k.t != Integer || t&Number == 0) {
			words = append(words, k.name)
		}
	}
	return words
}

// Node describes one value inside a record. Nodes form a graph: a recursive
// schema refers to itself.
type Node struct {
	Types              Types
	Title, Description string
	Format             string
	// Datetime is how a text writes a date, a time or both (x-crosswalk-datetime), in PHP's
	// letters as vendors' documents do: Y-m-d H:i:s. "" where that is not known.
	Datetime string
	// Properties are in the schema's own order.
	Properties []Property
	// Closed means additionalProperties: false.
	Closed bool
	// Additional describes fields that are not in Properties; nil for anything.
	Additional *Node
	// Items describes an array's elements; nil for anything.
	Items *Node
	// Required names the fields that an object must have, whatever else it holds.
	Required []string
	// Conditions name further required fields.
	Conditions []Condition
	// Choices are the only values that may stand here; empty for any.
	Choices []Choice
	// Known are values that the system has of itself (x-crosswalk-known), where users
	// may have others.
	Known []Choice
	// Minimum and Maximum are numbers as written, "" for none.
	Minimum, Maximum string
	// MinLength and MaxLength are the shortest and the longest text in characters, 0 for
	// none.
	MinLength, MaxLength int
	// Pattern is the regular expression that a text must match, "" for none.
	Pattern string
	// MinItems and MaxItems are the fewest and the most elements, 0 for none.
	MinItems, MaxItems int

	index map[string]*Node
}

// Property is a named field of an object.
type Property struct {
	Name string
	Node *Node
}

// Choice is one value of an enum, with what it means.
type Choice struct {
	// JSON is the value in compact form, Title the meaning or "".
	JSON, Title string
}

// Property returns the node of the named field; nil if the schema does not name it.
func (n *Node) Property(name string) *Node {
	if n == nil {
		return nil
	}
	return n.index[name]
}

// Names returns the names of all fields in the schema's order.
func (n *Node) Names() []string {
	if n == nil {
		return nil
	}
	names := make([]string, len(n.Properties))
	for i, p := range n.Properties {
		names[i] = p.Name
	}
	return names
}

// Allows reports whether value, compact JSON, is among the choices; a number
// equals another of the same value, however it is written.
func (n *Node) Allows(value string) bool {
	return n == nil || len(n.Choices) == 0 ||
		// Mostly the value is written as the choice is.
		slices.ContainsFunc(n.Choices, func(c Choice) bool { return c.JSON == value }) ||
		slices.ContainsFunc(n.Choices, func(c Choice) bool { return Equal(c.JSON, value) })
}

func (n *Node) setProperty(name string, p *Node) {
	if n.index == nil {
		n.index = map[string]*Node{}
	}
	if old := n.index[name]; old != nil {
		merged := *old
		merged.merge(p)
		n.index[name] = &merged
		for i := range n.Properties {
			if n.Properties[i].Name == name {
				n.Properties[i].Node = &merged
			}
		}
		return
	}
	n.index[name] = p
	n.Properties = append(n.Properties, Property{Name: name, Node: p})
}

// merge adds what o demands to n, for allOf and for keywords beside a $ref.
func (n *Node) merge(o *Node) {
	if n.Types == 0 {
		n.Types = o.Types
	} else if o.Types != 0 {
		n.Types = intersect(n.Types, o.Types)
	}
	n.Title = first(n.Title, o.Title)
	n.Description = first(n.Description, o.Description)
	n.Format, n.Datetime = first(n.Format, o.Format), first(n.Datetime, o.Datetime)
	n.Minimum, n.Maximum = first(n.Minimum, o.Minimum), first(n.Maximum, o.Maximum)
	n.MinLength, n.MinItems = max(n.MinLength, o.MinLength), max(n.MinItems, o.MinItems)
	n.MaxLength, n.MaxItems = least(n.MaxLength, o.MaxLength), least(n.MaxItems, o.MaxItems)
	n.Pattern = first(n.Pattern, o.Pattern)
	n.Closed = n.Closed || o.Closed
	if n.Additional == nil {
		n.Additional = o.Additional
	}
	if n.Items == nil {
		n.Items = o.Items
	}
	if len(n.Choices) == 0 {
		n.Choices = o.Choices
	}
	if len(n.Known) == 0 {
		n.Known = o.Known
	}
	n.detach()
	for _, p := range o.Properties {
		n.setProperty(p.Name, p.Node)
	}
	for _, r := range o.Required {
		if !slices.Contains(n.Required, r) {
			n.Required = append(slices.Clip(n.Required), r)
		}
	}
	n.Conditions = append(slices.Clip(n.Conditions), o.Conditions...)
}

// unite widens n to accept what either accepts, for anyOf and oneOf.
func (n *Node) unite(o *Node) {
	n.uniteBounds(o)
	if n.Types == 0 || o.Types == 0 {
		n.Types = 0
	} else {
		n.Types |= o.Types
	}
	n.Title, n.Description = first(n.Title, o.Title), first(n.Description, o.Description)
	objects := n.Types.Has(Object) && o.Types.Has(Object)
	n.Closed = n.Closed && (o.Closed || !objects)
	if n.Items == nil {
		n.Items = o.Items
	} else if o.Items != nil {
		items := *n.Items
		items.unite(o.Items)
		n.Items = &items
	}
	n.Required = slices.DeleteFunc(slices.Clone(n.Required), func(r string) bool { return !slices.Contains(o.Required, r) })
	if len(n.Choices) == 0 || len(o.Choices) == 0 {
		n.Choices = nil
	} else {
		n.Choices = append(slices.Clip(n.Choices), o.Choices...)
	}
	n.Conditions = nil
	n.detach()
	for _, p := range o.Properties {
		if n.index[p.Name] == nil {
			n.setProperty(p.Name, p.Node)
			continue
		}
		for i := range n.Properties {
			if n.Properties[i].Name == p.Name {
				n.Properties[i].Node = either(n.Properties[i].Node, p.Node)
				n.index[p.Name] = n.Properties[i].Node
			}
		}
	}
}

// either describes a field that two forms of an object have: what one of them allows.
// Of objects and arrays only the types are kept, as they can refer to themselves.
func either(a, b *Node) *Node {
	switch {
	case a == b || reflect.DeepEqual(a, b):
		return a
	case a.Types != 0 && b.Types != 0 && (a.Types|b.Types)&(Object|Array) == 0:
		both := *a
		both.unite(b)
		return &both
	}
	both := &Node{Types: a.Types | b.Types, Title: first(a.Title, b.Title), Description: first(a.Description, b.Description)}
	if a.Types == 0 || b.Types == 0 {
		both.Types = 0
	}
	return both
}

// uniteBounds leaves the bounds that hold whichever of the two a value fits: a bound
// of texts says nothing of a form that is no text.
func (n *Node) uniteBounds(o *Node) {
	both := func(t Types) (second, two bool) { return o.Types.Has(t), n.Types.Has(t) && o.Types.Has(t) }
	if only, two := both(Text); two {
		n.MinLength, n.MaxLength = min(n.MinLength, o.MinLength), most(n.MaxLength, o.MaxLength)
		n.Pattern, n.Format, n.Datetime = same(n.Pattern, o.Pattern), same(n.Format, o.Format), same(n.Datetime, o.Datetime)
	} else if only {
		n.MinLength, n.MaxLength, n.Pattern, n.Format, n.Datetime = o.MinLength, o.MaxLength, o.Pattern, o.Format, o.Datetime
	}
	if only, two := both(Number | Integer); two {
		n.Minimum, n.Maximum = same(n.Minimum, o.Minimum), same(n.Maximum, o.Maximum)
	} else if only {
		n.Minimum, n.Maximum = o.Minimum, o.Maximum
	}
	if only, two := both(Array); two {
		n.MinItems, n.MaxItems = min(n.MinItems, o.MinItems), most(n.MaxItems, o.MaxItems)
	} else if only {
		n.MinItems, n.MaxItems = o.MinItems, o.MaxItems
	}
}

// detach gives n property tables of its own, which it may have copied from another node.
func (n *Node) detach() {
	old := n.Properties
	n.Properties, n.index = slices.Clone(old), make(map[string]*Node, len(old))
	for _, p := range old {
		n.index[p.Name] = p.Node
	}
}

func intersect(a, b Types) Types {
	both := a & b
	if a&Number != 0 && b&Integer != 0 || a&Integer != 0 && b&Number != 0 {
		both |= Integer
	}
	return both
}

// least is the smaller of two bounds, of which 0 is none.
func least(a, b int) int {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// most is the larger of two bounds, of which 0 is none.
func most(a, b int) int {
	if a == 0 || b == 0 {
		return 0
	}
	return max(a, b)
}

func same(a, b string) string {
	if a == b {
		return a
	}
	return ""
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
