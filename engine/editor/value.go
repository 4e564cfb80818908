package editor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// slot is a place where a value stands: what the sink takes there, nil for
// anything, and what paths mean there. each is what an `each` in a list makes:
// the list itself, as its elements are spread.
type slot struct {
	node, each *schema.Node
	scope      *scope
}

func (b *builder) value(n *schema.Node, s *scope) object {
	n = b.alike(n)
	return b.slot(slot{n, n, s})
}

// alike gives one node for all that take the same single values: what a value
// looks like does not depend on what its field is called.
func (b *builder) alike(n *schema.Node) *schema.Node {
	if n == nil || n.Types.Has(schema.Object) || n.Types.Has(schema.Array) {
		return n
	}
	kind := fmt.Sprint(n.Types, n.Choices, n.Known)
	if b.single[kind] == nil {
		b.single[kind] = n
	}
	return b.single[kind]
}

// slot refers to the schema of a value of any form.
func (b *builder) slot(at slot) object {
	return b.define("value", at, func() object {
		out := object{types(b.types(at.node)...), {"pattern", valueForm}, {"patternErrorMessage", valueHelp}}
		if takes(at.node, schema.Array) {
			out = append(out, member{"items", b.entry(at.node, at.scope)})
		}
		out = append(out, suggesting(append(constants(at.node), expression()), b.paths(at.scope)))
		rest := []object{{{"if", object{{"type", "object"}}}, {"then", b.long(at)}}}
		if numbers := choices(at.node, false); len(numbers) > 0 && slices.Contains(b.types(at.node), "number") {
			rest = append(rest, object{{"if", object{types("number", "boolean")}}, {"then", list(at.node, numbers)}})
		}
		return append(out, member{"allOf", rest})
	})
}

// entry refers to the schema of an entry of a list that makes the array n.
func (b *builder) entry(n *schema.Node, s *scope) object {
	if n == nil {
		return b.value(nil, s)
	}
	return b.slot(slot{b.alike(n.Items), n, s})
}

// takes reports whether a value of a type may stand in n.
func takes(n *schema.Node, t schema.Types) bool { return n == nil || n.Types.Has(t) }

// types names the types that YAML may write a value for n in.
func (b *builder) types(n *schema.Node) []string {
	out := []string{"string", "object"}
	if takes(n, schema.Array) {
		out = append(out, "array")
	}
	if takes(n, schema.Boolean) {
		out = append(out, "boolean")
	}
	if number := takes(n, schema.Integer|schema.Number|schema.Text|schema.Boolean); number && (n == nil || len(n.Choices) == 0 || len(choices(n, false)) > 0) {
		out = append(out, "number")
	}
	return out
}

// choices lists the values of a list of n as JSON, in every type that becomes
// them; the texts too if that is wanted.
func choices(n *schema.Node, texts bool) []schema.Choice {
	if n == nil {
		return nil
	}
	var out []schema.Choice
	add := func(json, title string, text bool) {
		if text == texts || texts {
			out = append(out, schema.Choice{JSON: json, Title: title})
		}
	}
	for _, c := range n.Choices {
		switch {
		case c.JSON[0] == '"':
			add(c.JSON, c.Title, true)
			if inner := strings.Trim(c.JSON, `"`); isNumber(inner) {
				add(inner, c.Title, false)
			}
		case isNumber(c.JSON):
			add(c.JSON, c.Title, false)
			add(`"`+c.JSON+`"`, c.Title, true)
		case c.JSON == "true" || c.JSON == "false":
			add(c.JSON, c.Title, false)
			digit := map[string]string{"true": "1", "false": "0"}[c.JSON]
			add(digit, c.Title, false)
			add(`"`+c.JSON+`"`, c.Title, true)
			add(`"`+digit+`"`, c.Title, true)
		default:
			add(c.JSON, c.Title, true)
		}
	}
	return out
}

// list is the schema of one of some values, with what each means.
func list(n *schema.Node, values []schema.Choice) object {
	enum, titles := make([]raw, len(values)), make([]string, len(values))
	for i, c := range values {
		enum[i], titles[i] = raw(c.JSON), c.Title
	}
	out := object{{"enum", enum}, {"enumDescriptions", titles}}
	if hint := kindOf(n); len(values) <= maxChoices {
		out = append(out, member{"errorMessage", "this cannot be the value: " + hint})
	}
	return out
}

// raw is a value in JSON.
type raw string

// MarshalJSON gives the value itself.
func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// constants suggests the values of a sink's list as they are written in YAML.
func constants(n *schema.Node) []object {
	if n == nil {
		return nil
	}
	var out []object
	for _, c := range slices.Concat(n.Choices, n.Known) {
		written := c.JSON
		if c.JSON[0] == '"' || c.JSON[0] == '[' || c.JSON[0] == '{' {
			written = "{value: " + c.JSON + "}"
		}
		label := written
		if c.Title != "" {
			label += " (" + c.Title + ")"
		}
		out = append(out, snippet(label, written, c.Title))
	}
	if len(out) == 0 && n.Types&^schema.Null == schema.Boolean {
		out = append(out, snippet("true", "true", ""), snippet("false", "false", ""))
	}
	return out
}

// isNumber reports whether s is a JSON number, near enough for what a schema holds.
func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.eE+-") == "" && strings.ContainsAny(s, "0123456789")
}

// constant is the schema of what {value: …} holds for n.
func constant(n *schema.Node) object {
	if n == nil {
		return object{}
	}
	if len(n.Choices) > 0 {
		return list(n, choices(n, true))
	}
	var allowed []string
	for _, t := range []struct {
		name string
		when schema.Types
	}{
		{"string", schema.Text | schema.Integer | schema.Number | schema.Boolean},
		{"number", schema.Text | schema.Integer | schema.Number | schema.Boolean},
		{"boolean", schema.Boolean},
		{"object", schema.Object},
		{"array", schema.Array},
		{"null", schema.Null},
	} {
		if takes(n, t.when) {
			allowed = append(allowed, t.name)
		}
	}
	if len(allowed) == 0 {
		return object{}
	}
	return object{types(allowed...)}
}
