package editor

import (
	"regexp"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

const (
	// maxDotted is how many dotted names of one object are spelt out, and
	// maxDottedSteps of how many steps; beyond that any name is taken.
	maxDotted      = 600
	maxAllDotted   = 5000 // in all objects together
	maxDottedSteps = 5
	namePattern    = `^[\p{L}_][\p{L}\p{N}_]*$`
	// fieldPattern is a field's name, or a dotted path of them.
	fieldPattern = `^(\\.|[^.])+(\.(\\.|[^.])+)*$`
	fieldHelp    = "a step of this name is empty; a literal dot in a name is written `\\.`"
)

// fieldKeys are the keys fields and choose of an object that goes to n.
func (b *builder) fieldKeys(n *schema.Node, s *scope) object {
	rules := member{"fields", object{{"description", helpFields}, types("object"), {"allOf", []object{b.fields(n, s)}}}}
	entry := closed(object{
		key("when", helpWhen, b.condition(s)),
		rules,
	}, member{"required", []string{"fields"}})
	return object{
		rules,
		{"choose", object{{"description", helpChoose}, types("array"), {"minItems", 1}, {"items", append(object{types("object")}, entry...)}}},
	}
}

// whole demands of an object without choose the fields that the sink requires;
// those of a choose are for `crosswalk validate` to find.
func (b *builder) whole(n *schema.Node) []member {
	if n == nil || len(n.Required) == 0 {
		return nil
	}
	fields := object{}
	var plain []string
	var dotted []object
	for _, name := range n.Required {
		p := n.Property(name)
		if p != nil && !p.Types.Has(schema.Object) && !p.Types.Has(schema.Array) {
			plain = append(plain, escaped(name))
			continue
		}
		// A dotted name makes the field too.
		inside := object{{"pattern", "^" + regexp.QuoteMeta(escaped(name)) + `\.`}}
		dotted = append(dotted, object{
			{"if", object{{"propertyNames", object{{"not", inside}}}}},
			{"then", required(escaped(name))},
		})
	}
	if len(plain) > 0 {
		fields = append(fields, member{"required", plain})
	}
	if len(dotted) > 0 {
		fields = append(fields, member{"allOf", dotted})
	}
	return []member{{"allOf", []object{{
		{"if", required("choose")},
		{"then", object{}},
		{"else", object{{"properties", object{{"fields", fields}}}}},
	}}}}
}

// fields refers to the schema of a `fields` that makes n.
func (b *builder) fields(n *schema.Node, s *scope) object {
	type fields struct {
		node  *schema.Node
		scope *scope
	}
	return b.define("fields", fields{n, s}, func() object {
		f := &fieldList{builder: b, scope: s}
		out := object{{"propertyNames", object{{"pattern", fieldPattern}, {"patternErrorMessage", fieldHelp}}}}
		rest := any(b.value(nil, s))
		if n != nil {
			f.add(n, nil, false)
			if n.Closed {
				rest = false
			}
		}
		if len(f.properties) > 0 {
			out = append(out, member{"properties", f.properties})
		}
		if len(f.patterns) > 0 {
			out = append(out, member{"patternProperties", f.patterns})
		}
		return append(out, member{"additionalProperties", rest})
	})
}

// fieldList collects the names that may stand in one `fields`.
type fieldList struct {
	*builder
	scope                *scope
	properties, patterns object
}

// add collects what may follow the steps that lead to n; pattern says that one of
// them is an index.
func (f *fieldList) add(n *schema.Node, steps []string, pattern bool) {
	for _, p := range n.Properties {
		f.name(p.Node, append(slices.Clip(steps), escaped(p.Name)), pattern, needed(n, p.Name))
	}
}

// name adds the name that leads to n, and those that lead further.
func (f *fieldList) name(n *schema.Node, steps []string, pattern bool, note string) {
	if pattern {
		f.patterns = append(f.patterns, member{"^" + strings.Join(steps, `\.`) + "$", f.value(n, f.scope)})
	} else {
		name := strings.Join(steps, ".")
		f.properties = append(f.properties, member{name, object{
			{"title", name},
			{"description", words(n, note)},
			{"anyOf", []object{f.value(n, f.scope)}},
		}})
	}
	if len(steps) > 1 {
		f.dotted++
	}
	array := n.Types != 0 && n.Types.Has(schema.Array) && !n.Types.Has(schema.Object)
	object := n.Types.Has(schema.Object)
	switch {
	case !array && !object:
	case len(steps) >= maxDottedSteps || len(f.properties)+len(f.patterns) > maxDotted || f.dotted > maxAllDotted:
		f.further(steps, pattern, `\..+`)
	case array && n.Items == nil:
		f.further(steps, pattern, `\.[0-9]{1,9}(\..+)?`)
	case array:
		f.name(n.Items, append(quoted(steps, pattern), "[0-9]{1,9}"), true, "")
	case !n.Closed:
		f.add(n, steps, pattern)
		f.further(steps, pattern, `\..+`)
	default:
		f.add(n, steps, pattern)
	}
}

// further takes every name that goes on behind the steps.
func (f *fieldList) further(steps []string, pattern bool, rest string) {
	f.patterns = append(f.patterns, member{"^" + strings.Join(quoted(steps, pattern), `\.`) + rest + "$", f.value(nil, f.scope)})
}

// quoted makes patterns of steps that are names still.
func quoted(steps []string, pattern bool) []string {
	out := slices.Clone(steps)
	for i := range out {
		if !pattern {
			out[i] = regexp.QuoteMeta(out[i])
		}
	}
	return out
}

// escaped writes a field's name as a step of a dotted one.
func escaped(name string) string {
	return strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(name)
}
