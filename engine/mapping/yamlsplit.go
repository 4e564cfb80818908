package mapping

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// split recognises an unquoted value inside { } that YAML cut at commas, as in
// {path: x, when: = f(a, b)} or {value: a, b}, and reports it once. The nodes
// begin with the value; what YAML made of the rest are keys without values.
func (d *document) split(nodes []*yaml.Node, what string) bool {
	before := nodes[0]
	if d.broken[before] {
		return true
	}
	if before.Kind != yaml.ScalarNode || before.Style != 0 {
		return false
	}
	text := what == "a value" && !slices.Contains(longKeys(), nodes[1].Value)
	if !text && !strings.HasPrefix(before.Value, "=") && !strings.ContainsAny(before.Value, "([{") {
		return false
	}
	d.broken[before] = true
	whole, last := before.Value, before
	for i := 1; i+1 < len(nodes) && (i == 1 || unbalanced(whole)) && diag.IsNull(nodes[i+1]); i += 2 {
		whole, last = whole+", "+nodes[i].Value, nodes[i]
		d.broken[nodes[i+1]] = true
	}
	d.commaCut("{ }", whole, before, last)
	return true
}

// splitList does the same for the first of a list's values, as in [= f(a, b)].
func (d *document) splitList(items []*yaml.Node) bool {
	first := items[0]
	if d.broken[first] {
		return true
	}
	if first.Kind != yaml.ScalarNode || first.Style != 0 || !strings.HasPrefix(first.Value, "=") || !unbalanced(first.Value) {
		return false
	}
	whole, n := first.Value, 1
	for ; n < len(items) && unbalanced(whole); n++ {
		if items[n].Kind != yaml.ScalarNode || items[n].Style != 0 {
			return false
		}
		whole += ", " + items[n].Value
	}
	if n == 1 {
		return false // it is just not closed
	}
	for _, item := range items[:n] {
		d.broken[item] = true
	}
	d.commaCut("[ ]", whole, first, items[n-1])
	return true
}

func (d *document) commaCut(brackets, whole string, first, last *yaml.Node) {
	at := d.spanOf(first)
	if last.Line == first.Line {
		at.end = last.Column + utf8.RuneCountInString(last.Value)
	}
	d.errorAt("CW101", at, fmt.Sprintf("quote it: '%s'", strings.ReplaceAll(whole, "'", "''")), "inside %s the comma ends this value", brackets)
}

// unbalanced reports whether a text opens a bracket that it does not close.
func unbalanced(s string) bool {
	return strings.Count(s, "(")+strings.Count(s, "[") > strings.Count(s, ")")+strings.Count(s, "]")
}
