package mapping

import (
	"bytes"
	"slices"
	"strconv"
)

// trace notes how an event is evaluated, for Explain. Map has none: the rules ask
// once for each hook whether there is one.
type trace struct {
	sites   *sites
	steps   []Step
	reached map[pointKey]bool
	// open are the fields, conditions and names being evaluated, innermost last.
	open []*notes
	// lets are what the names at hand were made of.
	lets map[letKey]Reading
	// inLet counts the names being evaluated: what they are made of is no step.
	inLet int
}

// notes gather what the evaluation of one rule did.
type notes struct {
	sources   []Reading
	table     *Row
	fallback  *Place
	converted *Conversion
	forgiven  string
}

type letKey struct {
	f *frame
	l *let
}

func (t *trace) push() *notes {
	n := &notes{}
	t.open = append(t.open, n)
	return n
}

func (t *trace) pop() { t.open = t.open[:len(t.open)-1] }

// top returns the notes of the rule at hand.
func (t *trace) top() *notes {
	if len(t.open) == 0 {
		return t.push()
	}
	return t.open[len(t.open)-1]
}

// field evaluates the rule of a sink's field, or of an entry of an array.
func (t *trace) field(name string, v rule, f *frame, dst []byte) ([]byte, bool, error) {
	if t.inLet > 0 {
		out, ok, err := v.write(f, dst)
		if ok {
			t.reach(pointRule, v, "")
		}
		return out, ok, err
	}
	i := len(t.steps)
	t.steps = append(t.steps, Step{}) // before those of the fields inside
	n := t.push()
	out, ok, err := v.write(f, dst)
	t.pop()
	step := n.step("field", fillIndexes(name, f.run.to), t.sites.rule(v))
	switch {
	case err != nil:
		step.Error = err.Error()
	case ok:
		t.reach(pointRule, v, "")
		step.Value = bytes.Clone(out[len(dst):])
	}
	t.steps[i] = step
	return out, ok, err
}

// step makes the public form of what a rule did.
func (n *notes) step(kind, field string, at Place) Step {
	return Step{
		Kind: kind, Field: field, Rule: at, Sources: n.sources, Table: n.table,
		Default: n.fallback, Conversion: n.converted, Forgiven: n.forgiven,
	}
}

// condition evaluates a when or where.
func (t *trace) condition(r rule, f *frame, at span) (bool, error) {
	if t.inLet > 0 {
		yes, err := decide(r, f, at)
		if err == nil {
			t.reach(pointDecision, r, strconv.FormatBool(yes))
		}
		return yes, err
	}
	s := t.sites.decisions[r]
	n := t.push()
	yes, err := decide(r, f, at)
	t.pop()
	subject := fillIndexes(s.field, f.run.to)
	if s.kind == "where" {
		subject = fillIndexes(s.field, f.run.from)
	}
	step := n.step(s.kind, subject, t.sites.rule(r))
	if err != nil {
		step.Error = err.Error()
	} else {
		step.Result = &yes
		t.reach(pointDecision, r, strconv.FormatBool(yes))
	}
	t.steps = append(t.steps, step)
	return yes, err
}

// read notes a value of the record.
func (t *trace) read(r *reference, f *frame, b []byte) {
	t.note(Reading{Name: r.text, Path: f.run.sourcePath(r.source), Value: bytes.Clone(b)})
}

// value evaluates a reference.
func (t *trace) value(r *reference, f *frame) (any, error) {
	if r.slot >= 0 {
		t.read(r, f, f.above(r.up).slot(r.slot))
		return r.get(f)
	}
	v, err := r.get(f)
	if r.let == nil && err == nil { // _meta; a let notes itself
		t.note(Reading{Name: r.text, Value: jsonOf(v)})
	}
	return v, err
}

// let evaluates a named value, or remembers how it was.
func (t *trace) let(l *let, f *frame) (any, error) {
	key := letKey{f, l}
	if s := f.lets[l.index]; s.done {
		t.note(t.lets[key])
		return s.value, s.err
	}
	n := t.push()
	t.inLet++
	v, err := l.evaluate(f)
	t.inLet--
	t.pop()
	made := Reading{Name: l.name, Value: jsonOf(v), From: n.sources, Table: n.table, Default: n.fallback}
	if err != nil {
		made.Error = err.Error()
	}
	t.lets[key] = made
	t.note(made)
	return v, err
}

func (t *trace) note(r Reading) {
	n := t.top()
	if !slices.ContainsFunc(n.sources, func(o Reading) bool {
		return o.Name == r.Name && o.Path == r.Path && bytes.Equal(o.Value, r.Value)
	}) {
		n.sources = append(n.sources, r)
	}
}

// row notes the row of a table that a code was found in.
func (t *trace) row(of *table, key any, v any) {
	s, _ := textOf(key)
	if v == nil {
		return
	}
	t.reach(pointRow, of.whole(), s)
	t.top().table = &Row{Table: of.name, Key: s, Value: jsonOf(v), At: t.sites.row(of, s)}
}

// fallback notes that a default was taken.
func (t *trace) fallback(d rule) {
	t.reach(pointDefault, d, "")
	at := t.sites.rule(d)
	t.top().fallback = &at
}

// forgive notes the failures that on_error hides: err, or those after the first n.
func (t *trace) forgive(r *run, g *guarded, err error, n int) {
	if err == nil && len(r.failures) > n {
		err = r.failures[n]
	}
	if err != nil {
		t.top().forgiven = err.Error()
	}
	if g.useDefault {
		t.fallback(g.fallback)
	}
}

// branch notes the entry of a choose that was taken.
func (t *trace) branch(b *branch, field string, f *frame) {
	t.reach(pointBranch, b, "")
	if t.inLet > 0 {
		return
	}
	t.steps = append(t.steps, Step{Kind: "choose", Field: fillIndexes(field, f.run.to), Rule: t.sites.place(b.at)})
}

// convert notes that a value was given another type.
func (t *trace) convert(from, to []byte) {
	if bytes.Equal(from, to) || len(from) == 0 || from[0] == '{' || from[0] == '[' {
		return
	}
	if n := t.top(); n.converted == nil {
		n.converted = &Conversion{From: bytes.Clone(from), To: bytes.Clone(to)}
	} else {
		n.converted.To = bytes.Clone(to)
	}
}

func (t *trace) reach(kind pointKind, of any, way string) { t.reached[pointKey{kind, of, way}] = true }

func jsonOf(v any) []byte {
	if v == nil {
		return nil
	}
	return appendJSON(nil, v)
}
