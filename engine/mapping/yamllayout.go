package mapping

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// layout reads a file that YAML's parser refuses, line by line, as far as its maps
// and lists make sense, and finds the first place where they do not: the parser
// itself mostly names the beginning of what it was reading, or the line after.
type layout struct {
	doc *document
	// open are the maps and lists that the line at hand stands in.
	open []block
	n    int // the line at hand, from 1
}

// block is a map or list in block style.
type block struct {
	indent int
	list   bool
	line   int // of its last entry
	// takes says what may stand further in than its last entry.
	takes taking
}

type taking int

const (
	takesBlock   taking = iota // the entry has no value yet
	takesText                  // a plain text may go on
	takesNothing               // a quoted text or a bracket has ended
)

// flaw is what is wrong, from byte from of line line.
type flaw struct {
	line, from, to int
	rule           string
	message, hint  string
}

// maxKey is how many characters a key can have (YAML 1.2, section 7.4.2).
const maxKey = 1024

const writeOut = "write the value out; `let` names a value that is used more than once"

// flaw finds the first one; nil if the file is laid out well as far as is known here.
func (d *document) flaw() *flaw {
	l := &layout{doc: d}
	for l.n = 1; l.n <= len(d.lines); l.n++ {
		if f := l.line(); f != nil {
			return f
		}
	}
	return nil
}

func (l *layout) at(from, to int, hint, message string) *flaw {
	return &flaw{line: l.n, from: from, to: to, rule: "CW101", message: message, hint: hint}
}

// line reads the line at hand, and the ones after it that belong to its value.
func (l *layout) line() *flaw {
	text := l.doc.line(l.n)
	rest := strings.TrimLeft(text, " ")
	indent := len(text) - len(rest)
	if t := strings.TrimSpace(rest); t == "" || t[0] == '#' {
		return nil
	}
	end := len(strings.TrimRight(text, " \t"))
	if r, size := utf8.DecodeRuneInString(rest); r == '\t' {
		return l.at(indent, indent+1, "YAML is indented with spaces", "a tab indents this line")
	} else if what := diag.Invisible(r); what != "" {
		return l.at(indent, indent+size, "type usual spaces", what+" indents this line")
	}
	if indent == 0 && (rest == "---" || rest == "..." || strings.HasPrefix(rest, "--- ")) {
		if len(l.open) == 0 && rest != "..." {
			return nil
		}
		f := l.at(0, 3, "put each mapping in a file of its own", "a second document begins here")
		f.rule = "CW102"
		return f
	}
	if f, done := l.place(text, rest, indent, end); f != nil || done {
		return f
	}
	return l.entry(text, indent, end)
}

// place finds the map or list that a line belongs to; done means that the line goes on
// with the text before.
func (l *layout) place(text, rest string, indent, end int) (f *flaw, done bool) {
	list := rest == "-" || strings.HasPrefix(rest, "- ")
	if len(l.open) == 0 {
		l.open = append(l.open, block{indent: indent, list: list})
		return nil, false
	}
	if top := &l.open[len(l.open)-1]; indent > top.indent {
		switch {
		case top.takes == takesBlock:
			l.open = append(l.open, block{indent: indent, list: list})
			return nil, false
		case top.takes == takesText && keyEnd(rest) < 0 && !list:
			return nil, true
		}
		return l.at(indent, end, "keys of one map stand under each other", "this line is indented further than the one above, which already has its value"), false
	}
	deepest := len(l.open) - 1
	for len(l.open) > 1 && l.open[len(l.open)-1].indent > indent {
		l.open = l.open[:len(l.open)-1]
	}
	top := &l.open[len(l.open)-1]
	switch {
	case top.indent != indent && len(l.open) <= deepest:
		return l.at(indent, end, "a line stands exactly under its neighbours", "this line is indented like none above it"), false
	case top.indent != indent:
		return l.at(indent, end, "the first key begins the file's indentation", "this line is indented less than the first one"), false
	case list && !top.list && top.takes == takesBlock:
		l.open = append(l.open, block{indent: indent, list: true}) // a list may stand under its key
	case !list && top.list && len(l.open) > 1 && l.open[len(l.open)-2].indent == indent:
		l.open = l.open[:len(l.open)-1]
	case list && !top.list:
		return l.at(indent, end, "an entry of a list stands under its key, which has no other value", "an entry of a list cannot stand here"), false
	case !list && top.list:
		return l.at(indent, end, "every entry of a list begins with `- `", "an entry of a list is expected here"), false
	}
	return nil, false
}

