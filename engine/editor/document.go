package editor

import (
	"regexp"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// document is the schema of a mapping file.
func (b *builder) document() object {
	m := b.mapping
	record := &scope{lets: m.Draft.Lets, count: &counts{}}
	for _, e := range m.From {
		r := root{label: e.Name}
		if e.Schema != nil {
			r.node = e.Schema.Root()
		}
		record.roots = append(record.roots, r)
	}
	var sink *schema.Node
	if m.To.Schema != nil {
		sink = m.To.Schema.Root()
	}
	event, operation := b.reference(m.Events, "an event is written connection.event, and this is none of the configuration"),
		b.reference(m.Operations, "an operation is written connection.operation, and this is none of the configuration")
	keys := object{
		{"mapping", object{{"description", "The mapping's name; outcomes and dead letters are kept under it."}, types("string", "number", "boolean"), {"pattern", "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"}, {"patternErrorMessage", "a mapping's name has letters, digits, `-` and `_`, at most 64"}}},
		{"description", object{{"description", "What the mapping is for."}, types("string", "number", "boolean")}},
		key("from", "The event, connection.event, or a list of events.", object{types("string", "array"), {"minItems", 1}, {"items", event}, {"anyOf", []object{event, {types("array")}}}}),
		key("to", "The operation, connection.operation.", operation),
		key("when", "False: the event is skipped, and that is recorded.", b.condition(record)),
		key("let", helpLet, b.lets(record)),
		key("lookups", helpLookups, b.lookups(record)),
		{"tables", object{{"description", "Code tables, by name: rows, or a file (.csv, .yaml)."}, types("object"), {"additionalProperties", b.declaredTable()}}},
	}
	keys = append(keys, b.fieldKeys(sink, record)...)
	keys = append(keys, member{"accept", accept()})
	const message = "the mapping does not say `fields`"
	out := object{
		{"$schema", "http://json-schema.org/draft-07/schema#"},
		{"title", m.title()},
		{"type", "object"},
		{"properties", keys},
		{"additionalProperties", false},
		{"required", []string{"mapping", "from", "to"}},
		{"anyOf", []object{append(required("fields"), member{"errorMessage", message}), append(required("choose"), member{"errorMessage", message})}},
	}
	out = append(out, b.whole(sink)...)
	return append(out, member{"definitions", b.definitions})
}

// reference is the schema of the name of something that connections offer.
func (b *builder) reference(offers []Offer, message string) object {
	var names, titles []string
	for _, o := range offers {
		names, titles = append(names, o.Name), append(titles, o.Title)
	}
	var ways []object
	if len(names) > 0 {
		ways = append(ways, object{{"enum", names}, {"enumDescriptions", titles}, {"errorMessage", message}})
	}
	for _, c := range b.mapping.Unknown {
		ways = append(ways, object{{"type", "string"}, {"pattern", "^" + regexp.QuoteMeta(c) + `\..+`}, {"patternErrorMessage", message}})
	}
	if len(ways) == 0 {
		return object{{"type", "string"}, {"pattern", `^[^.]+\..+`}, {"patternErrorMessage", message}}
	}
	return object{{"anyOf", ways}}
}

// lets refers to the schema of a `let`.
func (b *builder) lets(s *scope) object {
	type lets struct{ scope *scope }
	return b.define("let", lets{s}, func() object {
		return object{types("object"), {"propertyNames", nameSchema()}, {"additionalProperties", b.value(nil, s)}}
	})
}

// nameSchema is the schema of a name of `let` or `lookups`.
func nameSchema() object {
	return object{
		{"pattern", namePattern},
		{"patternErrorMessage", "a name has letters, digits and `_`"},
		{"not", object{{"enum", []string{
			"true", "false", "nil", "in", "and", "or", "not", "let", "if", "else", "matches", "contains", "startsWith", "endsWith", "_meta",
		}}}},
	}
}

// lookups refers to the schema of a `lookups`.
func (b *builder) lookups(s *scope) object {
	type lookups struct{ scope *scope }
	return b.define("lookups", lookups{s}, func() object {
		var offers []Offer
		var cases []object
		for _, l := range b.mapping.Lookups {
			offers = append(offers, Offer{l.Name, l.Title})
			cases = append(cases, object{
				{"if", object{{"properties", object{{"from", exactly(l.Name)}}}, {"required", []string{"from"}}}},
				{"then", object{{"properties", object{{"args", b.args(l, s)}}}}},
			})
		}
		lookup := object{
			types("object"),
			{"properties", object{
				key("from", "The lookup, connection.lookup.", b.reference(offers, "a lookup is written connection.lookup, and this is none of the configuration")),
				key("when", "The lookup is asked only if this is true.", b.condition(s)),
				{"args", object{{"description", "What is asked, by the lookup's arguments."}, types("object")}},
			}},
			{"additionalProperties", false},
			{"required", []string{"from", "args"}},
		}
		if len(cases) > 0 {
			lookup = append(lookup, member{"allOf", cases})
		}
		return object{types("object"), {"propertyNames", nameSchema()}, {"additionalProperties", lookup}}
	})
}

// exactly is the schema of one text; unlike const it is not suggested, and the
// language server takes no beginning of it.
func exactly(s string) object {
	return object{{"type", "string"}, {"pattern", "^" + regexp.QuoteMeta(s) + "$"}}
}

// args is the schema of the arguments of a lookup.
func (b *builder) args(l Lookup, s *scope) object {
	if l.Args == nil {
		return object{{"additionalProperties", b.value(nil, s)}}
	}
	takes := l.Args.Root()
	properties := object{}
	for _, p := range takes.Properties {
		properties = append(properties, member{p.Name, object{
			{"title", p.Name},
			{"description", words(p.Node, needed(takes, p.Name))},
			{"anyOf", []object{b.value(p.Node, s)}},
		}})
	}
	out := object{{"properties", properties}, {"additionalProperties", any(b.value(nil, s))}}
	if takes.Closed || len(properties) > 0 {
		out[1].value = false
	}
	if len(takes.Required) > 0 {
		out = append(out, member{"required", takes.Required})
	}
	return out
}

// declaredTable refers to the schema of an entry of `tables`.
func (b *builder) declaredTable() object {
	return b.define("table", "declared", func() object {
		out := rows()
		out[0] = types("object", "string")
		return append(out, member{"pattern", `\.(csv|ya?ml)$`}, member{"patternErrorMessage", "a table's file ends in .csv, .yaml or .yml"})
	})
}

// table refers to the schema of a value's `table`.
func (b *builder) table() object {
	return b.define("table", "used", func() object {
		out := rows()
		out[0] = types("object", "string", "number", "boolean")
		out = append(out, member{"pattern", "^[^/]*$"}, member{"patternErrorMessage", "a table in a file is declared under `tables`, and used by its name"})
		var snippets []object
		for _, t := range b.mapping.Draft.Tables {
			if !slices.ContainsFunc([]rune(t), func(r rune) bool { return strings.ContainsRune(`:#{}[],"'&*!|>%@`+"`", r) }) {
				snippets = append(snippets, snippet(t, t, "A table of this mapping."))
			}
		}
		if len(snippets) > 0 {
			out = append(out, suggesting(snippets, object{{"type", "string"}}))
		}
		return out
	})
}

// rows is the schema of a table that is written out.
func rows() object {
	return object{types("object"), {"minProperties", 1}, {"additionalProperties", object{types("string", "number", "boolean", "null")}}}
}

// accept is the schema of `accept`.
func accept() object {
	text := func(help, pattern, message string) object {
		return object{{"description", help}, types("string", "number", "boolean"), {"pattern", pattern}, {"patternErrorMessage", message}}
	}
	const empty = `\S`
	return object{
		{"description", "Failures that are left to the dead letters on purpose."},
		types("array"),
		{"items", object{
			types("object"),
			{"properties", object{
				{"rule", text("The rule's id: CW305, a code without a row.", `^\s*CW3[0-9]{2}\s*$`, "`rule` is the id of a failure of an event: CW3 and two digits")},
				{"reason", text("Why it is left.", empty, "`reason` is empty")},
				{"path", text("Only failures for this path of the source and what is in it.", empty, "`path` is empty")},
				{"field", text("Only failures of this field of the sink and what is in it.", empty, "`field` is empty")},
				{"unnamed", object{{"description", "true: only values of the path that its schema does not name."}, {"enum", []bool{true}}}},
			}},
			{"additionalProperties", false},
			{"required", []string{"rule", "reason"}},
			{"dependencies", object{{"unnamed", []string{"path"}}}},
		}},
	}
}
