package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// pathProblem is what is wrong with a path's step by the schema.
type pathProblem struct {
	from, to int // characters of the path
	// name is the step that a schema does not know, "" for other problems; first tells
	// that it is looked for where the path begins.
	name  string
	first bool

	severity      diag.Severity
	rule          string
	message, hint string
}

// typeOf follows the steps through the schemas, of the record or, if base is not "", of
// what that name means. What one of them does not have is a problem, at most one at a
// place.
func typeOf(roots []*schema.Node, labels []string, base string, steps []segment) (typ, []pathProblem) {
	var t typ
	var problems []pathProblem
	for i, root := range roots {
		w := walker{label: labels[min(i, len(labels)-1)], base: base}
		node := w.walk(root, steps, nil)
		for _, p := range w.problems {
			at := slices.IndexFunc(problems, func(q pathProblem) bool { return q.from == p.from && q.to == p.to })
			switch {
			case at < 0:
				problems = append(problems, p)
			case p.severity < problems[at].severity:
				problems[at] = p
			}
		}
		switch {
		case i == 0 && node != nil:
			t = typ{kinds: node.Types, node: node}
		case node == nil || i > 0 && t.kinds == 0:
			t = typ{}
		default:
			t.kinds |= node.Types
			if node.Types == 0 {
				t.kinds = 0
			}
			t.node = united(t.node, node) // those of one plugin mostly share a schema, each parsed on its own
		}
	}
	return t, problems
}

// walker follows the steps of a path through a schema, as gjson follows them through
// a document. A nil node is one of which nothing is known.
type walker struct {
	label    string // what the path begins in
	base     string // the name that it begins with
	problems []pathProblem
}

func (w *walker) wrong(s *segment, p pathProblem) {
	if s.borrowed {
		return
	}
	if p.to == 0 {
		p.from, p.to = s.from, s.to
	}
	w.problems = append(w.problems, p)
}

// so names what the steps of path lead to.
func (w *walker) so(path []string) string {
	if len(path) == 0 {
		return w.label
	}
	return "`" + w.written(path) + "`"
}

// written is path as one writes it.
func (w *walker) written(path []string) string { return join(w.base, strings.Join(path, ".")) }

// walk returns what the steps lead to from n, which stands behind path.
func (w *walker) walk(n *schema.Node, steps []segment, path []string) *schema.Node {
	path = slices.Clip(path)
	loose := false // what is found can also be of another shape
	for i := 0; i < len(steps); i++ {
		s := &steps[i]
		switch {
		case s.multi != nil:
			n = w.gather(n, s.multi, path)
		case s.modifier != nil:
			n = w.modify(n, s, path)
		case s.all:
			items, ok := w.elements(n, s, path)
			inner := append(path, "#")
			if ok && s.query != nil {
				w.query(items, s, inner)
			}
			behind := steps[i+1:]
			// Up to the next | everything is done to each element, what follows to the list.
			each := slices.IndexFunc(behind, func(s segment) bool { return s.piped })
			if each < 0 {
				each = len(behind)
			}
			switch {
			case s.one:
				n = items
			case s.count && each == 0:
				n = &schema.Node{Types: schema.Integer}
			default:
				// What is no array finds nothing, of which a modifier can make something, and
				// behind a query that nothing fits gjson leaves out what follows |.
				loose = loose || known(n) != schema.Array && slices.ContainsFunc(behind, makes) ||
					s.query != nil && each > 0 && each < len(behind)
				n = &schema.Node{Types: schema.Array, Items: w.walk(items, behind[:each], inner)}
				path = inner
				for _, s := range behind[:each] {
					path = append(path, s.text)
				}
				i += each
				continue
			}
		case s.wild:
			n = w.matching(n, s, path)
		default:
			n = w.named(n, s, path)
		}
		path = append(path, s.text)
	}
	if loose {
		return nil
	}
	return n
}

// makes tells of a step that makes something of nothing.
func makes(s segment) bool { return s.modifier != nil || s.multi != nil }

// known are the types of a node without null; 0 if they are not known.
func known(n *schema.Node) schema.Types {
	if n == nil {
		return 0
	}
	return n.Types &^ schema.Null
}

// scalar reports a step into what has no steps.
func (w *walker) scalar(n *schema.Node, s *segment, path []string) bool {
	t := known(n)
	if t == 0 || t.Has(schema.Object) || t.Has(schema.Array) {
		return false
	}
	w.wrong(s, pathProblem{rule: "CW123", message: fmt.Sprintf("%s is %s and has no fields", w.so(path), kindName(t))})
	return true
}

