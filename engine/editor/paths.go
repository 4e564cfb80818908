package editor

import (
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// pathForm is what a path without blanks, or with a query, brackets, escapes or
// modifiers, looks like. It is wider than what a mapping takes; `crosswalk
// validate` reads paths in earnest.
const pathForm = "[^\\s()\\]}=<>%!,;\"'`&]+$|.*[\\\\#@{\\[|]"

const (
	valueForm   = `^(\s*=|` + pathForm + `)`
	valueHelp   = "this is neither a path nor an expression: an expression begins with `= `, a constant text is written {value: …}"
	pathHelp    = "this is no path: data.contacts.0.fName or data[contacts][0][fName]"
	metaHelp    = "Of the event itself."
	letHelp     = "A name of `let`."
	eachHelp    = "A name of the each's `let`."
	elementHelp = "The element itself."
)

// snippet is something that can be typed as a value.
func snippet(label, text, description string) object {
	escaped := strings.NewReplacer(`\`, `\\`, `$`, `\$`, `}`, `\}`).Replace(text)
	return template(label, escaped, description)
}

// template is a snippet whose text has places to fill in.
func template(label, text, description string) object {
	s := object{{"label", label}, {"bodyText", text}}
	if description != "" {
		s = append(s, member{"description", description})
	}
	return s
}

// suggesting is a list of alternatives that takes everything and suggests the
// snippets where a value begins, but not as the keys of an object.
func suggesting(snippets []object, more ...object) member {
	alternatives := make([]object, 0, len(more)+2)
	if len(snippets) > 0 {
		alternatives = append(alternatives, object{{"type", "string"}, {"defaultSnippets", snippets}})
	}
	alternatives = append(alternatives, more...)
	return member{"anyOf", append(alternatives, object{{"not", object{{"type", "string"}}}})}
}

// paths refers to the paths that can be typed in a scope.
func (b *builder) paths(s *scope) object {
	return b.define("paths", s, func() object {
		var snippets []object
		if s.name != "" {
			for _, l := range s.lets {
				snippets = append(snippets, snippet(l.Name, l.Name, said(eachHelp, l.Means)))
			}
			snippets = append(snippets, snippet(s.name, s.name, elementHelp+"\n\nOf `"+s.path+"`."))
		}
		for _, p := range s.paths() {
			note := ""
			if p.of != nil {
				note = "only in " + strings.Join(p.of, ", ")
			}
			snippets = append(snippets, snippet(p.text, p.text, words(p.node, note)))
		}
		if s.parent != nil {
			return object{{"type", "string"}, {"defaultSnippets", snippets}, {"allOf", []object{b.paths(s.parent)}}}
		}
		snippets = append(snippets, b.named()...)
		return object{{"type", "string"}, {"defaultSnippets", snippets}}
	})
}

// named suggests the names of the file, and what every event has.
func (b *builder) named() []object {
	m := b.mapping
	var out []object
	for _, l := range m.Draft.Lets {
		out = append(out, snippet(l.Name, l.Name, said(letHelp, l.Means)))
	}
	for _, l := range m.Draft.Lookups {
		out = append(out, b.answer(l.Name, l.Means)...)
	}
	for _, f := range []string{"id", "connection", "event", "key", "received_at"} {
		out = append(out, snippet("_meta."+f, "_meta."+f, metaHelp))
	}
	return out
}

// expression suggests to write one.
func expression() object {
	return template("= expression", "= $1", "An expression, as = round(total_sum); the functions stand in mappings/README.md.")
}

// answer suggests what a lookup of the file answers.
func (b *builder) answer(name, from string) []object {
	var out []object
	for _, l := range b.mapping.Lookups {
		if l.Name != from || l.Answer == nil {
			continue
		}
		walk(l.Answer.Root(), name, 0, false, func(text string, n *schema.Node) bool {
			out = append(out, snippet(text, text, words(n, "answered by "+from)))
			return len(out) < maxPaths
		})
	}
	return out
}

// said adds to a description what a name stands for.
func said(what, means string) string {
	if means == "" || strings.Contains(means, "\n") {
		return what
	}
	return what + "\n\n`" + means + "`"
}
