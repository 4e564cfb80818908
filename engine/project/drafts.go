package project

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/suggest"
)

// maxTodoLines is how many lines of a draft are named.
const maxTodoLines = 20

// unfinished finds a mapping that `crosswalk init` has drafted and that still says
// TODO. One that cannot be read is reported by whoever compiles it.
func unfinished(file string) diag.List {
	text, err := ReadBounded("the mapping", file, mapping.MaxFile)
	if err != nil {
		return nil
	}
	lines := suggest.Unfinished(text)
	if len(lines) == 0 {
		return nil
	}
	var named []string
	for _, n := range lines[:min(len(lines), maxTodoLines)] {
		named = append(named, strconv.Itoa(n))
	}
	if len(lines) > maxTodoLines {
		named = append(named, "…")
	}
	said := "1 line says TODO"
	if len(lines) > 1 {
		said = fmt.Sprintf("%d lines say TODO: %s", len(lines), strings.Join(named, ", "))
	}
	source := strings.TrimRight(strings.Split(string(text), "\n")[lines[0]-1], "\r")
	at := strings.Index(source, "TODO")
	return diag.List{{
		Severity: diag.Error, Rule: RuleDraft,
		Position: diag.Position{File: Relative(file), Line: lines[0], Column: utf8.RuneCountInString(source[:at]) + 1},
		Source:   source, EndColumn: utf8.RuneCountInString(source) + 1,
		Message: "this draft is not finished: " + said,
		Hint:    "fill each in, or delete the line where nothing is to be done",
	}}
}

// withDraft adds to what was found in a mapping file that it is an unfinished draft, and
// takes out what its TODOs say already: that tables lack rows.
func withDraft(file string, found diag.List) diag.List {
	draft := unfinished(file)
	if len(draft) > 0 {
		found = slices.DeleteFunc(found, func(d diag.Diagnostic) bool {
			return d.Rule == RuleNoRow && d.Severity == diag.Warning && suggest.OfTodo(d.Source)
		})
	}
	return append(found, draft...)
}
