package suggest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// Lookup is a question that another system answers.
type Lookup struct {
	// Name is written connection.name. Label says what is asked for, System whom.
	Name, Label, System string
	// Missing is the plugin that has it, where there is no connection for that, so
	// that it is mentioned only; Name begins with the plugin's name then.
	Missing string
	// Args and Answer are objects' schemas.
	Args, Answer *schema.Schema
}

// Ask is a lookup as a draft has it.
type Ask struct {
	// Name is its name in the mapping, From the lookup's.
	Name, From string
	// When is the expression for which it is asked, "" for always.
	When string
	Args []Arg
	// Left are arguments that nothing was found for.
	Left []string

	label   string
	guarded bool
}

// Arg is an argument of a lookup.
type Arg struct {
	Name, Value, Reason string
	Confidence          int
	// Paths are what the value reads of the record.
	Paths []string

	of *Ask // whose answer it is, nil for a path
	// within is the array whose element holds the path, "" for none.
	within string
}

// known is a lookup made ready for comparisons.
type known struct {
	Lookup
	answers []*field
	args    []*target
	ask     *Ask
	score   float64
	busy    bool
}

// lookups suggests lookups for the references that the record does not hold.
func (b *builder) lookups(all []Lookup, targets []*target) {
	asks := &asker{builder: b, m: &matcher{lex: b.m.lex}, targets: targets}
	for _, l := range all {
		k := &known{Lookup: l}
		about := b.m.lex.ofName(l.Name[strings.LastIndexByte(l.Name, '.')+1:])
		for _, v := range b.m.lex.ofLabel(l.Label) {
			about = about.with(v, 0.8)
		}
		whose := b.m.lex.systemsOf(l.System + " " + l.Name)
		about = about.with(whose, 1)
		r := &reader{lex: b.m.lex}
		r.read(l.Answer.Root(), gjson.Result{}, false, around{near: about, named: true}, 0)
		k.answers = r.fields
		k.args = (&sinkReader{lex: b.m.lex}).read(l.Args.Root(), nil, "", 0)
		for _, t := range k.args {
			t.systems = t.systems.with(whose, 1)
		}
		asks.known = append(asks.known, k)
	}
	for i := range b.draft.Fields {
		if f, t := &b.draft.Fields[i], targets[i]; f.State != Suggested && t.elements == nil && t.class == ident && !t.own && !t.external && !t.key {
			asks.forField(f, t)
		}
	}
}

// asker puts lookups into a draft.
type asker struct {
	*builder
	m       *matcher
	targets []*target
	known   []*known
}

// held is from which confidence on a path that was found is likelier meant than any
// lookup: what the event holds need not be asked for.
const held = 50

// forField suggests a lookup for a field, or mentions it.
func (a *asker) forField(f *Field, t *target) {
	k, answer, score := a.answering(t, nil)
	if k == nil || score < active {
		return
	}
	other := Other{Path: "lookup " + k.Name, Confidence: percentOf(score)}
	if k.Missing != "" {
		other.Path += " once there is a connection"
	}
	enough := false
	if k.Missing == "" && f.State != Left && !slices.ContainsFunc(f.Others, func(o Other) bool { return o.Confidence >= held }) {
		enough = a.ask(k)
	}
	if !enough {
		f.Others = append(f.Others, other)
		return
	}
	f.State, f.Confidence = Suggested, percentOf(min(score, k.score))
	f.Reason = joinReasons("asks "+k.Name, reasonOf(t, answer))
	f.Value = pathValue(append([]string{k.ask.Name}, answer.steps...))
	f.Paths, f.ask = k.ask.paths(), k.ask
	a.guard(k.ask, f)
}

// answering finds the lookup whose answer holds what t wants; not one of those that
// are being asked for already.
func (a *asker) answering(t *target, except *known) (best *known, answer *field, score float64) {
	for _, k := range a.known {
		if k == except || k.busy {
			continue
		}
		for _, f := range k.answers {
			c, ok := a.m.pair(t, f)
			if !ok || c.way != plain {
				continue
			}
			if k.speaksOf(t, f) {
				c.score += (1 - c.score) * 0.8
			}
			if c.score > score+1e-9 {
				best, answer, score = k, f, c.score
			}
		}
	}
	return best, answer, score
}

