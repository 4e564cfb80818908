package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// explain prints how each event came to what it became: as text, or as a JSON array.
func (a *app) explain(ctx context.Context, prog *mapping.Program, sink *schema.Schema, events []mapping.Event, format string, known *knownAnswers) error {
	var all []*mapping.Explained
	failed := false
	for i := range events {
		ev := &events[i]
		answers, err := known.of(ctx, prog, ev)
		if missing, ok := errors.AsType[*unansweredError](err); ok {
			a.message("%v\n", missing)
			failed = true
			continue
		}
		if err != nil {
			return err
		}
		e, err := prog.ExplainEvent(ev, answers)
		if err != nil {
			return err
		}
		if e.Err == nil && e.Record != nil && sink != nil {
			for _, v := range sink.Validate(e.Record) {
				e.Errors = append(e.Errors, mapping.ExplainedError{Message: "the record breaks the schema of " + prog.To().String() + ": " + v.String(), Field: v.Path})
			}
		}
		failed = failed || len(e.Errors) > 0
		if format == formatJSON {
			all = append(all, e)
			continue
		}
		var out strings.Builder
		writeExplained(&out, e)
		if _, err := io.WriteString(a.stdout, out.String()); err != nil {
			return err
		}
		if e.Err != nil {
			if err := a.printFailure(e.Err); err != nil {
				return err
			}
		} else {
			for _, o := range e.Errors {
				a.message("%s: %s\n", o.Field, o.Message)
			}
		}
	}
	if format == formatJSON {
		enc := json.NewEncoder(a.stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(all); err != nil {
			return err
		}
	}
	if failed {
		return errFindings
	}
	return nil
}

// writeExplained is an explanation for people: a paragraph for each step.
func writeExplained(w *strings.Builder, e *mapping.Explained) {
	outcome := "is mapped"
	switch {
	case len(e.Errors) > 0:
		outcome = "cannot be mapped"
	case e.Skipped:
		outcome = "is skipped"
	}
	fmt.Fprintf(w, "%s.%s with key %s %s by %s\n", e.Event.Connection, e.Event.Type, e.Event.Key, outcome, e.Mapping)
	for i := range e.Steps {
		writeStep(w, &e.Steps[i])
	}
}

func writeStep(w *strings.Builder, s *mapping.Step) {
	head := s.Kind
	if s.Kind == "field" {
		head = s.Field
	} else if s.Field != "" {
		head += " of " + s.Field
	}
	result := "left out: it is missing"
	switch {
	case s.Error != "":
		result = "FAILED: " + s.Error
	case s.Result != nil:
		result = fmt.Sprint(*s.Result)
	case s.Kind == "choose":
		result = "this entry is taken"
	case s.Value != nil:
		result = brief(s.Value)
	case s.Forgiven != "":
		result = "left out by on_error"
	}
	fmt.Fprintf(w, "\n%s: %s\n", head, result)
	fmt.Fprintf(w, "    %s:%d:%d", s.Rule.File, s.Rule.Line, s.Rule.Column)
	if s.Rule.Text != "" {
		fmt.Fprintf(w, "  %s", s.Rule.Text)
	}
	w.WriteByte('\n')
	writeReadings(w, s.Sources, "    ")
	writeOrigin(w, s.Table, s.Default, "    ")
	if s.Conversion != nil {
		fmt.Fprintf(w, "    converted: %s becomes %s\n", brief(s.Conversion.From), brief(s.Conversion.To))
	}
	if s.Forgiven != "" {
		fmt.Fprintf(w, "    on_error hides: %s\n", s.Forgiven)
	}
}

func writeReadings(w *strings.Builder, list []mapping.Reading, indent string) {
	for _, r := range list {
		name := r.Name
		if r.Path != "" {
			name = r.Path
			if r.Name != r.Path {
				name = r.Name + " (" + r.Path + ")"
			}
		}
		value := "missing"
		switch {
		case r.Error != "":
			value = "FAILED: " + r.Error
		case len(r.Value) > 0:
			value = brief(r.Value)
		}
		fmt.Fprintf(w, "%s%s = %s\n", indent, name, value)
		writeReadings(w, r.From, indent+"    ")
		writeOrigin(w, r.Table, r.Default, indent+"    ")
	}
}

func writeOrigin(w *strings.Builder, t *mapping.Row, d *mapping.Place, indent string) {
	if t != nil {
		name := "the table"
		if t.Table != "" {
			name = "table " + t.Table
		}
		fmt.Fprintf(w, "%srow %s of %s (%s:%d) = %s\n", indent, t.Key, name, t.At.File, t.At.Line, brief(t.Value))
	}
	if d != nil {
		fmt.Fprintf(w, "%sdefault (line %d) %s\n", indent, d.Line, d.Text)
	}
}

// brief is a JSON value on one line, cut where it is long.
func brief(b json.RawMessage) string {
	const most = 100
	s := strings.Join(strings.Fields(string(b)), " ")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// checkExplain refuses --format without --explain.
func checkExplain(explain bool, format string) error {
	if err := checkFormat(format, formatText, formatJSON); err != nil {
		return err
	}
	if !explain && format != formatText {
		return errors.New("--format goes with --explain: without it the record is printed, as JSON")
	}
	return nil
}
