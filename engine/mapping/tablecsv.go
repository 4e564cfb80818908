package mapping

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

const (
	// maxColumns is how many columns a table's file can have.
	maxColumns = 64
	// maxTableFindings is how many mistakes of one table's file are reported.
	maxTableFindings = 20
)

// readCSV fills a table from CSV (RFC 4180): a header, then one row for each key.
// The first column is the key, cells are text.
func (t *table) readCSV(text []byte) bool {
	if !utf8.Valid(text) {
		t.doc.badUTF8()
		return false
	}
	source := strings.TrimPrefix(string(text), "\ufeff")
	r := csv.NewReader(strings.NewReader(source))
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			t.doc.errorAt("CW160", span{pos: diag.Position{Line: 1, Column: 1}}, "the first line names the columns: code,carrier", "the table is empty")
			return false
		}
		t.csvError(err)
		return false
	}
	if !t.readHeader(r, header) {
		return false
	}
	t.rows = map[string]any{}
	lines := map[string]int{}
	ok := true
	for len(t.doc.found) < maxTableFindings {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.csvError(err)
			return false
		}
		at := t.field(r, 0, record[0])
		key := record[0]
		switch first, twice := lines[key]; {
		case len(record) != len(header):
			hint := "a cell that holds a comma or a quote is written in quotes"
			if extra := len(header); len(record) > extra {
				at = t.field(r, extra, record[extra])
			} else {
				last := len(record) - 1
				at, hint = t.field(r, last, record[last]), "an empty cell is written too: a,,c"
			}
			t.doc.errorAt("CW160", at, hint, "this row has %s, and the header has %d", cells(len(record)), len(header))
			ok = false
			continue
		case twice:
			t.doc.errorAt("CW103", at, "", "`%s` stands twice in a table; the first is in line %d", shorten(key), first)
			ok = false
			continue
		case key == "":
			t.doc.errorAt("CW160", at, "", "this row has no key")
			ok = false
			continue
		case key != strings.TrimSpace(key):
			t.doc.warnAt("CW163", at, "remove them, unless the source sends them too", "the key %s has blanks around it, which count", mustJSON(key))
		}
		lines[key] = at.pos.Line
		t.keys, t.places = append(t.keys, key), append(t.places, at)
		t.cells = append(t.cells, record[1:])
		row := make(map[string]any, len(t.columns))
		for i, c := range t.columns {
			row[c] = record[i+1]
		}
		t.rows[key] = row
	}
	if ok && len(t.keys) == 0 {
		t.doc.errorAt("CW160", span{pos: diag.Position{Line: 1, Column: 1}}, "the first line names the columns; rows follow it", "the table has no rows")
		return false
	}
	return ok
}

func cells(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", n)
}

func (t *table) readHeader(r *csv.Reader, header []string) bool {
	ok := true
	switch {
	case len(header) == 1 && strings.ContainsAny(header[0], ";\t"):
		t.doc.errorAt("CW160", t.field(r, 0, header[0]), "save it as CSV separated by commas", "the columns of this file are not separated by commas")
		return false
	case len(header) == 1:
		t.doc.errorAt("CW160", t.field(r, 0, header[0]), "the first column is the key, further ones are values: code,carrier", "the table has only one column")
		return false
	case len(header) > maxColumns:
		t.doc.errorAt("CW160", t.field(r, maxColumns, ""), "", "the table has %d columns; at most %d are allowed", len(header), maxColumns)
		return false
	}
	for i, name := range header {
		switch at := t.field(r, i, name); {
		case i == 0:
			continue
		case name == "" || name != strings.TrimSpace(name) || strings.Contains(name, "."):
			t.doc.errorAt("CW160", at, "letters, digits and `_`", "%s cannot be used as the name of a column", mustJSON(name))
			ok = false
		case slices.Contains(t.columns, name):
			t.doc.errorAt("CW103", at, "", "column `%s` stands twice in the table", shorten(name))
			ok = false
		}
		t.columns = append(t.columns, name)
	}
	t.views = make([]*table, len(t.columns))
	return ok
}

// field says where a cell of the row that was read last stands.
func (t *table) field(r *csv.Reader, i int, text string) span {
	line, column := r.FieldPos(i)
	at := t.byteSpan(line, column)
	if !strings.ContainsRune(text, '\n') {
		at.end = min(at.pos.Column+max(utf8.RuneCountInString(text), 1), utf8.RuneCountInString(t.doc.line(line))+1)
	}
	return at
}

// byteSpan makes a place of a line and a column in bytes, both from 1.
func (t *table) byteSpan(line, column int) span {
	l := t.doc.line(line)
	before := l[:min(max(column-1, 0), len(l))]
	return span{pos: diag.Position{Line: line, Column: utf8.RuneCountInString(before) + 1}}
}

func (t *table) csvError(err error) {
	var bad *csv.ParseError
	if !errors.As(err, &bad) {
		t.doc.errorAt("CW160", span{}, "", "the file is not CSV")
		return
	}
	message, hint := "this is not CSV", ""
	switch {
	case errors.Is(bad.Err, csv.ErrBareQuote):
		message, hint = "a quote stands inside a cell that does not begin with one", `write the whole cell in quotes, and a quote in it twice: "the ""Ранок"" cup"`
	case errors.Is(bad.Err, csv.ErrQuote):
		message, hint = "the quotes of this cell do not end where it ends", `a quote inside a quoted cell is written twice: "the ""Ранок"" cup"`
	}
	t.doc.errorAt("CW160", t.byteSpan(bad.Line, bad.Column), hint, "%s", message)
}
