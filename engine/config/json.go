package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// numberForm is a JSON number. YAML's other spellings of numbers (0x1f, 0671,
// 1_000, .5, +1) are text as they were written: a phone number or a code loses
// nothing.
var numberForm = regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$`)

// JSON is the connection's config as a JSON object, {} where there is none, with
// its keys in the file's order and every number digit for digit.
//
// configSchema is the plugin's JSON Schema. A value that is a reference as a
// whole becomes a number or a boolean where the schema allows no text there and
// the value looks like one; an empty schema leaves all of them texts. The error
// says that references are not resolved yet.
func (c *Connection) JSON(configSchema json.RawMessage) (json.RawMessage, error) {
	for _, t := range c.texts {
		if !t.known {
			return nil, fmt.Errorf("config of connection %s holds references that are not resolved", c.Name)
		}
	}
	view, err := newView(configSchema)
	if err != nil {
		return nil, fmt.Errorf("config schema of connection %s: %w", c.Name, err)
	}
	if c.config == nil {
		return json.RawMessage("{}"), nil
	}
	var b bytes.Buffer
	c.write(&b, c.config, view)
	return b.Bytes(), nil
}

// Public is the connection's config without what could be a secret, for a
// plugin's Describe: every value that was written with a reference, even after
// Resolve, that the schema marks writeOnly, or that the schema does not name is
// left out, and in a list null stands for it. It is {} where the schema is empty
// or broken.
func (c *Connection) Public(configSchema json.RawMessage) json.RawMessage {
	view, err := newView(configSchema)
	if err != nil || c.config == nil || !view.known() {
		return json.RawMessage("{}")
	}
	public := c.public(c.config, view)
	if public == nil {
		return json.RawMessage("{}")
	}
	var b bytes.Buffer
	c.write(&b, public, view)
	return b.Bytes()
}

// public copies n without secrets; nil if n is one.
func (c *Connection) public(n *yaml.Node, view view) *yaml.Node {
	if view.secret() || !view.known() {
		return nil
	}
	if t := c.texts[n]; t != nil && t.references {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return n
	}
	out := *n
	out.Content = nil
	for i := range n.Content {
		switch {
		case n.Kind == yaml.SequenceNode:
			item := c.public(n.Content[i], view.item(i))
			if item == nil {
				item = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
			}
			out.Content = append(out.Content, item)
		case i%2 == 1:
			if value := c.public(n.Content[i], view.property(n.Content[i-1].Value)); value != nil {
				out.Content = append(out.Content, n.Content[i-1], value)
			}
		}
	}
	return &out
}

// write appends n as JSON.
func (c *Connection) write(b *bytes.Buffer, n *yaml.Node, view view) {
	switch n.Kind {
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			writeText(b, n.Content[i].Value)
			b.WriteByte(':')
			c.write(b, n.Content[i+1], view.property(n.Content[i].Value))
		}
		b.WriteByte('}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			c.write(b, item, view.item(i))
		}
		b.WriteByte(']')
	default:
		c.writeScalar(b, n, view)
	}
}

func (c *Connection) writeScalar(b *bytes.Buffer, n *yaml.Node, view view) {
	if t := c.texts[n]; t != nil {
		whole := t.references && strings.HasPrefix(n.Value, "${") && strings.IndexByte(n.Value, '}') == len(n.Value)-1
		if whole && t.known && view.fits(t.value) {
			b.WriteString(t.value)
			return
		}
		writeText(b, t.value)
		return
	}
	switch tag := n.ShortTag(); {
	case tag == "!!null":
		b.WriteString("null")
	case tag == "!!bool":
		b.WriteString(strings.ToLower(n.Value))
	case tag != "!!str" && numberForm.MatchString(n.Value):
		b.WriteString(n.Value)
	default:
		writeText(b, n.Value)
	}
}

// writeText appends s as a JSON string, without the escapes that only HTML needs.
func writeText(b *bytes.Buffer, s string) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) == nil { // a string always can be
		b.Truncate(b.Len() - 1) // the line end
	}
}
