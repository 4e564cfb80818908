package mapping

import (
	"fmt"
	"strings"
	"testing"
)

// TestTooManyNames: a chain of names as long as a file can hold is one finding, and
// not the time that following it would take.
func TestTooManyNames(t *testing.T) {
	chain := func(n int) string {
		var b strings.Builder
		b.WriteString("mapping: m\nfrom: any.event\nto: any.operation\nlet:\n")
		for i := range n {
			fmt.Fprintf(&b, "  a%d: = a%d\n", i, i+1)
		}
		fmt.Fprintf(&b, "  a%d: = 1\nfields:\n  x: = a0\n", n)
		return b.String()
	}
	if p, found := Compile("m.yaml", []byte(chain(maxNamed-1)), openCatalog{}); p == nil {
		t.Errorf("%d names: %v", maxNamed, found)
	}
	p, found := Compile("m.yaml", []byte(chain(40_000)), openCatalog{})
	if p != nil || len(found) != 1 || found[0].Rule != "CW100" || found[0].Position.Line != 5 {
		t.Errorf("40,001 names: %v", found)
	}
}

// TestOtherDialects holds the messages for what other languages write in texts.
func TestOtherDialects(t *testing.T) {
	for expression, want := range map[string]string{
		`match(a, "№\s*(\d+)")`:                       "`\\s` means nothing in a text between quotes",
		`match(a, '\.')`:                              "`\\.` means nothing in a text between quotes",
		`datetime(a, "Y-m-d H:i:s", "DD.MM.YYYY")`:    "`D` stands twice in a row in this format of a date",
		`datetime(a, "YYYY-MM-DD HH:mm:ss", "Y-m-d")`: "`Y` stands twice in a row in this format of a date",
	} {
		text := "mapping: m\nfrom: any.event\nto: any.operation\nfields:\n  x: |\n    = " + expression + "\n"
		p, found := Compile("m.yaml", []byte(text), openCatalog{})
		if p != nil || len(found) != 1 || found[0].Message != want || found[0].Hint == "" {
			t.Errorf("%s gives %v, want %q", expression, found, want)
		}
	}
	for _, expression := range []string{`match(a, "\\s\t\"\u00e9\x41")`, "match(a, `\\s`)", `datetime(a, "Y-m-d", "\\D\\D d")`} {
		text := "mapping: m\nfrom: any.event\nto: any.operation\nfields:\n  x: |\n    = " + expression + "\n"
		if p, found := Compile("m.yaml", []byte(text), openCatalog{}); p == nil {
			t.Errorf("%s gives %v", expression, found)
		}
	}
}
