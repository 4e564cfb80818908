package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

const (
	// MaxFile is the largest mapping file in bytes.
	MaxFile = 1 << 20
	// maxNesting is how deep lists and maps nest in it.
	maxNesting = 40
	// maxFindings is how many findings of one file are reported.
	maxFindings = 200
)

// document is a mapping file while it is read: its lines, and what was found.
type document struct {
	file  string
	lines []string
	found diag.List
	// broken are values that were reported already and are not to be looked at.
	broken map[*yaml.Node]bool
	// lost are names that were reported already; what uses them says nothing more.
	lost map[string]bool
	// tableless means that the tables were reported; nothing is said of one that is not there.
	tableless bool
	// runes are the characters of the line runesOf.
	runes   []rune
	runesOf int
	// limit is how many bytes the file may have; MaxFile if it is 0.
	limit int
}

// span is a piece of one line.
type span struct {
	pos diag.Position
	end int
}

func newDocument(file string, text []byte) *document {
	if len(text) > MaxTableFile { // no file may be as large, and nobody will ask for its lines
		return &document{file: file, broken: map[*yaml.Node]bool{}}
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	return &document{file: file, lines: diag.Lines(string(text)), broken: map[*yaml.Node]bool{}}
}

func (d *document) line(n int) string {
	if n < 1 || n > len(d.lines) {
		return ""
	}
	return d.lines[n-1]
}

// lineRunes is the characters of a line. The last one asked for is kept, as a
// long line is asked for by each value on it; only the compiler may call it.
func (d *document) lineRunes(n int) []rune {
	if d.runesOf != n {
		d.runes, d.runesOf = []rune(d.line(n)), n
	}
	return d.runes
}

// diagnostic fills in the place and the line's text.
func (d *document) diagnostic(sev diag.Severity, rule string, at span, message, hint string) diag.Diagnostic {
	if n := len(d.lines); n > 0 && at.pos.Line > n { // YAML finds what is missing behind the end
		at = span{pos: diag.Position{Line: n, Column: 1}}
	}
	at.pos.File = d.file
	return diag.Diagnostic{
		Severity: sev, Rule: rule, Message: message, Hint: hint,
		Position: at.pos, EndColumn: at.end, Source: d.line(at.pos.Line),
	}
}

func (d *document) errorAt(rule string, at span, hint, format string, args ...any) {
	if len(d.found) < maxFindings {
		d.found = append(d.found, d.diagnostic(diag.Error, rule, at, fmt.Sprintf(format, args...), hint))
	}
}

func (d *document) warnAt(rule string, at span, hint, format string, args ...any) {
	if len(d.found) < maxFindings {
		d.found = append(d.found, d.diagnostic(diag.Warning, rule, at, fmt.Sprintf(format, args...), hint))
	}
}

// findings gives what was found, sorted, each once. Where a file has more than are
// reported, its last finding says so.
func (d *document) findings() diag.List {
	crowded := len(d.found) >= maxFindings
	list := d.found.Compact()
	for i := range list {
		file := list[i].Position.File
		if i+1 < len(list) && list[i+1].Position.File == file {
			continue
		}
		n := 0
		for j := range list[:i+1] {
			if list[j].Position.File == file {
				n++
			}
		}
		if file == d.file && !crowded || file != d.file && n < maxTableFindings {
			continue
		}
		hint := fmt.Sprintf("only the first findings of %s are shown, %d of them: mend these and look again", file, n)
		if list[i].Hint != "" {
			hint = list[i].Hint + "; " + hint
		}
		list[i].Hint = hint
	}
	return list
}

// spanOf returns where a node begins and, for a scalar on one line, where it ends.
func (d *document) spanOf(n *yaml.Node) span {
	s := span{pos: diag.Position{File: d.file, Line: n.Line, Column: n.Column}}
	if n.Kind != yaml.ScalarNode {
		return s
	}
	line := d.lineRunes(n.Line)
	from := min(max(n.Column-1, 0), len(line))
	switch n.Style &^ yaml.TaggedStyle {
	case yaml.LiteralStyle, yaml.FoldedStyle:
	case yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle:
		for i := from + 1; i < len(line); i++ {
			if line[i] == '\\' && line[from] == '"' {
				i++
			} else if line[i] == line[from] {
				s.end = i + 2
				break
			}
		}
		if s.end == 0 {
			s.end = len(line) + 1
		}
	default:
		s.end = min(n.Column+utf8.RuneCountInString(n.Value), len(line)+1)
	}
	return s
}

// parseYAML reads the one document of a mapping file; nil if it cannot be used.
func (d *document) parseYAML(text []byte) (root *yaml.Node) {
	start := span{pos: diag.Position{File: d.file}}
	if len(text) > MaxFile && len(text) > d.limit {
		d.tooLarge()
		return nil
	}
	if !utf8.Valid(text) {
		d.badUTF8()
		return nil
	}
	defer func() { // yaml.v3 is known to panic on some malformed input
		if r := recover(); r != nil {
			root = nil
			d.errorAt("CW101", start, "", "the file is not valid YAML")
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			d.errorAt("CW101", start, "a mapping begins with `mapping: name`", "the file is empty")
		} else {
			d.yamlError(err)
		}
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		at := span{pos: diag.Position{Line: second.Line, Column: second.Column}}
		if len(second.Content) > 0 {
			at = d.spanOf(second.Content[0])
		}
		d.errorAt("CW102", at, "put each mapping in a file of its own", "a second document begins here")
		return nil
	} else if !errors.Is(err, io.EOF) {
		d.yamlError(err)
		return nil
	}
	if len(doc.Content) == 0 {
		d.errorAt("CW101", start, "a mapping begins with `mapping: name`", "the file is empty")
		return nil
	}
	if root = doc.Content[0]; !d.plainYAML(root, 0) {
		return nil
	}
	return root
}

// TooLarge is what Compile finds in a file of more than MaxFile bytes, for whoever does
// not read so much of one.
func TooLarge(file string) diag.List {
	d := &document{file: file}
	d.tooLarge()
	return d.findings()
}

func (d *document) tooLarge() {
	d.errorAt("CW100", span{pos: diag.Position{File: d.file}}, "a large table stands in a file of its own: tables: {codes: tables/codes.csv}",
		"the file is larger than 1 MiB (%d bytes), and a mapping has at most that", MaxFile)
}

// badUTF8 reports the first character that is none.
func (d *document) badUTF8() {
	if first := d.line(1); strings.HasPrefix(first, "\xff\xfe") || strings.HasPrefix(first, "\xfe\xff") {
		d.lines = nil // they would not be readable
		d.errorAt("CW100", span{pos: diag.Position{Line: 1, Column: 1}}, "save the file as UTF-8", "this file is UTF-16")
		return
	}
	for i, l := range d.lines {
		if !utf8.ValidString(l) {
			col := utf8.RuneCountInString(l[:len(l)-len(trimValid(l))]) + 1
			d.lines[i] = strings.ToValidUTF8(l, "\uFFFD")
			d.errorAt("CW100", span{pos: diag.Position{Line: i + 1, Column: col}}, "save the file as UTF-8", "this is not UTF-8")
			return
		}
	}
}

func trimValid(s string) string {
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			return s
		}
		s = s[n:]
	}
	return s
}