// speaksOf tells whether the description of a lookup's answer names the field that it
// is for, or that of an argument the lookup and the answer that it takes.
func (k *known) speaksOf(t *target, f *field) bool {
	name := t.steps[len(t.steps)-1]
	return strings.Contains(name, "_") && containsWord(f.node.Description, name) ||
		containsWord(t.node.Description, k.Name[strings.LastIndexByte(k.Name, '.')+1:]) && containsWord(t.node.Description, f.name())
}

// ask finds what a lookup is asked with. It is false if that is not enough.
func (a *asker) ask(k *known) bool {
	if k.ask != nil {
		return true
	}
	k.busy = true
	defer func() { k.busy = false }()
	out := &Ask{Name: a.nameFor(k.Name), From: k.Name, label: k.Label}
	score := 1.0
	given := map[string]any{}
	var used []string
	for _, t := range k.args {
		arg, s := a.argument(k, t)
		// What is not needed must stand with what is: another array's elements tell nothing of it.
		astray := !t.required && arg.within != "" && !slices.ContainsFunc(out.Args, func(o Arg) bool { return o.within == arg.within })
		if s < active || astray || len(arg.Paths) > 0 && arg.of == nil && slices.Contains(used, arg.Paths[0]) {
			if t.required {
				return false
			}
			out.Left = append(out.Left, t.name())
			continue
		}
		score = min(score, s)
		used = append(used, arg.Paths...)
		given[t.name()] = ""
		out.Args = append(out.Args, arg)
	}
	text, err := json.Marshal(given)
	if err != nil || slices.ContainsFunc(k.Args.Validate(text), func(v schema.Violation) bool { return v.Path == "" }) {
		return false
	}
	k.ask, k.score = out, score
	return len(out.Args) > 0
}

// argument finds a value for an argument: another lookup's answer, a path, or what
// was found for a field of the sink that means the same.
func (a *asker) argument(k *known, t *target) (Arg, float64) {
	var best Arg
	var score float64
	take := func(s float64, arg Arg) {
		if s > score+1e-9 {
			arg.Name, arg.Confidence = t.name(), percentOf(s)
			best, score = arg, s
		}
	}
	for _, c := range a.builder.m.rank(t, a.src.fields) {
		if c.way == plain && c.guard == nil {
			f := c.fields[0]
			take(c.score, Arg{Value: pathValue(f.steps), Reason: reasonOf(t, f), Paths: []string{f.text()}, within: strings.Join(f.within, ".")})
		}
	}
	for i, other := range a.targets {
		f := &a.draft.Fields[i]
		if f.State != Suggested || len(f.Paths) != 1 || f.Value != pathValue(strings.Split(f.Paths[0], ".")) {
			continue
		}
		like := 0.0
		for _, x := range a.labelled(t) {
			for _, y := range a.labelled(other) {
				like = max(like, overlap(x, y, nil))
			}
		}
		if t.views[0]["number"] > 0.5 && other.views[0]["number"] == 0 {
			like *= 0.5 // a text that holds a number among others is none
		}
		take(like*kinship(t.class, other.class)*min(1, float64(f.Confidence)/100+0.1), Arg{
			Value: f.Value, Reason: joinReasons("as "+fieldName(f.Name), quoted(other.label)+" ~ "+quoted(t.label)), Paths: f.Paths,
		})
	}
	if t.class == ident {
		if from, answer, s := a.answering(t, k); from != nil && from.Missing == "" && s >= active && s > score && a.ask(from) {
			take(min(s, from.score), Arg{
				Value: pathValue(append([]string{from.ask.Name}, answer.steps...)), Reason: reasonOf(t, answer),
				Paths: from.ask.paths(), of: from.ask,
			})
		}
	}
	return best, score
}

// labelled gives what a target's label means, or its name where it has none.
func (a *asker) labelled(t *target) []vector {
	if views := a.m.lex.ofLabel(t.label); len(views) > 0 {
		return a.m.lex.vectors(views)
	}
	return t.vectors
}

// nameFor names a lookup as no field of the source is named, nor another lookup.
func (a *asker) nameFor(lookup string) string {
	name := lookup[strings.LastIndexByte(lookup, '.')+1:]
	taken := func(s string) bool {
		return s == a.as || a.in().Property(s) != nil || slices.ContainsFunc(a.known, func(k *known) bool { return k.ask != nil && k.ask.Name == s })
	}
	for taken(name) {
		name += "_found"
	}
	return name
}

func (b *builder) in() *schema.Node { return b.draft.in.Source.Root() }

