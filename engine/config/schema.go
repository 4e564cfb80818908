package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/misfit"
)

const schemaURL = "crosswalk:config"

// CheckSchema holds the connection's config against its plugin's JSON Schema and
// reports each mistake where it stands. A value that is a reference counts as
// fitting anything, resolved or not, and what hangs on such a value is not
// reported. No message repeats a value, nor shows a line that holds one which the
// schema marks writeOnly.
func (c *Connection) CheckSchema(configSchema json.RawMessage) diag.List {
	if c.broken {
		return nil // that is reported already
	}
	k := &schemaCheck{Connection: c, unsure: map[string]bool{}, wrong: map[string]bool{}, meant: map[string]bool{}, secretLines: map[int]bool{}}
	if err := k.run(configSchema); err != nil {
		return diag.List{c.src.at(c.nameNode, RuleSchema, "tell the plugin's author",
			"the config schema of plugin `%s` is broken: %v", c.Plugin, err)}
	}
	return k.list.Compact()
}

type schemaCheck struct {
	*Connection
	list diag.List
	view view
	// unsure are the names of the keys whose value is not known: it holds a
	// reference, or is wrong.
	unsure map[string]bool
	// wrong are the names of the keys whose value is.
	wrong map[string]bool
	// meant are the keys, behind what they stand in and a dot, that a key which is
	// not known is taken for: they are not missed as well.
	meant map[string]bool
	// secretLines hold a secret.
	secretLines map[int]bool
}

type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is not in the schema: only local references are allowed", url)
}

