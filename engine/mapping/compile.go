package mapping

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// maxNamed is how many values a mapping can name under let: what they are is followed
// from each to each.
const maxNamed = 2000

// compiler reads one mapping file.
type compiler struct {
	doc       *document
	cat       Catalog
	options   Options
	files     map[string][]byte // texts of the tables' files, by path
	root      *scope
	sources   []Ref // the events of from; none where one is broken
	tables    map[string]*table
	tableUses []tableUse
	lookups   int // how many are declared
	readsID   bool
	naming    int // how many names of let there are, in all scopes
	functions map[string]fn
	compiling []*let
	unused    []*let
	noted     []*noted // references of the rule or let being compiled, see reads.go
	letsRead  []*let   // in the order that they were compiled
	accepts   []Accept
	foldings  int // how much may still be computed of constants
	guarded   int // conditions around the value being compiled
	names     *regexp.Regexp
	made      map[*schema.Node]*madeObject // objects that expressions make
}

// Compile checks the text of a mapping file and compiles it. It reports all that
// it finds, sorted by position; the Program is nil if and only if there are errors.
// The text may have up to 1 MiB; file is used in positions only.
func Compile(file string, text []byte, cat Catalog) (*Program, diag.List) {
	return CompileWith(file, text, cat, Options{})
}

// CompileWith is Compile for a mapping that needs more than its text.
func CompileWith(file string, text []byte, cat Catalog, options Options) (*Program, diag.List) {
	doc := newDocument(file, text)
	root := doc.parseYAML(text)
	if root == nil {
		return nil, doc.findings()
	}
	c := &compiler{
		doc: doc, cat: cat, options: options, files: map[string][]byte{}, tables: map[string]*table{}, functions: functions(),
		foldings: foldings, made: map[*schema.Node]*madeObject{}, names: regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]*$`),
	}
	p := c.program(root)
	found := doc.findings()
	if found.HasErrors() || p == nil {
		return nil, found
	}
	p.sha256, p.lookups = digest(text, c.files), c.lookups
	return p, found
}

func functions() map[string]fn {
	all := map[string]fn{}
	for _, part := range []map[string]fn{textFunctions(), numberFunctions(), listFunctions(), ourFunctions()} {
		maps.Copy(all, part)
	}
	return all
}

func topKeys() []string {
	return []string{"mapping", "description", "from", "to", "when", "let", "lookups", "tables", "fields", "choose", "accept"}
}

func (c *compiler) program(n *yaml.Node) *Program {
	entries, ok := c.doc.entries(n, "a mapping")
	if !ok {
		return nil
	}
	top, _ := c.doc.known(entries, "a mapping", topKeys())
	p := &Program{doc: c.doc}
	if e, ok := top["mapping"]; ok {
		p.name = c.mappingName(e)
	}
	if e, ok := top["description"]; ok {
		p.description, _ = c.doc.text(e.value, "the description")
	}
	roots := c.from(p, top["from"])
	sink := c.to(p, top["to"])
	c.root = newScope(nil, "", roots, "")
	if len(p.from) > 1 {
		c.root.labels = nil
		for _, ref := range p.from {
			c.root.labels = append(c.root.labels, "`"+ref.String()+"`")
		}
	}
	if e, ok := top["tables"]; ok {
		c.inlineTables(e.value)
	}
	if e, ok := top["let"]; ok {
		c.declare(c.root, e.value)
	}
	if e, ok := top["lookups"]; ok {
		c.declareLookups(c.root, e.value)
	}
	for _, key := range []string{"mapping", "from", "to", "fields"} {
		if _, ok := top[key]; !ok && !c.doc.lost[key] && (key != "fields" || top["choose"].value == nil) {
			c.doc.errorAt("CW106", c.doc.spanOf(n), "", "the mapping does not say `%s`", key)
		}
	}
	if e, ok := top["when"]; ok {
		p.when = c.conditionRule(c.root, e.value)
	}
	p.scope = c.root
	if top["fields"].value != nil || top["choose"].value != nil {
		at := c.doc.spanOf(n)
		if e, ok := top["fields"]; ok {
			at = c.doc.spanOf(e.key)
		}
		if o := c.object(c.root, top["fields"].value, top["choose"].value, sink, "", at); o != nil {
			o.keep = true
			p.record = o
		}
	}
	if e, ok := top["accept"]; ok {
		p.accepts = c.accept(e.value)
		c.accepts = p.accepts
	}
	c.finish()
	p.tables = c.tables
	p.sites = sync.OnceValue(func() *sites { return newSites(p) })
	p.reads, p.answered = c.readsOf()
	p.readsID = c.readsID
	return p
}

func (c *compiler) mappingName(e entry) string {
	name, ok := c.doc.text(e.value, "the mapping's name")
	if ok && (len(name) > 64 || !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`).MatchString(name)) {
		c.doc.errorAt("CW105", c.doc.spanOf(e.value), "for example horoshop-order", "a mapping's name has letters, digits, `-` and `_`, at most 64")
	}
	return name
}

