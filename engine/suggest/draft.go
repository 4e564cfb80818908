package suggest

import (
	"regexp"
	"strings"
)

// mark begins the first line of a draft; while it stands there the file is one.
const mark = "# A first draft by `crosswalk init`"

// todo is what a draft leaves to a person: a field, a table or a row. Lines that only
// speak of such a one are none.
var todo = regexp.MustCompile(`# TODO [^,]`)

// Unfinished gives the lines of a mapping file, counted from 1, that a draft left to a
// person and that still say so; none for a file that is no draft.
func Unfinished(text []byte) []int {
	lines := strings.Split(string(text), "\n")
	if !strings.HasPrefix(strings.TrimPrefix(lines[0], "\ufeff"), mark) {
		return nil
	}
	var out []int
	for i, l := range lines {
		if todo.MatchString(l) {
			out = append(out, i+1)
		}
	}
	return out
}

// OfTodo tells whether a line of a draft speaks of what is left to a person, so that
// what is found wrong there is known.
func OfTodo(line string) bool {
	return strings.Contains(line, "# TODO") || strings.Contains(line, "; TODO")
}
