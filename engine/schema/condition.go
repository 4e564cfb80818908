package schema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// Truth is what is known of a predicate.
type Truth int8

// Unknown comes between False and True, so that and is min and or is max.
const (
	False Truth = iota - 1
	Unknown
	True
)

// Condition demands further fields of an object: Then where If holds.
type Condition struct {
	If Predicate
	// Required names the fields that must be there where If holds.
	Required []string
	// Opaque means that the schema says more than Required can; only Validate knows.
	Opaque bool
}

// Predicate is a test on the fields of one object. Every part that is set must hold.
type Predicate struct {
	// All, Any and Not combine others; Any holds if empty.
	All, Any []Predicate
	Not      *Predicate
	// Present names fields that must be there.
	Present []string
	// Field, if not "", must be absent or have one of Values (compact JSON).
	Field  string
	Values []string
	// Opaque marks a test that this package does not read: its truth is Unknown.
	Opaque bool
}

// Field is what is known of one field of an object.
type Field struct {
	// Present says whether it is there, JSON what it holds if Present is True; ""
	// if that is not known.
	Present Truth
	JSON    string
}

// Eval answers the predicate for an object whose fields get returns.
func (p *Predicate) Eval(get func(name string) Field) Truth {
	t := True
	if p.Opaque {
		t = Unknown
	}
	for i := range p.All {
		t = min(t, p.All[i].Eval(get))
	}
	if len(p.Any) > 0 {
		some := False
		for i := range p.Any {
			some = max(some, p.Any[i].Eval(get))
		}
		t = min(t, some)
	}
	if p.Not != nil {
		t = min(t, -p.Not.Eval(get))
	}
	for _, name := range p.Present {
		t = min(t, get(name).Present)
	}
	if p.Field != "" {
		f := get(p.Field)
		in := Unknown
		if f.JSON != "" {
			in = False
			if slices.ContainsFunc(p.Values, func(v string) bool { return Equal(v, f.JSON) }) {
				in = True
			}
		}
		t = min(t, max(-f.Present, in))
	}
	return t
}

// Fields calls yield for every field name that the predicate looks at.
func (p *Predicate) Fields(yield func(string)) {
	for i := range p.All {
		p.All[i].Fields(yield)
	}
	for i := range p.Any {
		p.Any[i].Fields(yield)
	}
	if p.Not != nil {
		p.Not.Fields(yield)
	}
	for _, name := range p.Present {
		yield(name)
	}
	if p.Field != "" {
		yield(p.Field)
	}
}

// String says the predicate in words, for messages: "delivery_types is 3".
func (p *Predicate) String() string {
	var parts []string
	for i := range p.All {
		parts = append(parts, p.All[i].String())
	}
	var anyOf []string
	for i := range p.Any {
		anyOf = append(anyOf, p.Any[i].String())
	}
	if len(anyOf) > 0 {
		parts = append(parts, strings.Join(anyOf, " or "))
	}
	if p.Not != nil {
		q := p.Not
		if len(q.All) == 1 && len(q.Any) == 0 && q.Not == nil {
			q = &q.All[0]
		}
		if q.Field != "" && len(q.All)+len(q.Any) == 0 && q.Not == nil {
			parts = append(parts, q.Field+" is not "+strings.Join(q.Values, " or "))
		} else {
			parts = append(parts, "not ("+q.String()+")")
		}
	}
	for _, name := range p.Present {
		if p.Field != name && !slices.ContainsFunc(p.All, func(q Predicate) bool { return q.Field == name || q.Not != nil && q.Not.Field == name }) {
			parts = append(parts, name+" is there")
		}
	}
	if p.Field != "" {
		parts = append(parts, p.Field+" is "+strings.Join(p.Values, " or "))
	}
	if p.Opaque {
		parts = append(parts, "a condition of the schema holds")
	}
	return strings.Join(parts, " and ")
}

// condition reads if/then/else of the object schema s.
func (p *parser) condition(s gjson.Result) ([]Condition, bool) {
	test := p.predicate(s.Get("if"), 0)
	var out []Condition
	if then := s.Get("then"); then.Exists() {
		out = append(out, p.consequence(test, then)...)
	}
	if otherwise := s.Get("else"); otherwise.Exists() {
		out = append(out, p.consequence(Predicate{Not: &test}, otherwise)...)
	}
	return out, len(out) > 0
}