// entry reads `- `, `key:` and the value of a line.
func (l *layout) entry(text string, from, end int) *flaw {
	top := &l.open[len(l.open)-1]
	top.line, top.takes = l.n, takesBlock
	if top.list {
		from++
		for from < end && text[from] == ' ' {
			from++
		}
		if from >= end || text[from] == '#' {
			return nil
		}
		rest := text[from:end]
		list := rest == "-" || strings.HasPrefix(rest, "- ")
		if list || keyEnd(rest) >= 0 {
			l.open = append(l.open, block{indent: from, list: list})
			return l.entry(text, from, end)
		}
		return l.value(text, from, end)
	}
	rest := text[from:end]
	colon := keyEnd(rest)
	if colon < 0 {
		return l.noKey(rest, from, end)
	}
	if n := characters(rest[:colon]); n > maxKey {
		return l.at(from, from+colon, "nest the fields: a map under a shorter key", fmt.Sprintf("this key has %d characters, and YAML reads keys of at most %d", n, maxKey))
	}
	from += colon + 1
	for from < end && (text[from] == ' ' || text[from] == '\t') {
		from++
	}
	if from >= end || text[from] == '#' {
		return nil
	}
	return l.value(text, from, end)
}

// keyEnd returns where the colon of `key: value` stands, -1 if a text has none.
func keyEnd(s string) int {
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		end := quoteEnd(s)
		if end < 0 {
			return -1
		}
		if rest := strings.TrimLeft(s[end:], " "); strings.HasPrefix(rest, ":") && (len(rest) == 1 || rest[1] == ' ') {
			return len(s) - len(rest)
		}
		return -1
	}
	if s != "" && strings.ContainsRune("{[", rune(s[0])) {
		return -1
	}
	for i := range len(s) {
		switch {
		case s[i] == '#' && i > 0 && s[i-1] == ' ':
			return -1
		case s[i] == ':' && (i+1 == len(s) || s[i+1] == ' ' || s[i+1] == '\t'):
			return i
		}
	}
	return -1
}

// quoteEnd returns the place behind the quote that closes the one s begins with, -1
// if none does.
func quoteEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] == '"':
			i++
		case s[i] == s[0] && s[0] == '\'' && i+1 < len(s) && s[i+1] == '\'':
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return -1
}

// noKey says why a line of a map is no `key: value`.
func (l *layout) noKey(rest string, from, end int) *flaw {
	word := strings.IndexFunc(rest, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '.' && r != '-'
	})
	switch {
	case strings.HasPrefix(rest, "<<"):
	case rest[0] == '&' || rest[0] == '*' || rest[0] == '!':
		return l.marked(rest, from)
	case word > 0 && rest[word] == ':':
		if r, size := utf8.DecodeRuneInString(rest[word+1:]); diag.Invisible(r) != "" {
			return l.at(from+word+1, from+word+1+size, "type a usual one", "behind the colon stands "+diag.Invisible(r))
		}
		return l.at(from, end, "write `"+rest[:word]+": "+strings.TrimLeft(rest[word+1:], ":")+"`", "a blank is missing behind the colon")
	case word > 0 && strings.HasPrefix(strings.TrimLeft(rest[word:], " "), "=") && !strings.HasPrefix(strings.TrimLeft(rest[word:], " "), "=="):
		value := strings.TrimLeft(strings.TrimLeft(rest[word:], " ")[1:], " =")
		return l.at(from, end, "write `"+rest[:word]+": "+value+"`, or with an expression `"+rest[:word]+": = …`", "a key is followed by a colon")
	case strings.ContainsAny(rest[:1], `"'`) && quoteEnd(rest) < 0:
		return l.at(from, end, closeQuotes, "a quotation mark is never closed")
	case word > 0 && rest[word] == ' ':
		return l.at(from, end, "write `"+rest[:word]+": "+strings.TrimLeft(rest[word:], " ")+"`; every line is `key: value`, indented like its neighbours", "a colon is missing in this line")
	}
	return l.at(from, end, "every line is `key: value`, indented like its neighbours", "this line has no colon")
}

