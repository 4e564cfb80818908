package suggest

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// Row is a row of a suggested code table.
type Row struct {
	// Key is the source's code as text, Title what the source calls it.
	Key, Title string
	// Value is the sink's code in JSON, "" where none is suggested; Means is what the
	// sink calls it.
	Value, Means string
	// Confidence is in percent.
	Confidence int
}

// maxCode is the longest text in bytes that is taken for a code.
const maxCode = 100

// codeMatch is how alike two codes' titles must be.
const codeMatch = 0.5

// rows suggests the rows of a table from a source's codes to a sink's.
func (m *matcher) rows(t *target, f *field, beside func(name string) gjson.Result) []Row {
	var out []Row
	listed := append(slices.Clone(f.node.Choices), f.node.Known...)
	for _, c := range listed {
		if key := plainText(c.JSON); key != "" {
			out = append(out, m.row(t, key, c.Title))
		}
	}
	if f.seen == present && !f.value.IsObject() && !f.value.IsArray() {
		key := f.value.String()
		if len(key) <= maxCode && !slices.ContainsFunc(out, func(r Row) bool { return r.Key == key }) {
			title := ""
			for _, name := range []string{"title", "name", "text", "label"} {
				if v := beside(name); title == "" && v.Type == gjson.String {
					title = v.Str
				}
			}
			out = append(out, m.row(t, key, title))
		}
	}
	return out
}

// row finds the sink's code for one of the source's.
func (m *matcher) row(t *target, key, title string) Row {
	r := Row{Key: key, Title: title}
	best := 0.0
	for _, choice := range t.node.Choices {
		score := 0.0
		if plainText(choice.JSON) == key && title == "" && choice.Title == "" {
			score = 1
		}
		for _, said := range []string{title, key} {
			if strings.EqualFold(said, choice.Title) && said != "" {
				score = 1
			}
			for _, a := range m.lex.ofLabel(choice.Title) {
				for _, b := range m.codeMeaning(said) {
					score = max(score, m.sameCode(a, b))
				}
			}
		}
		if score > best+1e-9 {
			best = score
			r.Value, r.Means, r.Confidence = choice.JSON, choice.Title, percentOf(min(score, 0.98))
		}
	}
	if best < codeMatch {
		r.Value, r.Means, r.Confidence = "", "", 0
	}
	return r
}

// sameCode says how alike the titles of two codes are. Where to is less than by
// whom: one carrier has codes for its branches and for the door.
func (m *matcher) sameCode(a, b meaning) float64 {
	weigh := func(c concept) float64 {
		switch {
		case c == "branch" || c == "address":
			return 1
		case c[0] == '?':
			return 0.5
		}
		return m.lex.weigh(c)
	}
	var both, all float64
	for _, c := range a.keys() {
		both += 2 * weigh(c) * min(a[c], b[c])
		all += weigh(c) * a[c]
	}
	for _, c := range b.keys() {
		all += weigh(c) * b[c]
	}
	if all == 0 {
		return 0
	}
	return min(1, both/all)
}

// nobody is where nothing stands beside a code.
func nobody(string) gjson.Result { return gjson.Result{} }

// codeMeaning gives what a code or its title may mean.
func (m *matcher) codeMeaning(said string) []meaning {
	if _, numeric := gjson.Parse(said).Value().(float64); numeric && gjson.Valid(said) {
		return nil
	}
	return m.lex.ofLabel(said)
}

// plainText gives a JSON text or number as text; "" for anything else.
func plainText(json string) string {
	v := gjson.Parse(json)
	if v.Type == gjson.String || v.Type == gjson.Number || v.IsBool() {
		return v.String()
	}
	return ""
}