// from reads the events and returns the schemas of what they hold.
func (c *compiler) from(p *Program, e entry) []*schema.Node {
	if e.value == nil {
		return []*schema.Node{nil}
	}
	items := []*yaml.Node{e.value}
	if e.value.Kind == yaml.SequenceNode {
		items = e.value.Content
		if len(items) == 0 {
			c.doc.errorAt("CW106", c.doc.spanOf(e.value), "", "`from` names no event")
		}
	}
	var roots []*schema.Node
	for _, item := range items {
		ref, ok := c.connectionRef(item, "an event", "shop.order_created")
		if !ok {
			roots = append(roots, nil)
			continue
		}
		if slices.ContainsFunc(p.from, func(r Ref) bool { return r.Connection == ref.Connection && r.Name == ref.Name }) {
			c.doc.errorAt("CW103", c.doc.spanOf(item), "", "`%s` stands twice in `from`", ref)
			continue
		}
		if c.otherPlugin(item, p.from, ref) {
			continue
		}
		p.from = append(p.from, ref)
		s, err := c.cat.Event(ref.Connection, ref.Name)
		roots = append(roots, c.schemaOf(item, ref, s, err))
	}
	if len(roots) == 0 {
		roots = []*schema.Node{nil}
	}
	if len(p.from) == len(items) {
		c.sources = p.from
	}
	return roots
}

func (c *compiler) to(p *Program, e entry) *schema.Node {
	if e.value == nil {
		return nil
	}
	ref, ok := c.connectionRef(e.value, "an operation", "saleapp.upsert_order")
	if !ok {
		return nil
	}
	p.to = ref
	s, err := c.cat.Operation(ref.Connection, ref.Name)
	return c.schemaOf(e.value, ref, s, err)
}

func (c *compiler) connectionRef(n *yaml.Node, what, example string) (Ref, bool) {
	s, ok := c.doc.text(n, what)
	if !ok {
		return Ref{}, false
	}
	connection, name, ok := strings.Cut(s, ".")
	at := c.doc.spanOf(n)
	if !ok || connection == "" || name == "" {
		c.doc.errorAt("CW105", at, "for example "+example, "%s is written connection.name", what)
		return Ref{}, false
	}
	return Ref{Connection: connection, Name: name, Pos: at.pos}, true
}

func (c *compiler) schemaOf(n *yaml.Node, ref Ref, s *schema.Schema, err error) *schema.Node {
	if err == nil {
		if s == nil {
			return nil
		}
		return s.Root()
	}
	at := c.doc.spanOf(n)
	var unavailable *UnavailableError
	if errors.As(err, &unavailable) {
		c.doc.errorAt("CW111", at, "", "%s", err.Error())
		return nil
	}
	var missing *NotFoundError
	if !errors.As(err, &missing) {
		c.doc.errorAt("CW110", at, "", "%s", err.Error())
		return nil
	}
	hint := diag.DidYouMean(missing.Name, missing.Known)
	if hint == "" {
		hint = diag.ThereAre(missing.Known)
	}
	sc := c.doc.scalar(n)
	split := characters(ref.Connection)
	if missing.Name == ref.Connection && missing.Name != ref.Name {
		at = sc.span(0, split)
	} else {
		at = sc.span(split+1, len(sc.value))
	}
	c.doc.errorAt("CW110", at, hint, "%s", err.Error())
	return nil
}

