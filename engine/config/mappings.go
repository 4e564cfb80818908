package config

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// mappings expands the key mappings into files.
func (r *reader) mappings(c *Config, n *yaml.Node) {
	entries := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		entries = n.Content
		if len(entries) == 0 {
			r.warnAt(n, RuleMappings, "", "no mapping is named, so nothing will be delivered")
		}
	}
	for _, e := range entries {
		r.literal("validate needs the mappings too", func(s string) *problem {
			if s == "" {
				return &problem{"the path is empty", "remove the entry"}
			}
			c.Patterns = append(c.Patterns, s)
			r.expand(c, e, s)
			return nil
		})(e)
	}
	slices.Sort(c.Mappings)
	c.Mappings = slices.Compact(c.Mappings)
}

func (r *reader) expand(c *Config, n *yaml.Node, pattern string) {
	if strings.Contains(pattern, "**") {
		r.errorAt(n, RuleMappings, "write a * for each folder: mappings/*/mapping.yaml", "`**` is not supported")
		return
	}
	if !hasMeta(pattern) {
		path := c.under(pattern)
		c.patterns = append(c.patterns, escapePattern(path))
		info, err := os.Stat(path)
		switch {
		case err != nil:
			r.errorAt(n, RuleMappings, "paths are relative to the folder of "+FileName, "there is no mapping file `%s`", pattern)
		case !info.Mode().IsRegular():
			r.errorAt(n, RuleMappings, "name the file: "+strings.TrimSuffix(pattern, "/")+"/mapping.yaml", "`%s` is no file", pattern)
		default:
			c.Mappings = append(c.Mappings, path)
		}
		return
	}
	full := filepath.FromSlash(pattern)
	if !filepath.IsAbs(full) {
		full = filepath.Join(escapePattern(c.Dir), full)
	}
	c.patterns = append(c.patterns, full)
	found, err := filepath.Glob(full)
	if err != nil {
		r.errorAt(n, RuleMappings, "a [ is closed by a ]", "the pattern is malformed")
		return
	}
	found = slices.DeleteFunc(found, func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || !info.Mode().IsRegular()
	})
	if len(found) == 0 {
		d := r.at(n, RuleMappings, "paths are relative to the folder of "+FileName, "no file matches `%s`", pattern)
		d.Severity = diag.Warning
		r.list = append(r.list, d)
	}
	c.Mappings = append(c.Mappings, found...)
}

// hasMeta tells whether a path is a pattern.
func hasMeta(path string) bool { return strings.ContainsAny(path, "*?[") }

// escapePattern makes a folder's name stand for itself in a pattern. Windows has
// no escapes in patterns; a [ in the folder's name is then read as one.
func escapePattern(dir string) string {
	if runtime.GOOS == "windows" {
		return dir
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}