func (k *schemaCheck) run(configSchema json.RawMessage) (err error) {
	if k.view, err = newView(configSchema); err != nil || !k.view.known() {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(configSchema))
	if err != nil {
		return err
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.UseLoader(noLoader{})
	if err := compiler.AddResource(schemaURL, doc); err != nil {
		return err
	}
	schema, err := compiler.Compile(schemaURL)
	if err != nil {
		return err
	}
	text := bytes.NewBufferString("{}")
	if k.config != nil {
		text.Reset()
		k.write(text, k.config, k.view)
		k.look(k.config, "", k.view)
	}
	value, err := jsonschema.UnmarshalJSON(text)
	if err != nil {
		return err
	}
	if invalid, ok := errors.AsType[*jsonschema.ValidationError](schema.Validate(value)); ok {
		k.walk(invalid)
		if len(k.wrong) > 0 || len(k.meant) > 0 { // what hangs on a wrong value is not known either
			for name := range k.wrong {
				k.unsure[name] = true
			}
			k.list = nil
			k.walk(invalid)
		}
	}
	return nil
}

// look finds the keys with references and the lines with secrets.
func (k *schemaCheck) look(n *yaml.Node, key string, v view) {
	if t := k.texts[n]; t != nil && t.references {
		k.unsure[key] = true
	} else if n.Kind == yaml.ScalarNode && v.secret() {
		for i := range 1 + strings.Count(n.Value, "\n") {
			k.secretLines[n.Line+i] = true
		}
	}
	for i, child := range n.Content {
		switch {
		case n.Kind == yaml.SequenceNode:
			k.look(child, key, v.item(i))
		case i%2 == 1:
			name := n.Content[i-1].Value
			k.look(child, name, v.property(name))
		}
	}
}

// walk reports the innermost errors, which name what is really wrong, and the
// outer one where several ways were open and none fitted.
func (k *schemaCheck) walk(e *jsonschema.ValidationError) {
	if k.uncertain(e) {
		return
	}
	switch e.ErrorKind.(type) {
	case *kind.OneOf, *kind.AnyOf, *kind.Not, *kind.Contains:
		k.report(e)
		return
	}
	if len(e.Causes) == 0 {
		k.report(e)
		return
	}
	for _, cause := range e.Causes {
		k.walk(cause)
	}
}

// uncertain reports whether e may not be there once references are resolved: it
// is about such a value, or stands under a condition that looks at one.
func (k *schemaCheck) uncertain(e *jsonschema.ValidationError) bool {
	_, value := k.place(e.InstanceLocation)
	if t := k.texts[value]; t != nil && t.references {
		return true
	}
	_, pointer, _ := strings.Cut(e.SchemaURL, "#")
	tokens := strings.Split(pointer, "/")
	for i, token := range tokens {
		above := "#" + strings.Join(tokens[:i], "/")
		switch token {
		case "then", "else":
			if k.looksAtUnsure(at(k.view.root, above+"/if")) {
				return true
			}
		case "anyOf", "oneOf", "not":
			if k.looksAtUnsure(at(k.view.root, above+"/"+token)) {
				return true
			}
		}
	}
	here := "#" + pointer
	switch e.ErrorKind.(type) {
	case *kind.OneOf:
		return k.looksAtUnsure(at(k.view.root, here+"/oneOf"))
	case *kind.AnyOf:
		return k.looksAtUnsure(at(k.view.root, here+"/anyOf"))
	case *kind.Not:
		return k.looksAtUnsure(at(k.view.root, here+"/not"))
	}
	return false
}

// looksAtUnsure reports whether a part of the schema says anything of a key whose
// value is not known.
func (k *schemaCheck) looksAtUnsure(schema any) bool {
	switch s := schema.(type) {
	case []any:
		return slices.ContainsFunc(s, k.looksAtUnsure)
	case map[string]any:
		if properties, ok := s["properties"].(map[string]any); ok {
			for name := range properties {
				if k.unsure[name] {
					return true
				}
			}
		}
		for _, child := range s {
			if k.looksAtUnsure(child) {
				return true
			}
		}
	}
	return false
}

// place finds the value at a path and its key, or as much of the path as there is.
func (k *schemaCheck) place(path []string) (key, value *yaml.Node) {
	key, value = k.nameNode, k.config
	for _, token := range path {
		if value == nil {
			break
		}
		nextKey, next := child(value, token)
		if next == nil {
			break
		}
		if nextKey == nil {
			nextKey = next // an element of a list has no key
		}
		key, value = nextKey, next
	}
	return key, value
}

func child(n *yaml.Node, token string) (key, value *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(n.Content) {
			return nil, n.Content[i]
		}
		return nil, nil
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == token {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

func (k *schemaCheck) add(n *yaml.Node, hint, format string, args ...any) {
	d := k.src.at(n, RuleSchema, hint, format, args...)
	if k.secretLines[n.Line] {
		d.Source, d.EndColumn = "", 0
	}
	k.list = append(k.list, d)
}

func (k *schemaCheck) report(e *jsonschema.ValidationError) {
	key, value := k.place(e.InstanceLocation)
	v := k.view
	for _, token := range e.InstanceLocation {
		if i, err := strconv.Atoi(token); err == nil && !v.property(token).known() {
			v = v.item(i)
		} else {
			v = v.property(token)
		}
	}
	name := strings.Join(e.InstanceLocation, ".")
	where := "config of connection `" + k.Name + "`"
	if name != "" {
		where = "`" + name + "`"
	}
	var missing []string
	switch w := e.ErrorKind.(type) {
	case *kind.Required:
		missing = w.Missing
	case *kind.DependentRequired:
		missing = w.Missing
	case *kind.Dependency:
		missing = w.Missing
	case *kind.AdditionalProperties:
		for _, p := range w.Properties {
			at, _ := child(value, p)
			k.meant[name+"."+diag.Suggest(p, v.names())] = true
			k.add(at, unknownHint(p, v.names()), "%s has no key `%s`", where, p)
		}
		return
	case *kind.FalseSchema:
		if len(e.InstanceLocation) > 0 {
			k.add(key, "remove it", "`%s` is not allowed here", name)
			return
		}
	}
	if missing != nil {
		for _, m := range missing {
			if k.meant[name+"."+m] {
				continue
			}
			hint := "add `" + m + ": …`"
			if note := v.property(m).note(); note != "" {
				hint += ": " + note
			}
			k.add(key, hint, "%s needs `%s`", where, m)
		}
		return
	}
	if value == nil {
		value = key
	}
	if n := len(e.InstanceLocation); n > 0 {
		k.wrong[e.InstanceLocation[n-1]] = true
	}
	hint := v.note()
	if !v.secret() {
		if better := diag.DidYouMean(value.Value, misfit.Wanted(e)); better != "" {
			hint = better
		}
	}
	k.add(value, hint, "%s %s", where, misfit.YAML.Words(e))
}

func unknownHint(name string, names []string) string {
	if hint := diag.DidYouMean(name, names); hint != "" || len(names) == 0 {
		return hint
	}
	return "the keys are " + joined(names)
}
