package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// TestCrowdedMistakes checks mistakes that have no end: each is told once, and in
// few words.
func TestCrowdedMistakes(t *testing.T) {
	const head = "mapping: m\nfrom: any.event\nto: any.operation\n"
	var circle strings.Builder
	for i := range 500 {
		fmt.Fprintf(&circle, "  a%d: = a%d\n", i, (i+1)%500)
	}
	for name, text := range map[string]string{
		"CW102: lists and maps nest more than 40 deep": head + "fields:\n  v: " + strings.Repeat("{path: p, default: ", 100) + "1" + strings.Repeat("}", 100) + "\n",
		"CW150: `a0` needs itself: a0 → a1 → ":         head + "let:\n" + circle.String() + "fields:\n  v: a0\n",
		"CW101: this value holds `: `":                 head + "fields:\n  v: " + strings.Repeat("є: ", 9000) + "\n",
	} {
		_, found := mapping.Compile("m.yaml", []byte(text), catalog{})
		if len(found) != 1 || !strings.Contains(found[0].Error(), name) || len(found[0].Message) > 200 || len(found[0].Hint) > 600 {
			t.Errorf("%d findings, want one of %s in few words: %.400v", len(found), name, found)
		}
	}
}

// TestMoreThanAreShown checks that a file with more findings than are shown says so,
// and one with as many as are shown at most one less does not.
func TestMoreThanAreShown(t *testing.T) {
	const more = "only the first findings of m.yaml are shown, 200 of them"
	for n, want := range map[int]int{199: 0, 5000: 1} {
		text := "mapping: m\nfrom: any.event\nto: any.operation\nfields:\n"
		for i := range n {
			text += fmt.Sprintf("  v%d..x: p\n", i)
		}
		_, found := mapping.Compile("m.yaml", []byte(text), catalog{})
		said := 0
		for i, d := range found {
			if strings.Contains(d.Hint, more) {
				if said++; i != len(found)-1 {
					t.Errorf("finding %d of %d says it", i, len(found))
				}
			}
		}
		if said != want || len(found) != min(n, 200) {
			t.Errorf("%d mistakes: %d findings, and %d say that there are more, want %d", n, len(found), said, want)
		}
	}
}
