package exhaust

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// values lists what a place can hold, the usual value first.
func (p *place) values() []option {
	var out []option
	switch p.kind {
	case object:
		out = []option{{whole: true}, {json: "{}"}}
		if p.always {
			out = out[:1]
		}
	case array:
		out = []option{{whole: true, count: max(1, len(p.kids))}, {json: "[]"}}
		for n := 1; n <= 2; n++ {
			if n != out[0].count {
				out = append(out, option{whole: true, count: n})
			}
		}
	default:
		out = p.leafValues()
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

// leafValues lists the values of a text, a number or a boolean.
func (p *place) leafValues() []option {
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
	samples := p.samples(t)
	inMapping := p.named(t)
	if len(p.keys) == 0 && len(known) == 0 { // else the sample has no row, or is beside what is known
		for _, s := range samples[:min(1, len(samples))] {
			add(option{json: s, unnamed: true})
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
		add(option{json: s, named: s == "true" || s == "false", unnamed: true})
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

// samples are values that stand for any of a type; more of them where only a few
// can be read, as texts that hold dates.
func (p *place) samples(t schema.Types) []string {
	var out []string
	if t == 0 || t&schema.Text != 0 {
		out = append(out, p.texts()...)
		if !p.isKey && p.lookup == "" {
			out = append(out, `""`)
		}
	}
	if t&(schema.Number|schema.Integer) != 0 {
		out = append(out, "1", "0")
		if t&schema.Number != 0 {
			out = append(out, "2.5")
		}
	}
	if t&schema.Boolean != 0 {
		out = append(out, "true", "false")
	}
	if len(out) == 0 && t&schema.Array != 0 {
		out = append(out, "[]")
	}
	return out
}

func (p *place) texts() []string {
	format := ""
	if p.node != nil {
		format = p.node.Format
	}
	switch format {
	case "date-time":
		return []string{`"2024-01-02T03:04:05Z"`}
	case "date":
		return []string{`"2024-01-02"`}
	case "time":
		return []string{`"03:04:05Z"`}
	case "email":
		return []string{`"a@example.com"`}
	case "uri":
		return []string{`"https://example.com/"`}
	}
	return []string{`"x"`}
}

// readable are texts to try instead of "x" where that cannot be read.
func readable() []string {
	return []string{`"1"`, `"2024-01-02 03:04:05"`, `"2024-01-02T03:04:05Z"`, `"2024-01-02"`, `"02.01.2024"`, `"[]"`, `"{}"`}
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
		return p.node.MaxLength == 0 || len(raw)-2 <= p.node.MaxLength
	}
	within := func(bound string, sign float64) bool {
		b, err := strconv.ParseFloat(bound, 64)
		return bound == "" || err != nil || (n-b)*sign >= 0
	}
	return within(p.node.Minimum, 1) && within(p.node.Maximum, -1)
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // no text fails
		return `""`
	}
	return string(b)
}
