// Package exhaust looks for the events that a mapping fails on before they come.
//
// It makes records from the source's schema: every value that the schema names (an
// enum, a boolean, x-crosswalk-known) and one beside them where the list is open,
// what the mapping compares with, the keys of its tables, each optional field
// there, null and absent, arrays of 0, 1 and 2 elements, texts of one word and of
// several, of digits, empty and long, numbers and texts a little beyond the bounds of
// the sink's fields and of lookups' arguments, texts and lists around the lengths that
// the mapping compares theirs with, first one change at a time and then pairs. A
// lookup's answer is tried like a part of the record: found, with each field that its
// schema does not require there and absent, or not found; what it is asked is held
// against the schema of its arguments. Each record is mapped and the result held
// against the sink's schema. The order is fixed and the number of records bounded,
// so the same mapping always gives the same findings.
//
// What the schema requires, and the source's key, are always there, and a record that
// the source's schema does not allow shows nothing, but for null in place of what is
// absent: a money field never holds "abc". Null is tried in pairs only where the mapping
// makes something else of it than of what is absent.
package exhaust

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

const (
	// RuleSink is the rule id of a record that the sink's schema refuses for a reason
	// that the mapping's own checks do not know, such as an empty list.
	RuleSink = "CW320"
	// RuleAccept is the rule id of an `accept` that applies to nothing.
	RuleAccept = "CW155"
)

const (
	// maxRecords is how many records are tried for one event's schema.
	maxRecords = 40_000
	// maxWork bounds what all records of one schema cost, as mapping.Result counts it,
	// with the bytes that are made: some seconds.
	maxWork = 1 << 28
	// maxKinds is how many distinct failures of one schema are looked into.
	maxKinds = 60
	// maxWitnesses is how many records of one failure are kept, each with other
	// places changed: an `accept` may cover one cause of a failure and not the next.
	maxWitnesses = 12
	// maxProbes is how many records are tried to find what matters in one.
	maxProbes = 500
	// maxShrinking is how many records are tried to look for further causes of failures
	// that one was found of.
	maxShrinking = 8_000
)

// Report is what was found about one mapping.
type Report struct {
	// Findings are the failures that the mapping does not accept, as errors at their
	// rules, and the entries of `accept` that apply to nothing, as warnings; sorted.
	Findings diag.List
	// Records is how many records were mapped.
	Records int
	// Mapped is how many of them became a record of the sink's, also one that its schema
	// refuses, and Skipped how many the mapping's `when` left out.
	Mapped, Skipped int
	// Cut means that the number of records, or the work that they may cost, was used up
	// before every pair was tried.
	Cut bool
}

// Check tries a mapping with records of every event that it takes. The error is the
// catalog's.
func Check(p *mapping.Program, cat mapping.Catalog) (Report, error) {
	var report Report
	sink, err := cat.Operation(p.To().Connection, p.To().Name)
	if err != nil {
		return report, fmt.Errorf("schema of %s: %w", p.To(), err)
	}
	lookups, err := lookupsOf(p, cat)
	if err != nil {
		return report, err
	}
	var failures []finding
	var done []*schema.Schema
	for _, ref := range p.From() {
		source, err := cat.Event(ref.Connection, ref.Name)
		if err != nil {
			return report, fmt.Errorf("schema of %s: %w", ref, err)
		}
		same := func(other *schema.Schema) bool {
			return source != nil && other != nil && source.Key() == other.Key() && reflect.DeepEqual(source.Root(), other.Root())
		}
		if slices.ContainsFunc(done, same) {
			continue
		}
		done = append(done, source)
		s := newSearch(p, ref, source, sink, lookups)
		s.run()
		failures = append(failures, s.findings()...)
		report.Records += s.records
		report.Mapped += s.mappedRecords
		report.Skipped += s.skippedRecords
		report.Cut = report.Cut || s.cut
	}
	used := make([]bool, len(p.Accepts()))
	groups := map[string][]finding{}
	var order []string
	for _, f := range failures {
		if accepted(p.Accepts(), f, used) {
			continue
		}
		if groups[f.cause] == nil {
			order = append(order, f.cause)
		}
		groups[f.cause] = append(groups[f.cause], f)
	}
	for _, cause := range order {
		report.Findings = append(report.Findings, diagnosticOf(groups[cause]))
	}
	for i, a := range p.Accepts() {
		if !used[i] {
			report.Findings = append(report.Findings, unused(a))
		}
	}
	report.Findings = report.Findings.Compact()
	return report, nil
}

