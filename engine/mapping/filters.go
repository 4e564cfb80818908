package mapping

import (
	"regexp"
	"strings"
)

// filter is a part of a text behind a `|`, as templates apply functions: x | upper.
type filter struct {
	// from and to are the filter with its bar, in characters.
	from, to   int
	name, args string
}

// filters takes a text apart at its bars, ones in brackets and quotes aside. value is
// what stands before the first; nothing is returned if it is not simple, or if what
// follows a bar is no filter.
func filters(text string) (value string, all []filter) {
	runes := []rune(text)
	var bars []int
	depth, quote := 0, rune(0)
	for i := 0; i < len(runes); i++ {
		switch c := runes[i]; {
		case quote != 0:
			if c == '\\' && quote != '`' {
				i++
			} else if c == quote {
				quote = 0
			}
		case strings.ContainsRune("\"'`", c):
			quote = c
		case strings.ContainsRune("([{", c):
			depth++
		case strings.ContainsRune(")]}", c):
			depth--
		case c == '|' && depth == 0:
			if i+1 < len(runes) && runes[i+1] == '|' {
				return "", nil
			}
			bars = append(bars, i)
		}
	}
	if len(bars) == 0 {
		return "", nil
	}
	value = strings.TrimSpace(string(runes[:bars[0]]))
	if !simpleOperand(value) {
		return "", nil
	}
	form := regexp.MustCompile(`^\s*([\p{L}_][\p{L}\p{N}_]*)\s*(?:\((.*)\)|:\s*(.+?))?\s*$`)
	for i, bar := range bars {
		end := len(runes)
		if i+1 < len(bars) {
			end = bars[i+1]
		}
		m := form.FindStringSubmatch(string(runes[bar+1 : end]))
		if m == nil {
			return "", nil
		}
		for end > bar && runes[end-1] == ' ' {
			end--
		}
		all = append(all, filter{from: bar, to: end, name: m[1], args: strings.TrimSpace(m[2] + m[3])})
	}
	return value, all
}

// simpleOperand reports whether a text is a name with its members, a call or a text in
// quotes, which a filter takes as a whole.
func simpleOperand(text string) bool {
	return regexp.MustCompile(`^(?:[\p{L}_][\p{L}\p{N}_.]*(?:\[[^\]]*\][\p{L}\p{N}_.]*)*(?:\([^()]*\))?|"[^"]*"|'[^']*')$`).MatchString(text)
}

// calls writes filters as calls of functions: x | trim | upper is upper(trim(x)). It
// says of one that there is no such function what to use instead.
func (c *compiler) calls(value string, all []filter) string {
	for _, f := range all {
		name := f.name
		if _, ok := c.functions[name]; !ok && predicates()[name] == 0 {
			switch strings.ToLower(name) {
			case "length", "size", "count":
				name = "len"
			case "string":
				name = "text"
			case "uppercase", "upcase":
				name = "upper"
			case "lowercase", "downcase":
				name = "lower"
			case "strip":
				name = "trim"
			case "default", "ifnull":
				value = "(" + value + " ?? " + f.args + ")"
				continue
			case "number", "integer":
				name = "int"
			case "float", "safe", "e", "escape":
				continue
			}
		}
		if f.args == "" {
			value = name + "(" + value + ")"
		} else {
			value = name + "(" + value + ", " + f.args + ")"
		}
	}
	if strings.HasPrefix(value, "(") && strings.HasSuffix(value, ")") && strings.Count(value, "(") == 1 {
		value = value[1 : len(value)-1]
	}
	return value
}

// asCalls returns a text with filters as the expression that was meant.
func (c *compiler) asCalls(text string) (expression string, first filter, ok bool) {
	value, all := filters(text)
	if len(all) == 0 {
		return "", filter{}, false
	}
	return c.calls(value, all), all[0], true
}

// filtered reports filters in an expression that cannot be read; false if there are
// none.
func (e *exprCompiler) filtered() bool {
	written, first, ok := e.c.asCalls(string(e.text))
	if !ok {
		return false
	}
	e.report("CW130", first.from, first.to, "write "+written, "`%s` calls nothing: a function has ( ) behind its name", strings.TrimSpace(string(e.text[first.from:first.to])))
	return true
}
