package mapping

import (
	"fmt"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// conversionError says why a value does not fit a type. Path is where, below the value.
type conversionError struct {
	path  string
	value string
	want  string
	// enum is set if the type fits and the value is not among the choices.
	enum bool
	// unknown tells of a field that the object does not have, lacking of one that it
	// requires and is not given.
	unknown, lacking bool
	object           *schema.Node
}

func (e *conversionError) Error() string {
	if e.unknown || e.lacking {
		return fmt.Sprintf("`%s` %s", e.path, e.want)
	}
	if e.enum {
		return fmt.Sprintf("%s is not among the values allowed here: %s", e.value, e.want)
	}
	return fmt.Sprintf("%s cannot become %s without loss", e.value, e.want)
}

func (e *conversionError) under(step string) *conversionError {
	if e.path == "" {
		e.path = step
	} else {
		e.path = step + "." + e.path
	}
	return e
}

// convert appends the JSON value b to dst in a type that the node allows, if that
// loses nothing; node nil allows anything. ok is false for what counts as missing:
// null, and "" where no text may stand.
func convert(dst, b []byte, node *schema.Node) (out []byte, ok bool, err *conversionError) {
	if len(b) == 0 {
		return dst, false, nil
	}
	kind := kindOfJSON(b)
	if kind == schema.Null {
		return dst, false, nil
	}
	if node == nil {
		return append(dst, compactJSON(b)...), true, nil
	}
	start := len(dst)
	if node.Types.Has(kind) {
		switch {
		case kind == schema.Object && (len(node.Properties) > 0 || node.Additional != nil || node.Closed || len(node.Required) > 0):
			return convertObject(dst, b, node)
		case kind == schema.Array && node.Items != nil:
			return convertArray(dst, b, node)
		}
		out = append(dst, compactJSON(b)...)
	} else {
		if kind == schema.Text && len(b) == 2 {
			return dst, false, nil
		}
		if out, ok = convertScalar(dst, b, kind, node.Types); !ok {
			return dst, false, &conversionError{value: shorten(string(b)), want: kindName(node.Types &^ schema.Null)}
		}
	}
	if len(node.Choices) > 0 && !node.Allows(view(out[start:])) {
		if kind == schema.Text && len(b) == 2 {
			return dst, false, nil
		}
		return dst, false, &conversionError{value: shorten(string(out[start:])), want: choices(node), enum: true}
	}
	return out, true, nil
}

func choices(n *schema.Node) string {
	var parts []string
	for i, c := range n.Choices {
		if i == 12 {
			parts = append(parts, "…")
			break
		}
		s := c.JSON
		if c.Title != "" {
			s += " (" + c.Title + ")"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

// convertScalar converts between texts, numbers and truth values.
func convertScalar(dst, b []byte, kind, want schema.Types) ([]byte, bool) {
	if kind == schema.Text {
		s := decodeString(b)
		if want.Has(schema.Integer) && len(s) < 1000 && isJSONNumber(s) { // Number includes Integer
			if want&schema.Number != 0 {
				return append(dst, s...), true
			}
			if digits, ok := wholeText(s); ok {
				return append(dst, digits...), true
			}
		}
		if want.Has(schema.Boolean) {
			switch s {
			case "1", "true":
				return append(dst, "true"...), true
			case "0", "false":
				return append(dst, "false"...), true
			}
		}
	}
	if kind == schema.Number || kind == schema.Integer {
		if want&schema.Integer != 0 {
			if digits, ok := wholeText(view(b)); ok {
				return append(dst, digits...), true
			}
		}
		if want.Has(schema.Text) {
			return append(append(append(dst, '"'), b...), '"'), true
		}
		if want.Has(schema.Boolean) {
			switch string(b) {
			case "1":
				return append(dst, "true"...), true
			case "0":
				return append(dst, "false"...), true
			}
		}
	}
	return dst, false
}

func convertArray(dst, b []byte, node *schema.Node) (out []byte, ok bool, err *conversionError) {
	start := len(dst)
	dst = append(dst, '[')
	n, first := 0, true
	elements(b, func(e []byte) bool {
		mark := len(dst)
		if !first {
			dst = append(dst, ',')
		}
		var there bool
		if dst, there, err = convert(dst, e, node.Items); err != nil {
			err = err.under(fmt.Sprint(n))
			return false
		}
		if there {
			first = false
		} else { // left out, as it counts as missing
			dst = dst[:mark]
		}
		n++
		return true
	})
	if err != nil {
		return dst[:start], false, err
	}
	return append(dst, ']'), true, nil
}

func convertObject(dst, b []byte, node *schema.Node) (out []byte, ok bool, err *conversionError) {
	start := len(dst)
	dst = append(dst, '{')
	var there map[string]bool
	if len(node.Required) > 0 {
		there = map[string]bool{}
	}
	first := true
	members(b, func(k, v []byte) bool {
		name := keyText(k)
		child := node.Property(name)
		if child == nil {
			if node.Closed {
				err = &conversionError{path: strings.Clone(name), value: shorten(string(v)), want: "is no field of it", unknown: true, object: node}
				return false
			}
			child = node.Additional
		}
		mark := len(dst)
		if !first {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), k...), '"', ':')
		var ok bool
		if dst, ok, err = convert(dst, v, child); err != nil {
			err = err.under(strings.Clone(name)) // the record may change when Map is done
			return false
		}
		if !ok {
			dst = dst[:mark]
			return true
		}
		first = false
		if there != nil {
			there[strings.Clone(name)] = true
		}
		return true
	})
	if err != nil {
		return dst[:start], false, err
	}
	for _, name := range node.Required {
		if !there[name] {
			return dst[:start], false, &conversionError{path: name, value: "nothing", want: "is required", lacking: true, object: node}
		}
	}
	return append(dst, '}'), true, nil
}

// canConvert reports whether some value of the types from can become one of the types to.
func canConvert(from, to schema.Types) bool {
	if from == 0 || to == 0 || to.Has(from&^schema.Null) {
		return true
	}
	if from&schema.Text != 0 && (to.Has(schema.Integer) || to.Has(schema.Boolean)) {
		return true
	}
	if from.Has(schema.Integer) && (to.Has(schema.Integer) || to.Has(schema.Text) || to.Has(schema.Boolean)) {
		return true
	}
	return from == schema.Null
}
