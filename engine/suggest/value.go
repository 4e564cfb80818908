package suggest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// write makes a field's value of what was found.
func (b *builder) write(f *Field, t *target, c candidate, in *field) {
	steps := b.steps(c.fields[0], in)
	expr := exprText(steps)
	switch c.way {
	case plain:
		f.Value = pathValue(steps)
		if c.guard != nil {
			guard := exprText(b.steps(c.guard, in))
			f.Value = fmt.Sprintf("{path: %s, when: %s}", flow(pathText(steps)), flow("= "+guard+" == "+c.guardValue))
		}
	case listed:
		f.Value = "[" + flow(pathText(steps)) + "]"
	case rounded:
		f.Value = "= round(" + expr + ")"
		if !t.required {
			f.Value = fmt.Sprintf("{expr: %s, when: %s}", flow("round("+expr+")"), flow("= "+expr+" != nil"))
		}
	case dialled:
		f.Value = fmt.Sprintf(`= phone(%s, "UA") ?? %s`, expr, expr)
	case joined:
		parts := make([]string, len(c.fields))
		for i, p := range c.fields {
			parts[i] = exprText(b.steps(p, in))
		}
		f.Value = "= join([" + strings.Join(parts, ", ") + `], " ")`
	case commas:
		f.Value = fmt.Sprintf(`{expr: %s, when: %s}`, flow("join("+expr+`, ", ")`), flow("= "+expr+" != nil"))
	case keyed:
		table := b.table(t, c.fields[0], in)
		f.table = table
		f.Value = fmt.Sprintf("{path: %s, table: %s}", flow(pathText(steps)), table.Name)
	}
}

// table makes the code table between two fields.
func (b *builder) table(t *target, f *field, in *field) *Table {
	beside := func(name string) gjson.Result {
		if in != nil {
			return gjson.Result{}
		}
		steps := append(slices.Clone(f.steps[:len(f.steps)-1]), name)
		return b.body.Get(strings.Join(steps, "."))
	}
	name := tableName(t.steps[len(t.steps)-1])
	for i := 2; slices.ContainsFunc(b.draft.Tables, func(o *Table) bool { return o.Name == name }); i++ {
		name = fmt.Sprintf("%s_%d", tableName(t.steps[len(t.steps)-1]), i)
	}
	out := &Table{Name: name, Path: fullPath(f, in), Field: t.text(), Allowed: t.node.Choices, Rows: b.m.rows(t, f, beside)}
	out.Unlisted = len(f.node.Choices)+len(f.node.Known) == 0
	b.draft.Tables = append(b.draft.Tables, out)
	return out
}

func tableName(field string) string {
	var b strings.Builder
	for _, r := range field {
		if r < unicode.MaxASCII && isWord(r) {
			b.WriteRune(r)
		}
	}
	if b.Len() == 0 || b.String()[0] >= '0' && b.String()[0] <= '9' {
		return "codes"
	}
	return b.String()
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// pathText writes steps as a path.
func pathText(steps []string) string { return strings.Join(steps, ".") }

// plainScalar is what YAML and the mapping language read as a path, without quotes.
var plainScalar = regexp.MustCompile(`^[\pL_][\pL\pN_]*([.-][\pL\pN_]+)*$`)

// reserved are words that YAML or the mapping language read as something else.
var reserved = wordSet("true false null yes no on off y n nil")

// pathValue writes steps as a value: a plain path where that is one.
func pathValue(steps []string) string {
	p := pathText(steps)
	if plainScalar.MatchString(p) && !reserved[strings.ToLower(p)] {
		return p
	}
	return "{path: " + quote(p) + "}"
}

// identifier is what an expression reads as a name.
var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// operators are words that an expression does not read as names.
var operators = wordSet("and or not in matches contains startsWith endsWith let if else nil true false")

// exprText writes steps as they stand in an expression.
func exprText(steps []string) string {
	var b strings.Builder
	for i, s := range steps {
		switch {
		case i > 0 && s != "" && s[0] >= '0' && s[0] <= '9':
			b.WriteString("[" + s + "]")
		case !identifier.MatchString(s) || operators[s]:
			return "get(" + quote(pathText(steps)) + ")"
		case i > 0:
			b.WriteString("." + s)
		default:
			b.WriteString(s)
		}
	}
	return b.String()
}

// flow writes a scalar as it may stand inside { } and [ ].
func flow(s string) string {
	if !strings.ContainsAny(s, ",[]{}\"'#:&*|>%@`\\") && !strings.HasPrefix(s, "-") && !reserved[strings.ToLower(s)] {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// quote writes a text between double quotes, for YAML and expressions alike.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// typeText names a field's type in words.
func typeText(n *schema.Node) string {
	t := n.Types &^ schema.Null
	switch {
	case len(n.Choices) > 0 && !isFlag(n):
		var all []string
		for i, c := range n.Choices {
			if i == 8 {
				all = append(all, "…")
				break
			}
			s := plainText(c.JSON)
			if c.Title != "" {
				s += " " + short(c.Title)
			}
			all = append(all, s)
		}
		return "one of " + strings.Join(all, ", ")
	case t == schema.Text:
		return "text"
	case t == schema.Integer:
		return "whole number"
	case t&^schema.Integer == schema.Number:
		return "number"
	case t == schema.Boolean:
		return "true or false"
	case t == schema.Array:
		return "list"
	case t == schema.Object:
		return "object"
	}
	return t.String()
}

// maxLabel is how many characters of a label a comment shows.
const maxLabel = 48

// short gives the beginning of a label on one line.
func short(label string) string {
	label = strings.Join(strings.FieldsFunc(label, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	runes := []rune(label)
	if len(runes) <= maxLabel {
		return label
	}
	return strings.TrimRight(string(runes[:maxLabel-1]), " ,.(") + "…"
}
