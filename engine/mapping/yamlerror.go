package mapping

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// yamlError reports a syntax error of yaml.v3 in words of our own, at the line it
// is really in: the parser often names the one before or after.
func (d *document) yamlError(err error) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := regexp.MustCompile(`^(?:unmarshal errors:\s*)?line (\d+): `).FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1]) // only digits match
		message = message[len(m[0]):]
	}
	has := func(s string) bool { return strings.Contains(message, s) }
	switch {
	case has("mapping values are not allowed"):
		at := d.findLine(line, nestedColon)
		if l := d.line(at.pos.Line); nestedColon(l) < 0 {
			d.errorAt("CW101", at, "keys of one map stand under each other", "this line is indented further than the one above, which already has its value")
			return
		}
		d.errorAt("CW101", at, d.quoteHint(at), "this value holds `: `, which YAML takes for a new key")
	case has("could not find expected ':'"), has("did not find expected key"):
		at := d.findLine(line, func(l string) int {
			if i := nestedColon(l); i >= 0 {
				return i
			}
			if t := strings.TrimSpace(l); t != "" && t[0] != '#' && t[0] != '-' && !strings.Contains(t, ":") {
				return len(l) - len(strings.TrimLeft(l, " "))
			}
			return badQuote(l)
		})
		d.errorAt("CW101", at, "every line is `key: value`, indented like its neighbours; a value with quotes inside is quoted as a whole: '= name == \"x\"'",
			"this line does not fit what stands around it")
	case has("found character that cannot start any token"):
		if at := d.findLine(line, func(l string) int {
			if t := strings.TrimLeft(l, " "); strings.HasPrefix(t, "\t") {
				return len(l) - len(t)
			}
			return -1
		}); strings.Contains(d.line(at.pos.Line), "\t") {
			d.errorAt("CW101", at, "YAML is indented with spaces", "a tab indents this line")
			return
		}
		at := d.findLine(line, func(l string) int {
			i := strings.Index(l, ": ")
			if i < 0 {
				return -1
			}
			value := strings.TrimLeft(l[i+2:], " ")
			if value == "" || !strings.ContainsRune("`@%", rune(value[0])) {
				return -1
			}
			return len(l) - len(value)
		})
		d.errorAt("CW101", at, "quote it: '…'", "a value cannot begin with this character")
	case has("found unexpected end of stream"):
		at := d.findLine(line, unclosedQuote)
		d.errorAt("CW101", at, "inside '…' a ' is written twice; inside \"…\" a \" is written \\\"", "a quotation mark is never closed")
	case has("did not find expected ',' or"):
		at := d.findLine(line, func(l string) int { return strings.IndexAny(l, "{[") })
		d.errorAt("CW101", at, "inside { } and [ ] a value that holds , [ ] { } or quotes is quoted as a whole: '= f(a, b)'",
			"a `{` or `[` is not closed, or a value inside it must be quoted")
	case has("did not find expected node content"):
		at := d.findLine(line, func(l string) int { return strings.IndexAny(l, "{[") })
		d.errorAt("CW101", at, "quote a value that holds , [ ] { }", "a value is missing inside these brackets")
	case has("did not find expected '-' indicator"):
		d.errorAt("CW101", d.lineSpan(line), "every entry of a list begins with `- `", "an entry of a list is expected here")
	case has("found unknown escape character"):
		at := d.findLine(line, func(l string) int { return strings.Index(l, `\`) })
		d.errorAt("CW101", at, `write '…' instead of "…"; there a \ is just a \`, "YAML does not know this escape inside \"…\"")
	case has("exceeded max depth"):
		d.errorAt("CW102", d.lineSpan(line), "", "lists and maps nest more than %d deep", maxNesting)
	case has("control characters are not allowed"):
		at := d.findControl()
		d.errorAt("CW101", at, "delete it", "a control character stands here")
	case has("anchor"), has("alias"):
		d.errorAt("CW102", d.lineSpan(line), "a value that begins with * or & is quoted: '*…'", "anchors and aliases are not supported")
	case has("tag"):
		d.errorAt("CW102", d.lineSpan(line), "a value that begins with ! is quoted: '!…'", "tags are not supported")
	default:
		d.errorAt("CW101", d.lineSpan(line), "", "this is not valid YAML: %s", message)
	}
}

func (d *document) lineSpan(n int) span {
	n = min(max(n, 1), len(d.lines))
	l := d.line(n)
	indent := len(l) - len(strings.TrimLeft(l, " \t"))
	return span{
		pos: diag.Position{File: d.file, Line: n, Column: indent + 1},
		end: utf8.RuneCountInString(strings.TrimRight(l, " \t")) + 1,
	}
}

// findLine looks around line n for one where test finds something (a byte offset,
// else -1); without any it is line n itself.
func (d *document) findLine(n int, test func(string) int) span {
	for _, near := range []int{n, n + 1, n - 1, n - 2, n + 2} {
		if near < 1 || near > len(d.lines) {
			continue
		}
		if l := d.line(near); !strings.HasPrefix(strings.TrimSpace(l), "#") {
			if i := test(l); i >= 0 {
				return span{
					pos: diag.Position{File: d.file, Line: near, Column: utf8.RuneCountInString(l[:i]) + 1},
					end: utf8.RuneCountInString(strings.TrimRight(l, " \t")) + 1,
				}
			}
		}
	}
	return d.lineSpan(n)
}

func (d *document) findControl() span {
	for i, l := range d.lines {
		col := 0
		for _, r := range l {
			col++
			if r < ' ' && r != '\t' || r == 0x7f {
				return span{pos: diag.Position{File: d.file, Line: i + 1, Column: col}}
			}
		}
	}
	return d.lineSpan(1)
}

// nestedColon finds the value of a line `key: value` that holds another `: `.
func nestedColon(l string) int {
	i := strings.Index(l, ": ")
	if i < 0 {
		return -1
	}
	value := l[i+2:]
	if t := strings.TrimLeft(value, " "); t == "" || strings.ContainsRune(`'"{[|>#`, rune(t[0])) {
		return -1
	}
	if strings.Contains(value, ": ") || strings.HasSuffix(value, ":") {
		return i + 2 + len(value) - len(strings.TrimLeft(value, " "))
	}
	return -1
}

// badQuote finds a quoted value that goes on behind its closing quote.
func badQuote(l string) int {
	i := strings.Index(l, ": ")
	if i < 0 {
		return -1
	}
	value := strings.TrimLeft(l[i+2:], " ")
	if value == "" || value[0] != '"' && value[0] != '\'' {
		return -1
	}
	end := strings.IndexByte(value[1:], value[0])
	if end < 0 || strings.TrimSpace(value[end+2:]) == "" {
		return -1
	}
	return len(l) - len(value)
}

// unclosedQuote finds a value that begins with a quote and does not end with it.
func unclosedQuote(l string) int {
	i := strings.Index(l, ": ")
	if i < 0 {
		return -1
	}
	value := strings.TrimSpace(l[i+2:])
	if value == "" || value[0] != '"' && value[0] != '\'' || strings.Count(value, value[:1])%2 == 0 {
		return -1
	}
	return strings.Index(l, value)
}

func (d *document) quoteHint(at span) string {
	l := []rune(d.line(at.pos.Line))
	value := strings.TrimSpace(string(l[min(at.pos.Column-1, len(l)):]))
	if value == "" {
		return ""
	}
	return "quote it: '" + strings.ReplaceAll(value, "'", "''") + "'; a choice can also be written = if a { b } else { c }"
}
