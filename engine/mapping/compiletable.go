package mapping

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// tableNode reads a table that is written out, or the file that is named instead.
func (c *compiler) tableNode(name string, n *yaml.Node, at span) (*table, bool) {
	if n.Kind == yaml.ScalarNode && !diag.IsNull(n) {
		return c.tableFile(name, n, at)
	}
	t := &table{name: name, at: at}
	return t, c.tableRows(t, n, at)
}

// tableRows fills a table from a map of keys and single values.
func (c *compiler) tableRows(t *table, n *yaml.Node, at span) bool {
	t.rows = map[string]any{}
	entries, ok := c.doc.entries(n, "a table")
	if !ok {
		return false
	}
	if len(entries) == 0 {
		c.doc.errorAt("CW160", at, "", "the table is empty")
		return false
	}
	for _, e := range entries {
		if diag.IsNull(e.value) && e.value.Value == "" {
			hint := "write the value, or `null` for none"
			if strings.Contains(e.name, ":") {
				hint = "a space stands behind the colon: {2: 1, 8: 2}"
			}
			c.doc.errorAt("CW160", c.doc.spanOf(e.key), hint, "the row `%s` has no value", e.name)
			ok = false
			continue
		}
		raw, good := c.json(e.value)
		if e.value.Kind != yaml.ScalarNode {
			c.doc.errorAt("CW160", c.doc.spanOf(e.value), "", "a row of a table is a single value, and this is %s", diag.KindOf(e.value))
			ok = false
			continue
		}
		v, fine := decode(raw)
		if !good || !fine {
			c.doc.errorAt("CW160", c.doc.spanOf(e.value), "", "this cannot be read as a value")
			ok = false
			continue
		}
		t.rows[e.name], t.keys, t.places = v, append(t.keys, e.name), append(t.places, c.doc.spanOf(e.key))
		t.values = append(t.values, c.doc.spanOf(e.value))
	}
	return ok
}

func (c *compiler) inlineTables(n *yaml.Node) {
	entries, ok := c.doc.entries(n, "`tables`")
	if !ok {
		c.doc.tableless = true
		return
	}
	for _, e := range c.doc.slipped(entries, "tables") {
		t, ok := c.tableNode(e.name, e.value, c.doc.spanOf(e.key))
		if !ok {
			t = &table{name: e.name, rows: map[string]any{}, at: c.doc.spanOf(e.key), used: true, broken: true}
		}
		c.tables[e.name] = t
	}
}

// tableOf reads the `table` of a value: a name or an inline table.
func (c *compiler) tableOf(n *yaml.Node) (*table, bool) {
	if n.Kind != yaml.ScalarNode {
		return c.tableNode("", n, c.doc.spanOf(n))
	}
	name, ok := c.doc.text(n, "`table`")
	if !ok {
		return nil, false
	}
	if strings.Contains(name, "/") {
		c.doc.errorAt("CW153", c.doc.spanOf(n), fmt.Sprintf("declare it: tables: {codes: %s}, and use its name: table: codes", name), "a table in a file is declared under `tables`")
		return nil, false
	}
	t, problem, hint := c.tableNamed(name)
	if t == nil && c.lostTable(name) {
		return nil, false
	}
	if t == nil {
		c.doc.errorAt("CW153", c.doc.spanOf(n), hint, "%s", problem)
		c.doc.lose(name)
		return nil, false
	}
	if len(t.columns) > 0 {
		c.doc.errorAt("CW153", c.doc.spanOf(n), "for example table: "+t.name+"."+t.columns[0], "table `%s` has several columns, and this does not say which: %s", t.name, strings.Join(t.columns, ", "))
		return nil, false
	}
	return t, true
}

// tableNamed finds a table, or a column of one (shipping.carrier); a file's only
// column need not be named. If there is none it says what is wrong.
func (c *compiler) tableNamed(name string) (t *table, problem, hint string) {
	if t = c.tables[name]; t != nil {
		t.used = true
		return t.only(), "", ""
	}
	base, column, dotted := strings.Cut(name, ".")
	if t = c.tables[base]; t != nil && dotted {
		t.used = true
		if v := t.column(column); v != nil {
			return v, "", ""
		}
		if t.broken {
			return t, "", ""
		}
		hint = diag.DidYouMean(column, t.columns)
		switch {
		case len(t.columns) == 0:
			hint = "only a CSV file has columns"
		case hint == "":
			hint = "it has " + strings.Join(t.columns, ", ")
		}
		return nil, fmt.Sprintf("table `%s` has no column `%s`", base, column), hint
	}
	hint = diag.DidYouMean(name, c.tableNames())
	if hint == "" && len(c.tables) == 0 {
		hint = fmt.Sprintf("declare it: tables: {%s: {3: 1, 8: 2}}", base)
	}
	return nil, fmt.Sprintf("there is no table `%s`", name), hint
}