const closeQuotes = `inside '…' a ' is written twice; inside "…" a " is written \"`

// marked reports what YAML takes for an anchor, an alias or a tag.
func (l *layout) marked(rest string, from int) *flaw {
	end := strings.IndexAny(rest, " ,]}")
	if end < 0 {
		end = len(rest)
	}
	f := l.at(from, from+end, writeOut, "")
	f.rule = "CW102"
	switch rest[0] {
	case '&':
		f.message = "anchors (`" + rest[:end] + "`) are not supported"
	case '*':
		f.message = "aliases (`" + rest[:end] + "`) are not supported"
	default:
		f.message, f.hint = "tags (`"+rest[:end]+"`) are not supported", "leave it out; {value: …} writes a constant text, and `not x` negates in an expression"
	}
	return f
}

// value reads a value up to the end of its last line.
func (l *layout) value(text string, from, end int) *flaw {
	top := &l.open[len(l.open)-1]
	top.takes = takesNothing
	rest := text[from:end]
	switch rest[0] {
	case '&', '*', '!':
		return l.marked(rest, from)
	case '`', '@', '%':
		hint := "a path begins with the name of a field, an expression with `= `; a text is {value: " + quoted(rest) + "}"
		if rest[0] == '@' && slices.Contains(modifiers(), strings.TrimLeft(rest, "@")) {
			hint = "quote it: " + quoted(rest)
		}
		return l.at(from, end, hint, "a value cannot begin with `"+rest[:1]+"`")
	case '|', '>':
		if header := strings.TrimLeft(rest[1:], "+-0123456789"); header == "" || header[0] == ' ' {
			l.skipBlock(top.indent)
			return nil
		}
	case '"', '\'':
		return l.quote(text, from, end)
	case '{', '[':
		return l.flow(text, from)
	case '?', '-':
		if len(rest) > 1 && rest[1] != ' ' {
			break
		}
		if rest[0] == '-' {
			return l.at(from, end, "a list begins in the next line, or is written [a, b]", "an entry of a list cannot stand behind a key")
		}
		return l.at(from, end, "quote it: "+quoted(rest), "a value cannot begin with `?`")
	case '}', ']', ',':
		return l.at(from, end, "quote it: "+quoted(rest), "a value cannot begin with `"+rest[:1]+"`")
	}
	top.takes = takesText
	if i := strings.Index(rest, " #"); i >= 0 {
		rest = rest[:i]
	}
	if strings.Contains(rest, ": ") || strings.HasSuffix(strings.TrimRight(rest, " "), ":") {
		return l.at(from, end, "quote it: "+quoted(text[from:end])+"; a choice can also be written = if a { b } else { c }",
			"this value holds `: `, which YAML takes for a new key")
	}
	return nil
}

// maxQuoted is how many bytes of a value a hint shows in quotes.
const maxQuoted = 400