// plainYAML refuses what makes YAML hard to read back: anchors, aliases, tags,
// merge keys and deep nesting.
func (d *document) plainYAML(n *yaml.Node, depth int) bool {
	at := d.spanOf(n)
	switch {
	case depth > maxNesting:
		d.errorAt("CW102", at, "", "lists and maps nest more than %d deep here", maxNesting)
		return false
	case n.Kind == yaml.AliasNode:
		at.end = at.pos.Column + 1 + utf8.RuneCountInString(n.Value)
		d.errorAt("CW102", at, "write the value out; `let` names a value that is used more than once", "aliases are not supported")
		return false
	case n.Anchor != "":
		at.end = at.pos.Column + 1 + utf8.RuneCountInString(n.Anchor)
		d.errorAt("CW102", at, "write the value out; `let` names a value that is used more than once", "anchors (`&%s`) are not supported", n.Anchor)
		return false
	case n.Style&yaml.TaggedStyle != 0:
		line := d.lineRunes(n.Line)
		for at.end = at.pos.Column; at.end <= len(line) && !unicode.IsSpace(line[at.end-1]); at.end++ {
		}
		d.errorAt("CW102", at, "leave it out; {value: …} writes a constant text", "tags (`%s`) are not supported", n.Tag)
		return false
	}
	ok := true
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && c.Tag == "!!merge" {
			d.errorAt("CW102", d.spanOf(c), "write the fields out", "`<<` is not supported")
			ok = false
			continue
		}
		ok = d.plainYAML(c, depth+1) && ok
		if !ok && depth == maxNesting { // one value is enough to say that all nest too deep
			break
		}
	}
	return ok
}

