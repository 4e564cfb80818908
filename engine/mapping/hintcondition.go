package mapping

import (
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// conditionHint says how a value of a type that is no condition becomes one. text is
// what was written, ref the path that it is nothing but, or nil; inside tells that it
// stands in an expression already.
func conditionHint(text string, t typ, ref *reference, inside bool) string {
	begin, there := "= ", ""
	if inside {
		begin = ""
	}
	if ref != nil && !strings.ContainsAny(text, "\"'`?\\") {
		there = begin + `has("` + text + `")`
	}
	if strings.Contains(text, " ") && ref == nil {
		text = "(" + text + ")"
	}
	compared := begin + text
	switch kinds := t.kinds &^ schema.Null; {
	case kinds&^anyNumber == 0:
		if t.node != nil && slices.ContainsFunc(t.node.Choices, func(c schema.Choice) bool { return c.JSON == "1" }) {
			compared += " == 1"
		} else {
			compared += " > 0"
		}
	case kinds == schema.Text:
		if t.node != nil && len(t.node.Choices) > 0 {
			compared += " == " + t.node.Choices[0].JSON
		} else {
			compared += ` == "…"`
		}
	case kinds == schema.Array:
		compared = begin + "len(" + text + ") > 0"
	case kinds == schema.Object && there != "":
		return "ask whether it is there: " + there
	case kinds == schema.Object:
		return "name a field of it and compare that with something"
	default:
		compared += " != nil"
	}
	if there == "" {
		return "compare it with something: " + compared
	}
	return "compare it with something: " + compared + ", or ask whether it is there: " + there
}

// truth is the truth value that a word of YAML's or another language's means.
func truth(word string) string {
	switch strings.ToLower(word) {
	case "yes", "on", "true", "y", "1":
		return "true"
	case "no", "off", "false", "n", "0":
		return "false"
	}
	return ""
}

// constantConditionHint is conditionHint for a constant in JSON.
func constantConditionHint(raw string) string {
	if word := truth(strings.Trim(raw, `"`)); word != "" {
		return "write " + word
	}
	return "write true or false, or an expression that compares, as in `= payed == 1`"
}
