// Package schema reads the JSON Schemas in which plugins describe their events
// and operations, and answers what the checker of mappings asks: which fields
// there are, of which types, which are required and under which condition.
//
// The tree (Node) covers the part of JSON Schema 2020-12 that describes records:
// type (also a list), properties, required, items, additionalProperties, enum,
// const, oneOf of const and title, if/then/else, allOf, anyOf, oneOf, not, local
// $ref, title, description, format, pattern, minimum, maximum, minLength, maxLength,
// minItems, maxItems, and the annotations x-crosswalk-key, x-crosswalk-known and
// x-crosswalk-datetime.
// Validate uses the whole language.
package schema

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// MaxSize is the largest schema in bytes that Parse reads.
const MaxSize = 4 << 20

// Schema is one parsed JSON Schema. It is immutable and safe for concurrent use.
type Schema struct {
	root      *Node
	key       string
	validator *jsonschema.Schema
}

// Violation is one way in which a record breaks its schema.
type Violation struct {
	// Path names the place in the record, as in products.0.sku; "" is the record.
	Path string
	// Message says what is wrong there, without naming the place: "needs `qty`".
	Message string
}

// String returns the message with the place's name before it: "`products.0` needs `qty`".
func (v Violation) String() string {
	if v.Path == "" {
		return "the record " + v.Message
	}
	return "`" + v.Path + "` " + v.Message
}

// Parse reads a JSON Schema. References must be local ($defs); nothing is ever
// loaded from elsewhere.
func Parse(jsonSchema []byte) (*Schema, error) {
	if len(jsonSchema) > MaxSize {
		return nil, fmt.Errorf("parse JSON Schema: %d bytes, and at most %d are allowed", len(jsonSchema), MaxSize)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(jsonSchema))
	if err != nil {
		return nil, fmt.Errorf("parse JSON Schema: %w", err)
	}
	const url = "crosswalk:schema"
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	if err := c.AddResource(url, doc); err != nil {
		return nil, fmt.Errorf("parse JSON Schema: %w", err)
	}
	validator, err := c.Compile(url)
	if err != nil {
		return nil, fmt.Errorf("parse JSON Schema: %w", err)
	}
	p := &parser{doc: jsonSchema, refs: map[string]*Node{}}
	root, err := p.parse(string(jsonSchema), "#", 0)
	if err != nil {
		return nil, fmt.Errorf("parse JSON Schema: %w", err)
	}
	return &Schema{root: root, key: p.key, validator: validator}, nil
}

type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is not in this schema: only local references are allowed", url)
}

// Root returns the node that describes the record itself.
func (s *Schema) Root() *Node { return s.root }

// Closed reports whether the record has no other fields than those named.
func (s *Schema) Closed() bool { return s.root.Closed }

// Key returns x-crosswalk-key, the path of the record's natural key, or "".
func (s *Schema) Key() string { return s.key }

// Validate checks a record against the whole schema and returns every violation,
// sorted by path; none if it is valid. A record that is not JSON is one violation.
func (s *Schema) Validate(record []byte) []Violation {
	dec := json.NewDecoder(bytes.NewReader(record))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return []Violation{{Message: "is no JSON"}}
	}
	if dec.More() {
		return []Violation{{Message: "is more than one JSON value"}}
	}
	err := s.validator.Validate(value)
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return []Violation{{Message: err.Error()}}
	}
	out := collect(invalid, nil)
	slices.SortFunc(out, func(a, b Violation) int { // the library goes through maps
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(out)
}
