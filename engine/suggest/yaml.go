package suggest

import (
	"fmt"
	"strings"
)

// YAML gives the draft as a mapping file.
func (d *Draft) YAML() []byte {
	w := &writer{}
	body := ""
	if len(d.in.Record) > 0 {
		body = ", and of one body"
	}
	w.line(0, "# A first draft by `crosswalk init`, made of the fields of %s and of", d.in.From)
	w.line(0, "# %s%s. Behind each rule stands how sure it is and why:", d.in.To, body)
	w.line(0, "# read them all. What a person has to fill in says TODO.")
	w.line(0, "mapping: %s", fieldName(d.in.Name))
	w.line(0, "from: %s", d.in.From)
	if len(d.in.AlsoFrom) > 0 {
		w.line(0, "# With the same fields: from: [%s]", strings.Join(append([]string{d.in.From}, d.in.AlsoFrom...), ", "))
	}
	w.line(0, "to: %s", d.in.To)
	w.tables(d.Tables)
	w.line(0, "")
	w.line(0, "fields:")
	w.fields(1, d.Fields)
	return []byte(w.b.String())
}

type writer struct{ b strings.Builder }

// line writes one line, whatever stands in the labels.
func (w *writer) line(depth int, format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if s != "" {
		w.b.WriteString(strings.Repeat("  ", depth))
	}
	w.b.WriteString(s)
	w.b.WriteByte('\n')
}

func (w *writer) tables(tables []*Table) {
	if len(tables) == 0 {
		return
	}
	w.line(0, "")
	w.line(0, "tables:")
	for _, t := range tables {
		w.line(1, "# %s -> %s:", t.Path, t.Field)
		for _, c := range t.Allowed {
			w.line(1, "#   %s", strings.TrimSpace(plainText(c.JSON)+" "+short(c.Title)))
		}
		if !hasRow(t) {
			w.line(1, "%s:  # TODO a row for each code of the source, as 3: 1", t.Name)
		} else {
			w.line(1, "%s:", t.Name)
		}
		for _, r := range t.Rows {
			w.row(r)
		}
	}
}

func hasRow(t *Table) bool {
	for _, r := range t.Rows {
		if r.Value != "" {
			return true
		}
	}
	return false
}

func (w *writer) row(r Row) {
	key := r.Key
	if !plainScalar.MatchString(key) && !digits(key) || reserved[strings.ToLower(key)] {
		key = quote(oneLine(key))
	}
	title := ""
	if r.Title != "" {
		title = " " + quoted(r.Title)
	}
	if r.Value == "" {
		w.line(2, "# TODO %s:%s", key, title)
		return
	}
	w.line(2, "%s: %s  # %d %%:%s ~ %s", key, r.Value, r.Confidence, orText(title, " "+key), quoted(r.Means))
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == "" && (s[0] != '0' || s == "0")
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '\u2028' || r == '\u2029' || r == '\u0085' {
			return ' '
		}
		return r
	}, s)
}

func orText(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// fields writes the rules, and behind them what is left.
func (w *writer) fields(depth int, fields []Field) {
	rules := 0
	for _, f := range fields {
		switch f.State {
		case Suggested:
			rules++
			w.suggestion(depth, f)
		case Todo:
			rules++
			w.line(depth, "%s:  # TODO %s", fieldName(f.Name), w.about(f))
		case Left, Perhaps:
		}
	}
	if rules == 0 {
		w.line(depth, "# TODO nothing was found for any field; name at least one.")
	}
	for _, f := range fields {
		if f.State == Perhaps {
			w.line(depth, "# TODO %s: %s", fieldName(f.Name), w.about(f))
		}
	}
	first := true
	for _, f := range fields {
		if f.State != Left {
			continue
		}
		if first {
			w.line(depth, "# Left out:")
			first = false
		}
		w.line(depth, "#   %s: %s", fieldName(f.Name), w.about(f))
	}
}

func (w *writer) suggestion(depth int, f Field) {
	why := fmt.Sprintf("%d %%: %s", f.Confidence, f.Reason)
	if f.Each == nil {
		w.line(depth, "%s: %s  # %s%s", fieldName(f.Name), f.Value, why, others(f.Others, "; or "))
		return
	}
	w.line(depth, "%s:  # %s", fieldName(f.Name), why)
	w.line(depth+1, "each: %s", pathValue(strings.Split(f.Each.Path, ".")))
	w.line(depth+1, "as: %s", f.Each.As)
	if f.Each.Quantity != "" {
		w.line(depth+1, "# where: = %s > 0    # would leave out lines of no pieces", f.Each.Quantity)
	}
	w.line(depth+1, "fields:")
	w.fields(depth+2, f.Each.Fields)
}

// about says what is known of a field that has no rule.
func (w *writer) about(f Field) string {
	var parts []string
	switch f.Required {
	case "":
	case always:
		parts = append(parts, "required")
	default:
		parts = append(parts, "required "+f.Required)
	}
	parts = append(parts, f.Type)
	if f.Label != "" {
		parts = append(parts, quoted(f.Label))
	}
	return strings.Join(parts, ", ") + others(f.Others, "; perhaps ")
}

func others(list []Other, before string) string {
	var parts []string
	for _, o := range list {
		parts = append(parts, fmt.Sprintf("%s (%d %%)", o.Path, o.Confidence))
	}
	if len(parts) == 0 {
		return ""
	}
	return before + strings.Join(parts, ", ")
}

// fieldName writes a sink field's name as a key.
func fieldName(name string) string {
	if plainScalar.MatchString(name) && !reserved[strings.ToLower(name)] {
		return name
	}
	return quote(oneLine(name))
}
