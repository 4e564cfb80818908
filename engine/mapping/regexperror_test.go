package mapping

import (
	"regexp/syntax"
	"strings"
	"testing"
)

// TestFaultsOfPatterns checks what is said of every mistake in a regular expression,
// and where: the part between › and ‹ is the one that is marked.
func TestFaultsOfPatterns(t *testing.T) {
	seen := map[syntax.ErrorCode]bool{}
	for _, c := range []struct{ pattern, message, hint string }{
		{`№›(‹\d+`, "this `(` is never closed", `\(`},
		{`›(‹a(b)[()]\(`, "this `(` is never closed", `\(`},
		{`(a›(‹b`, "this `(` is never closed", `\(`},
		{`(a)b›)‹(c)`, "this `)` closes nothing", `\)`},
		{`[^])]\)[)]\Q)\E›)‹`, "this `)` closes nothing", `\)`},
		{`ї ›[‹a-я`, "this `[` is never closed", `\[`},
		{`a ›\‹`, "behind this backslash stands nothing", `\\`},
		{`a*(›*‹b)`, "before `*` stands nothing that could repeat", `\*`},
		{`›+‹380`, "before `+` stands nothing that could repeat", `\+`},
		{`(a|›{2}‹)`, "", ""}, // a { that begins no number stands for itself, and this is one
		{`a›**‹`, "`**` repeats what repeats already", "group"},
		{`їa›++‹b`, "`++` repeats what repeats already", "group"},
		{`a›{1001}‹`, "`{1001}` repeats too often, or its numbers are the wrong way round", "1000"},
		{`a›{5,2}‹`, "`{5,2}` repeats too often, or its numbers are the wrong way round", "smaller number"},
		{`x ›(?P<а б>‹y)`, "`(?P<а б>` does not name a group", "(?P<name>"},
		{`x ›(?P<name y)‹`, "`(?P<name y)` does not name a group", "(?P<name>"},
		{`a ›\y‹`, "`\\y` stands for nothing", "leave the backslash out"},
		{`a ›\Ж‹`, "`\\Ж` stands for nothing", "leave the backslash out"},
		{`a›\Z‹`, "`\\Z` stands for nothing", `\z`},
		{`›\<‹a`, "", ""}, // signs may have one
		{`(a)›\1‹`, "`\\1` stands for nothing", "referred back"},
		{`›\u‹0456`, "`\\u` stands for nothing", `\x{2116}`},
		{`a›\h‹`, "`\\h` stands for nothing", `[ \t]`},
		{`a›\R‹`, "`\\R` stands for nothing", `\r?\n`},
		{`№ ›(?=‹\d)`, "`(?=` would look at what is around, which is not possible", "group"},
		{`›(?!‹x)y`, "`(?!` would look at what is around, which is not possible", "group"},
		{`x›(?<=‹y)`, "`(?<=` would look at what is around, which is not possible", "group"},
		{`›(?>‹x)`, "`(?>` is not known", "(?:…)"},
		{`›(?#‹ x)y`, "a comment inside is not possible", "YAML"},
		{`›(?x‹)y`, "`(?x` is not known", "(?i)"},
		{`[ї›z-a‹]`, "the range `z-a` goes backwards", "first or last"},
		{`[a]›[:слово:]‹`, "", ""}, // a set of these characters
		{`[›[:word2:]‹]`, "there is no set of characters `[:word2:]`", "[:alpha:]"},
		{`a›\p{Ukrainian}‹b`, "there is no set of characters `\\p{Ukrainian}`", `\p{Cyrillic}`},
		{`›` + strings.Repeat("a", 1001) + `‹`, "it has 1001 bytes, and at most 1000 are allowed", "several"},
		{`›` + strings.Repeat("a{900}", 3) + `‹`, "its repetitions make it too large", "several"},
		{`((((a{100})›{100}‹){100}){100})`, "`{100}` repeats too often, or its numbers are the wrong way round", "1000"},
		{"›a\xff‹", "it holds bytes that are no characters", `\x{FF}`},
	} {
		before, rest, ok := strings.Cut(c.pattern, "›")
		marked, after, ok2 := strings.Cut(rest, "‹")
		if !ok || !ok2 {
			t.Fatal(c.pattern)
		}
		pattern := before + marked + after
		_, err := compileRegexp(pattern)
		if err == nil {
			if c.message != "" {
				t.Errorf("%s is a regular expression", pattern)
			}
			continue
		}
		if _, parsed := syntax.Parse(pattern, syntax.Perl); parsed != nil {
			if bad, ok := parsed.(*syntax.Error); ok { //nolint:errorlint // the parser's own
				seen[bad.Code] = true
			}
		}
		f := faultOf(pattern, err)
		if c.message != "" && (f.message != c.message || !strings.Contains(f.hint, c.hint)) {
			t.Errorf("%s\n got %s; %s\nwant %s; …%s…", pattern, f.message, f.hint, c.message, c.hint)
		}
		if got := pattern[f.from:f.to]; got != marked || f.from != len(before) {
			t.Errorf("%s: marks %q at %d, want %q at %d", pattern, got, f.from, marked, len(before))
		}
		for _, word := range []string{"missing", "invalid", "unexpected", "expression nests", "trailing", "argument"} {
			if strings.Contains(f.message+f.hint, word) {
				t.Errorf("%s: %s; %s", pattern, f.message, f.hint)
			}
		}
	}
	for _, code := range []syntax.ErrorCode{
		syntax.ErrInvalidCharRange, syntax.ErrInvalidEscape, syntax.ErrInvalidNamedCapture, syntax.ErrInvalidPerlOp, syntax.ErrInvalidRepeatOp,
		syntax.ErrInvalidRepeatSize, syntax.ErrInvalidUTF8, syntax.ErrMissingBracket, syntax.ErrMissingParen, syntax.ErrMissingRepeatArgument,
		syntax.ErrTrailingBackslash, syntax.ErrUnexpectedParen,
	} {
		if !seen[code] {
			t.Errorf("no pattern shows %q", code)
		}
	}
	// Those that a pattern of so many bytes cannot have.
	for code, want := range map[syntax.ErrorCode]string{
		syntax.ErrInternalError: "`x` cannot be read", syntax.ErrInvalidCharClass: "the range `x` goes backwards",
		syntax.ErrLarge: "`x` cannot be read", syntax.ErrNestingDepth: "`x` cannot be read",
	} {
		if got, hint := faultWords(&syntax.Error{Code: code, Expr: "x"}); got != want || hint == "" {
			t.Errorf("%q: %s; %s", code, got, hint)
		}
	}
}
