// Package rules lists every rule that a diagnostic can name: CW1xx of mapping
// files, CW2xx of the configuration, CW3xx of events. mappings/README.md and
// engine/config/README.md show each with an example.
package rules

import (
	"slices"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// All returns all rules in the order of their ids.
func All() []diag.Rule {
	return slices.Concat(mappings(), configuration(), events())
}

func configuration() []diag.Rule {
	return []diag.Rule{
		{ID: "CW201", Title: "Unreadable configuration", Explanation: "The configuration's file is not there, may not be read, or is larger than 1 MiB."},
		{ID: "CW202", Title: "YAML of the configuration", Explanation: "The configuration is not YAML, or uses tags, anchors, aliases, merge keys or several documents, which are not supported."},
		{ID: "CW203", Title: "Doubled key of the configuration", Explanation: "A key stands twice in one map, so that one of its values would be lost."},
		{ID: "CW204", Title: "Unknown key of the configuration", Explanation: "A key has no meaning where it stands, so what it says would be ignored."},
		{ID: "CW205", Title: "Missing key of the configuration", Explanation: "A key is not there without which the engine cannot run, or without which a connection that a mapping reads from takes no webhooks."},
		{ID: "CW206", Title: "Value of the configuration", Explanation: "A value is of the wrong kind, form or size for its key."},
		{ID: "CW207", Title: "Misspelt reference", Explanation: "A ${…} is misspelt, or stands where the value itself must be written."},
		{ID: "CW208", Title: "Unresolved reference", Explanation: "The environment variable or the file that a ${…} names is not to be had."},
		{ID: "CW209", Title: "No mapping file", Explanation: "A path under `mappings` names no file."},
		{ID: "CW210", Title: "Connection's config", Explanation: "A connection's `config` breaks the schema that its plugin gives."},
		{ID: "CW211", Title: "Plugin not to be asked", Explanation: "A connection's plugin is not in the folder of plugins, or does not answer."},
		{ID: "CW212", Title: "Two mappings of one name", Explanation: "Outcomes are kept by a mapping's name, so that each needs its own."},
		{ID: "CW213", Title: "Unfinished draft", Explanation: "A mapping that `crosswalk init` has drafted still says TODO, where a person has to fill something in or to leave it out."},
		{ID: "CW214", Title: "Fixed while the engine runs", Explanation: "A key was changed that takes effect only when the engine starts, so that the configuration is not put in the place of the one that runs."},
		{ID: "CW215", Title: "Connection that nothing reads", Explanation: "A connection has a token, so that it takes webhooks, and no mapping reads from it, so that they go nowhere."},
	}
}

func events() []diag.Rule {
	return []diag.Rule{
		{ID: "CW300", Title: "Fault of Crosswalk", Explanation: "The event met a mistake in the program itself, and nothing was sent; the log and the event help to mend it."},
		{ID: "CW301", Title: "Missing in an expression", Explanation: "An expression needs a value that the event does not have."},
		{ID: "CW302", Title: "Source value of another type", Explanation: "The event holds a value that is not of the type that the source's schema says."},
		{ID: "CW303", Title: "Value not of the sink's type", Explanation: "A value cannot become the type of its sink field without losing something."},
		{ID: "CW304", Title: "Required field is missing", Explanation: "The sink requires a field, always or for such a record, and this event gives it no value."},
		{ID: "CW305", Title: "No row in the table", Explanation: "The event holds a code that the table has no row for, and the rule has no default."},
		{ID: "CW306", Title: "Not an array", Explanation: "An `each` met something that is no array."},
		{ID: "CW307", Title: "Arithmetic and size", Explanation: "A number has no result (a division by zero, an overflow), or a value becomes larger than a record may be."},
		{ID: "CW308", Title: "Operand of another kind", Explanation: "An operator met values in this event that it cannot work with."},
		{ID: "CW309", Title: "No choice", Explanation: "No `when` of a `choose` is true for this event."},
		{ID: "CW310", Title: "Value outside the sink's list", Explanation: "The sink's field takes one of a list of values, and this event gives another."},
		{ID: "CW311", Title: "Argument of a function", Explanation: "A function cannot do its work with the value of this event."},
		{ID: "CW312", Title: "Unanswered lookup", Explanation: "A mapping asks a lookup, and it is run without an answer to it."},
		{ID: "CW313", Title: "Answer that is no object", Explanation: "A plugin answers a lookup with something that is no JSON object."},
		{ID: "CW314", Title: "Ambiguous lookup", Explanation: "Several things fit what a lookup asks, and none may be picked."},
		{ID: "CW315", Title: "Refused lookup", Explanation: "The other system refuses a lookup's question."},
		{ID: "CW320", Title: "Record that the sink's schema refuses", Explanation: "What `validate --exhaustive` maps breaks the sink's schema in a way that only the schema knows, as a list without elements."},
	}
}
