package misfit_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/misfit"
)

// TestWords has values break schemas in every way that there are words for.
func TestWords(t *testing.T) {
	for _, tt := range []struct{ schema, value, want string }{
		{`{"type":"string"}`, `7`, "is a number, and a text is wanted"},
		{`{"type":["integer","null"]}`, `{"a":1}`, "is an object, and null or a whole number is wanted"},
		{`{"type":"boolean"}`, `[]`, "is a list, and true or false is wanted"},
		{`{"enum":["a",2,null]}`, `"x"`, "is not one of a, 2, null"},
		{`{"const":"a"}`, `"x"`, "must be a"},
		{`{"pattern":"^k-"}`, `"x"`, "does not have the form ^k-"},
		{`{"format":"uri"}`, `"no uri"`, "is no address like https://example.com"},
		{`{"minLength":1}`, `""`, "is empty"},
		{`{"minLength":8}`, `"x"`, "is shorter than 8 characters"},
		{`{"maxLength":2}`, `"xyz"`, "is longer than 2 characters"},
		{`{"minimum":1.5}`, `1`, "is less than 1.5"},
		{`{"maximum":9}`, `10`, "is greater than 9"},
		{`{"exclusiveMinimum":0}`, `0`, "must be greater than 0"},
		{`{"exclusiveMaximum":9}`, `9`, "must be less than 9"},
		{`{"multipleOf":5}`, `7`, "is no multiple of 5"},
		{`{"minItems":1}`, `[]`, "is empty"},
		{`{"minItems":2}`, `[1]`, "has fewer than 2 elements"},
		{`{"maxItems":1}`, `[1,2]`, "has more than 1 elements"},
		{`{"uniqueItems":true}`, `[1,2,1]`, "holds one element twice (the elements 1 and 3)"},
		{`{"minProperties":1}`, `{}`, "has fewer than 1 fields"},
		{`{"maxProperties":1}`, `{"a":1,"b":2}`, "has more than 1 fields"},
		{`{"required":["a","b"]}`, `{}`, "lacks a, b"},
		{`{"properties":{"a":true},"additionalProperties":false}`, `{"b":1}`, "has no field b"},
		{`{"oneOf":[{"const":"a"},{"const":"b"}]}`, `"x"`, "is not one of a, b"},
		{`{"anyOf":[{"required":["a"]},{"required":["b"]}]}`, `{}`, "needs one of a, b"},
		{`{"anyOf":[{"required":["a","c"]},{"required":["b"]}]}`, `{}`, "fits none of the forms that it may have"},
		{`{"oneOf":[{"type":"number"},{"minimum":1}]}`, `5`, "fits several forms, and may have one of them only"},
		{`{"not":{"type":"number"}}`, `5`, "has a form that it may not have"},
		{`{"properties":{"a":false}}`, `{"a":1}`, "must not be given together with the other values"},
		{`{"contains":{"type":"number"}}`, `["x"]`, "does not have the form that it must have"},
	} {
		if got := misfit.JSON.Words(breach(t, tt.schema, tt.value)); got != tt.want {
			t.Errorf("%s under %s: %q, want %q", tt.value, tt.schema, got, tt.want)
		}
	}
	for _, tt := range []struct{ schema, value, want string }{
		{`{"type":"object"}`, `null`, "is empty, and a map is wanted"},
		{`{"minProperties":1}`, `{}`, "has fewer than 1 keys"},
	} {
		if got := misfit.YAML.Words(breach(t, tt.schema, tt.value)); got != tt.want {
			t.Errorf("%s under %s: %q, want %q", tt.value, tt.schema, got, tt.want)
		}
	}
}

// breach gives the one way in which a value breaks a schema.
func breach(t *testing.T, schema, value string) *jsonschema.ValidationError {
	t.Helper()
	decode := func(text string) any {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("test:///schema", decode(schema)); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("test:///schema")
	if err != nil {
		t.Fatal(err)
	}
	var e *jsonschema.ValidationError
	if !errors.As(compiled.Validate(decode(value)), &e) || len(e.Causes) != 1 {
		t.Fatalf("%s under %s: %v", value, schema, e)
	}
	return e.Causes[0]
}
