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
		return "is not one of " + values(k.Want)
	case *kind.Const:
		return "must be " + values([]any{k.Want})
	case *kind.Pattern:
		return "does not have the form " + k.Want
	case *kind.Format:
		return "is no valid " + k.Want
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
		if want := choices(e.Causes); want != nil {
			return "is not one of " + values(want)
		}
		return "fits none of the forms that it may have"
	case *kind.Not:
		return "has a form that it may not have"
	}
	return "does not fit the schema's " + strings.Join(e.ErrorKind.KeywordPath(), "/")
}

// choices are the constants of a oneOf that lists nothing but constants.
func choices(causes []*jsonschema.ValidationError) []any {
	var want []any
	for _, c := range causes {
		k, ok := c.ErrorKind.(*kind.Const)
		if !ok {
			return nil
		}
		want = append(want, k.Want)
	}
	return want
}

func values(want []any) string {
	texts := make([]string, len(want))
	for i, w := range want {
		b, err := json.Marshal(w)
		if err != nil {
			b = fmt.Append(nil, w)
		}
		texts[i] = strings.Trim(string(b), `"`)
	}
	return strings.Join(texts, ", ")
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
