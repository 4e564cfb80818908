package sdk

import (
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// kindMessage says in a sentence what a configuration's value should be, without
// repeating the value.
func kindMessage(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return "missing: " + strings.Join(k.Missing, ", ")
	case *kind.AdditionalProperties:
		return "unknown: " + strings.Join(k.Properties, ", ")
	case *kind.FalseSchema:
		return "must not be given together with the other values"
	case *kind.Type:
		return fmt.Sprintf("is of type %s, want %s", k.Got, strings.Join(k.Want, " or "))
	case *kind.Enum:
		return fmt.Sprintf("want one of %v", k.Want)
	case *kind.Const:
		return fmt.Sprintf("want %v", k.Want)
	case *kind.Pattern:
		return "want the form " + k.Want
	case *kind.Format:
		return "want the format " + k.Want
	case *kind.MinLength:
		return fmt.Sprintf("want at least %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("want at most %d characters", k.Want)
	case *kind.Minimum:
		return fmt.Sprintf("want at least %s", k.Want.RatString())
	case *kind.Maximum:
		return fmt.Sprintf("want at most %s", k.Want.RatString())
	default:
		return "does not fit the schema at " + strings.Join(e.ErrorKind.KeywordPath(), "/")
	}
}
