package mapping

import (
	"encoding/json"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// Explanation says how a mapping came to its result for one event. As JSON it has
// the keys that the tags name; see crosswalk map --explain --format json.
type Explanation struct {
	Mapping string `json:"mapping"`
	// Skipped means that the mapping's when was false.
	Skipped bool `json:"skipped"`
	// Steps are what was done, in order: a field before the fields and the conditions
	// inside it.
	Steps []Step `json:"steps"`
	// Record is what Map makes of the event; nil if it was skipped or cannot be mapped.
	Record json.RawMessage `json:"record,omitempty"`
	// Err is the error of Map, nil if the event can be mapped. Steps then show how
	// far it got.
	Err *Error `json:"-"`

	reached map[pointKey]bool
}

// Step is one thing that a mapping did for an event.
type Step struct {
	// Kind is field, when, where or choose.
	Kind string `json:"kind"`
	// Field is the sink's field, as in products.0.sku: the one made, or the one that a
	// condition decides; "" for the whole record. For where it is the source's
	// element, as in products.1.
	Field string `json:"field"`
	// Rule is where the mapping says so.
	Rule Place `json:"rule"`
	// Value is a field's value as the sink gets it; nil if it was left out.
	Value json.RawMessage `json:"value,omitempty"`
	// Result is what a condition gave; nil if it failed. A choose without Result is
	// the entry that was taken.
	Result *bool `json:"result,omitempty"`
	// Sources are the values that were read.
	Sources []Reading `json:"sources,omitempty"`
	// Table is the row that was found, the last one if several were.
	Table *Row `json:"table,omitempty"`
	// Default is where the default stands that was taken.
	Default *Place `json:"default,omitempty"`
	// Conversion is set if the value has another form in the sink.
	Conversion *Conversion `json:"conversion,omitempty"`
	// Error says why the rule failed; Forgiven says it where on_error hides it.
	Error    string `json:"error,omitempty"`
	Forgiven string `json:"forgiven,omitempty"`
}

// Place is a place in the mapping file.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Text is what stands there, if it is on one line.
	Text string `json:"text,omitempty"`
}

// Reading is a value that a rule read.
type Reading struct {
	// Name is what the mapping calls it, Path its path in the source's record; ""
	// for a name of `let`, a lookup or _meta.
	Name string `json:"name"`
	Path string `json:"path,omitempty"`
	// Value is as it stands in the record; nil if it is not there.
	Value json.RawMessage `json:"value,omitempty"`
	// From are the values that a name of `let` was made of, Table and Default as in a Step.
	From    []Reading `json:"from,omitempty"`
	Table   *Row      `json:"table,omitempty"`
	Default *Place    `json:"default,omitempty"`
	Error   string    `json:"error,omitempty"`
}

// Row is the row of a table that a code was found in.
type Row struct {
	// Table is its name, "" for one inside a rule.
	Table string `json:"table"`
	Key   string `json:"key"`
	// Value is what the row gives.
	Value json.RawMessage `json:"value"`
	// At is where it stands, also in a file of its own.
	At Place `json:"at"`
}

// Conversion is a value before and after it was given the sink's type.
type Conversion struct {
	From json.RawMessage `json:"from"`
	To   json.RawMessage `json:"to"`
}

// Explain maps an event by the same rules as Map, and says what they did. It costs
// several times as much. It fails only for an event whose record is not JSON; that
// an event cannot be mapped is the Explanation's Err.
func (p *Program) Explain(ev *Event) (*Explanation, error) { return p.ExplainWith(ev, nil) }

// ExplainWith is Explain with the answers that MapWith maps the event with.
func (p *Program) ExplainWith(ev *Event, answers Answers) (*Explanation, error) {
	if !json.Valid(ev.Record) {
		return nil, &Error{Diagnostic: p.doc.diagnostic(diag.Error, "CW300", span{}, "the event's record is not JSON", "")}
	}
	t := &trace{sites: p.sites(), reached: map[pointKey]bool{}, lets: map[letKey]Reading{}}
	res, err := p.run(ev, answers, nil, t)
	if err == nil && len(res.Questions) > 0 {
		err = p.unanswered(res.Questions[0])
	}
	x := &Explanation{Mapping: p.name, Skipped: res.Skipped, Steps: t.steps, reached: t.reached}
	if err != nil {
		e, ok := err.(*Error) //nolint:errorlint // Map returns it bare
		if !ok {
			e = &Error{Diagnostic: p.doc.diagnostic(diag.Error, "CW300", span{}, err.Error(), "")}
		}
		x.Err = e
		return x, nil
	}
	if !res.Skipped {
		x.Record = res.Record
	}
	return x, nil
}
