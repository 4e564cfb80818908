package mapping

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// declareLookups makes the names of `lookups` known. They are compiled like those
// of `let` when they are used, in the order that all of them need each other.
func (c *compiler) declareLookups(s *scope, n *yaml.Node) {
	entries, ok := c.doc.entries(n, "`lookups`")
	if !ok {
		s.nameless = true
		return
	}
	for _, e := range c.doc.slipped(entries, "lookups") {
		if !c.nameable(s, e.key, e.name, "a name") {
			c.doc.lose(e.name)
			continue
		}
		l := &let{name: e.name, index: len(s.lets), entry: e, scope: s, isLookup: true}
		s.lets = append(s.lets, l)
		s.named[e.name] = l
		c.lookups++
	}
}

// named value compiles what a name of `let` or `lookups` stands for.
func (c *compiler) namedValue(l *let) (rule, typ) {
	if !l.isLookup {
		return c.value(l.scope, l.entry.value, target{})
	}
	r, t := c.lookup(l)
	if r == nil {
		return nil, typ{}
	}
	return r, t
}

func (c *compiler) lookup(l *let) (*lookupRule, typ) {
	const example = "{from: novaposhta.city, args: {name: delivery_city}}"
	entries, ok := c.doc.entries(l.entry.value, "a lookup")
	if !ok {
		return nil, typ{}
	}
	keys, ok := c.doc.known(entries, "a lookup", []string{"from", "when", "args"})
	r := &lookupRule{name: l.name, at: c.doc.spanOf(l.entry.key)}
	if e, has := keys["when"]; has {
		c.guarded++
		defer func() { c.guarded-- }()
		r.when = c.conditionRule(l.scope, e.value)
		ok = ok && r.when != nil
	}
	var args, answer *schema.Node
	if e, has := keys["from"]; has {
		var known bool
		args, answer, known = c.lookupFrom(r, e.value)
		r.answer = answer
		ok = ok && known
	} else {
		if ok && !c.doc.lost["from"] { // else it may be the key that is none
			c.doc.errorAt("CW106", r.at, example, "the lookup does not say `from` which connection")
		}
		ok = false
	}
	if e, has := keys["args"]; has {
		ok = c.lookupArgs(l, r, e, args) && ok
	} else {
		if ok && !c.doc.lost["args"] {
			c.doc.errorAt("CW106", r.at, example, "the lookup has no `args`")
		}
		ok = false
	}
	if !ok {
		return nil, typ{}
	}
	return r, typ{kinds: schema.Object, node: answer}
}

// lookupFrom reads which lookup it is and returns what it takes and gives.
func (c *compiler) lookupFrom(r *lookupRule, n *yaml.Node) (args, answer *schema.Node, ok bool) {
	ref, ok := c.connectionRef(n, "a lookup", "novaposhta.city")
	if !ok {
		return nil, nil, false
	}
	r.ref, r.at = ref, c.doc.spanOf(n)
	s, err := c.cat.Lookup(ref.Connection, ref.Name)
	if err != nil {
		c.schemaOf(n, ref, nil, err)
		return nil, nil, false
	}
	r.cacheFor = s.CacheFor
	return c.schemaOf(n, ref, s.Args, nil), c.schemaOf(n, ref, s.Answer, nil), true
}

func (c *compiler) lookupArgs(l *let, r *lookupRule, e entry, takes *schema.Node) bool {
	entries, ok := c.doc.entries(e.value, "`args`")
	if !ok {
		return false
	}
	var meant []string
	for _, a := range entries {
		to := target{field: l.name + "." + a.name}
		if takes != nil {
			to.sink = takes.Property(a.name)
			if to.sink == nil && (takes.Closed || len(takes.Properties) > 0) {
				hint := diag.DidYouMean(a.name, takes.Names())
				if hint == "" {
					hint = "it has " + strings.Join(takes.Names(), ", ")
				}
				c.doc.errorAt("CW165", c.doc.spanOf(a.key), hint, "`%s` has no argument `%s`", r.ref, a.name)
				meant = append(meant, diag.Suggest(a.name, takes.Names()))
				c.value(l.scope, a.value, target{field: to.field})
				ok = false
				continue
			}
		}
		v, _ := c.value(l.scope, a.value, to)
		r.args, ok = append(r.args, argument{a.name, append(appendString(nil, a.name), ':'), v}), ok && v != nil
	}
	slices.SortFunc(r.args, func(a, b argument) int { return strings.Compare(a.name, b.name) })
	if takes == nil {
		return ok
	}
	for _, name := range takes.Required {
		there := slices.ContainsFunc(entries, func(a entry) bool { return a.name == name })
		if !there && !slices.Contains(meant, name) && !c.doc.lost[name] {
			c.doc.errorAt("CW166", c.doc.spanOf(e.key), "", "`%s` needs the argument `%s`", r.ref, name)
			ok = false
		}
	}
	return ok
}
