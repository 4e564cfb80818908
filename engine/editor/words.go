package editor

import (
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// maxChoices is how many values of a list a description names.
const maxChoices = 20

// words says what a field is, in paragraphs: the vendor's label, what is said of
// it, and what it holds. notes stand at the end of the last one.
func words(n *schema.Node, notes ...string) string {
	var parts []string
	if n != nil {
		for _, s := range []string{n.Title, n.Description} {
			if s != "" && !slices.Contains(parts, s) {
				parts = append(parts, s)
			}
		}
		notes = append([]string{kindOf(n)}, notes...)
	}
	if last := strings.Join(slices.DeleteFunc(notes, func(s string) bool { return s == "" }), "; "); last != "" {
		parts = append(parts, strings.ToUpper(last[:1])+last[1:]+".")
	}
	return strings.Join(parts, "\n\n")
}

// kindOf says what a field holds: "whole number; one of 1 (pickup), 2 (courier)".
func kindOf(n *schema.Node) string {
	out := strings.Join(n.Types.Words(), " or ")
	for _, list := range []struct {
		name    string
		choices []schema.Choice
	}{{"one of", n.Choices}, {"known are", n.Known}} {
		if len(list.choices) == 0 {
			continue
		}
		var values []string
		for i, c := range list.choices {
			if i == maxChoices {
				values = append(values, "…")
				break
			}
			values = append(values, choice(c))
		}
		if out != "" {
			out += "; "
		}
		out += list.name + " " + strings.Join(values, ", ")
	}
	return out
}

// choice says one value of a list: 1 (pickup).
func choice(c schema.Choice) string {
	if c.Title == "" {
		return c.JSON
	}
	return c.JSON + " (" + c.Title + ")"
}

// needed says when an object must have a field; "" if it need not.
func needed(of *schema.Node, name string) string {
	if of == nil {
		return ""
	}
	if slices.Contains(of.Required, name) {
		return "required"
	}
	for i := range of.Conditions {
		if slices.Contains(of.Conditions[i].Required, name) {
			return "required when " + of.Conditions[i].If.String()
		}
	}
	return ""
}
