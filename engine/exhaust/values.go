package exhaust

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// values lists what a place can hold, the usual value first.
func (p *place) values(l limits) []option {
	var out []option
	switch p.kind {
	case object:
		out = []option{{whole: true}, {json: "{}"}}
		if p.always {
			out = out[:1]
		}
	case array:
		out = p.counts()
	default:
		out = p.leafValues(l)
	}
	t := schema.Types(0)
	if p.node != nil {
		t = p.node.Types
	}
	if !p.always {
		out = append(out, option{})
	}
	if !p.isKey && (!p.always || t&schema.Null != 0) {
		out = append(out, option{json: "null", rare: true})
	}
	return out
}

// counts lists how many elements an array has: those that are read apart, none, 1 and
// 2, or as few and as many as its schema allows.
func (p *place) counts() []option {
	least, most := 0, -1
	if p.node != nil {
		least = min(p.node.MinItems, maxItems)
		if p.node.MaxItems > 0 {
			most = p.node.MaxItems
		}
	}
	var out []option
	for _, n := range append([]int{max(1, len(p.kids), least), 0, 1, 2}, p.sizes(maxCount)...) {
		if most >= 0 {
			n = min(n, most)
		}
		n = max(n, least)
		if slices.ContainsFunc(out, func(o option) bool { return o.whole && o.count == n || n == 0 && !o.whole }) {
			continue
		}
		if n == 0 {
			out = append(out, option{json: "[]"})
		} else {
			out = append(out, option{whole: true, count: n})
		}
	}
	return out
}

const (
	// maxSizes is how many numbers that a text or a list is compared with are taken for
	// its size, maxCount the most elements that a list gets for it.
	maxSizes = 3
	maxCount = 100
)

// sizes are the whole numbers that the mapping compares a text or a list with, and one
// more: what is said of its length decides between them.
func (p *place) sizes(most int) []int {
	var out []int
	for _, c := range p.constants {
		if n, err := strconv.Atoi(c); err == nil && n > 0 && n < most && len(out) < 2*maxSizes {
			out = append(out, n, n+1)
		}
	}
	return out
}

// leafValues lists the values of a text, a number or a boolean.
func (p *place) leafValues(l limits) []option {
	t := schema.Types(0)
	var choices, known []schema.Choice
	if p.node != nil {
		t, choices, known = p.node.Types, p.node.Choices, p.node.Known
	}
	var out []option
	add := func(o option) {
		if i := slices.IndexFunc(out, func(x option) bool { return schema.Equal(x.json, o.json) }); i >= 0 {
			out[i].named = out[i].named || o.named
		} else if len(out) < maxValues && p.allows(o.json) {
			out = append(out, o)
		}
	}
	naming := append(slices.Clone(choices), known...)
	// The usual value has a row in the table, if there is one.
	for _, k := range p.keys {
		for _, c := range naming {
			if strings.Trim(c.JSON, `"`) == k {
				add(option{json: c.JSON, title: c.Title, named: true})
			}
		}
	}
	for _, c := range naming {
		add(option{json: c.JSON, title: c.Title, named: true})
	}
	if len(choices) > 0 {
		return out
	}
	samples := p.samples(t, l)
	inMapping := p.named(t)
	if len(p.keys) == 0 && len(known) == 0 { // else the sample has no row, or is beside what is known
		for _, s := range samples[:min(1, len(samples))] {
			s.unnamed = true
			add(s)
		}
	}
	for _, v := range inMapping {
		add(option{json: v, named: true, unnamed: true})
	}
	if t.Has(schema.Integer) && t != 0 {
		for _, v := range p.beyond() {
			add(option{json: v, unnamed: true})
		}
	}
	highest := 0
	for _, o := range out {
		if n, err := strconv.Atoi(o.json); err == nil {
			highest = max(highest, n)
		}
	}
	if len(out) > 0 && highest > 0 && t.Has(schema.Integer) {
		add(option{json: strconv.Itoa(highest + 1), unnamed: true})
	}
	for _, s := range samples {
		s.named, s.unnamed = s.json == "true" || s.json == "false", true
		add(s)
	}
	if len(out) == 0 { // bounds that leave nothing of the samples
		for _, bound := range []string{p.node.Minimum, p.node.Maximum} {
			if bound != "" {
				out = append(out, option{json: bound})
			}
		}
	}
	if len(out) == 0 {
		out = append(out, option{json: "{}"})
	}
	return out
}

