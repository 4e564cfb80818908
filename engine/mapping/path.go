package mapping

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// maxPath is the longest path in bytes.
const maxPath = 1024

// segment is one step of a plain path: a key of an object, or an index of an array.
type segment struct {
	text string
	// escaped means that the path held a backslash here; such a step is never an index.
	escaped bool
	// all means # or #(…): every element of an array, or the ones that a query finds.
	all bool
	// one tells of all that only the first is taken, and count that nothing follows #:
	// there, that is the number of elements.
	one, count bool
	// piped tells that `|` stands before the step, wild that its name has wildcards.
	piped, wild bool
	// query is what #(…) asks of each element, modifier what @name does, and multi what
	// {…} or […] gathers; nil for other steps.
	query    *query
	modifier *modifier
	multi    *multipath
	// borrowed means that the step stands elsewhere, where its mistakes are said: a let
	// is its name.
	borrowed bool
	// from and to are the step's place in the path, in characters.
	from, to int
}

// path is a checked gjson path.
type path struct {
	// text is the path as gjson understands it.
	text string
	// segments are the leading plain steps; all of them if plain.
	segments []segment
	// names are all steps.
	names []segment
	// plain means that the scanner can serve the path without gjson.
	plain bool
}

// pathError says what is wrong with a path, at characters from to to.
type pathError struct {
	from, to      int
	message, hint string
}

func (e *pathError) Error() string { return e.message }

// parsePath reads a gjson path, or one in the bracket notation of the vendors'
// documents (data[contacts][0][fName]), and refuses what gjson would take
// silently for something missing.
func parsePath(s string) (path, *pathError) {
	p := pathParser{in: s}
	switch {
	case s == "":
		return path{}, &pathError{message: "the path is empty", hint: `an empty text is written {value: ""}`}
	case len(s) > maxPath:
		return path{}, &pathError{to: 1, message: "the path is longer than 1024 bytes"}
	case !utf8.ValidString(s):
		return path{}, &pathError{to: 1, message: "the path is not valid UTF-8"}
	case strings.HasPrefix(s, ".."):
		return path{}, &pathError{to: 2, message: "`..` reads JSON lines, and a record is one JSON object", hint: "a path begins with the name of a field"}
	case s[0] == '!':
		return path{}, &pathError{to: 1, message: "`!` is no path", hint: "write a constant as {value: …}"}
	}
	p.out.plain = true
	if err := p.parse(); err != nil {
		return path{}, err
	}
	p.out.text = p.text.String()
	return p.out, nil
}

type pathParser struct {
	in    string
	i     int // byte offset
	out   path
	piped bool // `|` stands before the step at hand
	text  strings.Builder
}

func (p *pathParser) fail(from, to int, message, hint string) *pathError {
	chars := func(n int) int { return utf8.RuneCountInString(p.in[:min(max(n, 0), len(p.in))]) }
	return &pathError{from: chars(from), to: max(chars(to), chars(from)+1), message: message, hint: hint}
}

// parse reads steps and what stands between them.
func (p *pathParser) parse() *pathError {
	for {
		if err := p.step(); err != nil {
			return err
		}
		for p.i < len(p.in) && p.in[p.i] == '[' && p.out.plain {
			if err := p.bracket(); err != nil {
				return err
			}
		}
		if p.i == len(p.in) {
			return nil
		}
		switch c := p.in[p.i]; c {
		case '.', '|':
			if p.piped = c == '|'; p.piped {
				p.out.plain = false
			}
			p.text.WriteByte(c)
			p.i++
			if p.i == len(p.in) {
				return p.fail(p.i-1, p.i, "the path ends with `"+string(c)+"`", "leave it out, or name a field after it")
			}
		default:
			r, n := utf8.DecodeRuneInString(p.in[p.i:])
			return p.misplaced(r, n)
		}
	}
}

// misplaced refuses the character r of n bytes at hand.
func (p *pathParser) misplaced(r rune, n int) *pathError {
	what, hint := "`"+string(r)+"`", notAPath(p.in)
	if name := diag.Invisible(r); name != "" {
		what, hint = name, "delete it, or type a usual blank"
	} else if unicode.IsSpace(r) {
		what = "a blank"
	}
	return p.fail(p.i, p.i+n, what+" cannot stand here in a path", hint)
}

func notAPath(s string) string {
	if strings.ContainsRune(s, ' ') && !strings.ContainsAny(s, "()=<>+*/?!&") {
		return "a text is written {value: …}, an expression begins with `= `"
	}
	if regexp.MustCompile(`==|!=|>=|<=| [<>+*/-] |^\w+\(.*\)$`).MatchString(s) && len(s) <= 60 {
		return "an expression begins with `= `: " + asValue(s)
	}
	if strings.ContainsAny(s, "()=<>+*/?!&") || strings.Contains(s, " ") {
		return "an expression begins with `= `; a character that belongs to a field's name is written with `\\` before it"
	}
	return "a character that belongs to a field's name is written with `\\` before it"
}

