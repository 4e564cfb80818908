package mapping

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// Read is one place where a mapping reads the source's record.
type Read struct {
	// Path are the steps from the record's root; # is every element of an array. It
	// ends before the first step that is no name or index (a query, a modifier).
	Path []string
	// Pos is where the mapping file says so.
	Pos diag.Position
	// Constants are the values that the mapping compares it with, in JSON.
	Constants []string
	// Table is the name of the code table that it is the key of, "" for an inline
	// one, and Keys that table's keys; Keys is nil if there is none.
	Table string
	Keys  []string
	// Counts means that it says how many there are to be, or where: of repetitions, of
	// elements, of places, or the end of a range.
	Counts bool
}

// Reads returns everywhere the mapping reads the source's record, in the order of
// the file's compilation. What is compared with a name of `let` counts for every
// path that the name is made of.
func (p *Program) Reads() []Read { return p.reads }

// ReadsID reports whether the mapping reads _meta.id, which an event has only where its
// source gives it one.
func (p *Program) ReadsID() bool { return p.readsID }

// Answered is a lookup with what a mapping reads of its answers.
type Answered struct {
	// Name is what the mapping calls the lookup, Lookup which one it is.
	Name   string
	Lookup Ref
	// Reads are like those of the record; their paths begin at the answer, and an
	// empty one is the answer as a whole.
	Reads []Read
}

// Answered returns the lookups that the mapping reads, in the order of the file's
// compilation.
func (p *Program) Answered() []Answered { return p.answered }

// noted is a reference to the record or to a let, with what is known of its use.
type noted struct {
	ref       *reference
	path      []string // nil for a let
	answer    []string // the path in a lookup's answer
	constants []string
	table     *table
	counts    bool
	// inside are what the path's queries and multipaths read.
	inside []*noted
}

// note remembers a reference. Without a target it is to a let, and names are the
// steps from there.
func (c *compiler) note(ref *reference, target *scope, names []segment) {
	n := &noted{ref: ref}
	if target != nil {
		n.path = append(slices.Clone(target.steps), stepNames(names)...)
		if target.parent != nil && target.steps == nil {
			n.path = []string{} // elements that do not come from the record
		}
	}
	if target != nil && (target.parent == nil || target.steps != nil) {
		n.inside = insideOf(ref, target.steps, names)
	}
	if ref.let != nil && ref.let.isLookup {
		n.answer = stepNames(names)
	}
	c.noted = append(c.noted, n)
}

// insideOf notes what the queries and multipaths of a path read, and what the queries
// compare it with.
func insideOf(ref *reference, base []string, names []segment) []*noted {
	var out []*noted
	for i, s := range names {
		if s.query == nil && s.multi == nil {
			continue
		}
		around := stepNames(names[:i])
		if len(around) < i { // something made of the record
			break
		}
		around = slices.Concat(base, around)
		if s.query != nil {
			around = append(around, "#")
			n := &noted{ref: ref, path: append(slices.Clip(around), stepNames(s.query.steps)...), inside: insideOf(ref, around, s.query.steps)}
			if s.query.op != "" {
				n.constants = []string{string(appendString(nil, s.query.value))}
				if isJSONNumber(s.query.value) {
					n.constants = append(n.constants, s.query.value)
				}
			}
			out = append(out, n)
			continue
		}
		for _, m := range s.multi.members {
			if m.constant == "" {
				out = append(out, &noted{ref: ref, path: append(slices.Clip(around), stepNames(m.steps)...), inside: insideOf(ref, around, m.steps)})
			}
		}
	}
	return out
}

func stepNames(names []segment) []string {
	out := make([]string, 0, len(names))
	gathered := false // behind # a pipe works on the list
	for _, s := range names {
		if s.wild || s.modifier != nil || s.multi != nil || s.piped && gathered {
			break
		}
		if gathered = gathered || s.all && !s.one; s.all {
			out = append(out, "#")
		} else {
			out = append(out, s.text)
		}
	}
	return out
}

// elementSteps are the steps to the elements of the list that an `each` goes over;
// nil if they do not come from the record.
func elementSteps(list rule, noted []*noted) []string {
	if len(noted) == 0 || list == nil {
		return nil
	}
	first := noted[0] // of filter(products, …) it is products
	if s, ok := list.(*scalarRule); ok && s.ref != nil {
		first = noted[len(noted)-1]
	}
	if l := first.ref.let; l != nil && len(l.noted) > 0 {
		first = l.noted[0]
	}
	if len(first.path) == 0 {
		return nil
	}
	return append(slices.Clone(first.path), "#")
}

// compared notes what the references of a comparison are compared with: those of
// its left side begin at from, those of its right side at middle.
func (c *compiler) compared(n *ast.BinaryNode, from, middle int) {
	switch n.Operator {
	case "==", "!=", "<", "<=", ">", ">=", "in", "contains", "startsWith", "endsWith":
	default:
		return
	}
	note := func(list []*noted, values []string) {
		for _, r := range list {
			if r.table == nil { // else it is the table's row that is compared
				r.constants = gather(r.constants, values)
			}
		}
	}
	note(c.noted[from:middle], literals(n.Right, nil))
	note(c.noted[middle:], literals(n.Left, nil))
}