// samples are values that stand for any of a type.
func (p *place) samples(t schema.Types, l limits) []option {
	var out []option
	one := func(list ...string) {
		for _, s := range list {
			out = append(out, option{json: s})
		}
	}
	if t == 0 || t&schema.Text != 0 {
		switch {
		case len(mapping.DateExamples(p.node)) > 0:
			for _, date := range mapping.DateExamples(p.node) {
				one(quote(date))
			}
		case p.node != nil && ofFormat(p.node.Format) != "":
			one(ofFormat(p.node.Format))
		case p.node != nil && len(p.node.Known) > 0, len(p.keys) > 0:
			out = append(out, p.freeTexts(limits{})[0]) // stands for any other
		default:
			p.free = true
			out = append(out, p.freeTexts(l)...)
			for _, n := range p.sizes(maxLength) {
				if p.node == nil || p.node.MaxLength == 0 || n <= p.node.MaxLength {
					out = append(out, option{json: quote(strings.Repeat("x", n)), rare: n > everywhere, long: n > everywhere}, option{json: quote(strconv.Itoa(n))})
				}
			}
		}
		if !p.isKey && p.lookup == "" {
			one(`""`)
		}
	}
	if t&(schema.Number|schema.Integer) != 0 {
		one("1", "0")
		if t&schema.Number != 0 {
			one("2.5")
		}
		if p.counted {
			one(farCounts()...)
		}
		for _, n := range l.numbers {
			if t&schema.Number != 0 || !strings.Contains(n, ".") {
				out = append(out, option{json: n, rare: true})
			}
		}
	}
	if t&schema.Boolean != 0 {
		one("true", "false")
	}
	if len(out) == 0 && t&schema.Array != 0 {
		one("[]")
	}
	return out
}

// farCounts are numbers that are beyond any text or list.
func farCounts() []string { return []string{"1000000000", "-1", "-1000000000"} }

// beyondBounds are numbers that a sink's field does not take, a little beyond its
// bounds.
func beyondBounds(n *schema.Node) []string {
	var out []string
	for bound, step := range map[string]int{n.Minimum: -1, n.Maximum: 1} {
		if whole, err := strconv.Atoi(bound); err == nil && whole > -1<<53 && whole < 1<<53 {
			out = append(out, strconv.Itoa(whole+step))
		}
	}
	return out
}

// named are the values that the mapping itself names, as far as they fit the type.
func (p *place) named(t schema.Types) []string {
	var out []string
	for _, k := range p.keys {
		number := json.Valid([]byte(k)) && k[0] != '"' && (k[0] == '-' || k[0] >= '0' && k[0] <= '9')
		switch {
		case number && t&(schema.Number|schema.Integer) != 0:
			out = append(out, k)
		case t == 0 || t&schema.Text != 0:
			out = append(out, quote(k))
		}
	}
	for _, c := range p.constants {
		if c == "" || t != 0 && !t.Has(kindOf(c)) {
			continue
		}
		out = append(out, c)
	}
	return out
}

// beyond are the values on the other side of < and > of those that the mapping names.
func (p *place) beyond() []string {
	var out []string
	for _, c := range p.constants {
		if n, err := strconv.Atoi(c); err == nil && n < 1<<30 {
			out = append(out, strconv.Itoa(n+1))
		}
	}
	return out
}

func kindOf(raw string) schema.Types {
	switch raw[0] {
	case '"':
		return schema.Text
	case 't', 'f':
		return schema.Boolean
	case 'n':
		return schema.Null
	}
	if strings.ContainsAny(raw, ".eE") {
		return schema.Number
	}
	return schema.Integer
}

// allows reports whether the schema's bounds let a value stand.
func (p *place) allows(raw string) bool {
	if raw == "" || p.node == nil {
		return true
	}
	n, err := strconv.ParseFloat(raw, 64)
	if err != nil {
		return p.node.MaxLength == 0 || utf8.RuneCountInString(raw)-2 <= p.node.MaxLength
	}
	within := func(bound string, sign float64) bool {
		b, err := strconv.ParseFloat(bound, 64)
		return bound == "" || err != nil || (n-b)*sign >= 0
	}
	return within(p.node.Minimum, 1) && within(p.node.Maximum, -1)
}

// textOf is the text that a JSON value is; "" for all but texts.
func textOf(raw string) string {
	var s string
	if raw == "" || raw[0] != '"' || json.Unmarshal([]byte(raw), &s) != nil {
		return ""
	}
	return s
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // no text fails
		return `""`
	}
	return string(b)
}
