package mapping

import (
	"regexp"
	"strings"
)

// pathSlip recognises a value that is no path but an expression, a template, or a path
// with the separators of another language; nil if it is none of them.
func (c *compiler) pathSlip(s *scope, text string) *pathError {
	if shift := expressionStart(text); shift > 0 {
		return &pathError{to: characters(text), message: "an expression stands here, and a path is wanted", hint: "write expr instead of path: {expr: '" + strings.ReplaceAll(text[shift:], "'", "''") + "'}"}
	}
	if !strings.ContainsAny(text, ":/>{") {
		return nil
	}
	if parts := regexp.MustCompile(`\{\{\s*(.*?)\s*\}\}`).FindAllStringSubmatchIndex(text, -1); len(parts) > 1 || len(parts) == 1 && parts[0][1]-parts[0][0] < len(text) {
		return &pathError{to: characters(text), message: "values are not written in `{{ }}`", hint: "texts are joined in an expression: " + asValue(joinedTemplate(text, parts))}
	}
	m := regexp.MustCompile(`^([\p{L}_][\p{L}\p{N}_]*)(->|::|:|/)[\p{L}\p{N}_]+(?:(?:->|::|:|/|\.)[\p{L}\p{N}_]+)*$`).FindStringSubmatch(text)
	if m == nil || c.taken(s, text) || !c.taken(s, m[1]) {
		return nil
	}
	from := characters(m[1])
	return &pathError{
		from: from, to: from + len(m[2]), message: "the steps of a path are separated by dots",
		hint: "write " + strings.NewReplacer("->", ".", "::", ".", ":", ".", "/", ".").Replace(text),
	}
}

// joinedTemplate is a template's text as an expression; parts are where its braces and
// what is in them stand.
func joinedTemplate(text string, parts [][]int) string {
	var out []string
	last := 0
	literal := func(to int) {
		if to > last {
			out = append(out, string(appendString(nil, text[last:to])))
		}
	}
	for _, p := range parts {
		literal(p[0])
		out = append(out, text[p[2]:p[3]])
		last = p[1]
	}
	literal(len(text))
	return strings.Join(out, " + ")
}
