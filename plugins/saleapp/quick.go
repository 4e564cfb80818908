package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// quick is a schema as far as SaleApp's use it, made for the common case: a record
// that is in order. It accepts nothing that the schema refuses, and leaves whatever
// it is not sure of to the full check, which also says what is wrong.
type quick struct {
	types      []string
	values     []string // of enum, const, and oneOf of consts, as JSON
	minLength  int
	minItems   int
	required   []string
	properties map[string]*quick
	closed     bool
	items      *quick
	allOf      []*quick
	anyOf      []*quick
	not        *quick
	when, then *quick
}

// newQuick reads a schema; nil where it says something that quick does not know.
func newQuick(schema gjson.Result) *quick {
	if !schema.IsObject() {
		return nil
	}
	q := &quick{}
	known := true
	sub := func(v gjson.Result) *quick {
		s := newQuick(v)
		known = known && s != nil
		return s
	}
	subs := func(v gjson.Result) (out []*quick) {
		for _, s := range v.Array() {
			out = append(out, sub(s))
		}
		return out
	}
	schema.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "title", "description", "$schema", "x-crosswalk-key":
		case "type":
			known = known && v.Type == gjson.String
			q.types = append(q.types, v.Str)
		case "const":
			q.values = append(q.values, v.Raw)
		case "enum":
			for _, e := range v.Array() {
				q.values = append(q.values, e.Raw)
			}
		case "oneOf":
			for _, one := range v.Array() {
				s := sub(one)
				if s == nil || len(s.values) != 1 || !s.justValue() {
					known = false
					break
				}
				known = known && !slices.Contains(q.values, s.values[0])
				q.values = append(q.values, s.values[0])
			}
		case "minLength":
			q.minLength = int(v.Int())
		case "minItems":
			q.minItems = int(v.Int())
		case "required":
			for _, name := range v.Array() {
				q.required = append(q.required, name.Str)
			}
		case "properties":
			q.properties = map[string]*quick{}
			v.ForEach(func(name, p gjson.Result) bool {
				q.properties[name.Str] = sub(p)
				return true
			})
		case "additionalProperties":
			q.closed = v.Type == gjson.False
			known = known && q.closed
		case "items":
			q.items = sub(v)
		case "allOf":
			q.allOf = subs(v)
		case "anyOf":
			q.anyOf = subs(v)
		case "not":
			q.not = sub(v)
		case "if":
			q.when = sub(v)
		case "then":
			q.then = sub(v)
		default:
			known = false
		}
		return known
	})
	for _, raw := range q.values {
		// Other values may be written in several ways.
		if _, err := strconv.ParseInt(raw, 10, 64); err != nil {
			known = false
		}
	}
	if !known || (q.when == nil) != (q.then == nil) || schema.Get("const").Exists() && len(q.values) > 1 ||
		schema.Get("enum").Exists() && schema.Get("oneOf").Exists() {
		return nil
	}
	return q
}

// justValue tells whether a schema demands a value and nothing else.
func (q *quick) justValue() bool {
	return q.types == nil && q.minLength == 0 && q.minItems == 0 && q.required == nil && q.properties == nil && !q.closed &&
		q.items == nil && q.allOf == nil && q.anyOf == nil && q.not == nil && q.when == nil
}

// accepts tells whether a record is surely in order.
func (q *quick) accepts(record json.RawMessage) bool {
	if q == nil || !gjson.ValidBytes(record) {
		return false
	}
	c := quickCheck{}
	return c.valid(q, gjson.ParseBytes(record)) && !c.unsure
}

// quickCheck is one check; unsure tells that its result counts for nothing.
type quickCheck struct{ unsure bool }

// member is a member of an object, read once for all schemas that hold the object.
type member struct {
	name  string
	value gjson.Result
}

func has(members []member, name string) bool {
	for i := range members {
		if members[i].name == name {
			return true
		}
	}
	return false
}

// whole tells whether a number is written as a whole one without more ado.
func (c *quickCheck) whole(v *gjson.Result) bool {
	if strings.ContainsAny(v.Raw, ".eE") || v.Raw == "-0" {
		c.unsure = true
		return false
	}
	return true
}

// valid tells whether a value is as the schema says.
func (c *quickCheck) valid(q *quick, v gjson.Result) bool {
	if v.IsObject() {
		return c.validObject(q, v)
	}
	return c.holds(q, &v, nil)
}

// validObject has room for the members of most objects, which a scalar needs not.
func (c *quickCheck) validObject(q *quick, v gjson.Result) bool {
	var few [24]member
	members := few[:0]
	v.ForEach(func(name, value gjson.Result) bool {
		if has(members, name.Str) {
			c.unsure = true
		}
		members = append(members, member{name.Str, value})
		return true
	})
	return c.holds(q, &v, members)
}

// holds is valid with an object's members.
func (c *quickCheck) holds(q *quick, v *gjson.Result, members []member) bool {
	for _, t := range q.types {
		if !c.is(t, v) {
			return false
		}
	}
	if q.values != nil && (v.Type != gjson.Number || !c.whole(v) || !slices.Contains(q.values, v.Raw)) {
		return false
	}
	if q.minLength > 0 && v.Type == gjson.String && utf8.RuneCountInString(v.Str) < q.minLength {
		return false
	}
	if (q.items != nil || q.minItems > 0) && v.IsArray() && !c.array(q, v) {
		return false
	}
	if v.IsObject() && !c.object(q, members) {
		return false
	}
	for _, s := range q.allOf {
		if !c.holds(s, v, members) {
			return false
		}
	}
	if q.anyOf != nil && !slices.ContainsFunc(q.anyOf, func(s *quick) bool { return c.holds(s, v, members) }) {
		return false
	}
	if q.not != nil && c.holds(q.not, v, members) {
		return false
	}
	return q.when == nil || !c.holds(q.when, v, members) || c.holds(q.then, v, members)
}

func (c *quickCheck) array(q *quick, v *gjson.Result) bool {
	n, right := 0, true
	v.ForEach(func(_, item gjson.Result) bool {
		n++
		right = q.items == nil || c.valid(q.items, item)
		return right
	})
	return right && n >= q.minItems
}

func (c *quickCheck) object(q *quick, members []member) bool {
	for _, name := range q.required {
		if !has(members, name) {
			return false
		}
	}
	if q.properties == nil && !q.closed {
		return true
	}
	for i := range members {
		s := q.properties[members[i].name]
		if s == nil {
			if q.closed {
				return false
			}
			continue
		}
		if !c.valid(s, members[i].value) {
			return false
		}
	}
	return true
}

// is tells whether a value is of a JSON Schema's type.
func (c *quickCheck) is(name string, v *gjson.Result) bool {
	switch name {
	case "string":
		return v.Type == gjson.String
	case "integer":
		return v.Type == gjson.Number && c.whole(v)
	case "number":
		return v.Type == gjson.Number
	case "boolean":
		return v.IsBool()
	case "array":
		return v.IsArray()
	case "object":
		return v.IsObject()
	}
	c.unsure = true
	return false
}
