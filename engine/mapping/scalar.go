package mapping

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// scalar knows where in the file each character of a YAML scalar's value stands.
// yaml.v3 gives only the beginning, and of a block the place of its | or >.
type scalar struct {
	doc   *document
	node  *yaml.Node
	value []rune
	// places has one for each character, and one for the end; nil if the text could
	// not be followed, and then everything is at the scalar's beginning.
	places []place
}

type place struct{ line, col int }

func (d *document) scalar(n *yaml.Node) *scalar {
	s := &scalar{doc: d, node: n, value: []rune(n.Value)}
	w := &scalarWalk{doc: d, want: s.value, line: n.Line, col: n.Column}
	ok := false
	switch n.Style {
	case yaml.LiteralStyle, yaml.FoldedStyle:
		ok = w.block(n.Style == yaml.FoldedStyle)
	case yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle:
		w.quote = w.char()
		w.col++
		ok = w.flow()
	default:
		ok = w.flow()
	}
	if ok {
		s.places = append(w.places, place{w.line, w.col})
	}
	return s
}

// span returns where the characters from to to of the value stand, cut at the end
// of the first line.
func (s *scalar) span(from, to int) span {
	if s.places == nil {
		return s.doc.spanOf(s.node)
	}
	from = min(max(from, 0), len(s.places)-1)
	to = min(max(to, from), len(s.places)-1)
	at := span{pos: diag.Position{File: s.doc.file, Line: s.places[from].line, Column: s.places[from].col}}
	for to > from && s.places[to].line != s.places[from].line {
		to--
	}
	if to > from {
		at.end = s.places[to-1].col + 1
		if s.places[to].line == s.places[from].line {
			at.end = s.places[to].col
		}
	}
	return at
}

// scalarWalk follows the source text and the wanted value side by side.
type scalarWalk struct {
	doc       *document
	want      []rune
	places    []place
	line, col int // col from 1
	quote     rune
	// runes is the line runesOf, end what follows its last character that is no blank.
	runes   []rune
	runesOf int
	end     int
}

func (w *scalarWalk) text() []rune {
	if w.runesOf != w.line {
		w.runes, w.runesOf = w.doc.lineRunes(w.line), w.line
		for w.end = len(w.runes); w.end > 0 && (w.runes[w.end-1] == ' ' || w.runes[w.end-1] == '\t'); {
			w.end--
		}
	}
	return w.runes
}

func (w *scalarWalk) char() rune {
	if t := w.text(); w.col >= 1 && w.col <= len(t) {
		return t[w.col-1]
	}
	return 0
}

// take notes that the next wanted character stands here and is size characters wide.
func (w *scalarWalk) take(r rune, size int) bool {
	if len(w.places) >= len(w.want) || w.want[len(w.places)] != r {
		return false
	}
	w.places = append(w.places, place{w.line, w.col})
	w.col += size
	return true
}

// flow follows a plain or quoted scalar, whose lines are folded.
func (w *scalarWalk) flow() bool {
	for len(w.places) < len(w.want) {
		rest := len(w.text()) - (w.col - 1)
		if w.col > w.end && (w.quote != 0 || rest <= 0 || !w.blankWanted(rest)) {
			if !w.fold() {
				return false
			}
			continue
		}
		c := w.char()
		switch {
		case w.quote == '\'' && c == '\'':
			if !w.take('\'', 2) {
				return false
			}
		case w.quote == '"' && c == '\\':
			if !w.escape() {
				return false
			}
		default:
			if !w.take(c, 1) {
				return false
			}
		}
	}
	return true
}

// blankWanted reports whether the value itself goes on with n blanks.
func (w *scalarWalk) blankWanted(n int) bool {
	left := w.want[len(w.places):]
	return len(left) >= n && strings.TrimSpace(string(left[:n])) == "" && len(left) == n
}

// fold goes over a line break: one is a blank, n are n-1 line breaks.
func (w *scalarWalk) fold() bool {
	at, breaks := place{w.line, w.col}, 0
	for {
		w.line++
		breaks++
		if w.line > len(w.doc.lines) {
			return false
		}
		if t := strings.TrimLeft(string(w.text()), " \t"); t != "" {
			w.col = len(w.text()) - len([]rune(t)) + 1
			break
		}
	}
	add, r := breaks-1, '\n'
	if breaks == 1 {
		add, r = 1, ' '
	}
	for range add {
		if len(w.places) >= len(w.want) || w.want[len(w.places)] != r {
			return false
		}
		w.places = append(w.places, at)
	}
	return true
}

// escape follows a backslash inside "…".
func (w *scalarWalk) escape() bool {
	t := w.text()
	if w.col >= len(t) { // the line goes on with the next one's first character
		w.line++
		next := string(w.text())
		w.col = len([]rune(next)) - len([]rune(strings.TrimLeft(next, " \t"))) + 1
		return w.line <= len(w.doc.lines)
	}
	size := map[rune]int{'x': 4, 'u': 6, 'U': 10}[t[w.col]]
	if size == 0 {
		size = 2
	}
	return len(w.places) < len(w.want) && w.take(w.want[len(w.places)], size)
}

// block follows a literal (|) or folded (>) scalar.
func (w *scalarWalk) block(folded bool) bool {
	indent := 0
	first := w.line + 1
	for n := first; n <= len(w.doc.lines) && indent == 0; n++ {
		l := w.doc.line(n)
		if t := strings.TrimLeft(l, " "); t != "" {
			indent = len(l) - len(t)
			break
		}
	}
	// With an indentation indicator (|2) the value begins with blanks of its own.
	for line := range strings.Lines(string(w.want)) {
		if t := strings.TrimLeft(line, " "); strings.TrimSpace(t) != "" {
			indent = max(0, indent-(len(line)-len(t)))
			break
		}
	}
	w.line, w.col = first, indent+1
	for len(w.places) < len(w.want) {
		if w.line > len(w.doc.lines) {
			return len(w.want)-len(w.places) <= 1
		}
		if w.col <= len(w.text()) {
			if !w.take(w.char(), 1) {
				return false
			}
			continue
		}
		r := w.want[len(w.places)]
		if r != '\n' && (!folded || r != ' ') {
			return false
		}
		w.places = append(w.places, place{w.line, w.col})
		w.line, w.col = w.line+1, indent+1
		if !folded {
			continue
		}
		// Folding drops one break of a run: skip the blank lines that the value does not show.
		for w.line <= len(w.doc.lines) && w.col > len(w.text()) &&
			len(w.places) < len(w.want) && w.want[len(w.places)] != '\n' {
			w.line++
		}
	}
	return true
}