// elements are those that # and #(…) go over.
func (w *walker) elements(n *schema.Node, s *segment, path []string) (*schema.Node, bool) {
	if w.scalar(n, s, path) {
		return nil, false
	}
	if t := known(n); t != 0 && !t.Has(schema.Array) {
		w.wrong(s, pathProblem{rule: "CW123", message: fmt.Sprintf("%s is %s, and `#` goes over an array", w.so(path), kindName(t))})
		return nil, false
	}
	return itemsNode(n), true
}

// named follows a field's name or an index.
func (w *walker) named(n *schema.Node, s *segment, path []string) *schema.Node {
	if n == nil || w.scalar(n, s, path) {
		return nil
	}
	t, so := known(n), w.so(path)
	if _, index := arrayIndex(*s); index && t.Has(schema.Array) && (t != 0 || n.Items != nil) {
		return n.Items
	}
	if t != 0 && !t.Has(schema.Object) {
		p := pathProblem{rule: "CW123", message: fmt.Sprintf("%s is an array and has no field `%s`", so, s.text)}
		if n.Items.Property(s.text) != nil {
			p.message = so + " is an array"
		}
		if n.Items.Property(s.text) != nil && !strings.ContainsAny(so, "@{[") {
			p.hint = fmt.Sprintf("`each` goes over its elements; %[1]s.0.%[2]s is the first one's, %[1]s.#.%[2]s is that of all", w.written(path), s.text)
		}
		w.wrong(s, p)
		return nil
	}
	child := n.Property(s.text)
	if child != nil {
		return child
	}
	if len(n.Properties) == 0 && !n.Closed {
		return n.Additional
	}
	p := pathProblem{rule: "CW121", name: s.text, first: len(path) == 0, hint: diag.DidYouMean(s.text, n.Names())}
	p.message = fmt.Sprintf("%s has no field `%s`", so, s.text)
	if !n.Closed {
		p.severity, p.rule = diag.Warning, "CW122"
		p.message = fmt.Sprintf("%s has no field `%s` that its schema knows", so, s.text)
		if p.hint == "" {
			p.hint = "users can add fields of their own there; if this is one, all is well"
		}
	}
	w.wrong(s, p)
	return n.Additional
}

// matching follows a name with wildcards: the first field that fits.
func (w *walker) matching(n *schema.Node, s *segment, path []string) *schema.Node {
	if n == nil || w.scalar(n, s, path) || s.escaped {
		return nil
	}
	t := known(n)
	if t != 0 && !t.Has(schema.Object) {
		w.wrong(s, pathProblem{rule: "CW123", message: fmt.Sprintf("%s is an array, and wildcards are for the names of an object's fields", w.so(path))})
		return nil
	}
	if !n.Closed {
		return nil
	}
	var all []*schema.Node
	for _, p := range n.Properties {
		if fitsPattern(p.Name, s.text) {
			all = append(all, p.Node)
		}
	}
	if len(all) == 0 {
		w.wrong(s, pathProblem{rule: "CW121", message: fmt.Sprintf("%s has no field whose name fits `%s`", w.so(path), s.text)})
	}
	return anyOf(all)
}

// fitsPattern matches a name with a pattern, in which * is any text and ? a character.
func fitsPattern(name, pattern string) bool {
	after, start := -1, 0 // what follows the last *, and where it was tried last
	p, text := []rune(pattern), []rune(name)
	for i, j := 0, 0; ; {
		switch {
		case i < len(p) && p[i] == '*':
			after, start, i = i+1, j, i+1
		case i < len(p) && j < len(text) && (p[i] == '?' || p[i] == text[j]):
			i, j = i+1, j+1
		case i == len(p) && j == len(text):
			return true
		case after >= 0 && start < len(text):
			start++
			i, j = after, start
		default:
			return false
		}
	}
}

// anyOf describes a value that one of the nodes describes; nil if there is none, or one
// of which nothing is known.
func anyOf(nodes []*schema.Node) *schema.Node {
	if len(nodes) == 0 {
		return nil
	}
	out := nodes[0]
	for _, n := range nodes[1:] {
		out = united(out, n)
	}
	return out
}

