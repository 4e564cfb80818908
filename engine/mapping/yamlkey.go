package mapping

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// explicitKey reports a key that a `?` begins, which YAML knows for keys that are maps
// and lists, and returns the key and the value that were meant.
func (d *document) explicitKey(k, v *yaml.Node) (key, value *yaml.Node) {
	line := d.lineRunes(k.Line)
	at := min(max(k.Column-1, 0), len(line)) - 1
	before := at
	for before >= 0 && line[before] == ' ' {
		before--
	}
	if before < 0 || before == at || line[before] != '?' || before > 0 && !strings.ContainsRune(" {,", line[before-1]) {
		return k, v
	}
	if k.Kind == yaml.MappingNode && len(k.Content) == 2 { // ? key: value
		k, v = k.Content[0], k.Content[1]
	}
	place := d.spanOf(k)
	place.pos.Column = before + 1
	place.end = place.pos.Column + 1
	name := "key"
	if k.Kind == yaml.ScalarNode {
		name = k.Value
	}
	if !d.broken[k] {
		d.broken[k] = true
		d.errorAt("CW102", place, "write `"+shorten(name)+": …`", "keys with a `?` before them are not supported")
	}
	if isEmpty(v) {
		d.broken[v] = true
	}
	return k, v
}

// colonless recognises a key of a map in { } that has no colon, or no blank behind it,
// and so holds its value, as in {path order_id}. It reports that, and returns the key's
// name; what the value says is not looked at.
func (d *document) colonless(k, v *yaml.Node, what string) (name string, ok bool) {
	if k.Style != 0 || what == "a table" || what == "a constant object" || !strings.ContainsAny(k.Value, " :=") {
		return "", false
	}
	m := regexp.MustCompile(`^([\p{L}_][\p{L}\p{N}_.]*)(:+| *= *| +)(\S.*)$`).FindStringSubmatch(k.Value)
	if m == nil || what == "a value" && !slices.Contains(longKeys(), m[1]) {
		return "", false
	}
	if r, _ := utf8.DecodeRuneInString(m[3]); diag.Invisible(r) != "" {
		return "", false
	}
	if d.broken[v] {
		return m[1], true
	}
	d.broken[v] = true
	message := "a colon is missing behind `" + m[1] + "`"
	if m[2][0] == ':' {
		message = "a blank is missing behind the colon"
	}
	d.errorAt("CW101", d.spanOf(k), "write `"+m[1]+": "+shorten(m[3])+"`", "%s", message)
	return m[1], true
}