// declare makes the names of a `let` known; compileLet compiles them when they are
// used, in the order that they need each other.
func (c *compiler) declare(s *scope, n *yaml.Node) {
	entries, ok := c.doc.entries(n, "`let`")
	if !ok {
		s.nameless = true
		return
	}
	if c.naming += len(entries); c.naming > maxNamed {
		c.doc.errorAt("CW100", c.doc.spanOf(n), "", "the mapping names more than %d values", maxNamed)
		for _, e := range entries {
			c.doc.lose(e.name)
		}
		return
	}
	for _, e := range c.doc.slipped(entries, "let") {
		if !c.nameable(s, e.key, e.name, "a name") {
			c.doc.lose(e.name)
			continue
		}
		l := &let{name: e.name, index: len(s.lets), entry: e, scope: s}
		s.lets = append(s.lets, l)
		s.named[e.name] = l
	}
}

// nameable checks that a key or an `as` can be used as a name in a scope.
func (c *compiler) nameable(s *scope, n *yaml.Node, name, what string) bool {
	at := c.doc.spanOf(n)
	reserved := []string{"true", "false", "nil", "in", "and", "or", "not", "let", "if", "else", "matches", "contains", "startsWith", "endsWith", "_meta"}
	switch {
	case diag.OddLetter(name) != "":
		c.doc.errorAt("CW125", at, diag.OddLetter(name), "`%s` is not written as it looks", name)
		return false
	case !c.names.MatchString(name):
		c.doc.errorAt("CW125", at, "letters, digits and `_`", "`%s` cannot be used as %s", name, what)
		return false
	case slices.Contains(reserved, name):
		c.doc.errorAt("CW125", at, "choose another name", "`%s` has a meaning of its own", name)
		return false
	case c.named(s, name):
		c.doc.errorAt("CW125", at, "choose another name", "`%s` is already a name here", name)
		return false
	}
	for _, r := range c.record(s).roots {
		if r.Property(name) != nil {
			c.doc.warnAt("CW124", at, "choose another name, or the field cannot be reached here", "`%s` hides the source's field of that name", name)
			break
		}
	}
	return true
}

// named reports whether a let or an element has the name.
func (c *compiler) named(s *scope, name string) bool {
	for at := s; at != nil; at = at.parent {
		if at.named[name] != nil || at.name == name && name != "" {
			return true
		}
	}
	return false
}

// taken reports whether a name means something already, a field included.
func (c *compiler) taken(s *scope, name string) bool {
	return c.named(s, name) || slices.ContainsFunc(c.record(s).roots, func(r *schema.Node) bool { return r.Property(name) != nil })
}

func (c *compiler) compileLet(l *let) bool {
	if l.state == 2 {
		return l.rule != nil || l.alias != nil
	}
	l.state = 1
	c.compiling = append(c.compiling, l)
	before, around, guarded := len(c.doc.found), c.noted, c.guarded
	c.noted, c.guarded = nil, 0
	r, t := c.namedValue(l)
	c.guarded = guarded
	c.compiling = c.compiling[:len(c.compiling)-1]
	l.state = 2
	l.rule, l.t = r, t
	c.noted = c.leave(l, around)
	if s, ok := r.(*scalarRule); ok && s.ref != nil && s.ref.target != nil && s.table == nil && s.fallback == nil && s.as == 0 && !s.asJSON {
		l.alias = &aliasPath{scope: s.ref.target, segments: s.ref.segments}
	}
	return r != nil && !c.doc.found[before:].HasErrors()
}

// finish compiles what nothing uses, so that its mistakes are found too, and warns
// of it, unless there are errors: what stands there may have used it.
func (c *compiler) finish() {
	c.unusedLets(c.root)
	c.checkTables()
	if c.doc.found.HasErrors() {
		return
	}
	for _, l := range c.unused {
		c.doc.warnAt("CW151", c.doc.spanOf(l.entry.key), "", "`%s` is not used", l.name)
	}
	for _, name := range c.tableNames() {
		if t := c.tables[name]; !t.used {
			c.doc.warnAt("CW152", t.at, "", "table `%s` is not used", name)
		}
	}
}

func (c *compiler) unusedLets(s *scope) {
	for _, l := range s.lets {
		if !l.used {
			c.unused = append(c.unused, l)
		}
		c.compileLet(l)
	}
}
