// Package diag holds what Crosswalk tells a person about a file that they wrote:
// a position, a message, a stable rule id, the offending line with a caret under
// it, and what to do. It is a leaf and knows nothing of mappings or plugins.
package diag

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Severity says whether a diagnostic keeps a file from being used.
type Severity int

const (
	// Error keeps the file from being used.
	Error Severity = iota
	// Warning does not, unless the caller is strict.
	Warning
)

// String returns error or warning.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Position is a place in a text file. The zero Line means that only the file is
// known, the zero File that not even that is.
type Position struct {
	// File is the path as the user gave it.
	File string
	// Line counts from 1.
	Line int
	// Column counts characters (Unicode code points, a tab is one) from 1.
	Column int
}

// String returns file:line:col, without the parts that are not known.
func (p Position) String() string {
	var parts []string
	if p.File != "" {
		parts = append(parts, p.File)
	}
	if p.Line > 0 {
		parts = append(parts, strconv.Itoa(p.Line))
		if p.Column > 0 {
			parts = append(parts, strconv.Itoa(p.Column))
		}
	}
	return strings.Join(parts, ":")
}

// Diagnostic is one problem shown to a person.
type Diagnostic struct {
	Severity Severity
	// Rule is a stable id, CW followed by three digits.
	Rule string
	// Message says in one line what is wrong, naming the field, path or key.
	Message string
	// Hint says what to do about it; empty if nothing better than Message is known.
	Hint     string
	Position Position
	// EndColumn is the column just behind the offending text on the same line;
	// 0 or anything not greater than Position.Column means one character.
	EndColumn int
	// Source is the text of the line at Position, without its line end.
	Source string
}

// Error returns the diagnostic on one line: file:line:col: error CW101: message.
func (d Diagnostic) Error() string {
	var b strings.Builder
	if at := d.Position.String(); at != "" {
		b.WriteString(at)
		b.WriteString(": ")
	}
	b.WriteString(d.Severity.String())
	if d.Rule != "" {
		b.WriteByte(' ')
		b.WriteString(d.Rule)
	}
	b.WriteString(": ")
	b.WriteString(d.Message)
	return b.String()
}

// List is a number of diagnostics.
type List []Diagnostic

// Sort orders the list by file, line, column, severity, rule and message.
// It is stable and removes nothing; Compact does.
func (l List) Sort() {
	slices.SortStableFunc(l, compare)
}

// Compact returns the list sorted and without diagnostics that say the same of
// the same place. It reuses the list's memory.
func (l List) Compact() List {
	l.Sort()
	return slices.CompactFunc(l, func(a, b Diagnostic) bool { return compare(a, b) == 0 })
}

func compare(a, b Diagnostic) int {
	return cmp.Or(
		cmp.Compare(a.Position.File, b.Position.File),
		cmp.Compare(a.Position.Line, b.Position.Line),
		cmp.Compare(a.Position.Column, b.Position.Column),
		cmp.Compare(a.Severity, b.Severity),
		cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Message, b.Message),
	)
}

// HasErrors reports whether any diagnostic is an error.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Count returns how many errors and how many warnings the list holds.
func (l List) Count() (errs, warnings int) {
	for _, d := range l {
		if d.Severity == Error {
			errs++
		} else {
			warnings++
		}
	}
	return errs, warnings
}

// Err returns the list's errors as one error that unwraps to each Diagnostic, or
// nil if there are only warnings.
func (l List) Err() error {
	var errs []error
	for _, d := range l {
		if d.Severity == Error {
			errs = append(errs, d)
		}
	}
	return errors.Join(errs...)
}

// Suggest returns the candidate that is most likely what was meant by name, or ""
// if none is close: it allows one slip in a short name and one for each three
// characters in a longer one, and takes no notice of case, nor of letters of another
// alphabet that look the same.
func Suggest(name string, candidates []string) string {
	runes := []rune(strings.ToLower(Latin(name)))
	limit := max(1, (len(runes)+1)/3)
	best, bestDistance := "", limit+1
	for _, c := range candidates {
		other := []rune(strings.ToLower(Latin(c)))
		if c == name || max(len(other)-len(runes), len(runes)-len(other)) > limit {
			continue
		}
		if d := distance(runes, other); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if bestDistance > limit || bestDistance >= len(runes) {
		return ""
	}
	return best
}

// DidYouMean returns "did you mean `x`?" for the candidate closest to name, or "".
// Of a name that looks like it and is written with other letters it says which.
func DidYouMean(name string, candidates []string) string {
	s := Suggest(name, candidates)
	if s == "" {
		return OddLetter(name)
	}
	meant := fmt.Sprintf("did you mean `%s`?", s)
	odd := OddLetter(name)
	if odd == "" && Foreign(s) == "" && strings.EqualFold(Latin(name), s) {
		odd = Foreign(name) // all letters are Cyrillic, and all look Latin
	}
	if odd == "" && OddLetter(s) != "" {
		return meant + " There " + OddLetter(s)
	}
	if odd != "" {
		return meant + " " + strings.ToUpper(odd[:1]) + odd[1:]
	}
	return meant
}

// ThereAre lists what there is: "there is saleapp", "there are crm, shop"; "" for none.
func ThereAre(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return "there is " + names[0]
	}
	return "there are " + strings.Join(names, ", ")
}

// Known says which of the names that there are may be meant by one that is none of them,
// or else which there are; "" where there are none.
func Known(name string, known []string) string {
	if hint := DidYouMean(name, known); hint != "" {
		return hint
	}
	return ThereAre(known)
}

// distance counts the insertions, deletions, substitutions and swaps of
// neighbours that make b out of a.
func distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
