package mapping

import (
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// noPath reports an unquoted text that is a number or a truth value as other languages
// write them, and no path; false if it is none.
func (c *compiler) noPath(s *scope, n *yaml.Node, to target) bool {
	at, word := c.doc.spanOf(n), truth(n.Value)
	text := "; as a text it is {value: " + n.Value + "}"
	if strings.Contains(n.Value, ",") {
		text = "; as a text it is {value: " + quoted(n.Value) + "}"
	}
	if to.condition || to.sink != nil && !to.sink.Types.Has(schema.Text) {
		text = ""
	}
	root := c.record(s).roots[0]
	known := root != nil && len(root.Properties) > 0 // else 0x1F may be a field's name
	if number := misspeltNumber(n.Value); number != "" && (known || !strings.HasPrefix(n.Value, "0")) {
		c.doc.errorAt("CW105", at, "write "+number+text, "`%s` is no number as a mapping writes it", n.Value)
		return true
	}
	if word != "" && (to.condition || n.Tag == "!!bool") {
		c.doc.errorAt("CW105", at, "write "+word+text, "`%s` is not true or false as a mapping writes it", n.Value)
		return true
	}
	return false
}

// asValue is an expression as the value that it is, quoted where YAML could take it
// apart.
func asValue(expression string) string {
	if strings.ContainsAny(expression, ":#,[]{}'\"") {
		return quoted("= " + expression)
	}
	return "= " + expression
}

// misspeltNumber returns the number that an unquoted text means which the language does
// not take for one: 1_000, 1 000,50, .5, +5, 0x1F, 20%. It returns "" for any other.
func misspeltNumber(s string) string {
	if s == "" || !strings.ContainsAny(s[:1], "0123456789+-.,") {
		return ""
	}
	if regexp.MustCompile(`^0[xX][0-9a-fA-F]{1,12}$`).MatchString(s) {
		n, err := strconv.ParseInt(s[2:], 16, 64)
		if err != nil {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	if !regexp.MustCompile(`^[+-]?(?:\d{1,3}(?:[ _\x{a0}\x{202f}]\d{3})+|\d[\d_]*)?(?:[.,]\d*)?(?:[eE][+-]?\d+)?(?: ?%)?$`).MatchString(s) || !strings.ContainsAny(s, "0123456789") {
		return ""
	}
	number := strings.NewReplacer("_", "", " ", "", "\u00a0", "", "\u202f", "", "%", "", ",", ".", "+", "").Replace(s)
	sign := ""
	if rest, minus := strings.CutPrefix(number, "-"); minus {
		sign, number = "-", rest
	}
	number = strings.TrimSuffix(number, ".")
	if strings.HasPrefix(number, ".") {
		number = "0" + number
	}
	if number = sign + number; number == s || !isJSONNumber(number) {
		return ""
	}
	return number
}

// inBrackets says what stands in the brackets of other languages' paths.
func inBrackets(name string) string {
	switch {
	case name == "*":
		return "all elements are .#, as in products.#.price"
	case strings.HasPrefix(name, "?"):
		return "elements that fit are .#(…)#, and the first of them .#(…), as in products.#(price>1).article"
	}
	return ""
}
