package shape

// MaxNesting is how deep a record may nest. No vendor's body comes near it.
const MaxNesting = 64

// Nesting gives how deep objects and arrays nest in JSON text, counting no
// further than MaxNesting+1. It looks at brackets outside strings only, so that
// it is safe before the text is known to be valid.
func Nesting[T string | []byte](text T) int {
	deepest, depth := 0, 0
	inString := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			if deepest = max(deepest, depth); deepest > MaxNesting {
				return deepest
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}