// step reads a name, an index, a wildcard, #, #(…), @modifier, or a multipath.
func (p *pathParser) step() *pathError {
	start := p.i
	switch c := p.in[p.i]; c {
	case '#':
		return p.hash()
	case '@':
		return p.modifier()
	case '{', '[':
		if strings.HasPrefix(p.in[p.i:], "{{") {
			return p.fail(p.i, len(p.in), "a path has no `{{ }}`", "write the field's name alone: "+strings.Trim(p.in[p.i:], "{} "))
		}
		return p.multipath()
	}
	var name strings.Builder
	escaped, wild := false, false
scan:
	for p.i < len(p.in) {
		r, n := utf8.DecodeRuneInString(p.in[p.i:])
		switch {
		case r == '\\':
			if p.i+1 == len(p.in) {
				return p.fail(p.i, p.i+1, "the path ends with `\\`", "`\\` stands before a character that belongs to a field's name")
			}
			escaped = true
			_, size := utf8.DecodeRuneInString(p.in[p.i+1:])
			name.WriteString(p.in[p.i+1 : p.i+1+size])
			p.i += 1 + size
			continue
		case r == '*' || r == '?':
			wild = true
		case r == '.' || r == '|' || r == '[':
			break scan
		case r == '#' || strings.ContainsRune("()]{}=<>%!,;\"'`&@", r) || unicode.IsSpace(r) || unicode.IsControl(r):
			return p.misplaced(r, n)
		}
		name.WriteString(p.in[p.i : p.i+n])
		p.i += n
	}
	if p.i == start {
		return p.fail(p.i-1, p.i+1, "a step of the path is empty", "there is a `.` too many, or a field's name is missing")
	}
	p.text.WriteString(p.in[start:p.i])
	p.add(name.String(), start, p.i, escaped, wild)
	return nil
}

func (p *pathParser) add(name string, start, end int, escaped, wild bool) {
	// What the trie cannot tell apart is gjson's: a backslash in a name, an index that
	// does not fit, digits that are escaped and so are no index.
	digits := strings.Trim(name, "0123456789") == ""
	if wild || strings.Contains(name, `\\`) || digits && (escaped || len(name) > 9) {
		p.out.plain = false
	}
	s := p.named(segment{text: name, escaped: escaped, wild: wild}, start, end)
	if p.out.plain {
		p.out.segments = append(p.out.segments, *s)
	}
}

// named adds a step that stands from start to end, in bytes.
func (p *pathParser) named(s segment, start, end int) *segment {
	s.piped = p.piped
	s.from = utf8.RuneCountInString(p.in[:start])
	s.to = s.from + utf8.RuneCountInString(p.in[start:end])
	p.out.names = append(p.out.names, s)
	return &p.out.names[len(p.out.names)-1]
}

// bracket reads [name] or [0], which gjson does not know, into a step.
func (p *pathParser) bracket() *pathError {
	start := p.i
	end := strings.IndexByte(p.in[start:], ']')
	if end < 0 {
		return p.fail(start, len(p.in), "the `[` is never closed", "write data[contacts][0][fName] or data.contacts.0.fName")
	}
	name := p.in[start+1 : start+end]
	if name == "" {
		return p.fail(start, start+2, "the brackets are empty", "write an index, as in contacts[0], # for all elements, as in contacts.#.phone, or use `each`")
	}
	if len(name) > 1 && (name[0] == '"' || name[0] == '\'') && name[len(name)-1] == name[0] {
		name = name[1 : len(name)-1]
	}
	if i := strings.IndexFunc(name, func(r rune) bool {
		return strings.ContainsRune("[]{}()\"'`\\*?#|=<>,@", r) || unicode.IsControl(r)
	}); i >= 0 || name == "" {
		return p.fail(start, start+end+1, "only a field's name or an index can stand in brackets", inBrackets(name))
	}
	escape := gjson.Escape(name)
	p.text.WriteByte('.')
	p.text.WriteString(escape)
	p.i = start + end + 1
	p.add(name, start+1, p.i-1, escape != name, false)
	return nil
}

// joinPath returns the path that begins with the steps of base and goes on with rest.
func joinPath(base []segment, rest path) path {
	var b strings.Builder
	for _, s := range base {
		b.WriteString(gjson.Escape(s.text))
		b.WriteByte('.')
	}
	b.WriteString(rest.text)
	borrowed := slices.Clone(base)
	for i := range borrowed {
		borrowed[i].borrowed = true
	}
	return path{
		text:     strings.TrimSuffix(b.String(), "."),
		segments: append(slices.Clone(base), rest.segments...),
		names:    append(borrowed, rest.names...),
		plain:    rest.plain,
	}
}

// plainPath returns the path of the given steps.
func plainPath(segments []segment) path {
	p := joinPath(segments, path{plain: true})
	p.names = slices.Clone(segments)
	return p
}
