package editor

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// referenceForm is a text that holds a reference, ${env:NAME} or ${file:PATH}.
const referenceForm = `\$\{(env|file):`

// pluginSchema makes of a plugin's schema of a connection's config (2020-12) one of
// draft 7 that stands at the place at of another schema. A reference is taken for
// every single value, as nobody knows what it stands for, and nothing is demanded
// that depends on one.
func pluginSchema(text json.RawMessage, at string) (map[string]any, error) {
	var s map[string]any
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	if s == nil {
		return nil, errors.New("it is no object")
	}
	p := &pluginDraft{at: at}
	out, _ := p.schema(s, false).(map[string]any)
	return out, nil
}

type pluginDraft struct{ at string }

// schema rewrites one schema; test says that it stands in a condition, where a
// reference is no value.
func (p *pluginDraft) schema(v any, test bool) any {
	s, ok := v.(map[string]any)
	if !ok {
		return v // true and false
	}
	out := map[string]any{}
	for k, v := range s {
		switch k {
		case "$schema", "$id", "$anchor", "$comment", "$vocabulary", "unevaluatedProperties", "unevaluatedItems", "minContains", "maxContains":
		case "$ref":
			if ref, ok := v.(string); ok {
				out[k] = p.at + strings.TrimPrefix(ref, "#")
			}
		case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas":
			out[k] = p.each(v, test)
		case "items", "additionalProperties", "propertyNames", "contains", "additionalItems":
			out[k] = p.schema(v, test)
		case "prefixItems", "allOf", "anyOf", "oneOf":
			out[k] = p.list(v, test)
		case "not":
			out[k] = p.schema(v, true)
		case "if", "then", "else":
		default:
			out[k] = v
		}
	}
	p.older(out)
	if condition, ok := s["if"].(map[string]any); ok {
		p.condition(out, s, condition, test)
	}
	if !test {
		return orAReference(out)
	}
	return out
}

func (p *pluginDraft) each(v any, test bool) any {
	all, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := make(map[string]any, len(all))
	for name, s := range all {
		out[name] = p.schema(s, test)
	}
	return out
}

func (p *pluginDraft) list(v any, test bool) any {
	all, ok := v.([]any)
	if !ok {
		return v
	}
	out := make([]any, len(all))
	for i, s := range all {
		out[i] = p.schema(s, test)
	}
	return out
}

// older writes keywords as draft 7 does.
func (p *pluginDraft) older(s map[string]any) {
	if first, ok := s["prefixItems"]; ok {
		if rest, ok := s["items"]; ok {
			s["additionalItems"] = rest
		}
		s["items"] = first
		delete(s, "prefixItems")
	}
	dependencies := map[string]any{}
	for _, k := range []string{"dependentRequired", "dependentSchemas"} {
		if d, ok := s[k].(map[string]any); ok {
			maps.Copy(dependencies, d)
		}
		delete(s, k)
	}
	if len(dependencies) > 0 {
		s["dependencies"] = dependencies
	}
}

// condition adds if, then and else, which do not count where a key that the test
// looks at has a reference.
func (p *pluginDraft) condition(out, s, test map[string]any, inner bool) {
	decided := map[string]any{"if": p.schema(test, true)}
	for _, k := range []string{"then", "else"} {
		if v, ok := s[k]; ok {
			decided[k] = p.schema(v, inner)
		}
	}
	var open []any
	for _, name := range looksAt(test) {
		open = append(open, map[string]any{
			"properties": map[string]any{name: map[string]any{"type": "string", "pattern": referenceForm}},
			"required":   []string{name},
		})
	}
	if len(open) == 0 {
		maps.Copy(out, decided)
		return
	}
	out["if"], out["then"], out["else"] = map[string]any{"anyOf": open}, map[string]any{}, decided
}

// looksAt lists the keys that a condition has a schema for, sorted.
func looksAt(v any) []string {
	found := map[string]bool{}
	var look func(v any)
	look = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				look(one)
			}
		case map[string]any:
			if properties, ok := v["properties"].(map[string]any); ok {
				for name := range properties {
					found[name] = true
				}
			}
			for _, k := range []string{"allOf", "anyOf", "oneOf", "not"} {
				look(v[k])
			}
		}
	}
	look(v)
	return slices.Sorted(maps.Keys(found))
}

// orAReference takes a reference beside what a schema of single values takes. What
// explains the schema stays outside, where an editor finds it.
func orAReference(s map[string]any) map[string]any {
	explains := map[string]any{}
	inner := map[string]any{}
	for k, v := range s {
		switch k {
		case "title", "description", "default", "examples", "writeOnly", "readOnly", "deprecated":
			explains[k] = v
		case "$defs", "definitions":
			explains[k] = v
		default:
			inner[k] = v
		}
	}
	if !single(inner) {
		return s
	}
	explains["anyOf"] = []any{inner, map[string]any{"type": "string", "pattern": referenceForm}}
	return explains
}

// single reports whether a schema is of single values.
func single(s map[string]any) bool {
	for _, k := range []string{"properties", "items", "required", "if", "additionalProperties", "patternProperties", "$ref", "allOf", "anyOf", "dependencies", "not", "contains", "propertyNames"} {
		if _, has := s[k]; has {
			return false
		}
	}
	if len(s) == 0 {
		return false
	}
	switch t := s["type"].(type) {
	case string:
		return t != "object" && t != "array"
	case []any:
		return !slices.Contains(t, any("object")) && !slices.Contains(t, any("array"))
	}
	return s["const"] != nil || s["enum"] != nil || s["oneOf"] != nil
}
