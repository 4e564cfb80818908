package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxSchemas bounds how many parts of a schema speak of one value.
const maxSchemas = 256

// view is what a plugin's config schema says of one value: every part of it that
// may apply, whatever the conditions. Where parts disagree, the careful answer
// counts: a value that one part calls a secret is one.
type view struct {
	root  any
	parts []map[string]any
}

func newView(schema json.RawMessage) (view, error) {
	if len(schema) == 0 {
		return view{}, nil
	}
	var root any
	if err := json.Unmarshal(schema, &root); err != nil {
		return view{}, fmt.Errorf("not JSON: %w", err)
	}
	if _, ok := root.(map[string]any); !ok {
		return view{}, errors.New("not an object")
	}
	return view{root: root}.of(root), nil
}

// of is the view of the value that all of schemas describe.
func (v view) of(schemas ...any) view {
	out := view{root: v.root}
	seen := map[string]bool{} // references followed
	var add func(s any)
	add = func(s any) {
		if s == true {
			s = map[string]any{}
		}
		m, ok := s.(map[string]any)
		if !ok || len(out.parts) >= maxSchemas {
			return
		}
		out.parts = append(out.parts, m)
		if ref, ok := m["$ref"].(string); ok && !seen[ref] {
			seen[ref] = true
			add(at(v.root, ref))
		}
		for _, word := range []string{"allOf", "anyOf", "oneOf"} {
			if list, ok := m[word].([]any); ok {
				for _, s := range list {
					add(s)
				}
			}
		}
		for _, word := range []string{"if", "then", "else"} {
			add(m[word])
		}
		if dependent, ok := m["dependentSchemas"].(map[string]any); ok {
			for _, name := range slices.Sorted(maps.Keys(dependent)) {
				add(dependent[name])
			}
		}
	}
	for _, s := range schemas {
		add(s)
	}
	return out
}

// at is the place in a schema that the pointer #/a/b names; nil for none.
func at(root any, ref string) any {
	pointer, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	for _, token := range strings.Split(pointer, "/")[1:] {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch here := root.(type) {
		case map[string]any:
			root = here[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(here) {
				return nil
			}
			root = here[i]
		default:
			return nil
		}
	}
	return root
}

// known reports whether the schema speaks of the value at all.
func (v view) known() bool { return len(v.parts) > 0 }

// secret reports whether the value is one.
func (v view) secret() bool {
	return slices.ContainsFunc(v.parts, func(p map[string]any) bool { return p["writeOnly"] == true })
}

// property is the view of a field of the value.
func (v view) property(name string) view {
	var found []any
	for _, p := range v.parts {
		named := false
		if properties, ok := p["properties"].(map[string]any); ok {
			if s, ok := properties[name]; ok {
				found, named = append(found, s), true
			}
		}
		if patterns, ok := p["patternProperties"].(map[string]any); ok {
			for pattern, s := range patterns {
				if re, err := regexp.Compile(pattern); err == nil && re.MatchString(name) {
					found, named = append(found, s), true
				}
			}
		}
		if s, ok := p["additionalProperties"].(map[string]any); ok && !named {
			found = append(found, s)
		}
	}
	return v.of(found...)
}

// item is the view of the i-th element of the value.
func (v view) item(i int) view {
	var found []any
	for _, p := range v.parts {
		if first, ok := p["prefixItems"].([]any); ok && i < len(first) {
			found = append(found, first[i])
		} else if s, ok := p["items"]; ok {
			found = append(found, s)
		}
	}
	return v.of(found...)
}

// names are the fields that the schema names for the value, sorted.
func (v view) names() []string {
	names := map[string]bool{}
	for _, p := range v.parts {
		if properties, ok := p["properties"].(map[string]any); ok {
			for name := range properties {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// note is the first description of the value, or its title, or "".
func (v view) note() string {
	for _, word := range []string{"description", "title"} {
		for _, p := range v.parts {
			if _, choice := p["const"]; choice {
				continue // says what one choice means
			}
			if s, ok := p[word].(string); ok && s != "" {
				return s
			}
		}
	}
	return ""
}

// fits reports whether text must be meant as the number or boolean that it looks
// like, since the schema allows no text.
func (v view) fits(text string) bool {
	types := map[string]bool{}
	for _, p := range v.parts {
		switch t := p["type"].(type) {
		case string:
			types[t] = true
		case []any:
			for _, one := range t {
				if s, ok := one.(string); ok {
					types[s] = true
				}
			}
		}
		values := []any{p["const"]}
		if enum, ok := p["enum"].([]any); ok {
			values = append(values, enum...)
		}
		for _, value := range values {
			if _, ok := value.(string); ok {
				types["string"] = true
			}
		}
	}
	switch {
	case types["string"]:
		return false
	case text == "true" || text == "false":
		return types["boolean"]
	}
	return (types["number"] || types["integer"]) && numberForm.MatchString(text)
}
