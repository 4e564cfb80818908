package diag

import "gopkg.in/yaml.v3"

// IsNull reports whether a value of a YAML file is empty: nothing, ~ or null.
func IsNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// KindOf says what a value of a YAML file is, where something else is wanted: "… is a
// map of keys and values, and this is a list".
func KindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a map"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case IsNull(n):
		return "empty"
	}
	return "a single value"
}
