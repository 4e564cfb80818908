package diag

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func Example() {
	found := List{
		{
			Severity: Warning, Rule: "CW151", Message: "`cod` is not used",
			Position: Position{File: "mapping.yaml", Line: 6, Column: 3}, EndColumn: 6, Source: "  cod: = payment_type.id == 15",
		},
		{
			Rule: "CW121", Message: "the source has no field `delivery_nme`", Hint: "did you mean `delivery_name`?",
			Position: Position{File: "mapping.yaml", Line: 12, Column: 18}, EndColumn: 30, Source: "  receiver_name: delivery_nme",
		},
	}
	_ = found.WriteText(os.Stdout)
	// Output:
	// mapping.yaml:6:3: warning CW151: `cod` is not used
	//   6 |   cod: = payment_type.id == 15
	//     |   ^^^
	// mapping.yaml:12:18: error CW121: the source has no field `delivery_nme`
	//   12 |   receiver_name: delivery_nme
	//      |                  ^^^^^^^^^^^^
	//   hint: did you mean `delivery_name`?
}

func TestCarets(t *testing.T) {
	for _, c := range []struct {
		name, source string
		column, end  int
		want         string
	}{
		{"a tab before", "\ta: b", 5, 6, "\t   ^"},
		{"cyrillic", "ключ: ціна", 7, 11, "      ^^^^"},
		{"wide letters", "日本: x", 5, 6, "      ^"},
		{"under wide letters", "a: 日本", 4, 6, "   ^^^^"},
		{"combining marks", "e\u0301: x", 5, 6, "   ^"},
		{"behind the end", "abc", 4, 0, "   ^"},
		{"far behind the end", "abc", 40, 50, "   ^"},
		{"no end", "abc", 2, 0, " ^"},
		{"an end before the beginning", "abc", 2, 1, " ^"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Diagnostic{Message: "m", Source: c.source, Position: Position{File: "f", Line: 1, Column: c.column}, EndColumn: c.end}
			var b strings.Builder
			if err := (List{d}).WriteText(&b); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(b.String(), "\n")
			if got := strings.TrimPrefix(lines[2], "    | "); got != c.want {
				t.Errorf("got %q, want %q\n%s", got, c.want, b.String())
			}
		})
	}
}

func TestHostileText(t *testing.T) {
	d := Diagnostic{Message: "bad\nvalue \x1b[31m", Source: "a\x1b[2J\r", Position: Position{File: "f\x07", Line: 1, Column: 1}}
	var b strings.Builder
	if err := (List{d}).WriteText(&b); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\r\x07") {
		t.Errorf("control characters reach the terminal: %q", b.String())
	}
	if strings.Count(b.String(), "\n") != 3 {
		t.Errorf("the message breaks its line: %q", b.String())
	}
}

func TestList(t *testing.T) {
	at := func(line, col int) Position { return Position{File: "f", Line: line, Column: col} }
	l := List{
		{Rule: "CW2", Message: "b", Position: at(2, 1)},
		{Rule: "CW1", Message: "w", Position: at(1, 5), Severity: Warning},
		{Rule: "CW2", Message: "b", Position: at(2, 1)},
		{Rule: "CW1", Message: "a", Position: at(1, 5)},
	}
	l = l.Compact()
	if len(l) != 3 || l[0].Message != "a" || l[1].Message != "w" || l[2].Message != "b" {
		t.Errorf("got %v", l)
	}
	if errs, warnings := l.Count(); errs != 2 || warnings != 1 || !l.HasErrors() {
		t.Errorf("%d errors, %d warnings", errs, warnings)
	}
	var d Diagnostic
	if err := l.Err(); !errors.As(err, &d) || d.Message != "a" || strings.Contains(err.Error(), "warning") {
		t.Errorf("got %v", err)
	}
	if only := (List{l[1]}); only.HasErrors() || only.Err() != nil {
		t.Error("a warning counts as an error")
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"delivery_name", "delivery_phone", "order_id", "fName", "id"}
	for name, want := range map[string]string{
		"delivery_nme": "delivery_name", "delivry_phone": "delivery_phone", "oredr_id": "order_id", "fname": "fName",
		"colour": "", "order_id": "", "x": "", "i": "", "": "", "DELIVERY_NAME": "delivery_name",
	} {
		if got := Suggest(name, names); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
