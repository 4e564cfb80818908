// Package suggest writes a first mapping: for each field of a sink it looks for
// the field of a source that is meant, by names and labels in English, Ukrainian
// and Russian, by types, and by what a body holds.
//
// It is pure: the same schemas and the same body give the same draft. What it
// finds are guesses with a confidence, for a person to read; the file compiles,
// and where it does not a line says TODO.
package suggest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// Input is what a draft is made of.
type Input struct {
	// Name is the mapping's, From and To are written connection.name.
	Name, From, To string
	// AlsoFrom are events of the same connection that have the same fields.
	AlsoFrom []string
	// Source describes From's records, Sink what To takes.
	Source, Sink *schema.Schema
	// System is the sink's name as its labels say it, such as SaleApp; an id that a
	// label calls the sink's own is never suggested.
	System string
	// Record is a record of From, a JSON object; nil if there is none.
	Record []byte
	// Lookups are those that may be asked, none of the sink's own.
	Lookups []Lookup
}

// State says what became of a sink field.
type State int8

// The states of a field.
const (
	// Left: nothing good enough was found, and nothing asks for it.
	Left State = iota
	// Suggested: there is a rule.
	Suggested
	// Todo: it is required, and a person has to say where it comes from.
	Todo
	// Perhaps: it is required for some records, and nothing good enough was found.
	Perhaps
	// Collected: it says what is collected on delivery, which is nothing if no rule makes
	// it, and nothing good enough was found.
	Collected
)

// Other is a source path that may be meant too.
type Other struct {
	Path       string
	Confidence int
}

// Field is one field of the sink.
type Field struct {
	// Name is its dotted path from the `fields` that it stands in.
	Name, Label, Type string
	State             State
	// Required says when the sink requires it: "always", a condition in words, or "".
	Required string
	// Value is the rule as YAML, Confidence how sure it is in percent, Reason why.
	Value      string
	Confidence int
	Reason     string
	// Paths are what the value reads, from the record, with # for each element.
	Paths []string
	// Others are further possibilities, the best first.
	Others []Other
	// Each is set for an array that is made of another one.
	Each *Each

	needs []schema.Predicate
	table *Table
	ask   *Ask
	// perhaps is a rule to begin with, for one that is Collected.
	perhaps string
}

// Each is how an array is made of another one.
type Each struct {
	Path, As string
	// Quantity is the path of an element's quantity, "" if there is none.
	Quantity string
	Fields   []Field
}

// Table is a suggested code table.
type Table struct {
	Name string
	// Path is the source's, Field the sink's, Allowed the sink's codes and what they
	// mean.
	Path, Field string
	Allowed     []schema.Choice
	Rows        []Row
	// Unlisted says that the source's schema names none of its codes.
	Unlisted bool
}

// Draft is a mapping as it is suggested.
type Draft struct {
	Fields []Field
	Tables []*Table

	in Input
}

// Make suggests a mapping.
func Make(in Input) *Draft {
	lex := newLexicon()
	body := gjson.ParseBytes(in.Record)
	asked := len(in.Record) > 0
	src := &reader{lex: lex, key: in.Source.Key()}
	src.read(in.Source.Root(), body, asked, around{}, 0)
	sink := &sinkReader{lex: lex, system: in.System, key: in.Sink.Key()}
	targets := sink.read(in.Sink.Root(), nil, "", 0)
	b := &builder{
		m: &matcher{lex: lex, asked: asked}, src: src, body: body,
		draft: &Draft{in: in}, as: elementName(in.Source.Root()),
	}
	if key := strings.Split(in.Source.Key(), "."); in.Source.Key() != "" {
		b.m.keyParent = key[:len(key)-1]
	}
	b.draft.Fields = b.record(targets)
	b.settle(b.draft.Fields)
	b.lookups(in.Lookups, targets)
	b.collected(targets)
	return b.draft
}

// elementName gives a name for an array's element that hides no field.
func elementName(root *schema.Node) string {
	for _, name := range []string{"item", "line", "element", "entry"} {
		if root.Property(name) == nil {
			return name
		}
	}
	return "one_element"
}

// builder puts a draft together.
type builder struct {
	m     *matcher
	src   *reader
	body  gjson.Result
	draft *Draft
	as    string
}