// query holds what a query asks of an element against the element's schema.
func (w *walker) query(item *schema.Node, s *segment, path []string) {
	q := s.query
	if t := known(item); t != 0 && len(q.steps) == 0 && q.op != "" && t&^(schema.Object|schema.Array) == 0 {
		w.wrong(s, pathProblem{
			from: q.from, to: q.to, rule: "CW133", hint: "name the field that it compares: #(article==\"X\")",
			message: fmt.Sprintf("%s is %s, and a query compares single values", w.so(path), kindName(t)),
		})
		return
	}
	before := len(w.problems)
	n := w.walk(item, q.steps, path)
	if n == nil || q.op == "" || len(w.problems) > before || strings.HasPrefix(q.value, "~") && !q.quoted {
		return
	}
	name := w.so(path)
	if len(q.steps) > 0 {
		name = "`" + strings.Join(stepTexts(q.steps), ".") + "`"
	}
	value := "`" + q.value + "`"
	if q.quoted {
		value = "`" + string(appendString(nil, q.value)) + "`"
	}
	p := pathProblem{from: q.from, to: q.to, rule: "CW133"}
	if known(n)&anyNumber != 0 {
		p.hint = "gjson takes what is no number for 0"
	}
	pattern := q.op == "%" || q.op == "!%"
	switch t := known(n); {
	case t == 0 || t&schema.Text != 0:
		return
	case t&^(schema.Object|schema.Array) == 0:
		p.message = fmt.Sprintf("%s is %s, and a query compares single values", name, kindName(t))
	case t&^(anyNumber|schema.Boolean) != 0:
		return
	case pattern:
		p.hint = ""
		p.message = fmt.Sprintf("%s is %s, and `%s` compares a text with a pattern: it never finds one", name, kindName(t), q.op)
	case t&anyNumber != 0 && isJSONNumber(strings.TrimSpace(q.value)), t&schema.Boolean != 0 && slices.Contains([]string{"true", "false", "0", "1"}, q.value):
		return
	default:
		p.message = fmt.Sprintf("%s is %s and %s is not: they are never equal", name, kindName(t), value)
		if q.op != "=" && q.op != "==" && q.op != "!=" {
			p.message = fmt.Sprintf("%s is %s and %s is not: they cannot be compared", name, kindName(t), value)
		}
	}
	w.wrong(s, p)
}

// gather makes the object or the list of a multipath.
func (w *walker) gather(n *schema.Node, m *multipath, path []string) *schema.Node {
	var nodes []*schema.Node
	var fields []schema.Property
	for _, one := range m.members {
		var made *schema.Node
		if one.constant == "" {
			made = w.walk(n, one.steps, path)
		} else if gjson.Valid(one.constant) {
			made = &schema.Node{Types: kindOfJSON([]byte(strings.TrimSpace(one.constant)))}
		}
		nodes = append(nodes, made)
		if made == nil {
			made = &schema.Node{}
		}
		fields = append(fields, schema.Property{Name: one.name, Node: made})
	}
	if m.object {
		return schema.ObjectOf(fields...)
	}
	return &schema.Node{Types: schema.Array, Items: anyOf(nodes)}
}

// namesCompared adds the queries that compare with a name, which gjson takes for a
// text, and says nothing else of those.
func (c *compiler) namesCompared(s *scope, steps []segment, problems []pathProblem) []pathProblem {
	for _, step := range steps {
		if step.multi != nil {
			for _, m := range step.multi.members {
				problems = c.namesCompared(s, m.steps, problems)
			}
		}
		q := step.query
		if q == nil || step.borrowed {
			continue
		}
		problems = c.namesCompared(s, q.steps, problems)
		first, _, dotted := strings.Cut(q.value, ".")
		if q.quoted || q.op == "" || q.op == "%" || q.op == "!%" || !c.taken(s, first) {
			continue
		}
		op := q.op
		if op == "=" {
			op = "=="
		}
		p := pathProblem{from: q.from, to: q.to, rule: "CW133", message: "`" + q.value + "` is a text in a query, and no field"}
		p.hint = fmt.Sprintf("the text is written %q; fields are compared in an expression: find(list, .%s %s %s)", q.value, strings.Join(stepTexts(q.steps), "."), op, q.value)
		there := func(other pathProblem) bool { return other.from == q.from && other.to == q.to }
		if !dotted && !c.named(s, first) && !slices.ContainsFunc(problems, there) { // a word may well be the name of a field too
			p.severity = diag.Warning
		}
		problems = append(slices.DeleteFunc(problems, there), p)
	}
	return problems
}