// consequence reads what a then demands when test holds; nested conditions and
// allOf are taken apart.
func (p *parser) consequence(test Predicate, then gjson.Result) []Condition {
	c := Condition{If: test}
	var out []Condition
	then.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "required":
			for _, r := range v.Array() {
				c.Required = append(c.Required, r.Str)
			}
		case "allOf":
			for _, part := range v.Array() {
				out = append(out, p.consequence(test, part)...)
			}
		case "if":
			inner, _ := p.condition(then)
			for _, i := range inner {
				i.If = Predicate{All: []Predicate{test, i.If}}
				out = append(out, i)
			}
		case "then", "else", "title", "description", "$comment":
		default:
			c.Opaque = true
		}
		return true
	})
	if len(c.Required) > 0 || c.Opaque {
		out = append([]Condition{c}, out...)
	}
	return out
}

// predicate reads the schema of an if. What it cannot read becomes Opaque.
func (p *parser) predicate(s gjson.Result, depth int) Predicate {
	var out Predicate
	if depth > maxDepth || s.Type == gjson.False {
		out.Opaque = true
		return out
	}
	s.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "required":
			for _, r := range v.Array() {
				out.Present = append(out.Present, r.Str)
			}
		case "properties":
			v.ForEach(func(name, test gjson.Result) bool {
				out.All = append(out.All, p.fieldTest(name.String(), test, depth+1))
				return true
			})
		case "allOf", "anyOf":
			for _, part := range v.Array() {
				if q := p.predicate(part, depth+1); k.Str == "allOf" {
					out.All = append(out.All, q)
				} else {
					out.Any = append(out.Any, q)
				}
			}
		case "not":
			q := p.predicate(v, depth+1)
			out.Not = &q
		case "$ref":
			target, err := p.find(v.Str)
			if err != nil {
				out.Opaque = true
				break
			}
			out.All = append(out.All, p.predicate(target, depth+1))
		case "type", "title", "description", "$comment":
		default:
			out.Opaque = true
		}
		return true
	})
	if len(out.All) == 1 && len(out.Any) == 0 && out.Not == nil && len(out.Present) == 0 && !out.Opaque {
		return out.All[0]
	}
	return out
}

// fieldTest reads the schema of one property inside an if.
func (p *parser) fieldTest(name string, test gjson.Result, depth int) Predicate {
	out := Predicate{}
	test.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "const":
			out.All = append(out.All, Predicate{Field: name, Values: []string{compact(v)}})
		case "enum":
			q := Predicate{Field: name}
			for _, c := range v.Array() {
				q.Values = append(q.Values, compact(c))
			}
			out.All = append(out.All, q)
		case "not":
			// "absent or not x" is what a property's not says; -Eval of "absent or x" is
			// "present and not x", so absence is added again.
			q := p.fieldTest(name, v, depth+1)
			absent := Predicate{Not: &Predicate{Present: []string{name}}}
			out.All = append(out.All, Predicate{Any: []Predicate{absent, {Not: &q}}})
		case "type", "title", "description":
		default:
			out.Opaque = true
		}
		return true
	})
	if len(out.All) == 1 && !out.Opaque {
		return out.All[0]
	}
	return out
}

// Equal reports whether two compact JSON values are the same: numbers by value,
// texts by their characters.
func Equal(a, b string) bool {
	if a == b {
		return true
	}
	if a == "" || b == "" {
		return false
	}
	if a[0] == '"' && b[0] == '"' {
		return (strings.IndexByte(a, '\\') >= 0 || strings.IndexByte(b, '\\') >= 0) &&
			gjson.Parse(a).Str == gjson.Parse(b).Str
	}
	if !isNumber(a[0]) || !isNumber(b[0]) {
		return false
	}
	// Whole numbers as JSON writes them are equal only if their digits are.
	if !strings.ContainsAny(a, ".eE") && !strings.ContainsAny(b, ".eE") && a != "-0" && b != "-0" {
		return false
	}
	return canonical(a) == canonical(b)
}

func isNumber(c byte) bool { return c == '-' || c >= '0' && c <= '9' }

// canonical writes a JSON number as digits without trailing zeros, and a power
// of ten: 1.50 and 15e-1 are both 15e-1.
func canonical(n string) string {
	neg := strings.HasPrefix(n, "-")
	n = strings.TrimPrefix(n, "-")
	exp := 0
	if i := strings.IndexAny(n, "eE"); i >= 0 {
		exp = int(gjson.Parse(strings.TrimPrefix(n[i+1:], "+")).Int())
		n = n[:i]
	}
	if i := strings.IndexByte(n, '.'); i >= 0 {
		exp -= len(n) - i - 1
		n = n[:i] + n[i+1:]
	}
	n = strings.TrimLeft(n, "0")
	trimmed := strings.TrimRight(n, "0")
	exp += len(n) - len(trimmed)
	if trimmed == "" {
		return "0"
	}
	if neg {
		trimmed = "-" + trimmed
	}
	return trimmed + "e" + strconv.Itoa(exp)
}
