package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
)

// maxFindings bounds how many mistakes of a record one message tells.
const maxFindings = 5

// checker holds records against an operation's schema.
type checker struct {
	schema *jsonschema.Schema
	quick  *quick
}

func newChecker(schema json.RawMessage) (*checker, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("read an operation's schema: %w", err)
	}
	const url = "crosswalk:///operation.json"
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(url, doc); err != nil {
		return nil, fmt.Errorf("read an operation's schema: %w", err)
	}
	s, err := c.Compile(url)
	if err != nil {
		return nil, fmt.Errorf("read an operation's schema: %w", err)
	}
	return &checker{schema: s, quick: newQuick(gjson.ParseBytes(schema))}, nil
}

// check gives the failure of a record that the schema does not allow, with the
// first field that is wrong as its path; nil where it is in order.
func (c *checker) check(record json.RawMessage) *sdk.Failure {
	if c.quick.accepts(record) {
		return nil
	}
	return c.full(record)
}

// full is check by the schema itself.
func (c *checker) full(record json.RawMessage) *sdk.Failure {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(record))
	if err != nil {
		return sdk.Invalid("", "not_json", "the record is not JSON")
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(c.schema.Validate(doc), &invalid) {
		return nil
	}
	var path string
	var texts []string
	for _, e := range leaves(invalid, nil) {
		at := fieldOf(e)
		if len(texts) == 0 {
			path = at
		}
		if len(texts) == maxFindings {
			texts = append(texts, "and more")
			break
		}
		text := problem(e)
		if len(e.InstanceLocation) > 0 {
			text = strings.Join(e.InstanceLocation, ".") + " " + text
		}
		texts = append(texts, text)
	}
	return sdk.Invalid(path, "invalid_record", "the record is not what SaleApp takes: %s", strings.Join(texts, "; "))
}

// leaves gives the innermost errors, which name what is really wrong. A choice of
// constants or of required fields is one of them.
func leaves(e *jsonschema.ValidationError, into []*jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 || choice(e) != "" {
		return append(into, e)
	}
	for _, c := range e.Causes {
		into = leaves(c, into)
	}
	return into
}

// choice says what one of several must be, where they are constants or required
// fields; else "".
func choice(e *jsonschema.ValidationError) string {
	switch e.ErrorKind.(type) {
	case *kind.OneOf, *kind.AnyOf:
	default:
		return ""
	}
	var values []any
	var fields []string
	for _, c := range e.Causes {
		switch k := c.ErrorKind.(type) {
		case *kind.Const:
			values = append(values, k.Want)
		case *kind.Required:
			fields = append(fields, k.Missing...)
		}
	}
	switch len(e.Causes) {
	case 0:
		return ""
	case len(values):
		return "is none of " + shown(values)
	case len(fields):
		return "needs one of " + strings.Join(fields, ", ")
	}
	return ""
}

// problem says in a few words how a value breaks its schema, without the value.
func problem(e *jsonschema.ValidationError) string {
	if text := choice(e); text != "" {
		return text
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return "lacks " + strings.Join(k.Missing, ", ")
	case *kind.AdditionalProperties:
		return "has no field " + strings.Join(k.Properties, ", ")
	case *kind.Type:
		return "is " + typeWord(k.Got) + ", and " + typeWords(k.Want) + " is wanted"
	case *kind.Enum:
		return "is none of " + shown(k.Want)
	case *kind.Const:
		return "is not " + shown([]any{k.Want})
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
		return "is not greater than " + k.Want.RatString()
	case *kind.ExclusiveMaximum:
		return "is not less than " + k.Want.RatString()
	case *kind.MinItems:
		return fmt.Sprintf("has %d elements, and at least %d are needed", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("has %d elements, and at most %d are taken", k.Got, k.Want)
	case *kind.Pattern:
		return "is not written as it must be"
	}
	return "does not have the form that it must have"
}

// shown lists values of a schema.
func shown(values []any) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = strings.Trim(fmt.Sprint(v), `"`)
	}
	return strings.Join(texts, ", ")
}

func typeWord(t string) string {
	word, ok := map[string]string{
		"string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
		"array": "a list", "object": "an object", "null": "null",
	}[t]
	if !ok {
		return t
	}
	return word
}

func typeWords(types []string) string {
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = typeWord(t)
	}
	return strings.Join(words, " or ")
}

// fieldOf is the dotted path of the field that an error is about; of a field that
// is missing or unknown, its own.
func fieldOf(e *jsonschema.ValidationError) string {
	at := e.InstanceLocation
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		at = append(at[:len(at):len(at)], k.Missing[0])
	case *kind.AdditionalProperties:
		at = append(at[:len(at):len(at)], k.Properties[0])
	case *kind.OneOf, *kind.AnyOf:
		if len(e.Causes) > 0 {
			return fieldOf(e.Causes[0])
		}
	}
	return strings.Join(at, ".")
}
