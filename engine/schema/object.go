package schema

// ObjectOf returns the node of an object that has the given fields and no others.
func ObjectOf(fields ...Property) *Node {
	n := &Node{Types: Object, Closed: true}
	for _, f := range fields {
		n.setProperty(f.Name, f.Node)
	}
	return n
}
