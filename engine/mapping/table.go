package mapping

import (
	"encoding/json"
	"slices"
	"strings"
)

// table is an inline code table: text keys to constants in JSON.
type table struct {
	name string
	rows map[string]any
	keys []string
	at   span
	used bool
}

// get returns the row of a key. A code without a row is a failure unless the rule
// has a default.
func (t *table) get(key any, at span, source string, lenient bool) (any, error) {
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
	what := "the table"
	if t.name != "" {
		what = "table `" + t.name + "`"
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
		at: at, rule: "CW305", path: source,
		message: what + " has no row for " + string(mustJSON(s)) + where,
		hint:    "it has rows for " + strings.Join(keys, ", ") + "; add a row, or a `default` to the rule",
	}
}

func mustJSON(s string) []byte {
	b, err := json.Marshal(shorten(s))
	if err != nil {
		return []byte(s)
	}
	return b
}
