package suggest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// What a confidence is good for, from 0 to 1.
const (
	active = 0.60 // becomes a rule
	sure   = 0.80
	worth  = 0.38 // is worth a mention as another possibility
)

// candidate is a source field that may be meant by a sink field, or several that
// make it up together.
type candidate struct {
	fields []*field
	score  float64
	reason string
	// way says how the value is written.
	way way
	// guard, if not nil, must be guardValue for the value to be what the sink wants.
	guard      *field
	guardValue string
}

// way is how a suggestion makes its value.
type way int8

const (
	plain   way = iota // a path
	rounded            // = round(path)
	dialled            // = phone(path, "UA") ?? path
	joined             // = join([a, b], " ")
	listed             // [path]
	commas             // = join(path, ", ")
	keyed              // {path: P, table: T}
)

// matcher ranks source fields for sink fields.
type matcher struct {
	lex *lexicon
	// keyParent are the steps of the object that holds the source's key.
	keyParent []string
	asked     bool
}

// rank gives the candidates for a sink field, the best first.
func (m *matcher) rank(t *target, fields []*field) []candidate {
	if t.own {
		return nil
	}
	var out []candidate
	for _, f := range fields {
		if c, ok := m.pair(t, f); ok {
			out = append(out, c)
		}
	}
	if c, ok := m.fullName(t, fields); ok {
		out = append(out, c)
	}
	if c, ok := m.insured(t, fields); ok {
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	return out
}

// pair says how likely one source field is meant by a sink field.
func (m *matcher) pair(t *target, f *field) (candidate, bool) {
	c := candidate{fields: []*field{f}}
	fits, way := m.fits(t, f)
	if fits == 0 {
		return c, false
	}
	c.way = way
	kin := kinship(t.class, classAs(f, way))
	views := f.views
	if t.class == percent && f.class != percent && way == plain {
		if c.guard, c.guardValue = m.percentFlag(f); c.guard != nil {
			kin, views = 1, []meaning{f.views[0].with(meaning{"percent": 1}, 1)}
		}
	}
	if t.key {
		if score, reason := m.orderKey(f); score > 0 {
			c.score, c.reason = m.evident(score*fits, f), reason
			return c, true
		}
		fits *= 0.5 // nothing else tells orders apart for sure
	}
	score := 0.0
	for _, a := range t.views {
		for _, b := range views {
			if way == keyed && a["id"] > 0 && b["id"] == 0 && b["code"] > 0 {
				b = b.with(meaning{"id": b["code"]}, 1) // what the one calls an id is the other's code
				delete(b, "code")
			}
			score = max(score, m.lex.overlap(a, b, f.surround))
		}
	}
	leaf := t.steps[len(t.steps)-1]
	same := sameName(leaf, f.name())
	switch {
	case same:
		score += (1 - score) * 0.4
	case within(leaf, f.name()):
		score += (1 - score) * 0.25
	}
	if way == keyed {
		score = m.byCodes(score, t, f)
	}
	score *= kin * fits
	if t.class == ident && !t.key && !sameSystem(t.systems, f.systems) {
		score = min(score, 0.5)
	}
	if t.external || t.key && f.views[0]["external"] > 0 {
		score = min(score, 0.5)
	}
	if otherCarrier(t.systems, f.place) {
		score *= 0.82
	}
	if !personal(t) && max(f.surround["customer"], f.surround["contact"], f.surround["company"]) > 0.5 {
		score *= 0.75 // a customer's address is not where the order goes
	}
	c.score = m.evident(score*m.distance(f), f)
	c.reason = reasonOf(t, f, same)
	return c, c.score >= worth/2
}

// percentFlag finds the flag beside a field that says whether it is a percentage:
// percentDiscount of discount. It gives the flag and its value for that.
func (m *matcher) percentFlag(f *field) (*field, string) {
	want := append([]string{"percent"}, words(f.name())...)
	slices.Sort(want)
	for _, g := range f.beside {
		has := words(g.name())
		slices.Sort(has)
		if !slices.Equal(want, has) || !isFlag(g.node) {
			continue
		}
		for _, c := range g.node.Choices {
			for _, v := range m.lex.ofLabel(c.Title) {
				if v["percent"] > 0 {
					return g, c.JSON
				}
			}
		}
	}
	return nil, ""
}

// personal tells whether a sink's field is about a person.
func personal(t *target) bool {
	for _, c := range []concept{"phone", "email", "fullname", "firstname", "surname", "patronymic", "customer", "contact", "counterparty", "company", "birthday", "sex"} {
		if t.views[0][c] > 0.5 {
			return true
		}
	}
	return false
}

// classAs is the class of a field as a suggestion uses it: what a table is read
// with is a code.
func classAs(f *field, way way) class {
	if way == keyed && f.class != flag && (f.class == ident || len(f.node.Choices)+len(f.node.Known) > 0) {
		return code
	}
	return f.class
}

// byCodes weighs in how many of a source's codes say what one of the sink's does.
// Where the source does not list its codes, it must speak of the same thing.
func (m *matcher) byCodes(score float64, t *target, f *field) float64 {
	listed := len(f.node.Choices)+len(f.node.Known) > 0
	if !listed && (f.class != code && f.class != ident || f.views[0]["name"] > 0) {
		return score * 0.6 // a text for people, which they change
	}
	rows := m.rows(t, f, nobody)
	found := 0
	for _, r := range rows {
		if r.Value != "" {
			found++
		}
	}
	if found > 0 {
		return max(score, 0.68+0.2*float64(found)/float64(len(rows)))
	}
	switch {
	case len(rows) > 1:
		return score * 0.7
	case !listed && len(rows) == 1 && rows[0].Title == "" && digits(rows[0].Key):
		score *= 0.85 // a number whose meaning nothing tells
	}
	for c := range t.views[0] {
		if !kinds[c] && t.views[0][c] > 0.5 && (f.views[0][c] > 0 || f.surround[c] > 0) {
			return score
		}
	}
	return score * 0.6
}

// kinds are the concepts that say what kind of value a field holds, and not of
// what thing.
var kinds = map[concept]bool{"id": true, "ref": true, "code": true, "type": true, "number": true, "name": true, "status": true, "text": true}

// distance makes fields less likely that lie deeper than the order's own, and the
// first elements of lists.
func (m *matcher) distance(f *field) float64 {
	out := 1.0
	for range max(0, len(f.steps)-1-len(m.keyParent)) {
		out *= 0.985
	}
	if f.within != nil && slices.Contains(f.steps, "0") {
		out *= 0.98
	}
	if f.free {
		out *= 0.95
	}
	return out
}

// evident weighs in what the body says of a field.
func (m *matcher) evident(score float64, f *field) float64 {
	switch f.seen {
	case present:
		score += (1 - score) * 0.12
	case absent:
		score *= 0.8
	case empty:
		score *= 0.88
	case unasked:
	}
	return min(score, 0.98)
}

// orderKey says how likely a field is what the sink may know an order by: the
// number that people see, or the id by which the source orders its events.
func (m *matcher) orderKey(f *field) (float64, string) {
	number := false
	for _, v := range f.views {
		number = number || v["number"] > 0 && v["order"] > 0 && v["external"] == 0
	}
	switch {
	case f.key && number:
		return 0.96, fmt.Sprintf("the source's key, %s", quoted(f.label))
	case f.key:
		return 0.9, joinReasons("the source's key", quoted(f.label))
	case number && len(f.steps) == len(m.keyParent)+1 && slices.Equal(f.steps[:len(f.steps)-1], m.keyParent):
		return 0.93, fmt.Sprintf("the number that people see, %s", quoted(f.label))
	}
	return 0, ""
}

// fullName finds the parts of a person's name that make it up.
func (m *matcher) fullName(t *target, fields []*field) (candidate, bool) {
	if t.views[0]["fullname"] == 0 || !t.node.Types.Has(schema.Text) {
		return candidate{}, false
	}
	var best candidate
	for i, f := range fields {
		if !speaks(f, "surname") {
			continue
		}
		parts := []*field{f}
		for _, c := range []concept{"firstname", "patronymic"} {
			for _, g := range fields {
				if speaks(g, c) && slices.Equal(g.steps[:len(g.steps)-1], f.steps[:len(f.steps)-1]) {
					parts = append(parts, g)
					break
				}
			}
		}
		if len(parts) < 2 || slices.ContainsFunc(fields[:i], func(o *field) bool { return slices.Equal(o.steps, f.steps) }) {
			continue
		}
		score := 0.92 * m.distance(f)
		if otherCarrier(t.systems, f.place) {
			score *= 0.85
		}
		if f.surround["customer"] > 0 && t.views[0]["customer"] == 0 {
			score *= 0.95
		}
		score = m.evident(score, f)
		if score > best.score {
			best = candidate{fields: parts, score: score, way: joined, reason: "put together of the parts of a name"}
		}
	}
	return best, best.score > 0
}

func speaks(f *field, c concept) bool {
	return f.views[0][c] > 0.5 && f.views[0]["id"] == 0 && (f.node.Types == 0 || f.node.Types&schema.Text != 0)
}

// sums are what the order's sum may speak of beside being a sum.
var sums = map[concept]bool{"sum": true, "total": true, "order": true, "price": true, "payment": true, "product": true}

// insured finds the order's sum for a field that says what a parcel is insured for.
func (m *matcher) insured(t *target, fields []*field) (candidate, bool) {
	if t.views[0]["insurance"] == 0 || t.class != money && t.class != thing {
		return candidate{}, false
	}
	var best candidate
	for _, f := range fields {
		fits, way := m.fits(t, f)
		if fits == 0 || f.class != money || len(f.steps) != len(m.keyParent)+1 || !slices.Equal(f.steps[:len(m.keyParent)], m.keyParent) {
			continue
		}
		v := f.views[0]
		strange := false
		for c, share := range v {
			strange = strange || share > aside && !sums[c] && !strings.HasPrefix(string(c), "?")
		}
		if strange || v["sum"] == 0 {
			continue
		}
		score := m.evident(0.62*fits+0.03*v["total"]*v["sum"], f)
		if score > best.score {
			best = candidate{fields: []*field{f}, score: score, way: way, reason: joinReasons("the order's sum: what the parcel is worth", quoted(f.label))}
		}
	}
	return best, best.score > 0
}

// fits says how well a value of the source's type becomes one of the sink's, 0 if
// never, and how that is written.
func (m *matcher) fits(t *target, f *field) (float64, way) {
	to, from := t.node.Types&^schema.Null, f.node.Types&^schema.Null
	if from == 0 {
		from = kindOf(f.value)
	}
	coded := len(t.node.Choices) > 0 && !isFlag(t.node) && !sameCodes(t.node, f.node)
	switch {
	case from == schema.Object || to == schema.Object:
		if from != schema.Object || to != schema.Object || len(f.node.Properties) > 0 {
			return 0, plain
		}
		return 0.5, plain // the names in it are the users' own
	case from == schema.Array && to == schema.Array:
		if scalars(f.node.Items) && scalars(t.node.Items) {
			return 1, plain
		}
		return 0, plain
	case to == schema.Array:
		if from&schema.Array == 0 && scalars(t.node.Items) && from != 0 {
			return 0.8, listed
		}
		return 0, plain
	case from == schema.Array:
		if to.Has(schema.Text) && f.node.Items != nil && f.node.Items.Types&schema.Text != 0 {
			return 0.85, commas
		}
		return 0, plain
	case from&(schema.Object|schema.Array) != 0 && from != 0:
		return 0, plain
	case coded && t.class == code && (f.class == code || f.class == ident || f.class == thing):
		return 1, keyed
	case coded:
		return 0.5, keyed
	case from == 0 || to == 0:
		return 0.9, plain
	case t.views[0]["phone"] > 0.5 && to.Has(schema.Text) && from&schema.Text != 0 && f.views[0]["phone"] > 0:
		return 1, dialled
	case to.Has(from) && from&schema.Number == 0 || to&schema.Number != 0 && from&(schema.Number|schema.Integer) != 0:
		return 1, plain
	case to&schema.Integer != 0 && to&(schema.Number|schema.Text) == 0 && from == schema.Number:
		return 0.98, rounded
	case to.Has(schema.Text) && from&(schema.Number|schema.Integer) != 0:
		return 0.98, plain
	case to&(schema.Number|schema.Integer) != 0 && from&schema.Text != 0:
		if f.seen != present {
			return 0.75, plain
		}
		if gjson.Valid(f.value.String()) && gjson.Parse(f.value.String()).Type == gjson.Number {
			return 0.95, plain
		}
		return 0.3, plain
	case to == schema.Boolean && from&(schema.Integer|schema.Number|schema.Text) != 0 && isFlag(f.node):
		return 0.95, plain
	}
	return 0, plain
}

func scalars(n *schema.Node) bool {
	return n != nil && n.Types != 0 && n.Types&(schema.Object|schema.Array) == 0
}

// sameCodes tells whether the sink takes every code that the source has.
func sameCodes(sink, source *schema.Node) bool {
	return len(source.Choices) > 0 && !slices.ContainsFunc(source.Choices, func(c schema.Choice) bool { return !sink.Allows(c.JSON) })
}

// sameName tells whether two names are of the same words.
func sameName(a, b string) bool { return slices.Equal(words(a), words(b)) }

// within tells whether all words of a name of several are in another one.
func within(name, other string) bool {
	all, has := words(name), words(other)
	return len(all) > 1 && !slices.ContainsFunc(all, func(w string) bool { return !slices.Contains(has, w) })
}

// reasonOf says why a source field is suggested for a sink field.
func reasonOf(t *target, f *field, same bool) string {
	first := ""
	switch {
	case same:
		first = "same name"
	case alike(t.steps[len(t.steps)-1], f.name()) >= 0.6:
		first = "similar name"
	}
	if t.label == "" && f.label == "" {
		if first == "" {
			first = "names of the same meaning"
		}
		return first
	}
	return joinReasons(first, quoted(cmp.Or(f.label, f.name()))+" ~ "+quoted(cmp.Or(t.label, t.steps[len(t.steps)-1])))
}

// quoted gives what a label says first, between quotes.
func quoted(label string) string {
	if label == "" {
		return ""
	}
	main, _ := lead(label)
	return fmt.Sprintf("%q", short(main))
}

func joinReasons(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}
