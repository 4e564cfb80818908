// Package shape puts a webhook's record into the one shape that its event's
// schema describes, so that a mapping need not know the ways in which a vendor
// writes the same thing. Nothing is invented and no digit is changed; fields that
// the schema does not name pass as they came.
//
// At a field that the schema names:
//
//   - null, where the type does not allow it, is left out: it is no value.
//   - "" is left out where the type is not text or the field is an enum.
//   - [] is left out where an object with named fields is wanted, and becomes {}
//     where a map is (PHP writes an empty map so).
//   - an object whose names are all numbers becomes an array where one is wanted
//     (PHP writes a list with gaps so, and a list by ids).
//   - text that holds a JSON object or array becomes it where one is wanted (a
//     form's fields are all text).
//
// Two annotations of the schema serve fields that a vendor has renamed or sends in
// two ways:
//
//   - "x-crosswalk-also": "cargoType" on a property says that this name and
//     cargoType mean the same; where one is there, both are.
//   - "x-crosswalk-all": "phones" on a text property says that an array may stand
//     in its place. The property is then the array's first entry that is not
//     empty, and phones holds them all; with plain text, phones holds that one.
package shape

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"
)

// Shape is a compiled schema, safe for concurrent use.
type Shape struct{ root *node }

// node is what the shape needs to know of one place of the schema.
type node struct {
	text, object, array, null, scalar, any bool
	enum                                   bool
	// allowsEmpty tells that an enum has "".
	allowsEmpty bool
	props       map[string]*node
	items       *node
	rest        *node // additionalProperties
	also        []pair
	all         string
}

// pair is two names of one field.
type pair struct{ a, b string }

// maxDepth bounds how deep a schema's properties nest.
const maxDepth = 32

// Compile reads the schema of an event's record: type, properties, items,
// additionalProperties, oneOf and enum of constants, local $ref to $defs, and the
// two annotations.
func Compile(schema json.RawMessage) (*Shape, error) {
	if !gjson.ValidBytes(schema) {
		return nil, errors.New("compile shape: the schema is not JSON")
	}
	doc := gjson.ParseBytes(schema)
	root, err := compile(doc, doc, 0)
	if err != nil {
		return nil, fmt.Errorf("compile shape: %w", err)
	}
	if !root.object {
		return nil, errors.New("compile shape: the schema is not one of an object")
	}
	return &Shape{root: root}, nil
}

func compile(doc, s gjson.Result, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d deep", maxDepth)
	}
	if ref := s.Get("$ref").Str; ref != "" {
		const local = "#/$defs/"
		if len(ref) <= len(local) || ref[:len(local)] != local {
			return nil, fmt.Errorf("$ref %s: want one into $defs", ref)
		}
		target := doc.Get("$defs").Get(gjson.Escape(ref[len(local):]))
		if !target.Exists() {
			return nil, fmt.Errorf("$ref %s leads nowhere", ref)
		}
		return compile(doc, target, depth+1)
	}
	n := &node{all: s.Get("x-crosswalk-all").Str}
	n.setTypes(s.Get("type"))
	n.setEnum(s)
	var err error
	s.Get("properties").ForEach(func(name, child gjson.Result) bool {
		var c *node
		if c, err = compile(doc, child, depth+1); err != nil {
			err = fmt.Errorf("%s: %w", name.Str, err)
			return false
		}
		if n.props == nil {
			n.props = map[string]*node{}
		}
		n.props[name.Str] = c
		if other := child.Get("x-crosswalk-also").Str; other != "" {
			n.also = append(n.also, pair{name.Str, other})
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	if items := s.Get("items"); items.IsObject() {
		if n.items, err = compile(doc, items, depth+1); err != nil {
			return nil, err
		}
	}
	if rest := s.Get("additionalProperties"); rest.IsObject() {
		if n.rest, err = compile(doc, rest, depth+1); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *node) setTypes(t gjson.Result) {
	if !t.Exists() {
		n.any = true
		return
	}
	for _, name := range t.Array() {
		switch name.Str {
		case "string":
			n.text = true
		case "object":
			n.object = true
		case "array":
			n.array = true
		case "null":
			n.null = true
		default:
			n.scalar = true
		}
	}
}

func (n *node) setEnum(s gjson.Result) {
	value := func(v gjson.Result) {
		n.enum = true
		n.allowsEmpty = n.allowsEmpty || v.Type == gjson.String && v.Str == ""
	}
	for _, v := range s.Get("enum").Array() {
		value(v)
	}
	for _, choice := range s.Get("oneOf").Array() {
		if v := choice.Get("const"); v.Exists() {
			value(v)
		}
	}
}
