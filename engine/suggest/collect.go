package suggest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// collected finds the fields that say what is collected on delivery and that nothing
// was found for. No record lacks them, and so a parcel would go out as paid.
func (b *builder) collected(targets []*target) {
	for i := range b.draft.Fields {
		f, t := &b.draft.Fields[i], targets[i]
		if f.State != Left || t.elements != nil || t.class != money || t.views[0]["cod"] < 0.5 {
			continue
		}
		f.State = Collected
		sum, known := b.m.orderSum(t, b.src.fields)
		if !known {
			continue
		}
		amount := exprText(sum.fields[0].steps)
		if sum.way == rounded {
			amount = "round(" + amount + ")"
		}
		if when := b.onDelivery(); when != "" {
			f.perhaps = fmt.Sprintf("= if %s { %s } else { 0 }", when, amount)
		}
	}
}

// onDelivery is the condition for an order that is paid when it is delivered: by the
// code of its way to pay, and not paid yet. "CODE" stands for one that is not known.
func (b *builder) onDelivery() string {
	var way *field
	var codes []string
	for _, f := range b.src.fields {
		if v := f.views[0]; max(v["payment"], f.surround["payment"]) < 0.5 || f.class != code && f.class != ident || f.node.Title != "" && v["status"] > 0 {
			continue
		}
		found := b.payOnDelivery(f)
		if way == nil && f.class == code || len(codes) == 0 && len(found) > 0 {
			way, codes = f, found
		}
	}
	if way == nil {
		return ""
	}
	path := exprText(way.steps)
	when := path + ` == "CODE"`
	switch {
	case len(codes) == 1:
		when = path + " == " + codes[0]
	case len(codes) > 1:
		when = path + " in [" + strings.Join(codes, ", ") + "]"
	}
	for _, f := range b.src.fields {
		if f.class == flag && f.views[0]["paid"] > 0.5 && len(f.steps) == len(b.m.keyParent)+1 {
			if yes := "true"; len(f.node.Choices) > 0 {
				when += " and " + exprText(f.steps) + " != " + f.node.Choices[yesOf(f)].JSON
			} else {
				when += " and " + exprText(f.steps) + " != " + yes
			}
			break
		}
	}
	return when
}

// yesOf is the index of the choice of a flag that says yes.
func yesOf(f *field) int {
	for i, c := range f.node.Choices {
		if c.JSON == "1" || c.JSON == "true" {
			return i
		}
	}
	return 0
}

// payOnDelivery gives the codes of a field that its schema or the body calls cash on
// delivery, in JSON.
func (b *builder) payOnDelivery(f *field) []string {
	means := func(title string) bool {
		return slices.ContainsFunc(b.m.lex.ofLabel(title), func(v meaning) bool { return v["cod"] > 0 })
	}
	var out []string
	for _, c := range append(slices.Clone(f.node.Choices), f.node.Known...) {
		if means(c.Title) || means(plainText(c.JSON)) {
			out = append(out, c.JSON)
		}
	}
	if len(out) > 0 || f.seen != present || plainText(f.value.Raw) == "" {
		return out
	}
	beside := f.steps[:len(f.steps)-1]
	for _, name := range []string{"title", "name", "text", "label"} {
		v := b.body.Get(strings.Join(append(slices.Clone(beside), name), "."))
		if v.Type == gjson.String && means(v.Str) {
			return []string{f.value.Raw}
		}
	}
	if means(plainText(f.value.Raw)) {
		return []string{f.value.Raw}
	}
	return nil
}

// collected writes what is left to a person of what is collected on delivery.
func (w *writer) collected(depth int, fields []Field) {
	for i := range fields {
		f := &fields[i]
		if f.State != Collected {
			continue
		}
		name := fieldName(f.Name)
		w.line(depth, "# TODO %s: %s; without a rule nothing is collected on delivery", name, w.about(f))
		if strings.Contains(f.perhaps, `"CODE"`) {
			w.line(depth, "# With the code of cash on delivery for CODE:")
		}
		if f.perhaps != "" {
			w.line(depth, "# %s: %s", name, f.perhaps)
		}
	}
}