// record makes the fields of the sink's record.
func (b *builder) record(targets []*target) []Field {
	out := make([]Field, len(targets))
	used := map[string]bool{}
	var rest []*target
	var restAt []int
	for i, t := range targets {
		if t.elements == nil {
			rest, restAt = append(rest, t), append(restAt, i)
			continue
		}
		out[i] = b.array(t, used)
	}
	var fields []*field
	for _, f := range b.src.fields {
		if f.within == nil || !used[strings.Join(f.within, ".")] {
			fields = append(fields, f)
		}
	}
	for i, f := range b.choose(rest, fields, nil) {
		out[restAt[i]] = f
	}
	return out
}

// array makes an array of objects of the source's array that suits best.
func (b *builder) array(t *target, used map[string]bool) Field {
	out := base(t)
	var best float64
	var bestArray *array
	elements := &builder{m: &matcher{lex: b.m.lex, asked: b.m.asked}, src: b.src, draft: &Draft{}, as: b.as}
	for _, a := range b.src.arrays {
		if used[a.text()] {
			continue
		}
		like := 0.0
		for _, x := range t.vectors {
			for _, y := range a.vectors {
				like = max(like, overlap(x, y, a.around))
			}
		}
		fields := elements.choose(t.elements, a.elements, &a.field)
		cover := covered(fields, len(t.elements))
		score := b.m.evident(b.m.distance(&a.field)*(0.45*like+0.55*cover), &a.field)
		if cover > 0 && score > best {
			best, bestArray = score, a
		}
	}
	if best < active-0.1 {
		return out
	}
	used[bestArray.text()] = true
	elements.draft = b.draft
	rules := elements.choose(t.elements, bestArray.elements, &bestArray.field) // now its tables count
	out.State, out.Confidence = Suggested, percentOf(best)
	out.Reason = reasonOf(t, &bestArray.field)
	if bestArray.seen == absent {
		out.Reason = joinReasons(out.Reason, notInBody)
	}
	out.Paths = []string{bestArray.text()}
	out.Each = &Each{Path: pathText(bestArray.steps), As: b.as, Fields: rules}
	for _, f := range bestArray.elements {
		if f.class == quantity && f.views[0]["quantity"] > 0.5 && f.node.Types&(schema.Number|schema.Integer) != 0 && out.Each.Quantity == "" && len(f.steps) == 1 {
			out.Each.Quantity = exprText(append([]string{b.as}, f.steps...))
		}
	}
	return out
}

// covered says how well the n fields of elements are found: the mean of the three
// best.
func covered(fields []Field, n int) float64 {
	var all []int
	for _, f := range fields {
		if f.State == Suggested {
			all = append(all, f.Confidence)
		}
	}
	slices.SortFunc(all, func(a, b int) int { return cmp.Compare(b, a) })
	sum := 0
	for _, c := range all[:min(3, len(all))] {
		sum += c
	}
	return float64(sum) / float64(100*max(1, min(3, n)))
}

