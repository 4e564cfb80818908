package mapping

import (
	"errors"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/file"
)

// badEscape reports a backslash in a quoted text that begins nothing that a quoted
// text knows, mostly a regular expression's; false if there is none.
func (e *exprCompiler) badEscape() bool {
	quote := rune(0)
	for i := 0; i < len(e.text); i++ {
		switch c := e.text[i]; {
		case quote == 0 && (c == '"' || c == '\'' || c == '`'):
			quote = c
		case c == quote:
			quote = 0
		case c == '\\' && quote != 0 && quote != '`':
			if i++; i < len(e.text) && !strings.ContainsRune("abfnrtvxuU01234567\\'\"", e.text[i]) {
				e.report("CW130", i-1, i+1, "write the text in backquotes, where a backslash is itself, or double it: \\\\"+string(e.text[i]),
					"`\\%c` means nothing in a text between quotes", e.text[i])
				return true
			}
		}
	}
	return false
}

// syntax reports what expr's parser did not understand, in words of our own.
func (e *exprCompiler) syntax(err error) {
	var fe *file.Error
	if !errors.As(err, &fe) {
		e.report("CW130", 0, len(e.text), "", "this is not a valid expression")
		return
	}
	from := min(max(fe.From, 0), len(e.text))
	to := min(max(fe.To, from), len(e.text))
	token := string(e.text[from:to])
	has := func(s string) bool { return strings.Contains(fe.Message, s) }
	if !has("maximum allowed nodes") && (e.habit() || e.filtered()) {
		return
	}
	switch {
	case has("maximum allowed nodes"):
		e.report("CW130", 0, 1, "name parts of it with `let`", "the expression is too large")
	case has("coalesce expressions"):
		e.report("CW130", from, to, "put `( )` around the part with `??`", "`%s` and `??` cannot stand side by side", token)
	case has("literal not terminated"), has("unclosed"), has("unterminated"):
		at := strings.LastIndexAny(string(e.text), "\"'`")
		if at >= 0 {
			from = characters(string(e.text)[:at])
		}
		hint := ""
		if strings.HasPrefix(e.src.node.LineComment, "#") {
			hint = "` #` begins a comment in YAML; quote the whole value: '= …'"
		}
		e.report("CW130", from, len(e.text), hint, "a text is never closed")
	case has("EOF") || strings.TrimSpace(token) == "" && from >= len(e.text):
		hint := ""
		if n := strings.Count(string(e.text), "(") - strings.Count(string(e.text), ")"); n > 0 {
			hint = "a `)` is missing"
		} else if strings.Count(string(e.text), "{") > strings.Count(string(e.text), "}") {
			hint = "a `}` is missing"
		} else if text := string(e.text); strings.HasPrefix(text, "if ") && !strings.Contains(text, "else") {
			hint = "a choice has both: if a { b } else { c }"
		}
		if hint == "" {
			hint = e.early()
		}
		if hint == "" && e.src.node.LineComment != "" || strings.HasPrefix(e.src.node.LineComment, "#") {
			hint = "` #` begins a comment in YAML; quote the whole value: '= …'"
		}
		e.report("CW130", len(e.text)-1, len(e.text), hint, "the expression ends too early")
	case token == ":" && regexp.MustCompile(`[,(]\s*\{\s*(?:"[^"]*"|'[^']*'|`+"`[^`]*`"+`|[\pL\pN_.]+)\s*$`).MatchString(string(e.text[:from])):
		e.report("CW130", from, to, `an object made for each element stands in parentheses: map(list, ({"sku": .article}))`, "`:` cannot stand here")
	case e.slip(from, to):
	case token == "=":
		e.report("CW130", from, to, "write `==` to compare", "`=` is no operator")
	case token == "," && strings.HasPrefix(string(e.text), "if"):
		e.report("CW130", from, to, "a choice is written if a { b } else { c }", "`,` cannot stand here")
	case token == "~":
		e.report("CW130", from, to, "texts are joined with `+`", "`~` is no operator")
	case token == "," && strings.Contains(string(e.text), " in ("):
		e.report("CW130", from, to, "a list is written [1, 2]", "`,` cannot stand here")
	case token == "&" || token == "|" && has("Identifier"):
		e.report("CW130", from, to, "write `and` or `or`; texts are joined with `+`", "`%s` is no operator", token)
	case has("unrecognized character"):
		e.report("CW130", from, to, "", "`%s` cannot stand in an expression", token)
	case has("expected at least"):
		e.report("CW132", from, to, "", "an argument is missing here")
	case e.badEscape():
	case has("too large") || has("invalid"):
		// The parser is already behind the number.
		for from > 0 && strings.ContainsRune(" \t\n", e.text[from-1]) {
			from--
		}
		for to = from; from > 0 && !strings.ContainsRune(" \t\n()[]{},+-*/%<>=!?:", e.text[from-1]); {
			from--
		}
		e.report("CW130", from, to, "", "this is no number that can be read")
	case token == "else" || token == "if":
		e.report("CW130", from, to, "a choice is written if a { b } else { c }", "`%s` cannot stand here", token)
	case strings.TrimSpace(token) == "":
		e.report("CW130", from, to, "", "this is not a valid expression")
	default:
		e.report("CW130", from, to, "", "`%s` cannot stand here", token)
	}
}
