package pluginhost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// blot stands where a secret stood.
const blot = "[secret]"

// minSecret is the length in bytes under which a secret is not blotted out of
// texts: so short a text occurs everywhere.
const minSecret = 4

// WithoutSecrets gives a configuration without what its schema, a JSON Schema of
// an object, marks writeOnly, and without what the schema does not know, which
// may be a secret under a misspelled name. It is what Describe may see. Numbers
// stay as they are written.
func WithoutSecrets(schema, config json.RawMessage) (json.RawMessage, error) {
	clean, _, err := splitSecrets(schema, config)
	return clean, err
}

// splitSecrets gives the configuration without its secrets, and the secrets that
// are text.
func splitSecrets(schema, config json.RawMessage) (clean json.RawMessage, secrets []string, err error) {
	if len(config) == 0 {
		return nil, nil, nil
	}
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, nil, fmt.Errorf("config schema is not JSON: %w", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config))
	if err != nil {
		// The parser's words may repeat a part of it.
		return nil, nil, fmt.Errorf("the configuration is not JSON")
	}
	s := &secretSplitter{root: root}
	kept, _ := s.split(doc, root, 0)
	clean, err = json.Marshal(kept)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the configuration: %w", err)
	}
	return clean, s.secrets, nil
}

type secretSplitter struct {
	root    any
	secrets []string
}

// maxSchemaDepth ends the walk through a schema that refers to itself; what is
// beyond it is taken for a secret.
const maxSchemaDepth = 64

// split gives what may be kept of v, and false where nothing may.
func (s *secretSplitter) split(v, schema any, depth int) (any, bool) {
	node, ok := schema.(map[string]any)
	if !ok {
		// true, the schema that says nothing.
		node = map[string]any{}
	}
	parts := s.parts(node, depth)
	for _, p := range parts {
		if secret, ok := p["writeOnly"].(bool); ok && secret {
			s.collect(v)
			return nil, false
		}
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			sub, known := member(parts, name)
			if !known {
				s.collect(value)
				continue
			}
			if kept, ok := s.split(value, sub, depth+1); ok {
				out[name] = kept
			}
		}
		return out, true
	case []any:
		out := make([]any, 0, len(v))
		for _, value := range v {
			if kept, ok := s.split(value, items(parts), depth+1); ok {
				out = append(out, kept)
			}
		}
		return out, true
	default:
		return v, true
	}
}

// parts gives a schema and all that it refers to or is put together from.
func (s *secretSplitter) parts(node map[string]any, depth int) []map[string]any {
	if depth > maxSchemaDepth {
		return []map[string]any{{"writeOnly": true}}
	}
	out := []map[string]any{node}
	add := func(sub any) {
		if m, ok := sub.(map[string]any); ok {
			out = append(out, s.parts(m, depth+1)...)
		}
	}
	if ref, ok := node["$ref"].(string); ok {
		add(s.resolve(ref))
	}
	for _, word := range []string{"allOf", "anyOf", "oneOf"} {
		if list, ok := node[word].([]any); ok {
			for _, sub := range list {
				add(sub)
			}
		}
	}
	for _, word := range []string{"if", "then", "else"} {
		add(node[word])
	}
	return out
}

// resolve follows a reference within the schema, such as #/$defs/key.
func (s *secretSplitter) resolve(ref string) any {
	path, local := strings.CutPrefix(ref, "#/")
	if !local {
		return nil
	}
	at := s.root
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for step := range strings.SplitSeq(path, "/") {
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[unescape.Replace(step)]
	}
	return at
}

// member gives the schema of an object's member. Where several parts speak of
// it, all of them count.
func member(parts []map[string]any, name string) (sub any, known bool) {
	var all []any
	open, listed := any(nil), false
	for _, p := range parts {
		if props, ok := p["properties"].(map[string]any); ok {
			listed = true
			if sub, ok := props[name]; ok {
				all = append(all, sub)
			}
		}
		if more, ok := p["additionalProperties"].(map[string]any); ok {
			open = more
		}
	}
	switch {
	case len(all) > 0:
		return map[string]any{"allOf": all}, true
	case open != nil:
		return open, true
	default:
		return nil, !listed
	}
}

// items gives the schema of an array's entries.
func items(parts []map[string]any) any {
	var all []any
	for _, p := range parts {
		if sub, ok := p["items"]; ok {
			all = append(all, sub)
		}
	}
	return map[string]any{"allOf": all}
}

// collect notes every text in v.
func (s *secretSplitter) collect(v any) {
	switch v := v.(type) {
	case string:
		s.secrets = append(s.secrets, v)
	case json.Number:
		s.secrets = append(s.secrets, v.String())
	case []any:
		for _, e := range v {
			s.collect(e)
		}
	case map[string]any:
		for _, e := range v {
			s.collect(e)
		}
	}
}

// redactor blots secrets out of texts: as they are, as they stand in JSON, and
// as they stand in URLs and forms.
func redactor(secrets []string) *strings.Replacer {
	var forms []string
	for _, s := range secrets {
		if len(s) < minSecret {
			continue
		}
		forms = append(forms, s, url.QueryEscape(s), url.PathEscape(s))
		for _, html := range []bool{false, true} {
			var b bytes.Buffer
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(html)
			if enc.Encode(s) == nil {
				forms = append(forms, strings.Trim(b.String(), "\"\n"))
			}
		}
	}
	// Of two secrets the longer is sought first: one may begin with the other.
	slices.SortFunc(forms, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	var pairs []string
	for _, f := range slices.Compact(forms) {
		pairs = append(pairs, f, blot)
	}
	return strings.NewReplacer(pairs...)
}
