package diag

import (
	"encoding/json"
	"io"
)

// WriteJSON writes the list as an indented JSON array of objects with the fields
// severity, rule, file, line, column, end_column, message and hint. Columns count
// characters; end_column and hint are left out where there is none.
func (l List) WriteJSON(w io.Writer) error {
	type finding struct {
		Severity  string `json:"severity"`
		Rule      string `json:"rule"`
		File      string `json:"file"`
		Line      int    `json:"line"`
		Column    int    `json:"column"`
		EndColumn int    `json:"end_column,omitempty"`
		Message   string `json:"message"`
		Hint      string `json:"hint,omitempty"`
	}
	out := make([]finding, 0, len(l))
	for _, d := range l {
		out = append(out, finding{
			Severity: d.Severity.String(), Rule: d.Rule, File: d.Position.File, Line: d.Position.Line,
			Column: d.Position.Column, EndColumn: d.EndColumn, Message: d.Message, Hint: d.Hint,
		})
	}
	return writeJSON(w, out)
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