// entry is a key with its value.
type entry struct {
	key, value *yaml.Node
	name       string
}

// entries returns the pairs of a map, reporting doubled keys; ok is false if n is
// no map, which is reported too.
func (d *document) entries(n *yaml.Node, what string) (out []entry, ok bool) {
	if d.broken[n] || d.template(n) {
		return nil, false
	}
	if n.Kind != yaml.MappingNode {
		hint := ""
		if key, value, found := strings.Cut(n.Value, " "); found && n.Style == 0 && !strings.Contains(n.Value, "=") {
			hint = "a key is followed by a colon: `" + key + ": " + shorten(value) + "`"
		} else if key, value, found := strings.Cut(n.Value, ":"); found && n.Style == 0 {
			hint = "a blank is missing behind the colon: `" + key + ": " + shorten(value) + "`"
		} else if n.Kind == yaml.SequenceNode && n.Style&yaml.FlowStyle == 0 {
			hint = "leave out the `- ` before its keys"
		}
		d.errorAt("CW105", d.spanOf(n), hint, "%s must be a map of keys and values, and this is %s", what, diag.KindOf(n))
		return nil, false
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := d.explicitKey(n.Content[i], n.Content[i+1])
		if k.Kind != yaml.ScalarNode {
			d.errorAt("CW105", d.spanOf(k), "", "a key must be a name, and this is %s", diag.KindOf(k))
			continue
		}
		bare := n.Style&yaml.FlowStyle != 0 && diag.IsNull(v) && v.Value == "" // nothing but a key
		name, colonless := "", false
		if bare {
			name, colonless = d.colonless(k, v, what)
		}
		if bare && !colonless && i > 0 && d.split(n.Content[i-1:], what) {
			continue
		}
		if !colonless {
			name = d.keyName(k, v)
		}
		if line, dup := seen[name]; dup {
			d.errorAt("CW103", d.spanOf(k), "", "`%s` stands twice in %s; the first is in line %d", name, what, line)
			if first := slices.IndexFunc(out, func(e entry) bool { return e.name == name }); first >= 0 && isEmpty(out[first].value) {
				out[first].value = v // the first one is the slip
			}
			continue
		}
		seen[name] = k.Line
		out = append(out, entry{k, v, name})
	}
	return out, true
}

// text returns a scalar as it is written; ok is false, and reported, for others.
func (d *document) text(n *yaml.Node, what string) (string, bool) {
	if d.broken[n] || d.template(n) {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || diag.IsNull(n) {
		d.errorAt("CW105", d.spanOf(n), "", "%s must be a single value, and this is %s", what, diag.KindOf(n))
		return "", false
	}
	return n.Value, true
}

// unknownKey reports a key that has no meaning where it stands.
func (d *document) unknownKey(e entry, where string, known []string) {
	hint := diag.DidYouMean(e.name, known)
	if hint == "" {
		hint = "known here: " + strings.Join(known, ", ")
	}
	d.errorAt("CW104", d.spanOf(e.key), hint, "`%s` is no key of %s", e.name, where)
}

// characters counts a text's characters.
func characters(s string) int { return utf8.RuneCountInString(s) }
