package mapping

import (
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// One mistake gives one diagnostic: what was reported is read as what it was most
// likely meant to be, and what only follows from it is not reported again.

// known sorts the entries of a map by their keys. A key that is none of these is
// reported, and taken for the one that was meant if that is not there.
func (d *document) known(entries []entry, what string, known []string) (keys map[string]entry, ok bool) {
	keys = map[string]entry{}
	for _, e := range entries {
		if slices.Contains(known, e.name) {
			keys[e.name] = e
		}
	}
	ok = true
	beside := known
	if what == "a value" {
		beside = meantBeside(keys)
	}
	var before entry
	for _, e := range entries {
		if keys[e.name].value == nil {
			ok = false
			d.misplacedKey(e, before, what, known, beside)
			meant := diag.Suggest(e.name, known)
			if what == "a value" {
				meant = meantKey(e.name, known, beside)
			}
			if meant != "" && keys[meant].value == nil {
				keys[meant] = e
				if meant == "table" && e.value.Kind == yaml.SequenceNode {
					d.broken[e.value] = true
				}
			}
		}
		before = e
	}
	return keys, ok
}

// misplacedKey reports a key that has no meaning where it stands; before is the
// entry above it. Its name is lost: what reads it says nothing more.
func (d *document) misplacedKey(e, before entry, where string, known, beside []string) {
	d.lose(e.name)
	if before.value != nil && (isEmpty(before.value) || d.broken[before.value]) && diag.Suggest(e.name, known) == "" {
		again := d.broken[before.value] // the same holds for what stands above
		d.broken[before.value], d.broken[e.value] = true, true
		if !again {
			d.errorAt("CW104", d.spanOf(e.key), "`"+before.name+"` above it is empty: what belongs to it is indented further", "`%s` is no key of %s", e.name, where)
		}
		return
	}
	if where == "a value" {
		if meant := meantKey(e.name, known, beside); meant != "" && meant != diag.Suggest(e.name, known) {
			d.errorAt("CW104", d.spanOf(e.key), "did you mean `"+meant+"`?", "`%s` is no key of %s", e.name, where)
			return
		}
	}
	d.unknownKey(e, where, known)
}

// lose notes a name that was reported where it is declared, or once where it is used.
func (d *document) lose(name string) {
	if d.lost == nil {
		d.lost = map[string]bool{}
	}
	d.lost[strings.TrimRight(name, ":")] = true
	d.lost[diag.Latin(name)] = true
}

// slipped reports a key of the whole mapping that stands among the names of one of
// its parts, as it does if it is indented too far. What follows it belongs to it.
func (d *document) slipped(entries []entry, part string) []entry {
	for i, e := range entries {
		if e.key.Style != 0 || !slices.Contains([]string{"let", "lookups", "tables", "fields"}, e.name) || e.value.Kind != yaml.MappingNode && !diag.IsNull(e.value) {
			continue
		}
		d.errorAt("CW105", d.spanOf(e.key), "indent it less, to where `mapping` stands", "`%s` stands inside `%s`", e.name, part)
		for _, after := range entries[i:] {
			d.lose(after.name)
		}
		for k := 0; e.value.Kind == yaml.MappingNode && k < len(e.value.Content); k += 2 {
			d.lose(e.value.Content[k].Value)
		}
		return entries[:i]
	}
	return entries
}

// outdented reports a key of a value that stands among the fields, as it does if it
// is indented too little, and returns the fields before it.
func (d *document) outdented(entries []entry, known func(name string) bool) []entry {
	for i, e := range entries {
		if i == 0 || known(e.name) || !slices.Contains([]string{"fields", "each", "choose", "where", "as", "value", "values", "path", "expr"}, e.name) {
			continue
		}
		if isEmpty(entries[i-1].value) {
			d.broken[entries[i-1].value] = true
		}
		d.lose(e.name)
		d.errorAt("CW104", d.spanOf(e.key), "it belongs to `"+entries[i-1].name+"`: indent it further", "`%s` stands among the fields", e.name)
		return slices.Concat(entries[:i], d.outdented(entries[i+1:], known))
	}
	return entries
}

// isEmpty reports whether nothing stands behind a key's colon.
func isEmpty(n *yaml.Node) bool {
	return n != nil && n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
}

// keyName is a key without a slip that YAML takes for a part of it: a colon too many,
// or a blank that is none. That is reported.
func (d *document) keyName(k, v *yaml.Node) string {
	name := k.Value
	if k.Style != 0 {
		return name
	}
	if before, after, found := strings.Cut(name, ":"); found {
		r, _ := utf8.DecodeRuneInString(after)
		if what := diag.Invisible(r); what != "" && isEmpty(v) {
			at := d.spanOf(k)
			at.pos.Column += characters(before) + 1
			d.errorAt("CW101", at, "type a usual one", "behind the colon stands %s", what)
			d.broken[v] = true
			return before
		}
	}
	if strings.HasSuffix(name, ":") {
		name = strings.TrimRight(name, ":")
		d.errorAt("CW101", d.spanOf(k), "write `"+name+":`", "there is a colon too many")
	}
	return name
}

// template recognises {{ name }}, which YAML reads as a map that is a key, and
// reports it.
func (d *document) template(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode || n.Style&yaml.FlowStyle == 0 || len(n.Content) != 2 || n.Content[0].Kind != yaml.MappingNode {
		return false
	}
	if d.broken[n] {
		return true
	}
	d.broken[n] = true
	at, hint := d.spanOf(n), "write the field's name alone"
	line := []rune(d.line(n.Line))
	if from := n.Column - 1; from < len(line) {
		text := string(line[from:])
		if end := strings.Index(text, "}}"); end >= 0 && strings.HasPrefix(text, "{{") {
			at.end = n.Column + characters(text[:end+2])
			inner := strings.TrimSpace(text[2:end])
			hint += ": " + inner
			c := &compiler{functions: functions()}
			if written, _, ok := c.asCalls(inner); ok {
				inner = written
			}
			if strings.ContainsAny(inner, " ()|+*/") {
				hint = "an expression begins with `= `: " + quoted("= "+inner)
			}
		}
	}
	d.errorAt("CW105", at, hint, "values are not written in `{{ }}`")
	return true
}

// lostTable reports whether a table that is not there was reported already.
func (c *compiler) lostTable(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	return c.doc.tableless || c.doc.lost[name] || c.doc.lost[base]
}

// lostName reports whether a name that means nothing in a scope was reported already,
// and notes it if a name that the mapping declares was likely meant.
func (c *compiler) lostName(s *scope, name string) bool {
	if c.doc.lost[name] {
		return true
	}
	for at := s; at != nil; at = at.parent {
		if at.nameless && name != "" {
			return true
		}
	}
	if meant := diag.Suggest(name, s.names()); meant != "" && c.named(s, meant) {
		c.doc.lose(name)
		if l := c.letNamed(s, meant); l != nil {
			l.used = true
		}
	}
	return false
}

func (c *compiler) letNamed(s *scope, name string) *let {
	for at := s; at != nil; at = at.parent {
		if l := at.named[name]; l != nil {
			return l
		}
	}
	return nil
}
