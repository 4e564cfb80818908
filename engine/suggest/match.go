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
	return slices.Clone(out[:min(len(out), kept)])
}

// kept is how many candidates of a field are kept: others may have a better claim
// to the first of them.
const kept = 12

// pair says how likely one source field is meant by a sink field.
func (m *matcher) pair(t *target, f *field) (candidate, bool) {
	c := candidate{fields: []*field{f}}
	fits, way := m.fits(t, f)
	if fits == 0 {
		return c, false
	}
	c.way = way
	kin := kinship(t.class, classAs(f, way))
	views := f.vectors
	switch {
	case t.class == percent && f.class != percent && way == plain && f.flag != nil:
		c.guard, c.guardValue = f.flag, f.flagValue
		kin, views = 1, []vector{m.lex.vector(f.views[0].with(meaning{"percent": 1}, 1))}
	case way == keyed:
		views = f.coded
	}
	if t.key {
		if score, reason := m.orderKey(f); score > 0 {
			c.score, c.reason = m.evident(score*fits, f), reason
			return c, true
		}
		fits *= 0.5 // nothing else tells orders apart for sure
	}
	score := 0.0
	for _, a := range t.vectors {
		for _, b := range views {
			score = max(score, overlap(a, b, f.around))
		}
	}
	switch {
	case slices.Equal(t.words, f.words):
		score += (1 - score) * 0.4
	case within(t.words, f.words):
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
	return c, c.score >= worth/2
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
	for _, parts := range nameGroups(fields) {
		f := parts[0]
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

// nameGroups finds the parts of persons' names: surname, first name and patronymic
// of one object each, where at least two are there.
func nameGroups(fields []*field) [][]*field {
	of := map[string]int{}
	var groups [][]*field
	for _, c := range []concept{"surname", "firstname", "patronymic"} {
		for _, f := range fields {
			if !speaks(f, c) {
				continue
			}
			at := strings.Join(f.steps[:len(f.steps)-1], ".")
			i, known := of[at]
			switch {
			case c == "surname" && !known:
				of[at] = len(groups)
				groups = append(groups, []*field{f})
			case c != "surname" && known && !slices.ContainsFunc(groups[i], func(g *field) bool { return speaks(g, c) }):
				groups[i] = append(groups[i], f)
			}
		}
	}
	return slices.DeleteFunc(groups, func(g []*field) bool { return len(g) < 2 })
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
	return m.orderSum(t, fields)
}

// orderSum finds what the whole order costs, as an amount of t.
func (m *matcher) orderSum(t *target, fields []*field) (candidate, bool) {
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

// within tells whether all words of a name of several are in another one.
func within(all, has []string) bool {
	return len(all) > 1 && !slices.ContainsFunc(all, func(w string) bool { return !slices.Contains(has, w) })
}

// reasonOf says why a source field is suggested for a sink field.
func reasonOf(t *target, f *field) string {
	first := ""
	switch {
	case slices.Equal(t.words, f.words):
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
