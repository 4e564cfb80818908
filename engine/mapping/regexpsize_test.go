package mapping

import (
	"regexp"
	"slices"
	"testing"
)

// TestUnfolded holds patterns as they are compiled against the library's own reading
// of them.
func TestUnfolded(t *testing.T) {
	texts := []string{
		"", "Відділення №2", "ВІДДІЛЕННЯ", "отд. 5", "Отделение", "почтомат 12", "Поштомат", "пошта", "почта 3", "вул. Соборності, 41", "№ 41",
		"K", "k", "\u212a", "ſ", "s", "S", "ß", "ẞ", "Ά", "ά", "a\nB", "A.b", "x-Y", "ÉÈ", "é", "\x80", "відд\xff",
	}
	for _, pattern := range []string{
		`(?i)відд|отд|пункт|по[чш]т(?:омат|[аи]\P{L})|^\P{L}*$`, `(?i)k`, `(?i)s+`, `(?i)(ß|x)-(y)`, `(?i)^ά$`, `(?im)^b`, `(?is)a.b`, `(?i:a)B`,
		`(?i)é{1,2}`, `(?i)no?.*?(\d+)`, `(?i)[а-я]+ (\d)`, `(?U)(?i)т.*`, `a(?i)b(?-i)c`, `(?i)`, `(?i)в(?P<n>ід+)`, `(?i)\x{212a}`, `(?i)\Qa.b\E`,
	} {
		want := regexp.MustCompile(pattern)
		got, err := compileRegexp(pattern)
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, text := range texts {
			if g, w := got.FindStringSubmatchIndex(text), want.FindStringSubmatchIndex(text); !slices.Equal(g, w) {
				t.Errorf("%s in %q gives %v, and the library %v (as %s)", pattern, text, g, w, got)
			}
		}
	}
}
