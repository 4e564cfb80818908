package mapping

import (
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// keyKinds are the types that a table's key can have.
const keyKinds = schema.Text | anyNumber | schema.Boolean

// useTable notes that a rule reads a table; false for a value that can be no key, which
// is reported.
func (c *compiler) useTable(u tableUse) bool {
	if u.name == "" {
		u.name = u.source
	}
	if kinds := u.key.kinds &^ schema.Null; kinds != 0 && kinds&keyKinds == 0 {
		hint := "take one field of it"
		if kinds == schema.Array {
			hint = "take one element, or use `each` and look up each element's own value"
		}
		c.doc.errorAt("CW133", u.keyAt, hint, "%s is %s, and the key of a table is text, a number, or true or false", quotedName(u.name), kindName(kinds))
		return false
	}
	c.tableUses = append(c.tableUses, u)
	return true
}

// quotedName is a value's name in a message; a value that has none is "this".
func quotedName(name string) string {
	if name == "" {
		return "this"
	}
	return "`" + name + "`"
}

// missingRow reports a key that is the same for every event and has no row.
func (c *compiler) missingRow(t *table, u *tableUse) bool {
	key, ok := textOf(u.key.sure.value)
	if _, has := t.rows[key]; has || !ok || key == "" || u.lenient {
		return false
	}
	hint := diag.DidYouMean(key, t.keys)
	if hint == "" {
		keys := t.keys
		if len(keys) > 12 {
			keys = append(slices.Clone(keys[:12]), "…")
		}
		hint = "it has rows for " + strings.Join(keys, ", ")
	}
	c.doc.errorAt("CW164", u.keyAt, hint, "%s has no row for %s, which is the key for every event", t.called(), mustJSON(key))
	return true
}

// canBe tells whether the value can be a key.
func (u *tableUse) canBe(key string) bool {
	kinds := u.key.kinds &^ schema.Null
	if values, _, closed := u.choices(); len(values) > 0 && closed {
		return slices.Contains(values, key) || key == "" && kinds.Has(schema.Text)
	}
	return kinds == 0 || kinds&schema.Text != 0 ||
		kinds&schema.Number != 0 && isJSONNumber(key) ||
		kinds&schema.Integer != 0 && isJSONNumber(key) && !strings.ContainsAny(key, ".eE") ||
		kinds&schema.Boolean != 0 && (key == "true" || key == "false")
}

// never says why the value is never a key, and what may have been meant.
func (u *tableUse) never(t *table, key string) (why, hint string) {
	if values, _, closed := u.choices(); len(values) > 0 && closed {
		if hint = diag.DidYouMean(key, values); hint == "" && len(values) <= 12 {
			hint = "it can be " + strings.Join(values, ", ")
		}
		return "`" + u.name + "` is never that", hint
	}
	kinds := u.key.kinds &^ schema.Null
	why = "`" + u.name + "` is " + kindName(kinds)
	switch meant := keyMeant(key, kinds); {
	case meant == "":
	case t.rows[meant] != nil:
		hint = "the row `" + meant + "` is read instead"
	default:
		hint = "write " + meant
	}
	return why, hint
}

// keyMeant is the key that a value of these types has instead of one that is written
// otherwise: 3 for 03 and 3.0, true for True; "" if there is none.
func keyMeant(key string, kinds schema.Types) string {
	s := strings.ToLower(strings.TrimSpace(key))
	if kinds&schema.Boolean != 0 {
		switch s {
		case "true", "yes", "on", "y", "1":
			return "true"
		case "false", "no", "off", "n", "0":
			return "false"
		}
	}
	if kinds&anyNumber == 0 {
		return ""
	}
	sign := ""
	if rest, negative := strings.CutPrefix(s, "-"); negative {
		s, sign = rest, "-"
	}
	s = strings.ReplaceAll(strings.TrimPrefix(s, "+"), ",", ".")
	if whole := strings.TrimLeft(s, "0"); whole != s {
		if s = whole; s == "" || s[0] < '0' || s[0] > '9' {
			s = "0" + s
		}
	}
	if s = sign + s; !isJSONNumber(s) || len(s) > 30 {
		return ""
	}
	if digits, ok := wholeText(s); ok {
		return digits
	}
	if kinds&schema.Number == 0 {
		return ""
	}
	return s
}

// domain lists what a row of the table can give; nil if it has too many.
func (t *table) domain() *domain {
	d := &domain{}
	if len(t.rows) > maxDomain {
		return nil
	}
	for _, k := range t.keys {
		v := t.rows[k]
		if v == nil {
			continue
		}
		if json := string(appendJSON(nil, v)); !d.has(json) {
			d.list = append(d.list, schema.Choice{JSON: json})
		}
	}
	if len(d.list) == 0 {
		return nil
	}
	return d
}

// conversions are the types that `type` names, but for json.
func conversions() map[string]schema.Types {
	return map[string]schema.Types{"string": schema.Text, "number": schema.Number, "integer": schema.Integer, "boolean": schema.Boolean}
}

// becomes is the type of a value with a `type`; false for one that can never become
// that, which is reported.
func (c *compiler) becomes(t typ, as schema.Types, word, name string, at span) (typ, bool) {
	out, node := typ{kinds: as}, &schema.Node{Types: as}
	if !canConvert(t.kinds, as) {
		from, hint := t.kinds&^schema.Null, ""
		switch {
		case as == schema.Text && from == schema.Array:
			hint = "take one element (path.0), join(list, \", \"), or `type: json`"
		case from == schema.Array:
			hint = "take one element, as in path.0; = len(list) counts them"
		case from == schema.Object:
			hint = "name a field of it, or use `type: json`"
		case from == schema.Boolean:
			hint = "write = if x { 1 } else { 0 }"
		}
		c.doc.errorAt("CW133", at, hint, "%s is %s, and that cannot become `type: %s`", quotedName(name), kindName(from), word)
		return out, false
	}
	d := t.domain()
	if d == nil || d.open {
		return out, true
	}
	can := &domain{}
	for _, choice := range d.list {
		if b, _, err := convert(nil, []byte(choice.JSON), node); err == nil {
			if len(b) > 0 {
				can.list = append(can.list, schema.Choice{JSON: string(b)})
			}
		}
	}
	switch {
	case len(can.list) > 0 && t.sure != nil:
		if v, ok := decode([]byte(can.list[0].JSON)); ok {
			return sureOf(v), true
		}
	case len(can.list) > 0:
		out.values = can
	case slices.ContainsFunc(d.list, func(choice schema.Choice) bool { return choice.JSON == `""` }): // is missing
	case t.sure != nil:
		c.doc.errorAt("CW134", at, "", "%s cannot become `type: %s`", shorten(d.list[0].JSON), word)
		return out, false
	default:
		c.doc.errorAt("CW133", at, "a table gives each value its own: {path: …, table: {…}}", "%s can be %s, and none of them can become `type: %s`", quotedName(name), d.names(), word)
		return out, false
	}
	return out, true
}
