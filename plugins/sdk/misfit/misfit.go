// Package misfit says in words how a value breaks its JSON Schema. The words stand
// behind the value's name, "is a text, and a list is wanted", and never hold the value:
// it may be a secret, or somebody's data.
package misfit

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// Language is what the value is written in, which has names of its own for what it
// can be.
type Language int

// The languages.
const (
	JSON Language = iota
	YAML
)

// Words says what is wrong with a value.
func (l Language) Words(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return "is " + l.typeWord(k.Got) + ", and " + l.typeWords(k.Want) + " is wanted"
	case *kind.Enum:
		return "is not one of " + strings.Join(Wanted(e), ", ")
	case *kind.Const:
		return "must be " + strings.Join(Wanted(e), ", ")
	case *kind.Pattern:
		return "does not have the form " + k.Want
	case *kind.Format:
		return "is no " + formatWord(k.Want)
	case *kind.MinLength:
		if k.Want == 1 {
			return "is empty"
		}
		return fmt.Sprintf("is shorter than %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("is longer than %d characters", k.Want)
	case *kind.Minimum:
		return "is less than " + number(k.Want)
	case *kind.Maximum:
		return "is greater than " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be greater than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + number(k.Want)
	case *kind.MultipleOf:
		return "is no multiple of " + number(k.Want)
	case *kind.MinItems:
		if k.Want == 1 {
			return "is empty"
		}
		return fmt.Sprintf("has fewer than %d elements", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("has more than %d elements", k.Want)
	case *kind.UniqueItems:
		return fmt.Sprintf("holds one element twice (the elements %d and %d)", k.Duplicates[0]+1, k.Duplicates[1]+1)
	case *kind.MinProperties:
		return fmt.Sprintf("has fewer than %d %ss", k.Want, l.member())
	case *kind.MaxProperties:
		return fmt.Sprintf("has more than %d %ss", k.Want, l.member())
	case *kind.Required:
		return "lacks " + strings.Join(k.Missing, ", ")
	case *kind.AdditionalProperties:
		return "has no " + l.member() + " " + strings.Join(k.Properties, ", ")
	case *kind.OneOf, *kind.AnyOf:
		if text := Choice(e); text != "" {
			return text
		}
		if len(e.Causes) == 0 { // of a OneOf
			return "fits several forms, and may have one of them only"
		}
		return "fits none of the forms that it may have"
	case *kind.Not:
		return "has a form that it may not have"
	case *kind.FalseSchema:
		return "must not be given together with the other values"
	}
	return "does not have the form that it must have"
}

// Choice says what a value that may be one of several must be, where those are nothing
// but constants, or nothing but required fields; else "".
func Choice(e *jsonschema.ValidationError) string {
	switch e.ErrorKind.(type) {
	case *kind.OneOf, *kind.AnyOf:
	default:
		return ""
	}
	if want := Wanted(e); len(want) > 0 {
		return "is not one of " + strings.Join(want, ", ")
	}
	var fields []string
	for _, c := range e.Causes {
		k, ok := c.ErrorKind.(*kind.Required)
		if !ok {
			return ""
		}
		fields = append(fields, k.Missing...)
	}
	if len(fields) != len(e.Causes) || len(fields) == 0 {
		return "" // a way that needs several
	}
	return "needs one of " + strings.Join(fields, ", ")
}

// Wanted are the only values that may stand there, as a person writes them; nil if that
// is not what is wrong.
func Wanted(e *jsonschema.ValidationError) []string {
	switch k := e.ErrorKind.(type) {
	case *kind.Enum:
		return texts(k.Want)
	case *kind.Const:
		return texts([]any{k.Want})
	case *kind.OneOf, *kind.AnyOf:
		var want []any
		for _, c := range e.Causes {
			k, ok := c.ErrorKind.(*kind.Const)
			if !ok {
				return nil
			}
			want = append(want, k.Want)
		}
		return texts(want)
	}
	return nil
}

func texts(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		b, err := json.Marshal(v)
		if err != nil {
			b = fmt.Append(nil, v)
		}
		out[i] = strings.Trim(string(b), `"`)
	}
	return out
}

// number is one of a schema as a person writes it.
func number(r *big.Rat) string {
	if r.IsInt() {
		return r.RatString()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func (l Language) typeWord(t string) string {
	switch t {
	case "string":
		return "a text"
	case "integer":
		return "a whole number"
	case "number":
		return "a number"
	case "boolean":
		return "true or false"
	case "array":
		return "a list"
	case "object":
		if l == YAML {
			return "a map"
		}
		return "an object"
	case "null":
		if l == YAML {
			return "empty"
		}
	}
	return t
}

func (l Language) typeWords(types []string) string {
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = l.typeWord(t)
	}
	return strings.Join(words, " or ")
}

// member is what an object has.
func (l Language) member() string {
	if l == YAML {
		return "key"
	}
	return "field"
}

// formatWord is a format of JSON Schema in plain words.
func formatWord(format string) string {
	word, ok := map[string]string{
		"uri": "address like https://example.com", "url": "address like https://example.com", "uri-reference": "address",
		"email": "e-mail address", "hostname": "host name", "ipv4": "IPv4 address", "ipv6": "IPv6 address",
		"date": "date like 2025-01-31", "date-time": "date and time like 2025-01-31T12:00:00Z", "time": "time like 12:00:00Z",
		"duration": "duration", "uuid": "UUID", "regex": "regular expression",
	}[format]
	if !ok {
		return "valid " + format
	}
	return word
}
