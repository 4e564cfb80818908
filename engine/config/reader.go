package config

import (
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// reader fills a Config from the tree and collects what is wrong.
type reader struct {
	*source
	list    diag.List
	pending []pending
}

// pending is a value that cannot be read before its references are resolved.
type pending struct {
	// of is the connection whose config it is in, "" if it is in none.
	of       string
	node     *yaml.Node
	template template
	set      func(text string) *problem
}

// problem is what is wrong with a value: one sentence, and what to do.
type problem struct{ message, hint string }

// field is a known key of a map and what is done with its value.
type field struct {
	name string
	read func(n *yaml.Node)
}

func (r *reader) errorAt(n *yaml.Node, rule, hint, format string, args ...any) {
	r.list = append(r.list, r.at(n, rule, hint, format, args...))
}

func (r *reader) warnAt(n *yaml.Node, rule, hint, format string, args ...any) {
	d := r.at(n, rule, hint, format, args...)
	d.Severity = diag.Warning
	r.list = append(r.list, d)
}

// object reads a map whose keys are known; where names it in messages. It
// returns the names of the keys that are there, those included that a misspelt
// key stands for: one mistake is reported once.
func (r *reader) object(n *yaml.Node, where string, fields ...field) (there map[string]bool) {
	there = map[string]bool{}
	if n.Kind != yaml.MappingNode {
		r.errorAt(n, RuleValue, "", "%s is a map of keys and values, and this is %s", where, diag.KindOf(n))
		return there
	}
	var meant []string
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := slices.Index(names, key.Value)
		if at < 0 {
			hint := diag.DidYouMean(key.Value, names)
			if hint == "" {
				hint = "the keys are " + joined(names)
			}
			r.errorAt(key, RuleUnknown, hint, "%s has no key `%s`", where, key.Value)
			meant = append(meant, diag.Suggest(key.Value, names))
			continue
		}
		if there[key.Value] {
			continue // reported as doubled
		}
		there[key.Value] = true
		if diag.IsNull(value) {
			r.errorAt(key, RuleValue, "give it a value or remove it", "`%s` has no value", key.Value)
			continue
		}
		fields[at].read(value)
	}
	for _, name := range meant {
		there[name] = true
	}
	return there
}

// text makes a reader of a scalar that may hold references; set is called with
// its text, at once or by Resolve.
func (r *reader) text(set func(text string) *problem) func(*yaml.Node) {
	return func(n *yaml.Node) {
		t, ok := r.template(n)
		if !ok {
			return
		}
		if t.references() {
			r.pending = append(r.pending, pending{node: n, template: t, set: set})
			return
		}
		r.put(n, t.literal(), set)
	}
}

// secret is text for a value that a finding does not show.
func (r *reader) secret(set func(text string) *problem) func(*yaml.Node) {
	return func(n *yaml.Node) {
		before := len(r.list)
		r.text(set)(n)
		for i := range r.list[before:] {
			r.list[before+i].Source, r.list[before+i].EndColumn = "", 0
		}
	}
}

// literal makes a reader of a scalar that may hold none; why says why.
func (r *reader) literal(why string, set func(text string) *problem) func(*yaml.Node) {
	return func(n *yaml.Node) {
		t, ok := r.template(n)
		switch {
		case !ok:
		case t.references():
			r.errorAt(n, RuleReference, "write the value itself", "no reference may stand here: %s", why)
		default:
			r.put(n, t.literal(), set)
		}
	}
}

func (r *reader) put(n *yaml.Node, text string, set func(text string) *problem) {
	if p := set(text); p != nil {
		r.errorAt(n, RuleValue, p.hint, "%s", p.message)
	}
}

// template reads a scalar; a place where something else stands is reported.
func (r *reader) template(n *yaml.Node) (template, bool) {
	if n.Kind != yaml.ScalarNode {
		r.errorAt(n, RuleValue, "", "a single value is wanted, and this is %s", diag.KindOf(n))
		return nil, false
	}
	t, err := parseTemplate(n.Value)
	if err != nil {
		r.reference(n, err)
		return nil, false
	}
	return t, true
}

func (r *reader) reference(n *yaml.Node, err *templateError) {
	d := r.at(n, RuleReference, err.hint, "%s", err.message)
	r.point(&d, n, err.text)
	r.list = append(r.list, d)
}

// point narrows a diagnostic to the first place of text behind n on its line.
func (s *source) point(d *diag.Diagnostic, n *yaml.Node, text string) {
	rest, want := s.rest(n), []rune(text)
	for i := 0; i+len(want) <= len(rest); i++ {
		if slices.Equal(rest[i:i+len(want)], want) {
			d.Position.Column = n.Column + i
			d.EndColumn = d.Position.Column + len(want)
			return
		}
	}
}
