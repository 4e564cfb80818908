package mapping

import (
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// methodHint says how the method of another language is written that is called on, or
// named of, what stands before its dot.
func (e *exprCompiler) methodHint(n *ast.MemberNode) string {
	const general = "functions are written f(x)"
	name, ok := n.Property.(*ast.StringNode)
	if !ok {
		return general
	}
	at := n.Property.Location()
	dot := at.From - 1
	for dot > 0 && (e.text[dot] == '.' || e.text[dot] == '?' || e.text[dot] == ' ') {
		dot--
	}
	from, _ := e.balanced(n.Node.Location().From, dot+1)
	for from > 0 && strings.ContainsRune(".?_", e.text[from-1]) {
		from--
	}
	if chain, _, _, ok := e.steps(n.Node); ok && len(chain) > 0 {
		first := n.Node
		for {
			m, is := first.(*ast.MemberNode)
			if !is {
				break
			}
			first = m.Node
		}
		from = first.Location().From
	}
	receiver := strings.TrimSpace(string(e.text[from:max(dot+1, from)]))
	args := ""
	if open := at.To; open < len(e.text) && e.text[open] == '(' {
		if end := e.closing(open); end-1 > open {
			args = strings.TrimSpace(string(e.text[open+1 : end-1]))
		}
	}
	return e.c.methodCall(receiver, name.Value, args, general)
}

// methodCall writes the call of a method as one of a function.
func (c *compiler) methodCall(receiver, name, args, general string) string {
	call := func(function string, values ...string) string {
		var there []string
		for _, v := range values {
			if v != "" {
				there = append(there, v)
			}
		}
		return "write " + function + "(" + strings.Join(there, ", ") + ")"
	}
	if regexp.MustCompile(`^(?:Math|Object|JSON|Number|String|Array|Date|np|math|json)$`).MatchString(receiver) {
		receiver = "" // a namespace
	}
	switch strings.ToLower(name) {
	case "touppercase", "upper":
		return call("upper", receiver, args)
	case "tolowercase", "lower":
		return call("lower", receiver, args)
	case "trim", "strip":
		return call("trim", receiver, args)
	case "tostring":
		return call("text", receiver)
	case "stringify":
		return call("toJSON", receiver, args)
	case "length", "size", "count":
		return call("len", receiver, args)
	case "join":
		if strings.HasPrefix(receiver, `"`) || strings.HasPrefix(receiver, "'") {
			return call("join", args, receiver)
		}
		return call("join", receiver, args)
	case "includes", "contains":
		return "write " + receiver + " contains " + args + " for a text, " + args + " in " + receiver + " for a list"
	case "startswith":
		return "write " + receiver + " startsWith " + args
	case "endswith":
		return "write " + receiver + " endsWith " + args
	case "tofixed":
		return call("round", receiver, args)
	case "get":
		return "write " + receiver + "[" + args + "]"
	case "concat":
		return "texts are joined with +: " + receiver + " + " + args
	case "substring", "substr", "slice":
		return "a part is written " + receiver + "[0:3], the last three characters " + receiver + "[-3:]"
	}
	_, known := c.functions[name]
	if _, loops := predicates()[name]; known || loops {
		return call(name, receiver, args)
	}
	if hint := foreignFunction(name, nil); hint != "" {
		return hint
	}
	return general
}

// arrow recognises a function over a list with an arrow, products.map(p => p.price), and
// says how it is written; "" for none.
func (e *exprCompiler) arrow() string {
	m := regexp.MustCompile(`([\p{L}_][\p{L}\p{N}_.\[\]]*)\.(\w+)\(\s*\(?([\p{L}_][\p{L}\p{N}_]*)\)?\s*=>\s*([^()]*)\)`).FindStringSubmatch(string(e.text))
	if m == nil {
		return ""
	}
	name := m[2]
	if other := map[string]string{"some": "any", "every": "all"}[name]; other != "" {
		name = other
	}
	if _, ok := predicates()[name]; !ok {
		return ""
	}
	body := regexp.MustCompile(`\b`+regexp.QuoteMeta(m[3])+`\.`).ReplaceAllString(strings.TrimSpace(m[4]), ".")
	if regexp.MustCompile(`\b` + regexp.QuoteMeta(m[3]) + `\b`).MatchString(body) {
		return ""
	}
	return "write " + name + "(" + m[1] + ", " + body + ")"
}

// pythonChoice recognises a if c else b, and says how it is written; "" for none.
func (e *exprCompiler) pythonChoice() string {
	m := regexp.MustCompile(`^\s*(.+?)\s+if\s+(.+?)\s+else\s+(.+?)\s*$`).FindStringSubmatch(string(e.text))
	if m == nil || strings.ContainsAny(string(e.text), "{}") {
		return ""
	}
	return "write if " + m[2] + " { " + m[1] + " } else { " + m[3] + " }"
}
