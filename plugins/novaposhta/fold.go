package main

import (
	"strings"
	"unicode"
)

// composed are the letters that some systems write as two code points.
var composed = strings.NewReplacer(
	"и\u0306", "й", "И\u0306", "Й", "і\u0308", "ї", "І\u0308", "Ї", "е\u0308", "ё", "Е\u0308", "Ё",
)

// lookalikes are Latin letters that stand in Cyrillic words by mistake.
var lookalikes = map[rune]rune{
	'A': 'А', 'B': 'В', 'C': 'С', 'E': 'Е', 'H': 'Н', 'I': 'І', 'K': 'К', 'M': 'М', 'O': 'О', 'P': 'Р', 'T': 'Т', 'X': 'Х', 'Y': 'У',
	'a': 'а', 'c': 'с', 'e': 'е', 'i': 'і', 'o': 'о', 'p': 'р', 'x': 'х', 'y': 'у', 'ï': 'ї', 'Ï': 'Ї',
}

// clean gives one form to what is written in several: apostrophes ('), dashes (-),
// spaces (one, none at the ends), letters of two code points, and Latin letters in
// Cyrillic words. Case stays.
func clean(s string) string {
	s = composed.Replace(strings.ToValidUTF8(s, " "))
	s = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune("’‘ʼʹ`´′＇", r):
			return '\''
		case strings.ContainsRune("‐‑‒–—―−", r):
			return '-'
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1 // soft hyphens, zero-width spaces
		}
		return r
	}, s)
	return strings.Join(strings.Fields(oneScript(s)), " ")
}

// oneScript makes Cyrillic the Latin lookalikes in words that are Cyrillic else.
func oneScript(s string) string {
	runes := []rune(s)
	for from := 0; from < len(runes); {
		to := from
		cyrillic, latin := false, false
		for to < len(runes) && (unicode.IsLetter(runes[to]) || runes[to] == '\'') {
			cyrillic = cyrillic || unicode.Is(unicode.Cyrillic, runes[to])
			latin = latin || unicode.Is(unicode.Latin, runes[to])
			to++
		}
		if cyrillic && latin {
			for i := from; i < to; i++ {
				if r, ok := lookalikes[runes[i]]; ok {
					runes[i] = r
				}
			}
		}
		from = max(to, from+1)
	}
	return string(runes)
}

// insignificant is what does not tell two names apart.
var insignificant = strings.NewReplacer("ё", "е", "'", "", "-", " ", ".", " ")

// sameKey is what two spellings of one name have in common: neither case, ё,
// apostrophes nor hyphens count.
func sameKey(s string) string {
	s = insignificant.Replace(clean(strings.ToLower(clean(s))))
	return strings.Join(strings.Fields(s), " ")
}
