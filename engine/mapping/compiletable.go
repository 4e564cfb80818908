package mapping

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// tableNode reads an inline table.
func (c *compiler) tableNode(name string, n *yaml.Node, at span) (*table, bool) {
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		c.doc.errorAt("CW107", c.doc.spanOf(n), "write the table here: {3: 1, 8: 2}", "tables in files are not supported yet by this version")
		return nil, false
	}
	entries, ok := c.doc.entries(n, "a table")
	if !ok {
		return nil, false
	}
	t := &table{name: name, rows: map[string]any{}, at: at}
	if len(entries) == 0 {
		c.doc.errorAt("CW160", at, "", "the table is empty")
		return nil, false
	}
	for _, e := range entries {
		raw, good := c.json(e.value)
		if e.value.Kind != yaml.ScalarNode {
			c.doc.errorAt("CW160", c.doc.spanOf(e.value), "", "a row of a table is a single value, and this is %s", yamlKind(e.value))
			ok = false
			continue
		}
		v, fine := decode(raw)
		if !good || !fine {
			c.doc.errorAt("CW160", c.doc.spanOf(e.value), "", "this cannot be read as a value")
			ok = false
			continue
		}
		t.rows[e.name], t.keys = v, append(t.keys, e.name)
	}
	return t, ok
}

func (c *compiler) inlineTables(n *yaml.Node) {
	entries, ok := c.doc.entries(n, "`tables`")
	if !ok {
		return
	}
	for _, e := range entries {
		t, ok := c.tableNode(e.name, e.value, c.doc.spanOf(e.key))
		if !ok {
			t = &table{name: e.name, rows: map[string]any{}, at: c.doc.spanOf(e.key), used: true}
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
	if strings.ContainsAny(name, "/.") {
		return c.tableNode(name, n, c.doc.spanOf(n))
	}
	t := c.tables[name]
	if t == nil {
		hint := diag.DidYouMean(name, c.tableNames())
		if hint == "" && len(c.tables) == 0 {
			hint = fmt.Sprintf("declare it: tables: {%s: {3: 1, 8: 2}}", name)
		}
		c.doc.errorAt("CW153", c.doc.spanOf(n), hint, "there is no table `%s`", name)
		return nil, false
	}
	t.used = true
	return t, true
}
