package mapping

import (
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// fallen finds fields that stand beside the object or array that they belong to, as
// they do if they are indented too little, reports each such group once, and puts
// them where they belong, so that nothing else is said of them.
func (c *compiler) fallen(entries []entry, sink *schema.Node) []entry {
	if sink == nil {
		return entries
	}
	for i := 0; i+1 < len(entries); i++ {
		inside := ownFields(entries[i].value)
		if inside == nil {
			continue
		}
		node := sink.Property(entries[i].name)
		if node != nil && node.Items != nil {
			node = node.Items
		}
		n := i + 1
		for n < len(entries) && sink.Property(entries[n].name) == nil && !slices.Contains(longKeys(), entries[n].name) &&
			(isEmpty(inside) && sink.Closed || node.Property(entries[n].name) != nil) {
			n++
		}
		if n == i+1 {
			continue
		}
		hint := "indent it further"
		if last := entries[n-1].key.Line; n > i+2 {
			hint = "indent it and what follows, to line " + strconv.Itoa(last) + ", further"
		}
		first := entries[i+1].key
		c.doc.errorAt("CW104", c.doc.spanOf(first), hint, "`%s` belongs to the `fields` of `%s`, and stands beside it", entries[i+1].name, entries[i].name)
		if isEmpty(inside) {
			inside.Kind, inside.Tag, inside.Line, inside.Column = yaml.MappingNode, "", first.Line, first.Column
		}
		for _, e := range entries[i+1 : n] {
			inside.Content = append(inside.Content, e.key, e.value)
		}
		entries = slices.Delete(slices.Clone(entries), i+1, n)
	}
	return entries
}

// ownFields is what stands behind the `fields` that a value in block style ends with,
// a map or nothing yet; nil if it does not.
func ownFields(value *yaml.Node) *yaml.Node {
	if value.Kind != yaml.MappingNode || value.Style&yaml.FlowStyle != 0 || len(value.Content) < 2 {
		return nil
	}
	key, last := value.Content[len(value.Content)-2], value.Content[len(value.Content)-1]
	if key.Value != "fields" || !isEmpty(last) && (last.Kind != yaml.MappingNode || last.Style&yaml.FlowStyle != 0) {
		return nil
	}
	return last
}
