package mapping

import (
	"errors"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"
)

// patternFault is why a text is no regular expression, for a person.
type patternFault struct {
	// from and to are where in the pattern, in bytes.
	from, to      int
	message, hint string
}

// faultOf says what is wrong with a pattern that compileRegexp refused with err.
func faultOf(pattern string, err error) patternFault {
	_, parsed := syntax.Parse(pattern, syntax.Perl)
	var bad *syntax.Error
	if len(pattern) > maxPattern || !errors.As(parsed, &bad) {
		return patternFault{to: len(pattern), message: err.Error(), hint: "match less, or in several expressions"}
	}
	switch bad.Code {
	case syntax.ErrMissingParen:
		at, _ := parentheses(pattern)
		return patternFault{at, at + 1, "this `(` is never closed", `a ( that is to be found is written \(`}
	case syntax.ErrUnexpectedParen:
		_, at := parentheses(pattern)
		return patternFault{at, at + 1, "this `)` closes nothing", `a ) that is to be found is written \)`}
	case syntax.ErrMissingBracket:
		at := max(0, len(pattern)-len(bad.Expr))
		return patternFault{at, at + 1, "this `[` is never closed", `a [ that is to be found is written \[`}
	case syntax.ErrTrailingBackslash:
		return patternFault{len(pattern) - 1, len(pattern), "behind this backslash stands nothing", `a backslash that is to be found is written \\`}
	case syntax.ErrNestingDepth:
		return patternFault{0, len(pattern), "its groups nest too deeply", "leave out the groups that are not needed"}
	case syntax.ErrLarge:
		return patternFault{0, len(pattern), "its repetitions make it too large", "repeat less often"}
	case syntax.ErrInvalidUTF8:
		return patternFault{0, len(pattern), "it holds bytes that are no characters", `a byte is written \x{FF}`}
	case syntax.ErrInternalError, syntax.ErrInvalidCharClass, syntax.ErrInvalidCharRange, syntax.ErrInvalidEscape, syntax.ErrInvalidNamedCapture,
		syntax.ErrInvalidPerlOp, syntax.ErrInvalidRepeatOp, syntax.ErrInvalidRepeatSize, syntax.ErrMissingRepeatArgument: // of a part of it
	}
	f := patternFault{}
	f.from, f.to = whereIn(pattern, bad)
	if behind := lookBehind(bad.Expr); behind != "" {
		bad, f.to = &syntax.Error{Code: syntax.ErrInvalidPerlOp, Expr: behind}, f.from+len(behind)
	}
	f.message, f.hint = faultWords(bad)
	return f
}

// lookBehind is the beginning of a group that looks behind, which the parser takes for
// that of a name; else "".
func lookBehind(expr string) string {
	if strings.HasPrefix(expr, "(?<=") || strings.HasPrefix(expr, "(?<!") {
		return expr[:4]
	}
	return ""
}

// faultWords says what is wrong with the part of a pattern that an error names.
func faultWords(bad *syntax.Error) (message, hint string) {
	part := "`" + shorten(bad.Expr) + "`"
	switch bad.Code {
	case syntax.ErrMissingRepeatArgument:
		return "before " + part + " stands nothing that could repeat", `a ` + bad.Expr[:1] + ` that is to be found is written \` + bad.Expr[:1]
	case syntax.ErrInvalidRepeatOp:
		return part + " repeats what repeats already", "leave one out, or put a group around it: (?:…)*"
	case syntax.ErrInvalidRepeatSize:
		return part + " repeats too often, or its numbers are the wrong way round", "1000 times is the most, with what is repeated inside counted in, and the smaller number stands first: {2,5}"
	case syntax.ErrInvalidNamedCapture:
		return part + " does not name a group", "a name is made of letters, digits and _: (?P<name>…); a plain group ( ) will do"
	case syntax.ErrInvalidEscape:
		return part + " stands for nothing", escapeHint(bad.Expr)
	case syntax.ErrInvalidPerlOp:
		return operatorWords(bad.Expr)
	case syntax.ErrInvalidCharRange, syntax.ErrInvalidCharClass:
		switch {
		case strings.HasPrefix(bad.Expr, "[:"):
			return "there is no set of characters " + part, "there are [:alpha:], [:digit:], [:alnum:], [:upper:], [:lower:], [:space:], [:punct:]"
		case strings.HasPrefix(bad.Expr, `\p`), strings.HasPrefix(bad.Expr, `\P`):
			return "there is no set of characters " + part, `\p{L} is any letter, \p{Lu} a capital, \p{Cyrillic} a Cyrillic one, \p{N} a digit`
		}
		return "the range " + part + " goes backwards", "the smaller character stands first; a - that is to be found stands first or last in [ ]"
	case syntax.ErrInternalError, syntax.ErrInvalidUTF8, syntax.ErrMissingBracket, syntax.ErrMissingParen,
		syntax.ErrTrailingBackslash, syntax.ErrUnexpectedParen, syntax.ErrNestingDepth, syntax.ErrLarge:
	}
	return part + " cannot be read", "the syntax is that of RE2: https://github.com/google/re2/wiki/Syntax"
}

// escapeHint says what to write instead of a backslash and a character that mean
// nothing together.
func escapeHint(escape string) string {
	r, size := utf8.DecodeRuneInString(strings.TrimPrefix(escape, `\`))
	switch {
	case r == 'Z':
		return `the text's end is \z, or $`
	case r == '<', r == '>':
		return `a word's edge is \b, for words of Latin letters`
	case r == 'u', r == 'x':
		return `write the character itself, or its number: \x{2116}`
	case r == 'h':
		return `a blank is [ \t]`
	case r == 'R':
		return `a line's end is \r?\n`
	case '1' <= r && r <= '9', r == 'k':
		return "a group cannot be referred back to"
	case r >= utf8.RuneSelf && unicode.IsLetter(r), unicode.IsLetter(r):
		return "leave the backslash out, for the letter itself"
	case size == 0:
		return `a backslash that is to be found is written \\`
	}
	return `a backslash stands before signs, as in \. and \(, and in \d \D \w \W \s \S \b \B \A \z \t \n`
}