// accepted reports whether an entry covers the finding, and notes all that do.
func accepted(entries []mapping.Accept, f finding, used []bool) bool {
	found := false
	for i, a := range entries {
		if a.Rule == f.diag.Rule && (a.Field == "" || within(f.field, a.Field)) && (a.Path == "" || f.about(a)) {
			found, used[i] = true, true
		}
	}
	return found
}

// about reports whether a finding is about the entry's path: the failure names it, or
// it is missing or empty in the record. A code there is only what goes along, unless
// the failure names no path at all.
func (f *finding) about(a mapping.Accept) bool {
	named := f.path != "" && within(f.path, a.Path)
	if named && !a.Unnamed {
		return true
	}
	// Where something is missing, that is the cause, and not the codes beside it.
	anything := f.path == "" && !slices.ContainsFunc(f.conditions, condition.empty)
	for _, c := range f.conditions {
		if !within(c.path, a.Path) {
			continue
		}
		if a.Unnamed && c.unnamed && (named || f.path == "") || !a.Unnamed && (anything || c.empty()) {
			return true
		}
	}
	return false
}

func within(path, narrow string) bool {
	path = mapping.AnyIndex(path)
	return path == narrow || strings.HasPrefix(path, narrow+".")
}

func unused(a mapping.Accept) diag.Diagnostic {
	d := a.Place
	d.Severity, d.Rule = diag.Warning, RuleAccept
	d.Message = "`accept` of " + a.Rule
	if a.Path != "" {
		d.Message += " for `" + a.Path + "`"
	}
	if a.Field != "" {
		d.Message += " in `" + a.Field + "`"
	}
	d.Message += " no longer applies: no record fails so"
	d.Hint = "take the entry out"
	return d
}

// finding is one failure with the record that shows it.
type finding struct {
	key, cause string
	// diag is the failure as the mapping words it, path and field what it is about.
	diag        diag.Diagnostic
	path, field string
	// table is the name of the table that lacks a row.
	table string
	// conditions are what matters in the record, record the smallest that fails so.
	conditions []condition
	record     string
	message    string
}

// order puts the finding that shows most with least before: fewer conditions, the
// first in the file, the shorter record.
func (f *finding) order(other finding) int {
	return cmp.Or(
		cmp.Compare(len(f.conditions), len(other.conditions)),
		cmp.Compare(f.diag.Position.Line, other.diag.Position.Line),
		cmp.Compare(f.diag.Position.Column, other.diag.Position.Column),
		cmp.Compare(len(f.record), len(other.record)),
	)
}

// maxShown is the longest record that a hint shows, in bytes.
const maxShown = 240

// diagnosticOf reports findings of one cause at one of their rules, and names the
// lines of the others.
func diagnosticOf(same []finding) diag.Diagnostic {
	f := slices.MinFunc(same, func(a, b finding) int { return a.order(b) })
	d := f.diag
	d.Severity, d.Message = diag.Error, f.message
	hints := []string{}
	if d.Hint != "" {
		hints = append(hints, d.Hint)
	}
	if lines := otherLines(same, f.diag.Position); len(lines) == 1 {
		hints = append(hints, "line "+lines[0]+" fails for it too")
	} else if len(lines) > 1 {
		hints = append(hints, "lines "+list(lines)+" fail for it too")
	}
	if len(f.record) <= maxShown {
		hints = append(hints, "it fails with "+f.record)
	}
	hints = append(hints, "if it is meant so, say it under `accept`")
	d.Hint = strings.Join(hints, "; ")
	return d
}

// otherLines lists the lines of findings that stand elsewhere.
func otherLines(same []finding, but diag.Position) []string {
	var lines []int
	for _, f := range same {
		if f.diag.Position.Line != but.Line && !slices.Contains(lines, f.diag.Position.Line) {
			lines = append(lines, f.diag.Position.Line)
		}
	}
	slices.Sort(lines)
	out := make([]string, len(lines))
	for i, n := range lines {
		out[i] = strconv.Itoa(n)
	}
	return out
}
