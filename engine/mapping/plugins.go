package mapping

import "gopkg.in/yaml.v3"

// PluginCatalog is a Catalog that knows which plugin serves a connection. With one the
// events of a mapping's `from` have to be of one plugin.
type PluginCatalog interface {
	Catalog
	// Plugin returns the name of a connection's plugin, "" if it is not known.
	Plugin(connection string) string
}

// otherPlugin reports an event of `from` whose connection has another plugin than the
// events before it.
func (c *compiler) otherPlugin(n *yaml.Node, before []Ref, ref Ref) bool {
	cat, ok := c.cat.(PluginCatalog)
	if !ok {
		return false
	}
	plugin := cat.Plugin(ref.Connection)
	for _, b := range before {
		first := cat.Plugin(b.Connection)
		if plugin == "" || first == "" || plugin == first {
			continue
		}
		c.doc.errorAt("CW112", c.doc.spanOf(n), "write a mapping of its own for `"+ref.String()+"`: the records of two plugins have different fields",
			"`from` lists events of one plugin, and `%s` is of %s, `%s` of %s", b, first, ref, plugin)
		return true
	}
	return false
}
