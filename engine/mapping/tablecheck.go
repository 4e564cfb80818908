package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// tableUse is a value that a table is read with.
type tableUse struct {
	table *table
	at    span
	// key describes the value, which stands at keyAt and is called name there; source is
	// its path, if it is one.
	key          typ
	keyAt        span
	source, name string
	// lenient means that a value without a row is provided for.
	lenient bool
	// remedy is what can be done about a value without a row; "" for addRow.
	remedy string
}

// choices returns what the value can be, as texts, with their titles, and whether it
// can be nothing else; nil if the schema does not say.
func (u *tableUse) choices() (values, titles []string, closed bool) {
	d := u.key.domain()
	if d == nil {
		return nil, nil, false
	}
	for _, choice := range d.list {
		v, ok := decode([]byte(choice.JSON))
		if !ok || v == nil {
			continue
		}
		if s, ok := textOf(v); ok && s != "" {
			values, titles = append(values, s), append(titles, choice.Title)
		}
	}
	return values, titles, !d.open
}

// left reports whether the mapping leaves events without a row to the dead letters on
// purpose.
func (c *compiler) left(u *tableUse) bool {
	path := AnyIndex(u.source)
	return slices.ContainsFunc(c.accepts, func(a Accept) bool {
		return a.Rule == "CW305" && !a.Unnamed && a.Field == "" && (a.Path == "" || a.Path == path || strings.HasPrefix(path, a.Path+"."))
	})
}

// rowsFit checks that every row of a table can go to the sink's field, or can become the
// `type` that the rule says. What cannot is reported at the row, wherever the table
// stands.
func (c *compiler) rowsFit(t *table, rule span, keys map[string]entry, to target) bool {
	doc, needs := c.doc, "as `"+to.field+"` needs"
	if e, typed := keys["type"]; typed {
		to.sink, needs = nil, "as `type: "+e.value.Value+"` needs"
		if as := conversions()[e.value.Value]; as != 0 {
			to.sink = &schema.Node{Types: as}
		}
	}
	if to.sink == nil {
		return true
	}
	if t.doc != nil {
		doc, needs = t.doc, needs+fmt.Sprintf(" (%s:%d)", c.doc.file, rule.pos.Line)
	}
	wrong := 0
	for i, k := range t.keys {
		raw := appendJSON(nil, t.rows[k])
		_, ok, err := convert(nil, raw, to.sink)
		if err == nil && (ok || string(raw) == "null") {
			continue
		}
		if wrong++; wrong > maxTableFindings || len(c.doc.found) >= maxFindings {
			break
		}
		id, why := "CW144", "is not "+kindName(to.sink.Types)
		if err != nil && err.enum {
			id, why = "CW145", "is not among "+err.want
		}
		at := t.places[i]
		if i < len(t.values) {
			at = t.values[i]
		} else if t.of != nil {
			at = t.cell(i)
		}
		c.doc.found = append(c.doc.found, doc.diagnostic(diag.Error, id, at,
			fmt.Sprintf("row `%s` of %s gives %s, and that %s, %s", shorten(k), t.called(), raw, why, needs), ""))
	}
	return wrong == 0
}

// checkTables holds the keys of tables against what the source's schema says that
// the values can be.
func (c *compiler) checkTables() {
	var order []*table
	uses := map[*table][]*tableUse{}
	type pair struct {
		t      *table
		source string
	}
	warned := map[pair]bool{} // of what lacks rows, once however often it is read
	for i := range c.tableUses {
		u := &c.tableUses[i]
		base := u.table
		if base.of != nil {
			base = base.of
		}
		if base.broken {
			continue
		}
		if uses[base] == nil {
			order = append(order, base)
		}
		uses[base] = append(uses[base], u)
		if p := (pair{base, u.name}); !warned[p] || u.key.sure != nil {
			warned[p] = c.missingRows(base, u)
		}
	}
	for _, t := range order {
		c.deadRows(t, uses[t])
	}
}

// missingRows warns of values that have no row, and reports whether it did.
func (c *compiler) missingRows(t *table, u *tableUse) bool {
	if u.key.sure != nil {
		return c.missingRow(t, u)
	}
	values, titles, closed := u.choices()
	if u.lenient || len(values) == 0 || c.left(u) {
		return false
	}
	var without []string
	for i, v := range values {
		if _, ok := t.rows[v]; ok {
			continue
		}
		if titles[i] != "" {
			v += " (" + titles[i] + ")"
		}
		without = append(without, v)
	}
	if len(without) == 0 {
		return false
	}
	if len(without) > 8 {
		without = append(without[:8], "…")
	}
	hint, beside := "an event that has it becomes a dead letter; "+cmp.Or(u.remedy, addRow), ""
	if !closed {
		hint, beside = hint+"; if it is left to the dead letters on purpose, say it under `accept`", " among others"
	}
	c.doc.warnAt("CW164", u.at, hint,
		"%s has no row for %s, which `%s` can be%s", t.called(), strings.Join(without, ", "), u.name, beside)
	return true
}

// deadRows reports keys that no value can ever be. In a file, which other mappings
// may share, they are warnings.
func (c *compiler) deadRows(t *table, uses []*tableUse) {
	for _, u := range uses {
		if u.key.sure != nil { // one of the rows is picked
			return
		}
	}
	doc, sev := c.doc, diag.Error
	if t.doc != nil {
		doc, sev = t.doc, diag.Warning
	}
	reported := 0
	for i, key := range t.keys {
		canBe := func(key string) bool {
			return slices.ContainsFunc(uses, func(u *tableUse) bool { return u.canBe(key) })
		}
		if len(c.doc.found) >= maxFindings || canBe(key) {
			continue
		}
		if bare := strings.TrimSpace(key); t.cells != nil && bare != key && canBe(bare) { // the blanks are reported
			continue
		}
		if reported++; reported > maxTableFindings {
			return
		}
		why, hint := uses[0].never(t, key)
		d := doc.diagnostic(sev, "CW162", t.places[i], "the key `"+shorten(key)+"` cannot occur: "+why, hint)
		c.doc.found = append(c.doc.found, d)
	}
}

// called names the table in a message.
func (t *table) called() string {
	if t.name == "" {
		return "the table"
	}
	return "table `" + t.name + "`"
}

// typ is what the table's rows are.
func (t *table) typ() typ {
	if len(t.columns) > 0 { // an object of texts
		cells := make([]schema.Property, len(t.columns))
		for i, name := range t.columns {
			cells[i] = schema.Property{Name: name, Node: &schema.Node{Types: schema.Text}}
		}
		return typ{kinds: schema.Object, node: schema.ObjectOf(cells...)}
	}
	var kinds schema.Types
	for _, v := range t.rows {
		kinds |= kindOf(v)
	}
	out := typ{kinds: kinds}
	if !t.broken {
		out.values = t.domain()
	}
	return out
}
