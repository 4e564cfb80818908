package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// group is keys that belong together: what the configuration holds of them, and which
// keys under name can be changed while an engine runs.
type group struct {
	name string
	of   func(*Config) any
	live []string
}

// fixedGroups are what a running engine cannot change.
func fixedGroups() []group {
	return []group{
		{name: "data", of: func(c *Config) any { return c.Data }},
		{name: "plugins", of: func(c *Config) any { return c.Plugins }},
		{name: "ingress", live: []string{"rate", "burst"}, of: func(c *Config) any {
			in := c.Ingress
			in.Rate = Rate{}
			return in
		}},
		{name: "admin", live: []string{"token"}, of: func(c *Config) any { return c.Admin.Listen }},
		{name: "log", live: []string{"level"}, of: func(c *Config) any { return c.Log.Format }},
		{name: "storage", of: func(c *Config) any {
			st := c.Storage
			if st.NATS != nil {
				n := *st.NATS
				n.places = nil
				st.NATS = &n
			}
			return st
		}},
		{name: "retention", of: func(c *Config) any { return c.Retention }},
	}
}

// Fixed says what keeps c from taking the place of the configuration running in the
// engine that runs it: keys whose values differ and that are looked at when an engine
// starts only. mappings, connections, ingress.rate, ingress.burst, admin.token, log.level and
// tracing can change. Both are resolved.
func (c *Config) Fixed(running *Config) diag.List {
	var out diag.List
	for _, g := range fixedGroups() {
		if reflect.DeepEqual(g.of(c), g.of(running)) {
			continue
		}
		out = append(out, c.changedKeys(running, g)...)
	}
	return out.Compact()
}

// changedKeys names the keys of a group that differ.
func (c *Config) changedKeys(running *Config, g group) diag.List {
	finding := func(n *yaml.Node, key string) diag.Diagnostic {
		const hint = "restart the engine to change it, or put the old value back: meanwhile everything else of the configuration stays as it was, too"
		const message = "`%s` cannot be changed while the engine runs"
		if n == nil { // it was taken out
			return c.src.atLine(1, RuleFixed, hint, message, key)
		}
		return c.src.at(n, RuleFixed, hint, message, key)
	}
	keyNode, value := entry(c.root, g.name)
	_, was := entry(running.root, g.name)
	if value == nil || was == nil || value.Kind != yaml.MappingNode || was.Kind != yaml.MappingNode {
		return diag.List{finding(keyNode, g.name)}
	}
	var out diag.List
	for _, key := range slices.Concat(keysOf(value), keysOf(was)) {
		k, v := entry(value, key)
		if _, old := entry(was, key); !slices.Contains(g.live, key) && !equalNodes(v, old) {
			if k == nil {
				k = keyNode
			}
			out = append(out, finding(k, g.name+"."+key))
		}
	}
	if len(out) == 0 { // what a reference stands for differs
		out = append(out, finding(keyNode, g.name))
	}
	return out
}

// entry gives a key of a map with its value, nil where there is none.
func entry(n *yaml.Node, key string) (_, value *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

func keysOf(n *yaml.Node) []string {
	var out []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		out = append(out, n.Content[i].Value)
	}
	return out
}

// equalNodes tells whether two values are written alike, whatever the layout.
func equalNodes(a, b *yaml.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Kind == b.Kind && a.Value == b.Value && slices.EqualFunc(a.Content, b.Content, equalNodes)
}

// Files gives the files that references in c name, as paths that can be opened,
// sorted.
func (c *Config) Files() []string {
	var out []string
	for _, p := range c.pending {
		for _, part := range p.template {
			if part.scheme != "file" {
				continue
			}
			path := part.name
			if !filepath.IsAbs(path) {
				path = filepath.Join(c.Dir, path)
			}
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Folders gives the folders in which files may come or go that the key mappings
// names, sorted.
func (c *Config) Folders() []string {
	var out []string
	for _, pattern := range c.patterns {
		// Every folder on the way that a pattern may add to.
		for dir := filepath.Dir(pattern); ; dir = filepath.Dir(dir) {
			found, _ := filepath.Glob(dir) // the pattern is known to be well-formed
			out = append(out, found...)
			if !hasMeta(dir) {
				break
			}
		}
	}
	out = slices.DeleteFunc(out, func(dir string) bool {
		info, err := os.Stat(dir)
		return err != nil || !info.IsDir()
	})
	slices.Sort(out)
	return slices.Compact(out)
}
