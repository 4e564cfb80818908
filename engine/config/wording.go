package config

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// wrong says in a few words how a value breaks its schema, without the value.
func wrong(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return "is " + typeWord(k.Got) + ", and " + typeWords(k.Want) + " is wanted"
	case *kind.Enum:
		return "is not one of " + strings.Join(texts(k.Want), ", ")
	case *kind.Const:
		return "must be " + strings.Join(texts(wanted(e)), ", ")
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
		return "is less than " + k.Want.RatString()
	case *kind.Maximum:
		return "is greater than " + k.Want.RatString()
	case *kind.ExclusiveMinimum:
		return "must be greater than " + k.Want.RatString()
	case *kind.ExclusiveMaximum:
		return "must be less than " + k.Want.RatString()
	case *kind.MultipleOf:
		return "is no multiple of " + k.Want.RatString()
	case *kind.MinItems:
		return fmt.Sprintf("has fewer than %d elements", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("has more than %d elements", k.Want)
	case *kind.MinProperties:
		return fmt.Sprintf("has fewer than %d keys", k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("has more than %d keys", k.Want)
	case *kind.UniqueItems:
		return fmt.Sprintf("holds one element twice (the elements %d and %d)", k.Duplicates[0]+1, k.Duplicates[1]+1)
	case *kind.OneOf, *kind.AnyOf:
		if want := wanted(e); want != nil {
			return "is not one of " + strings.Join(texts(want), ", ")
		}
		return "fits none of the forms that it may have"
	case *kind.Not:
		return "has a form that it may not have"
	}
	return "does not have the form that the plugin wants"
}

// wanted are the only values that may stand where e is, nil if that is not what
// is wrong.
func wanted(e *jsonschema.ValidationError) []any {
	switch k := e.ErrorKind.(type) {
	case *kind.Enum:
		return k.Want
	case *kind.Const:
		return []any{k.Want}
	case *kind.OneOf, *kind.AnyOf: // a list of nothing but constants
		var want []any
		for _, c := range e.Causes {
			k, ok := c.ErrorKind.(*kind.Const)
			if !ok {
				return nil
			}
			want = append(want, k.Want)
		}
		return want
	}
	return nil
}

// texts shows values of a schema.
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

func typeWord(t string) string {
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
		return "a map"
	case "null":
		return "empty"
	}
	return t
}

func typeWords(types []string) string {
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = typeWord(t)
	}
	return strings.Join(words, " or ")
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
