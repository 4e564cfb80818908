package mapping

import (
	"regexp"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// pathHabit reports a path of gjson, JSONPath or jq in an expression that cannot be read,
// where a name begins at character from; false if there is none.
func (e *exprCompiler) pathHabit(from int) bool {
	m := foreignPath().FindStringSubmatch(string(e.text[from:]))
	if m == nil {
		return false
	}
	whole, base, step, rest := m[0], m[1], m[2], m[3]
	hint := ""
	switch {
	case strings.HasPrefix(step, ".#"):
		hint = "write " + getPath(whole)
		if step == ".#" && strings.HasPrefix(rest, ".") && plainRest(rest) {
			hint += ", or map(" + base + ", " + rest + ")"
		}
	case strings.HasPrefix(step, "[?"):
		hint = "write filter(" + base + ", .price > 1), or find(…) for the first one"
	case step == "[*]" || step == "[]" || step == ".*":
		hint = "write map(" + base + ", " + rest + ")"
		if rest == "" {
			hint = "leave it out: `" + base + "` is the list"
		}
	default:
		written := regexp.MustCompile(`\.(\d+)`).ReplaceAllString(whole, "[$1]")
		hint = "write " + written + ", or " + getPath(whole)
	}
	e.report("CW130", from, from+characters(whole), hint, "`%s` is no way to write a path in an expression", shorten(whole))
	return true
}

// foreignPath finds a name with its members, then an index behind a dot, or what goes
// over all elements, then the rest of the path.
func foreignPath() *regexp.Regexp {
	const member = `(?:\.[\p{L}_][\p{L}\p{N}_]*|\[\d+\])`
	return regexp.MustCompile(`^([\p{L}_][\p{L}\p{N}_]*` + member + `*)` +
		`(\.\d+|\.#(?:\([^()]*\)#?)?|\.\*|\[\*\]|\[\]|\[\?[^\]]*\])` +
		`((?:` + member + `|\.\d+|\.#|\[\*\]|\[\])*)`)
}

func plainRest(rest string) bool { return !strings.ContainsAny(rest, "#*[]") }

// getPath is a call of get with a path.
func getPath(path string) string {
	if strings.ContainsAny(path, `"\`) {
		return "get(`" + path + "`)"
	}
	return `get("` + path + `")`
}

// throughHint says what was meant by the step of a path that goes through a text; "" if
// that is not known.
func (c *compiler) throughHint(u use, p pathProblem) string {
	if expression, _, ok := c.asCalls(u.text); ok {
		return "a function is called in an expression: " + asValue(expression)
	}
	path := []rune(u.text)
	if !u.inside || p.from < 1 || p.to > len(path) {
		return ""
	}
	before, step := strings.TrimRight(string(path[:p.from]), "[."), string(path[p.from:p.to])
	if _, index := arrayIndex(segment{text: step}); index {
		return "a part of a text is cut from a position to the one behind it: " + before + "[0:1]"
	}
	if step == "length" {
		return "write len(" + before + ")"
	}
	if strings.HasPrefix(p.hint, "`each` goes over") {
		return "write map(" + before + ", ." + step + ") for that of all elements, " + before + "[0]." + step + " for the first one's"
	}
	return ""
}

// noMeta reports a path into _meta that names none of its fields.
func (c *compiler) noMeta(p path, u use, ref *reference) {
	names := metaFields()
	hint := "write _meta." + strings.Join(names[:len(names)-1], ", _meta.") + " or _meta." + names[len(names)-1]
	switch {
	case p.plain && len(p.segments) == 1:
		c.doc.errorAt("CW121", ref.at, hint, "`_meta` is an object, and a value is one of its fields")
	case p.plain && slices.Contains(names, p.segments[1].text):
		c.doc.errorAt("CW123", u.at(p.segments[2].from, p.segments[len(p.segments)-1].to), "", "`_meta.%s` is text and has no fields", p.segments[1].text)
	case len(p.segments) > 1:
		s := p.segments[1]
		if meant := diag.DidYouMean(s.text, names); meant != "" {
			hint = meant
		}
		c.doc.errorAt("CW121", u.at(s.from, s.to), hint, "`_meta` has no field `%s`", s.text)
	default:
		c.doc.errorAt("CW121", ref.at, hint, "`%s` is no field of `_meta`", u.text)
	}
}
