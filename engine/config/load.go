package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// Load reads the configuration in the file at path. It returns everything that
// is wrong with it, sorted by place, and as much of the configuration as could be
// read, nil if it is no YAML at all. References are left unresolved.
func Load(path string) (*Config, diag.List) {
	text, err := readBounded(path, MaxSize)
	if err != nil {
		hint := ""
		if errors.Is(err, os.ErrNotExist) {
			hint = "name the file with --config"
		}
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, diag.List{{
			Rule: RuleRead, Message: "the configuration cannot be read: " + err.Error(), Hint: hint,
			Position: diag.Position{File: path},
		}}
	}
	return Parse(path, text)
}

// Parse is Load for a text that is at hand; path is where it stands or would
// stand, which the paths in it are relative to.
func Parse(path string, text []byte) (*Config, diag.List) {
	if len(text) > MaxSize {
		return nil, diag.List{{
			Rule: RuleRead, Message: "the configuration is larger than 1 MiB", Position: diag.Position{File: path},
		}}
	}
	clean := strings.TrimPrefix(string(text), "\uFEFF")
	src := newSource(path, clean)
	root, list := src.parse(clean)
	if root == nil {
		return nil, list.Compact()
	}
	c := defaults()
	c.File, c.Dir, c.src, c.root = path, filepath.Dir(path), src, root
	c.Data = c.under(c.Data)
	r := &reader{source: src, list: list}
	r.config(c, root)
	c.pending = r.pending
	c.finish(&r.list)
	return c, r.list.Compact()
}

// Find returns the path of the configuration for the folder dir: the file
// crosswalk.yaml in it or in the nearest folder above. The error of none at all
// is os.ErrNotExist.
func Find(dir string) (string, error) {
	at, err := filepath.Abs(dir)
	if err != nil {
		return "", &os.PathError{Op: "find " + FileName + " from", Path: dir, Err: err}
	}
	for {
		path := filepath.Join(at, FileName)
		info, err := os.Stat(path)
		if err == nil && info.Mode().IsRegular() {
			return path, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", &os.PathError{Op: "find", Path: path, Err: errors.Unwrap(err)}
		}
		above := filepath.Dir(at)
		if above == at {
			return "", &os.PathError{Op: "find " + FileName + " in or above", Path: dir, Err: os.ErrNotExist}
		}
		at = above
	}
}

// under makes a path of the configuration one that the process can open.
func (c *Config) under(path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(c.Dir, path)
}

func (r *reader) config(c *Config, root *yaml.Node) {
	in, st := &c.Ingress, &c.Storage
	there := r.object(root, "the configuration",
		field{"data", r.text(nonEmpty(func(s string) { c.Data = c.under(s) }))},
		field{"plugins", r.literal("validate needs the plugins too", nonEmpty(func(s string) { c.Plugins = c.under(s) }))},
		field{"mappings", func(n *yaml.Node) { r.mappings(c, n) }},
		field{"ingress", func(n *yaml.Node) {
			c.ingress = n
			r.object(n, "ingress",
				field{"listen", r.text(address(&in.Listen))},
				field{"tls", func(n *yaml.Node) { r.tls(c, n) }},
				field{"max_body", r.text(size(&in.MaxBody, 1<<10, 16<<20))},
				field{"max_memory", r.text(size(&in.MaxMemory, 1<<20, 1<<40))},
				field{"max_connections", r.text(count(&in.MaxConnections, 1, 100_000))},
				field{"header_timeout", r.text(duration(&in.HeaderTimeout))},
				field{"body_timeout", r.text(duration(&in.BodyTimeout))},
				field{"idle_timeout", r.text(duration(&in.IdleTimeout))},
				field{"decode_timeout", r.text(duration(&in.DecodeTimeout))},
				field{"rate", r.text(c.rate.setRate)},
				field{"burst", r.text(c.rate.setBurst)},
			)
		}},
		field{"admin", func(n *yaml.Node) { r.admin(c, n) }},
		field{"log", func(n *yaml.Node) {
			r.object(n, "log",
				field{"level", r.text(oneOf(&c.Log.Level, "debug", "info", "warn", "error"))},
				field{"format", r.text(oneOf(&c.Log.Format, "text", "json"))},
			)
		}},
		field{"tracing", func(n *yaml.Node) { r.tracing(c, n) }},
		field{"storage", func(n *yaml.Node) {
			const least, most = 16 << 20, 1 << 50
			r.object(n, "storage",
				field{"max_events", r.text(size(&st.MaxEvents, least, most))},
				field{"max_outcomes", r.text(size(&st.MaxOutcomes, least, most))},
				field{"max_dead", r.text(size(&st.MaxDead, least, most))},
				field{"max_undecoded", r.text(size(&st.MaxUndecoded, 64<<20, most))},
				field{"min_free_disk", r.text(size(&st.MinFreeDisk, 1<<20, most))},
				field{"nats", func(n *yaml.Node) { r.nats(c, n) }},
			)
		}},
		field{"retention", func(n *yaml.Node) { r.retention(c, n) }},
		field{"connections", func(n *yaml.Node) { r.connections(c, n) }},
	)
	if root.Kind != yaml.MappingNode {
		return
	}
	for _, needed := range []struct{ key, hint string }{
		{"mappings", `name the mapping files: mappings: ["mappings/*/mapping.yaml"]`},
		{"connections", "name at least one: connections: {shop: {plugin: horoshop, …}}"},
	} {
		if !there[needed.key] {
			r.list = append(r.list, r.atLine(root.Line, RuleMissing, needed.hint, "the configuration has no `%s`", needed.key))
		}
	}
}

// finish works out what depends on several keys.
func (c *Config) finish(list *diag.List) {
	c.Ingress.Rate = c.rate.rate(Rate{})
	for _, conn := range c.Connections {
		conn.Rate = conn.rate.rate(c.Ingress.Rate)
		conn.finishSink(list)
	}
	if c.ingress != nil && c.Ingress.MaxMemory < 2*c.Ingress.MaxBody {
		*list = append(*list, c.src.at(c.ingress, RuleValue, "raise max_memory or lower max_body",
			"ingress: max_memory (%d bytes) must be at least twice max_body (%d bytes)", c.Ingress.MaxMemory, c.Ingress.MaxBody))
	}
	c.finishAdmin(list)
}

func joined(names []string) string {
	names = slices.Clone(names)
	for i, n := range names {
		names[i] = "`" + n + "`"
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
