package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// Validate gives every mistake in s as one error, or nil. A connector's own test
// should call it.
func (s Spec) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !nameForm.MatchString(s.Name) {
		bad("name %q: want lower case letters, digits, - and _, beginning with a letter", s.Name)
	}
	if s.Version == "" {
		bad("version is missing")
	}
	if s.Open == nil {
		bad("Open is missing")
	}
	if _, err := compile(s.Config); err != nil {
		bad("config schema: %w", err)
	}
	if len(s.Events)+len(s.Operations)+len(s.Lookups) == 0 {
		bad("it offers no event, operation or lookup")
	}
	seen := map[string]bool{}
	one := func(kind, name string, schemas ...json.RawMessage) {
		if !nameForm.MatchString(name) {
			bad("%s %q: want lower case letters, digits, - and _", kind, name)
		}
		if seen[kind+name] {
			bad("%s %q stands twice", kind, name)
		}
		seen[kind+name] = true
		for _, sch := range schemas {
			if _, err := compile(sch); err != nil {
				bad("schema of %s %q: %w", kind, name, err)
			}
		}
	}
	for _, e := range s.Events {
		one("event", e.Name, e.Schema)
	}
	for _, o := range s.Operations {
		one("operation", o.Name, o.Schema)
	}
	for _, l := range s.Lookups {
		one("lookup", l.Name, l.ArgsSchema, l.AnswerSchema)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("spec of connector %s: %w", s.Name, err)
	}
	return nil
}

func (s *Spec) hasEvent(name string) bool {
	return slices.ContainsFunc(s.Events, func(e EventSpec) bool { return e.Name == name })
}

func (s *Spec) hasOperation(name string) bool {
	return slices.ContainsFunc(s.Operations, func(o OperationSpec) bool { return o.Name == name })
}

func (s *Spec) hasLookup(name string) bool {
	return slices.ContainsFunc(s.Lookups, func(l LookupSpec) bool { return l.Name == name })
}

// plays checks that an open connection has the roles that the spec offers.
func (s *Spec) plays(c *Connection) error {
	switch {
	case c == nil:
		return errors.New("the connector opened nothing")
	case len(s.Events) > 0 && c.Source == nil && c.Puller == nil:
		return errors.New("the connector offers events and opened no source")
	case len(s.Operations) > 0 && c.Sink == nil:
		return errors.New("the connector offers operations and opened no sink")
	case len(s.Lookups) > 0 && c.Lookup == nil:
		return errors.New("the connector offers lookups and opened no lookup")
	}
	return nil
}

func compile(schema json.RawMessage) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	const url = "crosswalk:///schema.json"
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource(url, doc); err != nil {
		return nil, err
	}
	return c.Compile(url)
}

// checkConfig holds a configuration against its schema. A value never appears in
// a diagnostic: it may be a secret.
func checkConfig(schema, config json.RawMessage) []Diagnostic {
	sch, err := compile(schema)
	if err != nil {
		return []Diagnostic{{Message: "the connector's own config schema is broken: " + err.Error()}}
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config))
	if err != nil {
		return []Diagnostic{{Message: "the configuration is not JSON"}}
	}
	ve, ok := errors.AsType[*jsonschema.ValidationError](sch.Validate(doc))
	if !ok {
		return nil
	}
	var out []Diagnostic
	leaves(ve, func(e *jsonschema.ValidationError) {
		out = append(out, Diagnostic{Path: strings.Join(e.InstanceLocation, "."), Message: kindMessage(e)})
	})
	return out
}

// leaves calls each with the innermost errors, which name what is really wrong.
func leaves(e *jsonschema.ValidationError, each func(*jsonschema.ValidationError)) {
	if len(e.Causes) == 0 {
		each(e)
		return
	}
	for _, c := range e.Causes {
		leaves(c, each)
	}
}
