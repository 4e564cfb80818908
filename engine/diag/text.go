package diag

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// WriteText writes each diagnostic as a terminal shows it: the one-line form, the
// line of the file with a caret under every offending character, and the hint.
// Tabs before the caret are kept as tabs and wide characters count double, so
// that the caret stands where the reader looks for it.
func (l List) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, d := range l {
		d.writeText(out)
	}
	return out.Flush()
}

func (d Diagnostic) writeText(w *bufio.Writer) {
	put := func(parts ...string) {
		for _, p := range parts {
			_, _ = w.WriteString(p) // a bufio.Writer keeps its error for Flush
		}
	}
	put(oneLine(d.Error()), "\n")
	if d.Source != "" && d.Position.Line > 0 {
		number := strconv.Itoa(d.Position.Line)
		shown := d.excerpt()
		put("  ", number, " | ", printable(shown.Source), "\n")
		if d.Position.Column > 0 {
			put("  ", strings.Repeat(" ", len(number)), " | ", shown.carets(), "\n")
		}
	}
	if d.Hint != "" {
		put("  hint: ", strings.ReplaceAll(strings.TrimRight(d.Hint, "\n"), "\n", "\n        "), "\n")
	}
}

// carets returns blanks up to the offending text and carets under it.
func (d Diagnostic) carets() string {
	var b strings.Builder
	column := 1
	end := max(d.EndColumn, d.Position.Column+1)
	marked := false
	for _, r := range d.Source {
		if column >= end {
			break
		}
		switch {
		case column >= d.Position.Column:
			b.WriteString(strings.Repeat("^", max(1, width(r))))
			marked = true
		case r == '\t':
			b.WriteByte('\t')
		default:
			b.WriteString(strings.Repeat(" ", width(r)))
		}
		column++
	}
	if !marked { // at the end of the line
		b.WriteByte('^')
	}
	return b.String()
}

// printable replaces control characters other than tabs, so that a hostile file
// cannot move the terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func oneLine(s string) string {
	return printable(strings.NewReplacer("\r\n", " ", "\n", " ").Replace(s))
}

// width is how many columns of a terminal r takes: none for marks that combine
// with the letter before, two for East Asian wide letters and emoji.
func width(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}
