package diag_test

import (
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// TestLongLines shows a long line around what is wrong with it, with the caret
// under that.
func TestLongLines(t *testing.T) {
	long := strings.Repeat("a", 5000)
	for _, tt := range []struct {
		name, source string
		column, end  int
		marked       string
	}{
		{"at the start", "BAD" + long, 1, 4, "BAD"},
		{"in the middle", long + "ЇЖА" + long, 5001, 5004, "ЇЖА"},
		{"at the end", long + "BAD", 5001, 5004, "BAD"},
		{"longer than what is shown", "BAD" + long, 1, 5004, "BAD" + strings.Repeat("a", 157)},
		{"behind the end", long, 5001, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			d := diag.Diagnostic{
				Rule: "CW999", Message: "wrong", Source: tt.source, EndColumn: tt.end,
				Position: diag.Position{File: "f", Line: 7, Column: tt.column},
			}
			if err := (diag.List{d}).WriteText(&out); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(out.String(), "\n")
			if !strings.Contains(lines[0], d.Position.String()) {
				t.Errorf("the position changed: %s", lines[0])
			}
			source, carets := []rune(lines[1]), []rune(lines[2])
			if len(source) > 200 {
				t.Errorf("the line has %d characters", len(source))
			}
			var marked []rune
			for i, c := range carets {
				if c == '^' && i < len(source) {
					marked = append(marked, source[i])
				}
			}
			if string(marked) != tt.marked {
				t.Errorf("the carets stand under %q, want %q:\n%s", string(marked), tt.marked, out.String())
			}
		})
	}
}
