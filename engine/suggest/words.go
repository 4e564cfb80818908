package suggest

import (
	"strings"
	"unicode"
)

// slips are vendors' misspellings and short forms in names, and what was meant.
var slips = map[string]string{
	"addres": "address", "adress": "address", "addr": "address",
	"curency": "currency", "calback": "callback", "summ": "sum",
	"payed": "paid", "qty": "quantity", "quant": "quantity", "tel": "phone",
	"наменование": "наименование", "кть": "кількість", "копании": "компании",
}

// words takes a name or a label apart: at blanks and signs, where a small letter
// meets a capital, and before the last capital of a row of them (orderURLs is
// order, urls). What it gives is in small letters, without apostrophes, and
// without the vendors' slips.
func words(s string) []string {
	var out []string
	var b []rune
	flush := func() {
		if len(b) == 0 {
			return
		}
		w := strings.ToLower(string(b))
		if meant, ok := slips[w]; ok {
			w = meant
		}
		out = append(out, w)
		b = b[:0]
	}
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case r == '\'' || r == '’' || r == 'ʼ' || r == '`':
			// п'ять, recipient’s: the letters around it are one word
		case r == '-' && i > 0 && i < len(runes)-1 && joins(runes, i):
			// к-ть, e-mail
		case r == '%':
			flush()
			out = append(out, "%")
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
		default:
			if len(b) > 0 && starts(runes, i) {
				flush()
			}
			b = append(b, r)
		}
	}
	flush()
	return out
}

// starts tells whether a new word begins with runes[i].
func starts(runes []rune, i int) bool {
	before, r := runes[i-1], runes[i]
	if unicode.IsDigit(before) != unicode.IsDigit(r) {
		return true
	}
	if !unicode.IsUpper(r) {
		return false
	}
	return unicode.IsLower(before) || i+1 < len(runes) && unicode.IsUpper(before) && unicode.IsLower(runes[i+1]) && !apart(runes[i+1:])
}

// apart tells whether nothing but one small s is left of a word: IDs is one word.
func apart(rest []rune) bool {
	return rest[0] == 's' && (len(rest) == 1 || !unicode.IsLetter(rest[1]))
}

// joins tells whether the hyphen at i stands behind one letter only, as in к-ть
// and e-mail, which are one word.
func joins(runes []rune, i int) bool {
	return unicode.IsLetter(runes[i-1]) && unicode.IsLetter(runes[i+1]) && (i == 1 || !unicode.IsLetter(runes[i-2]))
}

// latin writes Ukrainian and Russian letters in Latin ones, as names of fields
// do (sajt, vulytsia); the two languages' letters that sound alike become alike.
var latin = map[rune]string{
	'а': "a", 'б': "b", 'в': "v", 'г': "g", 'ґ': "g", 'д': "d", 'е': "e", 'є': "e", 'ё': "e", 'ж': "zh", 'з': "z",
	'и': "i", 'і': "i", 'ї': "i", 'й': "i", 'к': "k", 'л': "l", 'м': "m", 'н': "n", 'о': "o", 'п': "p", 'р': "r",
	'с': "s", 'т': "t", 'у': "u", 'ф': "f", 'х': "h", 'ц': "c", 'ч': "ch", 'ш': "sh", 'щ': "sch", 'ъ': "", 'ы': "i",
	'ь': "", 'э': "e", 'ю': "u", 'я': "a",
}

// spellings are what people write for the letters above.
var spellings = strings.NewReplacer("shch", "sch", "kh", "h", "ts", "c", "ju", "u", "yu", "u", "iu", "u", "ja", "a", "ya", "a", "ia", "a", "je", "e", "ye", "e", "ie", "e", "j", "i", "y", "i", "w", "v", "x", "h")

// sound gives a word in Latin letters, with the ways to write a sound made one:
// сайт, sajt and sayt are all sait.
func sound(word string) string {
	var b strings.Builder
	for _, r := range word {
		if l, ok := latin[r]; ok {
			b.WriteString(l)
		} else {
			b.WriteRune(r)
		}
	}
	return spellings.Replace(b.String())
}

// alike says how similar two words are, from 0 to 1: the share of their pairs of
// neighbouring letters that they have in common.
func alike(a, b string) float64 {
	if a == b {
		return 1
	}
	return alikeSounds([]rune(sound(a)), []rune(sound(b)))
}

func alikeSounds(ra, rb []rune) float64 {
	if len(ra) < 2 || len(rb) < 2 {
		return 0
	}
	ra, rb = ra[:min(len(ra), 60)], rb[:min(len(rb), 60)]
	var taken [60]bool
	both := 0
	for i := range len(ra) - 1 {
		for j := range len(rb) - 1 {
			if !taken[j] && ra[i] == rb[j] && ra[i+1] == rb[j+1] {
				taken[j] = true
				both++
				break
			}
		}
	}
	return 2 * float64(both) / float64(len(ra)+len(rb)-2)
}
