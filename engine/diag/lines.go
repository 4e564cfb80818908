package diag

import (
	"strings"
	"unicode/utf8"
)

// Lines returns the lines of a YAML file, without their breaks: those that
// gopkg.in/yaml.v3 counts for the positions of what it reads. Beside \n and \r\n
// these are \r alone, U+0085, U+2028 and U+2029 (YAML 1.1, section 4.1.4).
func Lines(text string) []string {
	var lines []string
	for {
		i := strings.IndexAny(text, "\n\r\u0085\u2028\u2029")
		if i < 0 {
			return append(lines, text)
		}
		lines = append(lines, text[:i])
		_, size := utf8.DecodeRuneInString(text[i:])
		if strings.HasPrefix(text[i:], "\r\n") {
			size = 2
		}
		text = text[i+size:]
	}
}