// quoted is a value as YAML takes it; of one that goes on for too long its beginning.
func quoted(s string) string {
	if len(s) > maxQuoted {
		s = strings.ToValidUTF8(s[:maxQuoted], "") + "…"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// skipBlock goes to the last line of a block scalar.
func (l *layout) skipBlock(indent int) {
	for l.n < len(l.doc.lines) {
		next := l.doc.line(l.n + 1)
		if t := strings.TrimLeft(next, " "); strings.TrimSpace(t) != "" && len(next)-len(t) <= indent {
			return
		}
		l.n++
	}
}

// quote goes to the end of a quoted value, which may be lines below.
func (l *layout) quote(text string, from, end int) *flaw {
	start, first := l.n, *l
	whole := text[from:end]
	for {
		if e := quoteEnd(whole); e >= 0 {
			rest := strings.TrimSpace(whole[e:])
			if rest == "" || rest[0] == '#' {
				return nil
			}
			l.n = start
			return l.at(from, end, "a value with quotes inside is quoted as a whole: '= name == \"x\"'", "this value goes on behind its closing quotation mark")
		}
		next := l.doc.line(l.n + 1)
		if t := strings.TrimLeft(next, " "); l.n >= len(l.doc.lines) || t != "" && len(next)-len(t) <= l.open[len(l.open)-1].indent {
			return first.at(from, end, closeQuotes, "a quotation mark is never closed")
		}
		l.n++
		whole += "\n" + next
	}
}

// flow goes to the end of a value in { } or [ ], which may be lines below.
func (l *layout) flow(text string, from int) *flaw {
	type opened struct {
		b        byte
		line, at int
	}
	var stack []opened
	unclosed := func() *flaw {
		last := stack[len(stack)-1]
		l.n = last.line
		line := l.doc.line(l.n)
		return l.at(last.at, len(strings.TrimRight(line, " \t")), "a value inside that holds , [ ] { } or quotes is quoted as a whole: '= f(a, b)'", "this `"+string(last.b)+"` is never closed")
	}
	fresh := true // a value begins here
	for i := from; ; {
		for ; i < len(text); i++ {
			switch c := text[i]; {
			case c == ' ' || c == '\t':
				continue
			case c == '#' && i > 0 && text[i-1] == ' ':
				i = len(text)
				continue
			case fresh && (c == '"' || c == '\''):
				e := quoteEnd(text[i:])
				if e < 0 {
					return l.at(i, len(strings.TrimRight(text, " \t")), closeQuotes, "a quotation mark is never closed")
				}
				i += e - 1
				if rest := strings.TrimLeft(text[i+1:], " "); rest != "" && !strings.ContainsRune(",]}:#", rune(rest[0])) {
					return l.at(i+1-e, len(text)-len(rest)+1, "a value with quotes inside is quoted as a whole: '= name == \"x\"'", "this value goes on behind its closing quotation mark")
				}
			case fresh && (c == '&' || c == '*' || c == '!'):
				return l.marked(text[i:], i)
			case fresh && (c == '`' || c == '@' || c == '%'):
				return l.at(i, i+1, "quote the whole value: '…'", "a value cannot begin with `"+string(c)+"`")
			case c == '{' || c == '[':
				if !fresh {
					return l.at(i, i+1, quoteInside(text[:i]), "inside { } and [ ] a `"+string(c)+"` ends the value before it")
				}
				stack = append(stack, opened{c, l.n, i})
				continue
			case c == '?' && !fresh:
				return l.at(i, i+1, `quote the whole value, as in {expr: 'a ?? "none"'}`, "inside { } and [ ] a `?` ends the value before it")
			case c == '}' || c == ']':
				last := stack[len(stack)-1]
				if last.b == '{' != (c == '}') {
					return l.at(i, i+1, "a value inside that holds , [ ] { } or quotes is quoted as a whole: '= f(a, b)'", "`"+string(c)+"` closes nothing here")
				}
				if stack = stack[:len(stack)-1]; len(stack) == 0 {
					if rest := strings.TrimLeft(text[i+1:], " \t"); rest != "" && rest[0] != '#' {
						return l.at(i+1, len(strings.TrimRight(text, " \t")), "a value inside that holds , [ ] { } or quotes is quoted as a whole: '= f(a, b)'", "this stands behind the `"+string(c)+"` that ends the value")
					}
					return nil
				}
				fresh = false
				continue
			case c == ',':
				if fresh {
					return l.at(i, i+1, "leave it out, or quote a value that holds a comma: '…'", "there is no value before this comma")
				}
				fresh = true
				continue
			case c == ':' && (i+1 == len(text) || strings.ContainsRune(" ,[]{}", rune(text[i+1]))):
				fresh = true
				continue
			}
			fresh = false
		}
		next := l.doc.line(l.n + 1)
		t := strings.TrimLeft(next, " ")
		if l.n >= len(l.doc.lines) || t != "" && t[0] != '#' && len(next)-len(t) <= l.open[len(l.open)-1].indent {
			return unclosed()
		}
		l.n++
		text, i = next, 0
	}
}

// quoteInside says how to quote a value inside { } and [ ] that a bracket follows;
// before is the line in front of the bracket.
func quoteInside(before string) string {
	value := before[strings.LastIndexAny(before, ",{[")+1:]
	name := value[strings.LastIndexByte(value, ' ')+1:]
	if name == "" || strings.Contains(value, "= ") {
		return "quote the whole value: '= f(a[0])'"
	}
	return fmt.Sprintf("quote the whole value: \"%s[…]\", or write the path with dots: %s.…", name, name)
}
