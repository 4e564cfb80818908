package mapping

import (
	"bytes"
	"encoding/json"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// In an expression a value is nil (missing), bool, int, decimal, string, raw (an
// object or array of a record), []any, or map[string]any (both made in the
// expression).

// view returns b as a string without a copy. b is part of an event's record,
// which does not change while it is mapped, and no string outlives that.
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // see above
}

// decode returns the value of a JSON text.
func decode(b []byte) (any, bool) {
	if len(b) == 0 {
		return nil, true
	}
	switch b[0] {
	case '"':
		return decodeString(b), true
	case '{', '[':
		return raw{json: b}, true
	case 't':
		return true, true
	case 'f':
		return false, true
	case 'n':
		return nil, true
	}
	return parseNumber(view(b))
}

func decodeString(b []byte) string {
	inner := b[1 : len(b)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return view(inner)
	}
	return gjson.Parse(view(b)).Str
}

// isMissing reports whether a slot's bytes are an absent path or null.
func isMissing(b []byte) bool { return len(b) == 0 || b[0] == 'n' }

// kindOf returns the JSON type of a value, 0 for nil.
func kindOf(v any) schema.Types {
	switch v := v.(type) {
	case bool:
		return schema.Boolean
	case int:
		return schema.Integer
	case decimal:
		return schema.Number
	case string:
		return schema.Text
	case raw:
		if v.json[0] == '{' {
			return schema.Object
		}
		return schema.Array
	case []any:
		return schema.Array
	case map[string]any:
		return schema.Object
	}
	return 0
}

// kindOfJSON returns the JSON type of a JSON text.
func kindOfJSON(b []byte) schema.Types {
	switch b[0] {
	case '"':
		return schema.Text
	case '{':
		return schema.Object
	case '[':
		return schema.Array
	case 't', 'f':
		return schema.Boolean
	case 'n':
		return schema.Null
	}
	for _, c := range b {
		if c == '.' || c == 'e' || c == 'E' {
			return schema.Number
		}
	}
	return schema.Integer
}

// kindName says a type in the words of a message.
func kindName(t schema.Types) string {
	var names []string
	for _, k := range []struct {
		t    schema.Types
		name string
	}{
		{schema.Text, "text"},
		{schema.Number, "a number"},
		{schema.Integer, "a whole number"},
		{schema.Boolean, "true or false"},
		{schema.Object, "an object"},
		{schema.Array, "an array"},
	} {
		if t&k.t != 0 && (k.t != schema.Integer || t&schema.Number == 0) {
			names = append(names, k.name)
		}
	}
	switch {
	case len(names) == 0 && t&schema.Null != 0:
		return "null"
	case len(names) == 0:
		return "anything"
	}
	return strings.Join(names, " or ")
}

// maxJSON is about how large the JSON of one value can be; lists that an expression
// puts into each other again and again would never end.
const maxJSON = 8 << 20

// appendJSON appends a value as JSON, and nothing but null beyond maxJSON.
func appendJSON(dst []byte, v any) []byte { return appendValue(dst, v, true) }

// appendThere is appendJSON for a record: what is missing in a list or an object
// that an expression made is left out, as it is in those of a mapping.
func appendThere(dst []byte, v any) []byte { return appendValue(dst, v, false) }

