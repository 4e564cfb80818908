package suggest

import (
	"fmt"
	"slices"
	"strings"
)

// YAML gives the draft as a mapping file.
func (d *Draft) YAML() []byte {
	w := d.written()
	return []byte(w.b.String())
}

// Drop takes back what the given line of YAML suggests, counted from 1, as if
// nothing had been found. It tells whether the line suggests anything.
func (d *Draft) Drop(line int) bool {
	f := d.written().at[line]
	if f == nil {
		return false
	}
	if f.table != nil {
		d.Tables = slices.DeleteFunc(d.Tables, func(t *Table) bool { return t == f.table })
	}
	state := Left
	switch {
	case f.Required == always:
		state = Todo
	case f.Required != "":
		state = Perhaps
	}
	*f = Field{Name: f.Name, Label: f.Label, Type: f.Type, Required: f.Required, State: state, needs: f.needs}
	return true
}

func (d *Draft) written() *writer {
	w := &writer{at: map[int]*Field{}}
	body := ""
	if len(d.in.Record) > 0 {
		body = ", and of one body"
	}
	w.line(0, mark+", made of the fields of %s and of", d.in.From)
	w.line(0, "# %s%s. Behind each rule stands how sure it is and why:", d.in.To, body)
	w.line(0, "# read them all. What a person has to fill in says TODO.")
	w.line(0, "mapping: %s", fieldName(d.in.Name))
	w.line(0, "from: %s", d.in.From)
	if len(d.in.AlsoFrom) > 0 {
		w.line(0, "# With the same fields: from: [%s]", strings.Join(append([]string{d.in.From}, d.in.AlsoFrom...), ", "))
	}
	w.line(0, "to: %s", d.in.To)
	w.tables(d.Tables, d.Fields)
	w.lookups(d)
	w.line(0, "")
	w.fields(0, d.Fields)
	return w
}

// writer writes a mapping, and remembers which line is about which field.
type writer struct {
	b     strings.Builder
	lines int
	at    map[int]*Field
	field *Field
}

// line writes one line, whatever stands in the labels.
func (w *writer) line(depth int, format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if s != "" {
		w.b.WriteString(strings.Repeat("  ", depth))
	}
	w.b.WriteString(s)
	w.b.WriteByte('\n')
	w.lines++
	if w.field != nil {
		w.at[w.lines] = w.field
	}
}

func (w *writer) tables(tables []*Table, fields []Field) {
	if len(tables) == 0 {
		return
	}
	w.line(0, "")
	w.line(0, "tables:")
	defer func() { w.field = nil }()
	for _, t := range tables {
		w.field = userOf(t, fields)
		w.line(1, "# %s -> %s:", t.Path, t.Field)
		for _, c := range t.Allowed {
			w.line(1, "#   %s", strings.TrimSpace(plainText(c.JSON)+" "+short(c.Title)))
		}
		if t.Unlisted {
			w.line(1, "# The source does not list its codes: add those that no body here has shown.")
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

// userOf finds the field that reads a table.
func userOf(t *Table, fields []Field) *Field {
	for i := range fields {
		if fields[i].table == t {
			return &fields[i]
		}
		if fields[i].Each != nil {
			if f := userOf(t, fields[i].Each.Fields); f != nil {
				return f
			}
		}
	}
	return nil
}

func hasRow(t *Table) bool { return len(t.Rows) > missing(t) }

// missing says how many codes have no row.
func missing(t *Table) int {
	n := 0
	for _, r := range t.Rows {
		if r.Value == "" {
			n++
		}
	}
	return n
}

func (w *writer) row(r Row) {
	key := r.Key
	if !plainScalar.MatchString(key) && !digits(key) || reserved[strings.ToLower(key)] {
		key = quote(key)
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

func orText(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// fields writes the rules, and behind them what is left.
func (w *writer) fields(depth int, fields []Field) {
	var perhaps []string
	rules := 0
	for _, f := range fields {
		switch f.State {
		case Suggested, Todo:
			rules++
		case Perhaps:
			perhaps = append(perhaps, fieldName(f.Name))
		case Left, Collected:
		}
	}
	switch {
	case rules == 0:
		w.line(depth, "fields:  # TODO nothing was found for any of them; fill in one at least")
	case len(perhaps) > 0:
		w.line(depth, "fields:  # TODO, in some cases: %s", strings.Join(perhaps, ", "))
	default:
		w.line(depth, "fields:")
	}
	depth++
	for i := range fields {
		f := &fields[i]
		around := w.field
		switch f.State {
		case Suggested:
			w.field = f
			w.suggestion(depth, f)
		case Todo:
			w.line(depth, "%s:  # TODO %s", fieldName(f.Name), w.about(f))
		case Left, Perhaps, Collected:
		}
		w.field = around
	}
	for i := range fields {
		if f := &fields[i]; f.State == Perhaps {
			w.line(depth, "# TODO %s: %s", fieldName(f.Name), w.about(f))
		}
	}
	w.collected(depth, fields)
	first := true
	for i := range fields {
		f := &fields[i]
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

func (w *writer) suggestion(depth int, f *Field) {
	why := fmt.Sprintf("%d %%: %s", f.Confidence, f.Reason)
	if f.Each == nil {
		why += others(f.Others, "; or ")
		if f.table != nil {
			if n := missing(f.table); n > 0 {
				why += fmt.Sprintf("; TODO its table lacks %d of the codes", n)
			}
		}
		w.line(depth, "%s: %s  # %s", fieldName(f.Name), f.Value, why)
		return
	}
	w.line(depth, "%s:  # %s", fieldName(f.Name), why)
	w.line(depth+1, "each: %s", pathValue(strings.Split(f.Each.Path, ".")))
	w.line(depth+1, "as: %s", f.Each.As)
	if f.Each.Quantity != "" {
		w.line(depth+1, "# where: = %s > 0    # would leave out lines of no pieces", f.Each.Quantity)
	}
	w.fields(depth+1, f.Each.Fields)
}

// about says what is known of a field that has no rule.
func (w *writer) about(f *Field) string {
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
	return quote(name)
}
