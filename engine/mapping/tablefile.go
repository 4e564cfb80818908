package mapping

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// tableFile reads a table from the file that n names; a reported mistake gives
// false.
func (c *compiler) tableFile(name string, n *yaml.Node, at span) (*table, bool) {
	file, ok := c.doc.text(n, "a table")
	if !ok {
		return nil, false
	}
	where := c.doc.spanOf(n)
	const hint = "for example tables/shipping.csv, beside the mapping file or in the folder above its own"
	ending := strings.ToLower(filepath.Ext(file))
	switch {
	case ending != ".csv" && ending != ".yaml" && ending != ".yml":
		c.doc.errorAt("CW161", where, hint, "a table's file ends in .csv, .yaml or .yml, and `%s` does not", shorten(file))
		return nil, false
	case strings.Contains(file, `\`):
		c.doc.errorAt("CW161", where, "separate folders by /", "a table's file is named with `/`, and `%s` has a backslash", shorten(file))
		return nil, false
	case !filepath.IsLocal(filepath.FromSlash(file)) || strings.Contains(file, ".."):
		c.doc.errorAt("CW161", where, hint, "a table's file lies within the mappings folder, and `%s` leads out of it", shorten(file))
		return nil, false
	case c.options.Tables == nil:
		c.doc.errorAt("CW161", where, "write the table here: {3: 1, 8: 2}", "table files cannot be read here")
		return nil, false
	}
	f, err := c.options.Tables.ReadTable(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.doc.errorAt("CW161", where, "it is looked for beside the mapping file, then in the folder above its own", "there is no file `%s`", file)
		return nil, false
	case err != nil:
		c.doc.errorAt("CW161", where, "", "`%s` cannot be read: %v", file, err)
		return nil, false
	case len(f.Text) > MaxTableFile:
		c.doc.errorAt("CW161", where, "", "`%s` has %d bytes; a table has at most %d", file, len(f.Text), MaxTableFile)
		return nil, false
	}
	c.files[file] = f.Text
	doc := newDocument(f.Name, f.Text)
	doc.limit = MaxTableFile
	t := &table{name: name, at: at, doc: doc}
	if ending == ".csv" {
		ok = t.readCSV(f.Text)
	} else {
		ok = c.readYAML(t, f.Text)
	}
	for _, d := range doc.found {
		if len(c.doc.found) < maxFindings {
			c.doc.found = append(c.doc.found, d)
		}
	}
	doc.found = nil
	return t, ok
}

// readYAML fills a table from a YAML file: one map of keys and single values.
func (c *compiler) readYAML(t *table, text []byte) bool {
	root := t.doc.parseYAML(text)
	if root == nil {
		return false
	}
	in := &compiler{doc: t.doc}
	return in.tableRows(t, root, span{pos: diag.Position{Line: root.Line, Column: root.Column}})
}

// column gives a table of one column of a file with several.
func (t *table) column(name string) *table {
	for i, c := range t.columns {
		if c != name {
			continue
		}
		if t.views[i] == nil {
			v := &table{name: t.name + "." + name, rows: make(map[string]any, len(t.keys)), keys: t.keys, places: t.places, at: t.at, doc: t.doc, of: t}
			for j, k := range t.keys {
				v.rows[k] = t.cells[j][i]
			}
			t.views[i] = v
		}
		return t.views[i]
	}
	return nil
}

// only gives the table itself, or its column if it has one and no more.
func (t *table) only() *table {
	if len(t.columns) == 1 {
		return t.column(t.columns[0])
	}
	return t
}
