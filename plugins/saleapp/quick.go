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
	return c.valid(q, c.read(gjson.ParseBytes(record))) && !c.unsure
}

// quickCheck is one check; unsure tells that its result counts for nothing.
type quickCheck struct{ unsure bool }

// instance is a value with its members, read once for all schemas that hold it.
type instance struct {
	gjson.Result
	members []member
}

type member struct {
	name  string
	value gjson.Result
}

func (i *instance) get(name string) (gjson.Result, bool) {
	for _, m := range i.members {
		if m.name == name {
			return m.value, true
		}
	}
	return gjson.Result{}, false
}

func (c *quickCheck) read(v gjson.Result) *instance {
	i := &instance{Result: v}
	if v.IsObject() {
		v.ForEach(func(k, v gjson.Result) bool {
			if _, twice := i.get(k.Str); twice {
				c.unsure = true
			}
			i.members = append(i.members, member{k.Str, v})
			return true
		})
	}
	return i
}

// whole tells whether a number is written as a whole one without more ado.
func (c *quickCheck) whole(v gjson.Result) bool {
	if strings.ContainsAny(v.Raw, ".eE") || v.Raw == "-0" {
		c.unsure = true
		return false
	}
	return true
}

func (c *quickCheck) valid(q *quick, v *instance) bool {
	for _, t := range q.types {
		if !c.is(t, v.Result) {
			return false
		}
	}
	if q.values != nil && (v.Type != gjson.Number || !c.whole(v.Result) || !slices.Contains(q.values, v.Raw)) {
		return false
	}
	if q.minLength > 0 && v.Type == gjson.String && utf8.RuneCountInString(v.Str) < q.minLength {
		return false
	}
	if v.IsArray() && (q.items != nil || q.minItems > 0) {
		items := v.Array()
		if len(items) < q.minItems {
			return false
		}
		for _, item := range items {
			if q.items != nil && !c.valid(q.items, c.read(item)) {
				return false
			}
		}
	}
	if v.IsObject() && !c.object(q, v) {
		return false
	}
	for _, s := range q.allOf {
		if !c.valid(s, v) {
			return false
		}
	}
	if q.anyOf != nil && !slices.ContainsFunc(q.anyOf, func(s *quick) bool { return c.valid(s, v) }) {
		return false
	}
	if q.not != nil && c.valid(q.not, v) {
		return false
	}
	return q.when == nil || !c.valid(q.when, v) || c.valid(q.then, v)
}

func (c *quickCheck) object(q *quick, v *instance) bool {
	for _, name := range q.required {
		if _, ok := v.get(name); !ok {
			return false
		}
	}
	if q.properties == nil && !q.closed {
		return true
	}
	for _, m := range v.members {
		s := q.properties[m.name]
		if s == nil {
			if q.closed {
				return false
			}
			continue
		}
		if !c.valid(s, c.read(m.value)) {
			return false
		}
	}
	return true
}

// is tells whether a value is of a JSON Schema's type.
func (c *quickCheck) is(name string, v gjson.Result) bool {
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
