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
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/misfit"
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
		text := misfit.JSON.Words(e)
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
	if len(e.Causes) == 0 || misfit.Choice(e) != "" {
		return append(into, e)
	}
	for _, c := range e.Causes {
		into = leaves(c, into)
	}
	return into
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
