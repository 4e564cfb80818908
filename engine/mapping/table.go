package mapping

import (
	"encoding/json"
	"slices"
	"strings"
)

// addRow is what can be done about a code without a row where a rule reads the table.
const addRow = "add a row, or a `default` to the rule"

// table is a code table: text keys to constants.
type table struct {
	name string
	// rows holds each key's value; in a file with several columns an object.
	rows   map[string]any
	keys   []string
	places []span // where each of keys stands
	values []span // where the values stand; not known of a CSV file
	at     span
	used   bool
	broken bool // what is wrong with it was reported
	// doc is the file that the table stands in, nil if it stands in the mapping.
	doc *document
	// columns are the value columns of a CSV file, and cells the rows' values;
	// views are tables of one column each, made when they are used.
	columns []string
	cells   [][]string
	views   []*table
	// of is the table that this one is a column of.
	of *table
}

// whole is the table that has all the columns.
func (t *table) whole() *table {
	if t.of != nil {
		return t.of
	}
	return t
}

// get returns the row of a key. A code without a row is a failure unless the rule
// has a default; remedy is what can be done about it.
func (t *table) get(key any, at span, source string, lenient bool, remedy string) (any, error) {
	s, ok := textOf(key)
	if !ok {
		return nil, &failure{at: at, rule: "CW305", path: source, message: "the key of a table must be a text or a number, and is " + show(key)}
	}
	if v, ok := t.rows[s]; ok {
		return v, nil
	}
	if s == "" || lenient {
		return nil, nil
	}
	where := ""
	if source != "" {
		where = " of `" + source + "`"
	}
	keys := t.keys
	if len(keys) > 12 {
		keys = append(slices.Clone(keys[:12]), "…")
	}
	return nil, &failure{
		at: at, rule: "CW305", path: source, table: t.whole().name, code: s,
		message: t.called() + " has no row for " + string(mustJSON(s)) + where,
		hint:    "it has rows for " + strings.Join(keys, ", ") + "; " + remedy,
	}
}

func mustJSON(s string) []byte {
	b, err := json.Marshal(shorten(s))
	if err != nil {
		return []byte(s)
	}
	return b
}