// choose gives each target the candidate that suits it best, where no other
// target has a better claim to it. in is the array whose elements the fields are
// of, nil for the record.
func (b *builder) choose(targets []*target, fields []*field, in *field) []Field {
	ranked := make([][]candidate, len(targets))
	done := make([]bool, len(targets))
	out := make([]Field, len(targets))
	for i, t := range targets {
		out[i] = base(t)
		if i < maxRanked {
			ranked[i] = b.m.rank(t, fields)
		}
	}
	for range targets {
		next := -1
		for i := range targets {
			if !done[i] && len(ranked[i]) > 0 && (next < 0 || ranked[i][0].score > ranked[next][0].score+1e-9) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		done[next] = true
		top := ranked[next][0]
		b.fill(&out[next], targets[next], ranked[next], in)
		if out[next].State != Suggested {
			continue
		}
		for i := range targets {
			if done[i] {
				continue
			}
			for k := range ranked[i] {
				if sharesField(ranked[i][k], top) && ranked[i][k].way != rounded {
					ranked[i][k].score *= 0.75
				}
			}
			slices.SortStableFunc(ranked[i], func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
		}
	}
	return out
}

func sharesField(a, b candidate) bool {
	return slices.ContainsFunc(a.fields, func(f *field) bool { return slices.Contains(b.fields, f) })
}

// base is a field for which nothing was found yet.
func base(t *target) Field {
	f := Field{Name: t.name(), Label: t.label, Type: typeText(t.node), needs: t.needs}
	if t.required {
		f.State, f.Required = Todo, always
	} else if t.when != "" {
		f.Required = "when " + t.when
	}
	if t.owed != "" {
		f.Required = "when " + t.owed + " is there"
	}
	return f
}

const (
	always    = "always"
	notInBody = "not in the body"
)

// fill writes what was found into a field.
func (b *builder) fill(f *Field, t *target, ranked []candidate, in *field) {
	take := 0
	if top := ranked[0]; top.score >= active && !userNamed(t, top) {
		f.State, f.Confidence, f.Reason = Suggested, percentOf(top.score), top.reason
		if f.Reason == "" {
			f.Reason = reasonOf(t, top.fields[0])
		}
		for _, s := range top.fields {
			f.Paths = append(f.Paths, fullPath(s, in))
		}
		b.write(f, t, top, in)
		if top.fields[0].seen == absent {
			f.Reason = joinReasons(f.Reason, notInBody)
		}
		take = 1
	}
	for _, c := range ranked[take:] {
		if c.score < worth || len(f.Others) == 2 || take > 0 && c.score < ranked[0].score-0.2 {
			break
		}
		f.Others = append(f.Others, Other{Path: pathText(b.steps(c.fields[0], in)), Confidence: percentOf(c.score)})
	}
}

// userNamed tells whether an object of names that are the users' own would go
// where others are expected.
func userNamed(t *target, c candidate) bool {
	return t.node.Types&schema.Object != 0 && c.fields[0].node.Types&schema.Object != 0
}

func fullPath(s *field, in *field) string {
	if in == nil {
		return s.text()
	}
	return in.text() + ".#." + s.text()
}

// steps gives a field's steps as the mapping writes them.
func (b *builder) steps(s *field, in *field) []string {
	if in == nil {
		return s.steps
	}
	return append([]string{b.as}, s.steps...)
}

// settle decides what is to do: fields that objects lack which are there, and
// those that the sink requires of some records that may come.
func (b *builder) settle(fields []Field) {
	for i := range fields {
		f := &fields[i]
		if f.Each != nil {
			b.settle(f.Each.Fields)
		}
		if f.State != Left || f.Required == "" {
			continue
		}
		if object, ok := strings.CutSuffix(strings.TrimPrefix(f.Required, "when "), " is there"); ok && len(f.needs) == 0 {
			if slices.ContainsFunc(fields, func(o Field) bool { return o.State == Suggested && strings.HasPrefix(o.Name, object+".") }) {
				f.State = Todo
			}
			continue
		}
		if mayHold(f.needs, fields) {
			f.State = Perhaps
		}
	}
}

// mayHold tells whether a record may come for which one of the conditions holds.
func mayHold(needs []schema.Predicate, fields []Field) bool {
	for i := range needs {
		var tabled *Field
		needs[i].Fields(func(name string) {
			for k := range fields {
				if fields[k].Name == name && fields[k].table != nil {
					tabled = &fields[k]
				}
			}
		})
		if tabled == nil {
			return true
		}
		for _, row := range tabled.table.Rows {
			truth := needs[i].Eval(func(name string) schema.Field {
				if name == tabled.Name && row.Value != "" {
					return schema.Field{Present: schema.True, JSON: row.Value}
				}
				return schema.Field{}
			})
			if truth != schema.False {
				return true
			}
		}
	}
	return false
}

// Counts are how many fields of a draft are in which state.
type Counts struct {
	// Suggested are fields with a rule, Sure those of them with 80 % or more; Todo are
	// required ones without a rule and tables without a row, Perhaps fields that some
	// records require, Codes further codes without a row.
	Suggested, Sure, Todo, Perhaps, Codes int
}

// Count counts the draft's fields.
func (d *Draft) Count() Counts {
	var c Counts
	c.add(d.Fields)
	for _, t := range d.Tables {
		if !hasRow(t) {
			c.Todo++
			continue
		}
		c.Codes += missing(t)
	}
	return c
}

func (c *Counts) add(fields []Field) {
	for _, f := range fields {
		switch f.State {
		case Suggested:
			c.Suggested++
			if f.Confidence >= percentOf(sure) {
				c.Sure++
			}
		case Todo, Collected:
			c.Todo++
		case Perhaps:
			c.Perhaps++
		case Left:
		}
		if f.Each != nil {
			c.add(f.Each.Fields)
		}
	}
}

func percentOf(score float64) int { return int(score*100 + 0.5) }