// keyed notes that some of the references make the key of a table.
func (c *compiler) keyed(from, to int, t *table) {
	for _, n := range c.noted[from:to] {
		if n.table == nil {
			n.table = t
		}
	}
}

// counted notes that the references from one on say how many there are to be.
func (c *compiler) counted(from int) {
	for _, n := range c.noted[from:] {
		n.counts = true
	}
}

// literals returns the constants of an expression that is one, or a list of them.
func literals(n ast.Node, out []string) []string {
	switch n := n.(type) {
	case *ast.StringNode:
		return append(out, string(appendString(nil, n.Value)))
	case *ast.IntegerNode:
		return append(out, string(appendJSON(nil, n.Value)))
	case *ast.BoolNode:
		return append(out, string(appendJSON(nil, n.Value)))
	case *ast.FloatNode:
		return append(out, string(appendJSON(nil, n.Value)))
	case *ast.ArrayNode:
		for _, e := range n.Nodes {
			out = literals(e, out)
		}
	}
	return out
}

// leave notes what a let reads, and goes back to what is being compiled around it.
func (c *compiler) leave(l *let, around []*noted) []*noted {
	l.noted = c.noted
	c.letsRead = append(c.letsRead, l)
	return around
}

// maxConstants is how many constants of one reference are kept.
const maxConstants = 64

// readsOf makes the lists of reads from what was noted.
func (c *compiler) readsOf() ([]Read, []Answered) {
	var out []Read
	var answered []Answered
	var take func(list []*noted)
	take = func(list []*noted) {
		for _, n := range list {
			take(n.inside)
			if l := n.ref.let; l != nil && l.isLookup {
				answered = c.answeredBy(answered, n)
				continue
			} else if l != nil {
				l.compared = gather(l.compared, n.constants)
				if l.keys == nil {
					l.keys = n.table
				}
				l.counts = l.counts || n.counts
			}
			if len(n.path) == 0 {
				continue
			}
			out = append(out, c.readOf(n, n.path))
		}
	}
	take(c.noted)
	// A let is compiled before what uses it, so all uses of one are known here.
	for _, l := range slices.Backward(c.letsRead) {
		for _, n := range l.noted {
			n.constants = gather(n.constants, l.compared)
			if n.table == nil {
				n.table = l.keys
			}
			n.counts = n.counts || l.counts
		}
		take(l.noted)
	}
	return out, answered
}

func (c *compiler) readOf(n *noted, path []string) Read {
	r := Read{Path: path, Pos: n.ref.at.pos, Constants: gather(nil, n.constants), Counts: n.counts}
	r.Pos.File = c.doc.file
	if n.table != nil {
		r.Table, r.Keys = n.table.name, n.table.keys
	}
	return r
}

// answeredBy adds what is read of a lookup's answer.
func (c *compiler) answeredBy(list []Answered, n *noted) []Answered {
	l, ok := n.ref.let.rule.(*lookupRule)
	if !ok {
		return list
	}
	i := slices.IndexFunc(list, func(a Answered) bool { return a.Name == l.name && a.Lookup == l.ref })
	if i < 0 {
		i = len(list)
		list = append(list, Answered{Name: l.name, Lookup: l.ref})
	}
	list[i].Reads = append(list[i].Reads, c.readOf(n, n.answer))
	return list
}

// gather adds constants that are not there yet, up to maxConstants.
func gather(to, more []string) []string {
	for _, m := range more {
		if len(to) < maxConstants && !slices.Contains(to, m) {
			to = append(to, m)
		}
	}
	return to
}

// Locate returns a diagnostic without words at the rule that makes a sink's field,
// as in products.0.sku; at the closest rule around it if none makes it.
func (p *Program) Locate(field string) diag.Diagnostic {
	at := span{pos: p.to.Pos}
	var r rule = p.record
	steps := strings.Split(field, ".")
	for len(steps) > 0 {
		switch in := r.(type) {
		case *objectRule:
			i := slices.Index(in.names, steps[0])
			if i < 0 {
				return p.doc.diagnostic(diag.Error, "", at, "", "")
			}
			at, r, steps = in.rules[i], in.ruleOf(i), steps[1:]
		case *guarded:
			r = in.inner
		case *defaulted:
			r = in.inner
		case *eachRule:
			if len(in.values) != 1 {
				return p.doc.diagnostic(diag.Error, "", at, "", "")
			}
			r, steps = in.values[0], steps[1:]
		default:
			return p.doc.diagnostic(diag.Error, "", at, "", "")
		}
	}
	return p.doc.diagnostic(diag.Error, "", at, "", "")
}
