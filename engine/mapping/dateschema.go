package mapping

import (
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// DateExamples are two different dates and times as a field's schema says that it
// writes them, by x-crosswalk-datetime or by a format of JSON Schema's; none if it says
// nothing of dates.
func DateExamples(n *schema.Node) []string {
	if n == nil {
		return nil
	}
	var out []string
	for _, t := range []time.Time{time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2019, 12, 31, 23, 59, 58, 0, time.UTC)} {
		switch f, problem, _ := dateFormatOf(n.Datetime); {
		case n.Datetime != "" && problem == "":
			out = append(out, f.format(t))
		case n.Format == "date-time":
			out = append(out, t.Format(time.RFC3339))
		case n.Format == "date":
			out = append(out, t.Format(time.DateOnly))
		case n.Format == "time":
			out = append(out, t.Format("15:04:05Z07:00"))
		}
	}
	return out
}

// datesOf warns of a format that does not read what the source's schema says that the
// field holds.
func (e *exprCompiler) datesOf(from, format operand, in dateFormat) {
	if from.ref == nil || from.ref.t.node == nil {
		return
	}
	node := from.ref.t.node
	for _, example := range DateExamples(node) {
		if _, err := in.parse(example, time.UTC); err == nil {
			continue
		}
		hint := ""
		if node.Datetime != "" {
			hint = "\"" + node.Datetime + "\" reads it"
		}
		e.c.doc.warnAt("CW134", e.span(format.from, max(format.to, format.from+1)), hint,
			"`%s` is written like %s, and this format does not read that", from.ref.text, example)
		return
	}
}
