package mapping

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// scope is what names mean in one place: the record, or an element of an `each`.
type scope struct {
	parent *scope
	// name is the element's name; "" for the record.
	name string
	// roots are the schemas of the record (one for each event of `from`) or element;
	// a nil one is not known.
	roots []*schema.Node
	// labels name what roots describe, in messages.
	labels []string
	// source is the path to the element in the record, with # for indexes.
	source string
	// steps is source where the elements come from the record, also through an
	// expression; nil else.
	steps []string

	// nameless means that the name is not known: it was reported.
	nameless bool

	trie  *trie
	plain int // slots that the trie fills; they come first
	slots []slotDef
	known map[string]int // slot of a path
	lets  []*let
	named map[string]*let
}

// slotDef is one wanted path.
type slotDef struct {
	text string
	lazy bool // gjson serves it, when it is asked for
}

func newScope(parent *scope, name string, roots []*schema.Node, source string) *scope {
	label := "the source"
	if parent != nil {
		label = "`" + name + "`"
	}
	return &scope{
		parent: parent, name: name, roots: roots, labels: []string{label}, source: source,
		trie: newTrie(), known: map[string]int{}, named: map[string]*let{},
	}
}

// slotFor returns the slot that holds the path.
func (s *scope) slotFor(p path) int {
	key := p.text
	if p.plain {
		key = plainPath(p.segments).text
	}
	if i, ok := s.known[key]; ok {
		return i
	}
	i := len(s.slots)
	def := slotDef{text: key, lazy: true}
	if p.plain {
		if t := s.trie.add(p.segments); t != nil && t.slot < 0 {
			t.slot = i
			s.plain++
			def.lazy = false
		}
	}
	s.slots = append(s.slots, def)
	s.known[key] = i
	return i
}

// names returns every name that can begin a path here.
func (s *scope) names() []string {
	var out []string
	for at := s; at != nil; at = at.parent {
		for _, l := range at.lets {
			out = append(out, l.name)
		}
		if at.name != "" {
			out = append(out, at.name)
			continue
		}
		for _, r := range at.roots {
			out = append(out, r.Names()...)
		}
	}
	return append(out, "_meta")
}

// outside says what a name in { } or [ ] of a path, or in its query, stands for outside.
func (c *compiler) outside(from *scope, p pathProblem, u use) string {
	if p.from == 0 {
		return ""
	}
	for at := from; at.parent != nil; at = at.parent {
		if slices.ContainsFunc(at.roots, func(r *schema.Node) bool { return r.Property(p.name) != nil }) {
			return "this reads the record; the element's are " + at.name + "." + u.text
		}
	}
	if c.named(from, p.name) {
		return "a path's { } and [ ] read the record; an expression can use `" + p.name + "`"
	}
	return ""
}

func stepTexts(steps []segment) []string {
	out := make([]string, len(steps))
	for i, s := range steps {
		out[i] = s.text
	}
	return out
}

// meta are the fields of _meta.
func metaFields() []string { return []string{"id", "connection", "event", "key", "received_at"} }

// use tells resolve where a path stands and what it is for.
type use struct {
	doc *document
	// at returns where the characters from to to of the path stand.
	at func(from, to int) span
	// sink is the field that the value goes to, nil if there is none.
	sink *schema.Node
	// text is the path as it was written.
	text string
	// alone means that the path is a whole value, and may have been meant as a text.
	alone bool
	// inside means that it stands in an expression.
	inside bool
}

// resolve finds what a path means in a scope. ok is false if that was reported.
func (c *compiler) resolve(s *scope, p path, u use) (*reference, bool) {
	whole := u.at(0, characters(u.text))
	ref := &reference{slot: -1, text: u.text, at: whole}
	if len(p.segments) == 0 || p.segments[0].escaped { // begins with a query, a modifier or an escape: the record
		return c.resolveField(c.record(s), s, p, u, ref)
	}
	first := p.segments[0].text
	for at, up := s, 0; at != nil; at, up = at.parent, up+1 {
		if l := at.named[first]; l != nil {
			return c.resolveLet(s, l, up, p, u, ref)
		}
		if at.name == first && first != "" {
			rest := p
			rest.segments, rest.names = p.segments[1:], p.names[1:]
			rest.text = strings.TrimLeft(strings.TrimPrefix(p.text, first), ".|")
			if p.plain {
				rest = plainPath(rest.segments)
			}
			return c.resolveField(at, s, rest, u, ref)
		}
	}
	if first == "_meta" {
		return c.resolveMeta(p, u, ref)
	}
	return c.resolveField(c.record(s), s, p, u, ref)
}

func (c *compiler) record(s *scope) *scope {
	for s.parent != nil {
		s = s.parent
	}
	return s
}

// resolveField makes a reference into the values of the scope target.
func (c *compiler) resolveField(target, from *scope, p path, u use, ref *reference) (*reference, bool) {
	t, problems := typeOf(target.roots, target.labels, target.name, p.names)
	for i := range problems {
		problems[i].first = problems[i].first && target.parent == nil // behind an element's name the record's are no help
	}
	if len(problems) > 0 && problems[0].first && problems[0].from == 0 && c.lostName(from, problems[0].name) {
		return nil, false
	}
	if !c.report(c.namesCompared(from, p.names, problems), from, u) {
		return nil, false
	}
	ref.t = t
	if p.plain {
		ref.target, ref.segments = target, p.segments
	}
	for at := from; at != target; at = at.parent {
		ref.up++
	}
	if p.text == "" {
		ref.slot = target.slotFor(path{plain: true})
	} else {
		ref.slot = target.slotFor(p)
	}
	ref.source = strings.Trim(target.source+"."+p.text, ".")
	c.note(ref, target, p.names)
	return ref, true
}

