// Package editortest holds YAML against a JSON Schema as an editor does, for tests.
package editortest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

// Checker keeps the schemas that it has read, by their text. It is not safe for
// concurrent use.
type Checker struct{ schemas map[string]*jsonschema.Schema }

// Check holds a YAML document against a JSON Schema, of draft 7 if it does not say
// otherwise. It gives nil if the document is valid, a *jsonschema.ValidationError if
// it is not, and another error if one of them cannot be read.
func (c *Checker) Check(schema, document []byte) error {
	s := c.schemas[string(schema)]
	if s == nil {
		var err error
		if s, err = read(schema); err != nil {
			return fmt.Errorf("read the schema: %w", err)
		}
		if c.schemas == nil {
			c.schemas = map[string]*jsonschema.Schema{}
		}
		c.schemas[string(schema)] = s
	}
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	if len(root.Content) == 0 {
		return errors.New("the document is empty")
	}
	return s.Validate(instance(root.Content[0]))
}

func read(text []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	const url = "editor:schema"
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	if err := c.AddResource(url, doc); err != nil {
		return nil, err
	}
	return c.Compile(url)
}

// instance is a YAML value as a language server sees it: by the core schema of YAML
// 1.2, with texts for keys.
func instance(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = instance(n.Content[i+1])
		}
		return out
	case yaml.SequenceNode:
		out := []any{}
		for _, item := range n.Content {
			out = append(out, instance(item))
		}
		return out
	default:
		return scalar(n)
	}
}

func scalar(n *yaml.Node) any {
	number := regexp.MustCompile(`^([-+]?)0*([0-9]+)(?:(\.[0-9]+)|\.)?([eE][-+]?[0-9]+)?$`)
	switch m := number.FindStringSubmatch(n.Value); {
	case n.Style != 0:
		return n.Value
	case slices.Contains([]string{"", "null", "~", "Null", "NULL"}, n.Value):
		return nil
	case n.Value == "true" || n.Value == "false":
		return n.Value == "true"
	case m != nil:
		return json.Number(strings.TrimPrefix(m[1], "+") + m[2] + m[3] + m[4])
	}
	return n.Value
}