// guard has a lookup asked only where a field is required that it is for. One that
// several fields need is asked for any of them.
func (a *asker) guard(ask *Ask, f *Field) {
	text := ""
	if f.Required != always && len(f.needs) > 0 {
		var parts []string
		for i := range f.needs {
			part, ok := a.condition(&f.needs[i])
			if !ok {
				parts = nil
				break
			}
			parts = append(parts, part)
		}
		text = strings.Join(parts, " or ")
	}
	switch {
	case !ask.guarded:
		ask.When, ask.guarded = text, true
	case ask.When != text:
		ask.When = ""
	}
}

// condition writes a predicate on the sink's fields as an expression on the source's.
func (a *asker) condition(p *schema.Predicate) (string, bool) {
	if p.Opaque {
		return "", false
	}
	var parts []string
	for i := range p.All {
		part, ok := a.condition(&p.All[i])
		if !ok {
			return "", false
		}
		if part != "" {
			parts = append(parts, part)
		}
	}
	var some []string
	for i := range p.Any {
		part, ok := a.condition(&p.Any[i])
		if !ok || part == "" {
			return "", false
		}
		some = append(some, part)
	}
	if len(some) > 0 {
		parts = append(parts, "("+strings.Join(some, " or ")+")")
	}
	if p.Not != nil {
		part, ok := a.condition(p.Not)
		if !ok || part == "" {
			return "", false
		}
		parts = append(parts, "not ("+part+")")
	}
	for _, name := range p.Present { // a field that every record has
		if _, ok := a.decides(name); !ok {
			return "", false
		}
	}
	if p.Field != "" {
		x, ok := a.decides(p.Field)
		switch {
		case !ok || len(p.Values) == 0:
			return "", false
		case len(p.Values) == 1:
			parts = append(parts, x+" == "+p.Values[0])
		default:
			parts = append(parts, x+" in ["+strings.Join(p.Values, ", ")+"]")
		}
	}
	return strings.Join(parts, " and "), true
}

// decides gives the expression for a sink's field that every record has.
func (a *asker) decides(name string) (string, bool) {
	for i := range a.draft.Fields {
		f := &a.draft.Fields[i]
		if f.Name != name || f.State != Suggested || f.Required != always || len(f.Paths) != 1 || f.Each != nil {
			continue
		}
		path := strings.Split(f.Paths[0], ".")
		switch {
		case f.table != nil:
			return fmt.Sprintf("table(%s, %s)", quote(f.table.Name), exprText(path)), true
		case f.Value == pathValue(path):
			return exprText(path), true
		}
	}
	return "", false
}

// paths are what a lookup reads of the record, by its arguments.
func (a *Ask) paths() []string {
	var out []string
	for _, arg := range a.Args {
		out = append(out, arg.Paths...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// asks lists the lookups that the draft's fields need, each behind those that it
// needs itself, with the field that is first to need it.
func (d *Draft) asks() (out []*Ask, by map[*Ask]*Field) {
	by = map[*Ask]*Field{}
	var add func(a *Ask, f *Field)
	add = func(a *Ask, f *Field) {
		if a == nil || by[a] != nil {
			return
		}
		by[a] = f
		for _, arg := range a.Args {
			add(arg.of, f)
		}
		out = append(out, a)
	}
	for i := range d.Fields {
		add(d.Fields[i].ask, &d.Fields[i])
	}
	return out, by
}

// Asks tells whether the draft asks lookups.
func (d *Draft) Asks() bool {
	all, _ := d.asks()
	return len(all) > 0
}

// lookups writes the lookups of a draft.
func (w *writer) lookups(d *Draft) {
	asks, by := d.asks()
	if len(asks) == 0 {
		return
	}
	w.line(0, "")
	w.line(0, "lookups:")
	defer func() { w.field = nil }()
	for _, a := range asks {
		w.field = by[a]
		w.line(1, "%s:  # %s", a.Name, quoted(a.label))
		w.line(2, "from: %s", a.From)
		if a.When != "" {
			w.line(2, "when: %s", "= "+a.When)
		}
		w.line(2, "args:")
		for _, arg := range a.Args {
			w.line(3, "%s: %s  # %d %%: %s", fieldName(arg.Name), arg.Value, arg.Confidence, arg.Reason)
		}
		if len(a.Left) > 0 {
			w.line(3, "# Left out: %s", strings.Join(a.Left, ", "))
		}
	}
}