func appendValue(dst []byte, v any, nulls bool) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case decimal:
		return append(dst, v.String()...)
	case string:
		if len(dst) > maxJSON {
			return append(dst, "null"...)
		}
		return appendString(dst, v)
	case raw:
		if len(dst) > maxJSON {
			return append(dst, "null"...)
		}
		out, _ := appendTyped(dst, v.json, v.node)
		return out
	case []any:
		if len(dst) > maxJSON {
			return append(dst, "null"...)
		}
		dst = append(dst, '[')
		first := true
		for _, e := range v {
			if e == nil && !nulls {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = appendValue(dst, e, nulls)
		}
		return append(dst, ']')
	case map[string]any:
		if len(dst) > maxJSON {
			return append(dst, "null"...)
		}
		dst = append(dst, '{')
		first := true
		for _, k := range sortedKeys(v) {
			if v[k] == nil && !nulls {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(appendString(dst, k), ':')
			dst = appendValue(dst, v[k], nulls)
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// appendString appends s as a JSON string; what is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}

// list returns the elements of an array.
func list(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case raw:
		if v.json[0] != '[' {
			return nil, false
		}
		out, node := []any{}, itemsNode(v.node)
		elements(v.json, func(e []byte) bool {
			x, ok := decodeAs(e, node)
			if !ok {
				x = string(e)
			}
			out = append(out, x)
			return true
		})
		return out, true
	}
	return nil, false
}

// object returns the fields of an object in their order.
func object(v any) (keys []string, values []any, ok bool) {
	switch v := v.(type) {
	case map[string]any:
		keys = sortedKeys(v)
		for _, k := range keys {
			values = append(values, v[k])
		}
		return keys, values, true
	case raw:
		if v.json[0] != '{' {
			return nil, nil, false
		}
		seen := map[string]bool{}
		members(v.json, func(k, e []byte) bool {
			key := keyText(k)
			if !seen[key] { // the first counts, as with paths
				seen[key] = true
				x, _ := decodeAs(e, fieldNode(v.node, key))
				keys, values = append(keys, key), append(values, x)
			}
			return true
		})
		return keys, values, true
	}
	return nil, nil, false
}

// member returns a field of an object; nil if there is none.
func member(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[name]
	case raw:
		if v.json[0] != '{' {
			return nil
		}
		var found any
		members(v.json, func(k, e []byte) bool {
			if keyText(k) == name {
				found, _ = decodeAs(e, fieldNode(v.node, name))
				return false
			}
			return true
		})
		return found
	}
	return nil
}

// keyText returns what a key, as written between its quotes, says.
func keyText(k []byte) string {
	if bytes.IndexByte(k, '\\') >= 0 {
		return gjson.Parse(`"` + string(k) + `"`).Str
	}
	return view(k)
}

// textOf returns a scalar as text: a number's digits, true or false; ok is false for others.
func textOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int:
		return strconv.Itoa(v), true
	case decimal:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// show returns a value for a message, shortened.
func show(v any) string {
	return shorten(string(appendJSON(nil, v)))
}

func shorten(s string) string {
	const limit = 60
	if len(s) <= limit {
		return s
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// compactJSON returns b without white space; the result may be b itself.
func compactJSON(b []byte) []byte {
	if b[0] != '{' && b[0] != '[' {
		return b
	}
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return b
	}
	return out.Bytes()
}

// equalValues compares two values of any kind; numbers by what they are worth. ok is
// false if that takes too long.
func equalValues(a, b any) (equal, ok bool) {
	c := comparison{left: maxComparison}
	equal = c.equal(a, b, 0)
	return equal, c.left > 0
}

// maxCompared is how deep values are compared one by one; deeper ones by their JSON.
const maxCompared = 30

func (c *comparison) equal(a, b any, depth int) bool {
	if !c.step(1 + sizeOf(a) + sizeOf(b)) {
		return false
	}
	if depth > maxCompared {
		x, y := compactJSON(appendJSON(nil, a)), compactJSON(appendJSON(nil, b))
		return c.step((len(x)+len(y))>>4) && bytes.Equal(x, y)
	}
	same := func(x, y any) bool { return c.equal(x, y, depth+1) }
	switch x := a.(type) {
	case nil:
		return b == nil
	case bool:
		y, ok := b.(bool)
		return ok && x == y
	case string:
		y, ok := b.(string)
		return ok && x == y
	case int, decimal:
		if i, ok := a.(int); ok {
			if j, ok := b.(int); ok {
				return i == j
			}
		}
		if _, ok := asDecimal(b); !ok {
			return false
		}
		return compareNumbers(a, b) == 0
	}
	if xs, ok := list(a); ok {
		ys, ok := list(b)
		return ok && slices.EqualFunc(xs, ys, same)
	}
	xk, xv, ok := object(a)
	if !ok {
		return false
	}
	yk, yv, ok := object(b)
	if !ok || len(xk) != len(yk) {
		return false
	}
	other := make(map[string]any, len(yk))
	for i, k := range yk {
		other[k] = yv[i]
	}
	for i, k := range xk {
		if y, ok := other[k]; !ok || !same(xv[i], y) {
			return false
		}
	}
	return true
}
