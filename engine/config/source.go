package config

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// maxNesting bounds how deep maps and lists nest; a plugin's config needs a few.
const maxNesting = 32

// source is the text of a configuration, kept for the places of findings that
// come later than Load.
type source struct {
	file  string
	lines []string
}

func newSource(file, text string) *source {
	return &source{file: file, lines: diag.Lines(text)}
}

func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// at makes an error about the whole of a scalar, or the start of anything else.
func (s *source) at(n *yaml.Node, rule, hint, format string, args ...any) diag.Diagnostic {
	return diag.Diagnostic{
		Rule: rule, Message: fmt.Sprintf(format, args...), Hint: hint,
		Position:  diag.Position{File: s.file, Line: n.Line, Column: n.Column},
		EndColumn: s.end(n), Source: s.line(n.Line),
	}
}

// atLine makes an error about a line, from its first character that is no blank.
func (s *source) atLine(n int, rule, hint, format string, args ...any) diag.Diagnostic {
	n = min(max(n, 1), len(s.lines))
	l := s.line(n)
	indent := len(l) - len(strings.TrimLeft(l, " \t"))
	return diag.Diagnostic{
		Rule: rule, Message: fmt.Sprintf(format, args...), Hint: hint,
		Position:  diag.Position{File: s.file, Line: n, Column: indent + 1},
		EndColumn: utf8.RuneCountInString(strings.TrimRight(l, " \t")) + 1, Source: l,
	}
}

// rest is the text of n's line from n on.
func (s *source) rest(n *yaml.Node) []rune {
	l := []rune(s.line(n.Line))
	return l[min(max(n.Column-1, 0), len(l)):]
}

// end is the column behind a scalar that is written on one line; 0 otherwise.
func (s *source) end(n *yaml.Node) int {
	if n.Kind != yaml.ScalarNode {
		return 0
	}
	rest := string(s.rest(n))
	for _, written := range []string{n.Value, `"` + n.Value + `"`, "'" + strings.ReplaceAll(n.Value, "'", "''") + "'"} {
		if written != "" && strings.HasPrefix(rest, written) {
			return n.Column + utf8.RuneCountInString(written)
		}
	}
	return 0
}

// parse makes the tree of the text; nil if there is none to work with.
func (s *source) parse(text string) (*yaml.Node, diag.List) {
	for i, l := range s.lines {
		column := 0
		for _, r := range l {
			column++
			if r == utf8.RuneError || r < ' ' && r != '\t' || r == 0x7f || r > 0x7f && r < 0xa0 && r != 0x85 {
				d := s.atLine(i+1, RuleSyntax, "save the file as UTF-8 text", "a character stands here that is no text")
				d.Position.Column, d.EndColumn = column, 0
				return nil, diag.List{d}
			}
		}
	}
	dec := yaml.NewDecoder(strings.NewReader(text))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		return nil, diag.List{s.atLine(1, RuleMissing, "it needs at least `plugins`, `mappings` and `connections`; examples/demo/crosswalk.yaml has all of them", "the configuration is empty")}
	}
	if err != nil {
		return nil, diag.List{s.syntax(err)}
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, diag.List{s.syntax(err)}
		}
		return nil, diag.List{s.at(&second, RuleSyntax, "keep one and delete the line ---", "a second document begins here")}
	}
	var list diag.List
	s.check(doc.Content[0], 1, &list)
	for _, d := range list {
		if d.Rule != RuleDoubled {
			return nil, list
		}
	}
	return doc.Content[0], list
}

