package editor

import (
	"slices"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// The keys of a long form, as an editor explains them.
const (
	helpPath     = "A path into the event's record: delivery_type.id."
	helpExpr     = "An expression, without `= ` before it: round(total_sum)."
	helpValue    = "A constant: a text, a number, true, a list, an object; null sends null."
	helpEach     = "For each element of this array."
	helpAs       = "The element's name; `item` if left out."
	helpWhere    = "Only elements for which this is true."
	helpFields   = "The fields of an object, each with a value."
	helpValues   = "Several values, or none, for each element."
	helpChoose   = "The first entry whose `when` is true adds its fields."
	helpTable    = "A table's name, or an inline table; the value is the key. A code without a row is an error unless there is a default."
	helpDefault  = "What is used when the value is missing."
	helpType     = "The type that the value is made: json is JSON text in a string."
	helpWhen     = "False: the field is left out, and the default is not used."
	helpRequired = "true: it is an error if the value is missing."
	helpOnError  = "What a failure does: fail (if left out), omit the field, or use the default."
	helpLet      = "Named values, each worked out at most once."
	helpLookups  = "Questions to other systems, by name."
)

// long refers to the long form of a value.
func (b *builder) long(at slot) object {
	return b.define("long", at, func() object {
		rest := b.scalar(at)
		if takes(at.node, schema.Object) {
			rest = object{
				{"if", object{{"anyOf", []object{required("fields"), required("choose")}}}},
				{"then", b.nested(at)},
				{"else", rest},
			}
		}
		if takes(at.each, schema.Array) {
			rest = object{{"if", required("each")}, {"then", b.each(at)}, {"else", rest}}
		}
		return rest
	})
}

func required(names ...string) object { return object{{"required", names}} }

// key is a key with its explanation; its schema stands in an anyOf, so that an
// editor writes the colon behind it.
func key(name, help string, schema object) member {
	return member{name, object{{"description", help}, {"anyOf", []object{schema}}}}
}

// keyword is a key of which nothing is checked in this place.
func (b *builder) keyword(name, help, kind string) member {
	all := []string{kind}
	for _, other := range []string{"string", "number", "boolean", "null", "object", "array"} {
		if other != kind {
			all = append(all, other)
		}
	}
	return b.shared(member{name, object{{"description", help}, types(all...)}}, "unchecked")
}

// shared puts a key's schema into a definition; in says where it is the same.
func (b *builder) shared(k member, in any) member {
	type shared struct {
		name string
		in   any
	}
	return member{k.name, b.define("key", shared{k.name, in}, func() object {
		s, _ := k.value.(object)
		return s
	})}
}

// modifiers are the keys that every long form takes.
func (b *builder) modifiers(at slot) object {
	return object{
		b.shared(key("when", helpWhen, b.condition(at.scope)), at.scope),
		key("default", helpDefault, b.value(at.node, at.scope)),
		b.shared(member{"required", object{{"description", helpRequired}, {"type", "boolean"}, {"errorMessage", "`required` is true or false"}}}, nil),
		b.shared(member{"on_error", object{{"description", helpOnError}, {"enum", []string{"fail", "omit", "default"}}}}, nil),
	}
}

// closed is an object that has the given keys and no others.
func closed(keys object, more ...member) object {
	out := object{{"properties", keys}, {"additionalProperties", false}}
	for _, k := range keys {
		if k.name == "on_error" {
			out = append(out,
				member{"if", object{{"properties", object{{"on_error", object{{"enum", []string{"default"}}}}}}, {"required", []string{"on_error"}}}},
				member{"then", required("default")})
		}
	}
	return append(out, more...)
}

// scalar is the long form of a path, an expression or a constant, and of what is
// not known to be one yet: then it suggests the keys of the others.
func (b *builder) scalar(at slot) object {
	keys := object{
		b.shared(key("path", helpPath, object{
			types("string", "number", "boolean"), {"pattern", "^(" + pathForm + ")"}, {"patternErrorMessage", pathHelp}, suggesting(nil, b.paths(at.scope)),
		}), at.scope),
		b.shared(key("expr", helpExpr, object{types("string", "number", "boolean")}), nil),
		b.keyword("value", helpValue, "string"),
	}
	if takes(at.each, schema.Array) {
		keys = append(keys, b.keyword("each", helpEach, "string"))
	}
	if takes(at.node, schema.Object) {
		keys = append(keys, b.keyword("fields", helpFields, "object"), b.keyword("choose", helpChoose, "array"))
	}
	keys = append(keys,
		b.shared(key("table", helpTable, b.table()), nil),
		b.shared(member{"type", object{{"description", helpType}, {"enum", []string{"string", "number", "integer", "boolean", "json"}}}}, nil),
	)
	const message = "the value does not say what it is: path, expr, value, each or fields"
	var kinds []object
	for _, k := range []string{"path", "expr", "value"} {
		kinds = append(kinds, append(required(k), member{"errorMessage", message}))
	}
	out := closed(slices.Concat(keys, b.modifiers(at)), member{"oneOf", kinds})
	if c := constant(at.node); len(c) > 0 {
		out = append(out, member{"allOf", []object{{
			{"if", object{{"anyOf", []object{required("table"), required("type")}}}},
			{"then", object{}},
			{"else", object{{"properties", object{{"value", c}}}}},
		}}})
	}
	return out
}

// nested is the long form of an object.
func (b *builder) nested(at slot) object {
	return closed(slices.Concat(b.fieldKeys(at.node, at.scope), b.modifiers(at)), b.whole(at.node)...)
}

// each is the long form of an array that is made from an array: what its keys
// are, and for every array of the source that the schema knows what paths mean
// in its element.
func (b *builder) each(at slot) object {
	keys := object{
		b.shared(key("each", helpEach, object{types("string", "object", "array"), {"allOf", []object{b.value(nil, at.scope)}}}), at.scope),
		b.shared(key("as", helpAs, object{types("string", "number", "boolean"), {"pattern", namePattern}}), nil),
		b.keyword("where", helpWhere, "string"),
		b.keyword("let", helpLet, "object"),
		b.keyword("lookups", helpLookups, "object"),
		b.keyword("fields", helpFields, "object"),
		b.keyword("choose", helpChoose, "array"),
		b.keyword("value", helpValue, "string"),
		b.keyword("values", helpValues, "array"),
	}
	const message = "`each` has one of `fields`, `value` and `values`"
	makes := []object{
		{{"anyOf", []object{append(required("fields"), member{"errorMessage", message}), append(required("choose"), member{"errorMessage", message})}}},
		append(required("value"), member{"errorMessage", message}),
		append(required("values"), member{"errorMessage", message}),
	}
	out := closed(slices.Concat(keys, b.modifiers(slot{at.each, at.each, at.scope})), member{"oneOf", makes})
	var known, cases []object
	for _, inner := range at.scope.elements(&b.mapping.Draft) {
		test := element(inner)
		known = append(known, test)
		cases = append(cases, object{{"if", test}, {"then", b.element(at.each, inner)}})
	}
	other := b.element(at.each, at.scope)
	if len(known) > 0 {
		other = object{{"if", object{{"anyOf", known}}}, {"then", object{}}, {"else", other}}
	}
	return append(out, member{"allOf", append(cases, other)})
}

// element tests whether an each goes over the array of a scope, and its name.
func element(s *scope) object {
	test := object{{"properties", object{{"each", exactly(s.path)}, {"as", exactly(s.name)}}}}
	if s.name == "item" {
		return append(test, member{"required", []string{"each"}})
	}
	return append(test, member{"required", []string{"each", "as"}})
}

// element refers to what an each makes of an element whose scope is s.
func (b *builder) element(array *schema.Node, s *scope) object {
	type element struct {
		array *schema.Node
		scope *scope
	}
	return b.define("element", element{array, s}, func() object {
		var item *schema.Node
		if array != nil {
			item = array.Items
		}
		keys := object{
			key("where", helpWhere, b.condition(s)),
			key("let", helpLet, b.lets(s)),
			key("lookups", helpLookups, b.lookups(s)),
			key("value", helpValue, b.value(item, s)),
			key("values", helpValues, object{types("array"), {"items", b.entry(array, s)}}),
		}
		return append(object{{"properties", slices.Concat(keys, b.fieldKeys(item, s))}}, b.whole(item)...)
	})
}

// condition refers to the schema of a when or where.
func (b *builder) condition(s *scope) object {
	if b.boolean == nil {
		b.boolean = &schema.Node{Types: schema.Boolean}
	}
	type condition struct{ scope *scope }
	return b.define("condition", condition{s}, func() object {
		return object{
			types("string", "boolean", "object"),
			{"pattern", valueForm},
			{"patternErrorMessage", valueHelp},
			suggesting([]object{expression()}, b.paths(s)),
			{"if", object{{"type", "object"}}},
			{"then", b.long(slot{b.boolean, b.boolean, s})},
		}
	})
}
