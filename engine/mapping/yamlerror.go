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
	case has("exceeded max depth"):
		d.errorAt("CW102", d.lineSpan(line), "", "lists and maps nest more than %d deep", maxNesting)
		return
	case has("control characters are not allowed"):
		d.errorAt("CW101", d.findControl(), "delete it", "a control character stands here")
		return
	case has("found unknown escape character"):
		at := d.findLine(line, func(l string) int { return strings.Index(l, `\`) })
		d.errorAt("CW101", at, `write '…' instead of "…"; there a \ is just a \`, "YAML does not know this escape inside \"…\"")
		return
	case has("hexdecimal number"), has("Unicode character escape"):
		at := d.findLine(line, func(l string) int { return begins(regexp.MustCompile(`\\[xuU]`).FindStringIndex(l)) })
		d.errorAt("CW101", at, `write the character itself, or '…' instead of "…"; there a \ is just a \`, "this escape inside \"…\" is no character: \\x has two, \\u four and \\U eight digits behind it")
		return
	case has("indentation indicator"), has("comment or line break"):
		at := d.findLine(line, func(l string) int { return begins(regexp.MustCompile(`[|>][^|>]*$`).FindStringIndex(l)) })
		d.errorAt("CW101", at, "write `|` or `>` alone, or with a `-` against the last line's end; the text begins in the next line", "what stands behind this sign is neither a text nor the line's end")
		return
	}
	if f := d.flaw(); f != nil {
		l := d.line(f.line)
		d.errorAt(f.rule, span{
			pos: diag.Position{File: d.file, Line: f.line, Column: characters(l[:f.from]) + 1},
			end: characters(l[:f.to]) + 1,
		}, f.hint, "%s", f.message)
		return
	}
	d.errorAt("CW101", d.lineSpan(line), "every line is `key: value`, indented like its neighbours; a value with quotes, brackets or `: ` is quoted as a whole: '…'", "YAML cannot read this line, or the one before it")
}

// begins is where a match begins, -1 for none.
func begins(match []int) int {
	if match == nil {
		return -1
	}
	return match[0]
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