// check refuses what YAML knows and a configuration does not need.
func (s *source) check(n *yaml.Node, depth int, list *diag.List) {
	add := func(at *yaml.Node, rule, hint, format string, args ...any) {
		*list = append(*list, s.at(at, rule, hint, format, args...))
	}
	switch {
	case depth > maxNesting:
		add(n, RuleSyntax, "", "maps and lists nest more than %d deep", maxNesting)
		return
	case n.Kind == yaml.AliasNode:
		add(n, RuleSyntax, "write the value out, or quote it if * is part of it", "aliases are not supported")
		return
	case n.Anchor != "":
		add(n, RuleSyntax, "remove it, or quote the value if & is part of it", "anchors are not supported")
	case n.Style&yaml.TaggedStyle != 0:
		add(n, RuleSyntax, "remove it, or quote the value if ! is part of it", "tags are not supported")
	}
	if n.Kind != yaml.MappingNode {
		for _, c := range n.Content {
			s.check(c, depth+1, list)
		}
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch first, doubled := seen[key.Value]; {
		case key.Kind == yaml.AliasNode || key.Anchor != "" || key.Style&yaml.TaggedStyle != 0:
			s.check(key, depth+1, list)
		case key.Kind != yaml.ScalarNode:
			add(key, RuleValue, "quote a key that holds { } or [ ]", "a key is a text")
		case key.Value == "<<" && key.Style == 0:
			add(key, RuleSyntax, "write the keys out", "merge keys are not supported")
		case doubled:
			add(key, RuleDoubled, "keep one of them", "the key `%s` stands twice; first on line %d", key.Value, first)
		default:
			seen[key.Value] = key.Line
		}
		s.check(value, depth+1, list)
	}
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// syntax words an error of the YAML parser, whose line is often one too low.
func (s *source) syntax(err error) diag.Diagnostic {
	m := yamlLine.FindStringSubmatch(err.Error())
	message := err.Error()[len(m[0]):]
	line, _ := strconv.Atoi(m[1]) // only digits match
	near := func(test func(string) bool) int {
		for _, n := range []int{line, line + 1, line - 1} {
			if l := s.line(n); l != "" && !strings.HasPrefix(strings.TrimSpace(l), "#") && test(l) {
				return n
			}
		}
		return line
	}
	has := func(part string) bool { return strings.Contains(message, part) }
	switch {
	case has("mapping values are not allowed"):
		return s.atLine(near(func(l string) bool { return strings.Count(l, ": ") > 1 }), RuleSyntax,
			"a value that holds `: ` is quoted: 'a: b'", "this value holds `: `, which YAML takes for a new key, or the line is indented wrongly")
	case has("cannot start any token"):
		if n := near(func(l string) bool { return strings.HasPrefix(strings.TrimLeft(l, " "), "\t") }); strings.Contains(s.line(n), "\t") {
			return s.atLine(n, RuleSyntax, "YAML is indented with spaces", "a tab indents this line")
		}
		return s.atLine(line, RuleSyntax, "quote it: '…'", "a value cannot begin with @, ` or %%")
	case has("unexpected end of stream"):
		return s.atLine(line, RuleSyntax, "inside '…' a ' is written twice; inside \"…\" a \" is written \\\"", "a quotation mark is never closed")
	case has("expected ',' or"), has("expected node content"):
		return s.atLine(near(func(l string) bool { return strings.ContainsAny(l, "{[") }), RuleSyntax,
			"inside { } and [ ] a value that holds , [ ] { } is quoted", "a `{` or `[` is not closed, or a value inside it must be quoted")
	case has("expected key"), has("expected ':'"), has("expected '-' indicator"):
		return s.atLine(s.misplaced(line), RuleSyntax, "every line is `key: value`, indented like its neighbours", "this line does not fit what stands around it")
	case has("exceeded max depth"):
		return s.atLine(line, RuleSyntax, "", "maps and lists nest more than %d deep", maxNesting)
	case has("anchor"), has("alias"):
		return s.atLine(line, RuleSyntax, "quote a value that begins with * or &", "anchors and aliases are not supported")
	case has("tag"):
		return s.atLine(line, RuleSyntax, "quote a value that begins with !", "tags are not supported")
	}
	if has("escape") || has("hexdecimal") {
		return s.atLine(near(func(l string) bool { return strings.Contains(l, `\`) }), RuleSyntax,
			`write '…' instead of "…"; there a \ is just a \`, "YAML does not know an escape inside \"…\"")
	}
	return s.atLine(line, RuleSyntax, "every line is `key: value`, indented like its neighbours; a value with quotes, brackets or `: ` is quoted as a whole: '…'",
		"YAML cannot read this line, or the one before it")
}

// misplaced is the line at or soon behind n that is indented less than the one
// before and like none above; n if there is none.
func (s *source) misplaced(n int) int {
	indents, before := map[int]bool{0: true}, 0
	for i, l := range s.lines {
		text := strings.TrimLeft(l, " ")
		if text == "" || text[0] == '#' {
			continue
		}
		indent := len(l) - len(text)
		if i+1 >= n && i+1 <= n+3 && indent < before && !indents[indent] {
			return i + 1
		}
		indents[indent], before = true, indent
	}
	return n
}
