package suggest

import (
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// Settle takes back every suggestion that check finds something wrong with, so
// that what is still found is what a line with TODO is about. check compiles a
// mapping file. It is asked once more than suggestions are taken back.
func (d *Draft) Settle(check func(yaml []byte) diag.List) {
	for {
		text := d.YAML()
		if !d.dropOne(check(text), strings.Split(string(text), "\n")) {
			return
		}
	}
}

// dropOne takes back one suggestion that is wrong; each makes the lines move.
func (d *Draft) dropOne(found diag.List, lines []string) bool {
	for _, f := range found {
		n := f.Position.Line
		if n < 1 || n > len(lines) || OfTodo(lines[n-1]) {
			continue
		}
		if d.Drop(n) {
			return true
		}
	}
	return false
}