// report reports what is wrong with a path; false if one of it is an error.
func (c *compiler) report(problems []pathProblem, from *scope, u use) bool {
	ok := true
	for _, p := range problems {
		sev, rule, hint := p.severity, p.rule, p.hint
		if u.sink != nil && len(u.sink.Choices) > 0 && u.sink.Allows(string(appendString(nil, u.text))) {
			sev, rule, hint = diag.Error, "CW121", "for the text write {value: "+unquoted(u.text)+"}"
		} else if code := titled(u.sink, u.text); code != "" {
			sev, rule, hint = diag.Error, "CW121", "`"+u.text+"` is written "+code+" there"
		} else if p.first && p.name != "" {
			hint = cmp.Or(c.outside(from, p, u), nearby(from, p.name), foreignName(p.name), diag.DidYouMean(p.name, from.names()), hint)
		}
		if rule == "CW123" {
			hint = cmp.Or(c.throughHint(u, p), hint)
		}
		if sev != diag.Error {
			c.doc.warnAt(rule, u.at(p.from, p.to), hint, "%s", p.message)
			continue
		}
		ok = false
		if hint == "" && u.alone && rule == "CW121" && p.to-p.from == characters(u.text) {
			hint = "for the text write {value: " + unquoted(u.text) + "}"
		}
		if hint == "" && u.inside && p.first && strings.IndexFunc(u.text, func(r rune) bool { return !unicode.IsLetter(r) }) < 0 {
			hint = "a text stands in quotes: \"" + u.text + "\""
		}
		c.doc.errorAt(rule, u.at(p.from, p.to), hint, "%s", p.message)
	}
	return ok
}

// resolveLet makes a reference to a named value.
func (c *compiler) resolveLet(from *scope, l *let, up int, p path, u use, ref *reference) (*reference, bool) {
	l.used = true
	if l.state == 1 {
		c.cycle(l, ref.at)
		return nil, false
	}
	if !c.compileLet(l) {
		return nil, false
	}
	if l.alias != nil {
		rest := path{segments: p.segments[1:], names: p.names[1:], plain: p.plain, text: strings.TrimLeft(strings.TrimPrefix(p.text, l.name), ".|")}
		return c.resolveField(l.alias.scope, from, joinPath(l.alias.segments, rest), u, ref)
	}
	if ref.let, ref.up, ref.t = l, up, l.t; c.guarded > 0 { // a condition may ask whether it can be used
		ref.t.sure = nil
	}
	c.note(ref, nil, p.names[min(1, len(p.names)):])
	if len(p.segments) > 1 || !p.plain {
		ref.rest = strings.TrimLeft(strings.TrimPrefix(p.text, l.name), ".|")
		t, problems := typeOf([]*schema.Node{nodeOf(l.t)}, []string{"`" + l.name + "`"}, l.name, p.names[1:])
		for i := range problems {
			problems[i].first = false // the record's names are no help
		}
		if !c.report(c.namesCompared(from, p.names, problems), from, u) {
			return nil, false
		}
		ref.t = t
	}
	if l.isLookup && p.plain && len(p.segments) > 1 && ref.t.kinds.Has(schema.Text) {
		ref.inAnswer = newTrie()
		ref.inAnswer.add(p.segments[1:]).slot = 0
	}
	return ref, true
}

func (c *compiler) resolveMeta(p path, u use, ref *reference) (*reference, bool) {
	if !p.plain || len(p.segments) != 2 || !slices.Contains(metaFields(), p.segments[1].text) {
		c.noMeta(p, u, ref)
		return nil, false
	}
	ref.meta = p.segments[1].text
	c.readsID = c.readsID || ref.meta == "id"
	ref.t = typ{kinds: schema.Text}
	switch ref.meta {
	case "connection":
		ref.t.values = c.namesOf(func(r Ref) string { return r.Connection })
	case "event":
		ref.t.values = c.namesOf(func(r Ref) string { return r.Name })
	}
	return ref, true
}

// namesOf lists what `from` names, by part; nil where some of it is not known.
func (c *compiler) namesOf(part func(Ref) string) *domain {
	d := &domain{}
	for _, r := range c.sources {
		if json := string(appendJSON(nil, part(r))); !d.has(json) {
			d.list = append(d.list, schema.Choice{JSON: json})
		}
	}
	if len(d.list) == 0 {
		return nil
	}
	return d
}

// maxCircle is how many names of a circle are listed.
const maxCircle = 20

func (c *compiler) cycle(l *let, at span) {
	var names []string
	for i := len(c.compiling) - 1; i >= 0; i-- {
		names = append([]string{c.compiling[i].name}, names...)
		if c.compiling[i] == l {
			break
		}
	}
	if names = append(names, l.name); len(names) > maxCircle {
		names = append(append(names[:maxCircle/2:maxCircle/2], "…"), names[len(names)-maxCircle/2:]...)
	}
	c.doc.errorAt("CW150", at, "", "`%s` needs itself: %s", l.name, strings.Join(names, " → "))
}

// titled returns the choice of a sink field that a text is the title of, or "".
func titled(n *schema.Node, text string) string {
	if n != nil {
		for _, c := range n.Choices {
			if strings.EqualFold(c.Title, text) {
				return c.JSON
			}
		}
	}
	return ""
}
