package mapping

import (
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// slip reports a number, a text or a sign that is written as elsewhere, at the token
// where an expression cannot be read on; false if it is none of them.
func (e *exprCompiler) slip(from, to int) bool {
	before, after := string(e.text[:from]), string(e.text[from:])
	token := string(e.text[from:to])
	number := regexp.MustCompile(`(\d+)\s*$`).FindStringSubmatch(before)
	switch {
	case token == "," && number != nil && regexp.MustCompile(`^,\d`).MatchString(after) && !strings.ContainsAny(before, "(["):
		digits := regexp.MustCompile(`^,(\d+)`).FindStringSubmatch(after)[1]
		e.report("CW130", from, to, "a fraction stands behind a dot: "+number[1]+"."+digits, "`,` cannot stand here")
	case number != nil && regexp.MustCompile(`^\d{3}\b`).MatchString(after):
		digits := regexp.MustCompile(`^\d{3}(?:[ _]\d{3})*`).FindString(after)
		at := from - characters(number[0])
		e.report("CW130", at, from+characters(digits), "write "+number[1]+strings.ReplaceAll(digits, " ", ""), "a number has no blanks")
	case (token == `"` || strings.HasPrefix(token, `"`) || strings.HasPrefix(token, "'")) && regexp.MustCompile(`\.\s*$`).MatchString(before):
		at := characters(strings.TrimRight(before, " ")) - 1
		e.report("CW130", at, at+1, "texts are joined with `+`", "`.` cannot stand here")
	case strings.HasPrefix(token, "'") && strings.HasSuffix(before, "'"):
		e.report("CW130", from-1, from+1, `write the text in "…"; in '…' a ' is \'`, "a ' ends this text")
	case strings.HasPrefix(token, `"`) && regexp.MustCompile(`(?:^|[^\p{L}\p{N}_])[frbu]$`).MatchString(before):
		e.report("CW130", from-1, from, `leave it out; texts and values are joined with +: "a " + text(order_id)`, "`%s` cannot stand before a text", before[len(before)-1:])
	case token == "=" && strings.TrimSpace(before) == "":
		e.report("CW130", from, to, "one `=` begins an expression: = "+strings.TrimSpace(string(e.text[to:])), "there is a `=` too many")
	case token == ":" && strings.LastIndex(before, "[") > strings.LastIndex(before, "]"):
		e.report("CW130", from, to, "a part is written s[0:3], with the first position and the one behind the last", "`:` cannot stand here")
	case token == "×" || token == "·":
		e.report("CW130", from, to, "write `*`", "`%s` is no operator", token)
	case token == "÷":
		e.report("CW130", from, to, "write `/`", "`%s` is no operator", token)
	case token == "if" && e.pythonChoice() != "":
		e.report("CW130", from, to, e.pythonChoice(), "`if` cannot stand here")
	default:
		return false
	}
	return true
}

// early says why an expression ends too early; "" if that is not known.
func (e *exprCompiler) early() string {
	text := strings.TrimRight(string(e.text), " \n\t")
	switch m := regexp.MustCompile(`(\d+(?:\.\d+)?)\s*%$`).FindStringSubmatch(text); {
	case m != nil:
		return "`%` is the remainder of a division; a percentage is a fraction: " + m[1] + " / 100"
	case strings.HasSuffix(text, "++"):
		return "write + 1"
	case strings.Contains(text, " ? ") && !strings.Contains(text, ":"):
		return "a choice has both: if a { b } else { c }"
	}
	return ""
}

// floorDivision is where a `//` stands that is to divide; -1 for none. To the parser it
// begins a comment.
func (e *exprCompiler) floorDivision() int {
	quote := rune(0)
	for i := 0; i+1 < len(e.text); i++ {
		switch c := e.text[i]; {
		case quote != 0:
			if c == '\\' && quote != '`' {
				i++
			} else if c == quote {
				quote = 0
			}
		case strings.ContainsRune("\"'`", c):
			quote = c
		case c == '/' && e.text[i+1] == '/':
			if regexp.MustCompile(`^//\s*[\d(]`).MatchString(string(e.text[i:])) {
				return i
			}
			for i < len(e.text) && e.text[i] != '\n' {
				i++
			}
		}
	}
	return -1
}

// inCall reports whether a round bracket is open in front of a character.
func (e *exprCompiler) inCall(at int) bool {
	depth := 0
	e.brackets(0, at, func(i int, opens bool) bool {
		if opens && e.text[i] == '(' {
			depth++
		} else if !opens && e.text[i] == ')' {
			depth--
		}
		return true
	})
	return depth > 0
}

// chosen reports an `or` or `and` between two values that are no conditions, as other
// languages choose one of them; false if it is none.
func (e *exprCompiler) chosen(n *ast.BinaryNode, a, b operand) bool {
	if a.bad || b.bad || !a.t.knows(schema.Boolean) || !b.t.knows(schema.Boolean) {
		return false
	}
	if !b.constant && (a.t.kinds|b.t.kinds)&schema.Text == 0 {
		return false // each is to be compared with something
	}
	hint := "a value for one that is missing is written " + e.source(a) + " ?? " + e.source(b)
	if n.Operator == "and" || n.Operator == "&&" {
		hint = "a choice is written if a { b } else { c }"
	}
	e.report("CW133", a.from, b.to, hint, "`%s` stands between conditions, and these are %s and %s", n.Operator, kindName(a.t.kinds&^schema.Null), kindName(b.t.kinds&^schema.Null))
	return true
}
