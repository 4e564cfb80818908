package diag_test

import (
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// TestLines holds the lines of a text against those that yaml.v3 counts.
func TestLines(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r", "\u0085", "\u2028", "\u2029", "\n\r\n", "\r\r\n\n"} {
		text := "а: 1" + end + "b: 2" + end + "c: 3"
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		last := doc.Content[0].Content[4]
		lines := diag.Lines(text)
		if len(lines) != last.Line || lines[len(lines)-1] != "c: 3" || lines[0] != "а: 1" {
			t.Errorf("%q has the lines %q, and yaml.v3 finds the last at %d", text, lines, last.Line)
		}
	}
	if got := diag.Lines(""); len(got) != 1 || got[0] != "" {
		t.Errorf("an empty text has the lines %q", got)
	}
	if got := diag.Lines("a\n"); len(got) != 2 {
		t.Errorf("a line with its break has the lines %q", got)
	}
}
