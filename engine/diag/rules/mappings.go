package rules

import "github.com/crosswalk-etl/crosswalk/engine/diag"

func mappings() []diag.Rule {
	return []diag.Rule{
		{ID: "CW100", Title: "Unreadable mapping", Explanation: "The file is larger than 1 MiB or is not UTF-8 text."},
		{ID: "CW101", Title: "YAML syntax", Explanation: "The file is not YAML, or YAML understands it otherwise than it was meant."},
		{ID: "CW102", Title: "YAML that is not supported", Explanation: "Anchors, aliases, tags, merge keys, second documents and deep nesting hide what a mapping does, and are refused."},
		{ID: "CW103", Title: "Doubled key", Explanation: "A key stands twice in one map, so that one of its values would be lost."},
		{ID: "CW104", Title: "Unknown key", Explanation: "A key has no meaning where it stands, so what it says would be ignored."},
		{ID: "CW105", Title: "Wrong kind of value", Explanation: "A key has a value of a kind or form that it cannot have."},
		{ID: "CW106", Title: "Missing key", Explanation: "Something is not there without which the mapping means nothing."},
		{ID: "CW107", Title: "Not supported yet", Explanation: "This version cannot do what the mapping asks for."},
		{ID: "CW110", Title: "Unknown connection, event or operation", Explanation: "`from` or `to` names something that the configuration does not offer."},
		{ID: "CW111", Title: "Connection not to be described", Explanation: "The plugin of a connection could not be asked, so that nothing can be checked against its schema."},
		{ID: "CW120", Title: "Malformed path", Explanation: "A path or a field's name is not written as paths are, and would silently find nothing."},
		{ID: "CW121", Title: "Unknown field of the source", Explanation: "The source's schema has no such field, so that the value would always be missing."},
		{ID: "CW122", Severity: diag.Warning, Title: "Field that the source's schema does not list", Explanation: "The source allows fields of the users' own, and this may be one or a slip."},
		{ID: "CW123", Title: "Path through a wrong type", Explanation: "A step of a path goes into something that has no such steps, as a text or an array."},
		{ID: "CW124", Severity: diag.Warning, Title: "Hidden field", Explanation: "A name hides the source's field of the same name, which then cannot be reached."},
		{ID: "CW125", Title: "Unusable name", Explanation: "A name is taken, reserved, or not made of letters, digits and `_`."},
		{ID: "CW130", Title: "Expression syntax", Explanation: "An expression cannot be read."},
		{ID: "CW131", Title: "Unknown function", Explanation: "An expression calls a function or uses an operator that the language does not have."},
		{ID: "CW132", Title: "Number of arguments", Explanation: "A function is given too few or too many arguments."},
		{ID: "CW133", Title: "Types of an expression", Explanation: "An operator, a function or a condition gets a type that it can never work with."},
		{ID: "CW134", Title: "Constant argument", Explanation: "A regular expression, a date's format, a time zone or a region is none."},
		{ID: "CW140", Title: "Unknown field of the sink", Explanation: "The operation takes no field of that name."},
		{ID: "CW141", Severity: diag.Warning, Title: "Field that the sink's schema does not list", Explanation: "The sink allows fields of the users' own, and this may be one or a slip."},
		{ID: "CW142", Title: "Required field without a rule", Explanation: "The sink requires a field that no rule makes, so that no event could be delivered."},
		{ID: "CW143", Title: "Field required in some cases", Explanation: "The sink requires a field for some records, and no rule makes it; an error where such records are sure, a warning where they are possible."},
		{ID: "CW144", Title: "Type of the sink's field", Explanation: "A value can never become the type of its sink field."},
		{ID: "CW145", Title: "Constant outside the sink's list", Explanation: "The sink's field takes one of a list of values, and the constant is none of them."},
		{ID: "CW146", Title: "Array against single value", Explanation: "An array goes to a field that takes one value, or one value to a field that takes an array."},
		{ID: "CW147", Title: "Field made twice", Explanation: "Two rules make the same field, so that one would be lost."},
		{ID: "CW150", Title: "Name that needs itself", Explanation: "Names of `let` need each other in a circle."},
		{ID: "CW151", Severity: diag.Warning, Title: "Unused name", Explanation: "A name of `let` is used nowhere."},
		{ID: "CW152", Severity: diag.Warning, Title: "Unused table", Explanation: "A table is used nowhere."},
		{ID: "CW153", Title: "Unknown table", Explanation: "A rule reads a table that the mapping does not have."},
		{ID: "CW160", Title: "Malformed table", Explanation: "A table has no rows, or a row that is no single value."},
	}
}
