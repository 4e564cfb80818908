package diag

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// lookAlikes are the Cyrillic letters that look like Latin ones, each with its own.
func lookAlikes() *strings.Replacer {
	return strings.NewReplacer(
		"а", "a", "е", "e", "о", "o", "р", "p", "с", "c", "у", "y", "х", "x", "і", "i", "ї", "i", "ј", "j", "ѕ", "s", "һ", "h", "ԁ", "d", "к", "k", "м", "m", "т", "t", "в", "b", "н", "h", "п", "n", "г", "r",
		"А", "A", "Е", "E", "О", "O", "Р", "P", "С", "C", "У", "Y", "Х", "X", "І", "I", "Ј", "J", "Ѕ", "S", "К", "K", "М", "M", "Т", "T", "В", "B", "Н", "H",
	)
}

// Latin returns a name as it looks: Cyrillic letters that look like Latin ones are
// Latin, and what cannot be seen is gone.
func Latin(name string) string {
	return lookAlikes().Replace(Visible(name))
}

// Visible returns a name without what cannot be seen.
func Visible(name string) string {
	return strings.Map(func(r rune) rune {
		if Invisible(r) != "" {
			return -1
		}
		return r
	}, name)
}

// Invisible names a character that cannot be seen, or that looks like a blank and
// is none, as in "a zero-width space (U+200B)"; "" for any other.
func Invisible(r rune) string {
	name := ""
	switch {
	case r == '\u00a0' || r == '\u202f' || r == '\u2007':
		name = "a no-break space"
	case r == '\u200b':
		name = "a zero-width space"
	case r == '\u200c' || r == '\u200d' || r == '\u2060':
		name = "a zero-width joiner"
	case r == '\ufeff':
		name = "a byte order mark"
	case r == '\u00ad':
		name = "a soft hyphen"
	case r != ' ' && unicode.Is(unicode.Zs, r):
		name = "a special space"
	case unicode.Is(unicode.Cf, r):
		name = "an invisible character"
	default:
		return ""
	}
	return fmt.Sprintf("%s (U+%04X)", name, r)
}

// Foreign says which character of a name that is typed with Latin letters is not
// what it looks like: a Cyrillic letter, or one that cannot be seen. Positions count
// characters from 1. It returns "" if there is none.
func Foreign(name string) string {
	letters := []rune(name)
	if i := slices.IndexFunc(letters, hidden); i >= 0 {
		if what := Invisible(letters[i]); unicode.Is(unicode.Zs, letters[i]) {
			return fmt.Sprintf("%s stands at position %d: type a usual one, or delete it", what, i+1)
		}
		return fmt.Sprintf("%s stands at position %d: delete it", Invisible(letters[i]), i+1)
	}
	if i := slices.IndexFunc(letters, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) }); i >= 0 {
		return fmt.Sprintf("the `%c` at position %d is a Cyrillic letter: type the name with Latin ones", letters[i], i+1)
	}
	return ""
}

func hidden(r rune) bool { return Invisible(r) != "" }

// OddLetter is Foreign for a name that may well be Cyrillic as a whole, as a field of
// a user's own: it finds what cannot be seen, and Cyrillic letters among Latin ones.
func OddLetter(name string) string {
	if strings.IndexFunc(name, hidden) < 0 && strings.IndexFunc(name, func(r rune) bool { return unicode.Is(unicode.Latin, r) }) < 0 {
		return ""
	}
	return Foreign(name)
}
