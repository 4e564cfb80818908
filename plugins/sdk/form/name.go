package form

import (
	"fmt"
	"strings"
)

// part is one step of a name: a field's name or an index, or [], the next index.
type part struct {
	text string
	next bool
}

// parseName takes a name apart: a[b][0].c[] is a, b, 0, c and the next index. A
// dot inside brackets is part of the name there.
func parseName(name string) ([]part, error) {
	rest := strings.TrimLeft(name, " ")
	if rest == "" {
		return nil, &Error{Code: CodeName, Message: "a field has no name"}
	}
	bad := func(format string, args ...any) error {
		return &Error{Code: CodeName, Field: shorten(name), Message: fmt.Sprintf(format, args...)}
	}
	var parts []part
	plain := true // a plain part comes next
	for rest != "" || plain {
		if len(parts) == MaxDepth {
			return nil, &Error{Code: CodeTooLarge, Field: shorten(name), Message: fmt.Sprintf("the name has more than %d parts", MaxDepth)}
		}
		if plain {
			end := strings.IndexAny(rest, ".[]")
			if end < 0 {
				end = len(rest)
			}
			if end == 0 {
				return nil, bad("a part of the name is empty")
			}
			parts = append(parts, part{text: rest[:end]})
			rest, plain = rest[end:], false
			continue
		}
		switch rest[0] {
		case '.':
			rest, plain = rest[1:], true
		case '[':
			end := strings.IndexAny(rest[1:], "[]") + 1
			if end == 0 || rest[end] == '[' {
				return nil, bad("a bracket is not closed")
			}
			text := rest[1:end]
			parts = append(parts, part{text: text, next: text == ""})
			rest = rest[end+1:]
		case ']':
			return nil, bad("a bracket closes that was not opened")
		default:
			return nil, bad("text follows a closing bracket: want [ or a dot there")
		}
	}
	return parts, nil
}