// operatorWords says what is wrong with a group that begins with (? and goes on as
// none does.
func operatorWords(op string) (message, hint string) {
	part := "`" + shorten(op) + "`"
	switch {
	case strings.HasPrefix(op, "(?="), strings.HasPrefix(op, "(?!"), strings.HasPrefix(op, "(?<"):
		return part + " would look at what is around, which is not possible", "match it too and put a group ( ) around what you want, or ask for it with a second expression"
	case strings.HasPrefix(op, "(?>"):
		return part + " is not known", "a group that captures nothing is (?:…)"
	case strings.HasPrefix(op, "(?#"):
		return "a comment inside is not possible", "write it behind a # in the YAML file"
	}
	return part + " is not known", "the flags are i (any case), m, s and U, as in (?i); a group that captures nothing is (?:…)"
}

// whereIn finds the part of a pattern that an error names: it ends where the parser
// first finds it.
func whereIn(pattern string, bad *syntax.Error) (from, to int) {
	for n := range len(pattern) + 1 {
		prefix := pattern[:n]
		if !strings.HasSuffix(prefix, bad.Expr) {
			continue
		}
		var same *syntax.Error
		if _, err := syntax.Parse(prefix, syntax.Perl); errors.As(err, &same) && same.Code == bad.Code && same.Expr == bad.Expr {
			return n - len(bad.Expr), n
		}
	}
	if i := strings.LastIndex(pattern, bad.Expr); i >= 0 {
		return i, i + len(bad.Expr)
	}
	return 0, len(pattern)
}

// parentheses finds the last ( that is never closed and the first ) that closes
// nothing, -1 for none.
func parentheses(pattern string) (open, closing int) {
	var stack []int
	inClass := -1
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && strings.HasPrefix(pattern[i:], `\Q`):
			if end := strings.Index(pattern[i:], `\E`); end >= 0 {
				i += end + 1
			} else {
				i = len(pattern)
			}
		case c == '\\':
			i++
		case inClass >= 0:
			if c == ']' && i > inClass+1 && (i != inClass+2 || pattern[i-1] != '^') {
				inClass = -1
			}
		case c == '[':
			inClass = i
		case c == '(':
			stack = append(stack, i)
		case c == ')' && len(stack) == 0:
			return -1, i
		case c == ')':
			stack = stack[:len(stack)-1]
		}
	}
	if len(stack) == 0 {
		return -1, -1
	}
	return stack[len(stack)-1], -1
}

// badRegexp reports a constant pattern at the place that is wrong with it.
func (e *exprCompiler) badRegexp(o operand, pattern string, err error) {
	f := faultOf(pattern, err)
	from, to := o.from, o.to
	if text := e.text[min(max(o.from, 0), len(e.text)):min(max(o.to, 0), len(e.text))]; len(text) >= 2 && strings.ContainsRune("`\"'", text[0]) && text[len(text)-1] == text[0] && f.from >= 0 && f.from < f.to {
		from, to = o.from+inLiteral(text, f.from), o.from+inLiteral(text, f.to)
	}
	e.report("CW134", from, to, f.hint, "this is no regular expression: %s", f.message)
}

// inLiteral returns at which character of a literal byte n of its value stands.
func inLiteral(literal []rune, n int) int {
	i := 1
	for n > 0 && i < len(literal)-1 {
		r, size := literal[i], 1
		switch {
		case literal[0] == '`' && r == '`': // written twice
			size = 2
		case literal[0] != '`' && r == '\\':
			r, size = escaped(literal[i:])
		}
		n -= utf8.RuneLen(r)
		i += size
	}
	return i
}

// escaped returns the character that an escape of a quoted text stands for, as far as
// its length goes, and how many characters it is written with.
func escaped(text []rune) (rune, int) {
	if len(text) < 2 {
		return '\\', 1
	}
	hex := func(from, n int) (rune, int) {
		var v rune
		for _, c := range text[from:min(from+n, len(text))] {
			if i := strings.IndexRune("0123456789abcdef", unicode.ToLower(c)); i >= 0 {
				v = v<<4 | rune(i) //nolint:gosec // 0 to 15
			}
		}
		if !utf8.ValidRune(v) {
			v = utf8.RuneError
		}
		return v, from + n
	}
	switch text[1] {
	case 'x', 'X':
		r, n := hex(2, 2)
		return min(r, 0x7f), n // a byte
	case 'u':
		if len(text) > 2 && text[2] == '{' {
			for n := 3; n < len(text); n++ {
				if text[n] == '}' {
					r, _ := hex(3, n-3)
					return r, n + 1
				}
			}
		}
		return hex(2, 4)
	case 'U':
		return hex(2, 8)
	case '0', '1', '2', '3', '4', '5', '6', '7':
		return 'x', 4 // three octal digits, a byte
	}
	return 'x', 2
}
