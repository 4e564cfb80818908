package novaposhtatest

import "strings"

// latin and first are the Cabinet of Ministers' romanization (resolution 55 of
// 2010): first holds the letters that are written otherwise at a word's beginning.
var (
	latin = map[rune]string{
		'а': "a", 'б': "b", 'в': "v", 'г': "h", 'ґ': "g", 'д': "d", 'е': "e", 'є': "ie", 'ж': "zh", 'з': "z", 'и': "y",
		'і': "i", 'ї': "i", 'й': "i", 'к': "k", 'л': "l", 'м': "m", 'н': "n", 'о': "o", 'п': "p", 'р': "r", 'с': "s",
		'т': "t", 'у': "u", 'ф': "f", 'х': "kh", 'ц': "ts", 'ч': "ch", 'ш': "sh", 'щ': "shch", 'ь': "", 'ю': "iu", 'я': "ia", '\'': "",
	}
	first = map[rune]string{'є': "ye", 'ї': "yi", 'й': "y", 'ю': "yu", 'я': "ya"}
)

// translit writes a Ukrainian name in Latin letters.
func translit(name string) string {
	var words []string
	for word := range strings.FieldsSeq(strings.ToLower(name)) {
		var b strings.Builder
		for i, r := range word {
			s, ok := latin[r]
			if f, begins := first[r]; begins && i == 0 {
				s = f
			}
			if !ok {
				s = string(r)
			}
			b.WriteString(s)
		}
		if w := b.String(); w != "" {
			words = append(words, strings.ToUpper(w[:1])+w[1:])
		}
	}
	return strings.Join(words, " ")
}
