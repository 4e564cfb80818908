package cli

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/config"
)

// placeOf gives the file for a new mapping: one that the configuration's mappings
// name or match. Where they do so for none it is NAME/mapping.yaml beside the others,
// which is to be added to them.
func placeOf(cfg *config.Config, name string) string {
	best, most := "", -1
	for _, written := range cfg.Patterns {
		pattern, found := filepath.Clean(filepath.FromSlash(written)), 0
		file := pattern
		there := mappingsFrom(cfg, pattern)
		if strings.ContainsAny(pattern, "*?[") {
			if file = filled(pattern, there, name); file == "" {
				continue
			}
			found = 1 + len(there) // any pattern is better than a file that is named
		}
		if !filepath.IsAbs(file) {
			file = filepath.Join(cfg.Dir, file)
		}
		if found == 0 {
			if _, err := os.Stat(file); err == nil {
				continue
			}
			if filepath.Base(filepath.Dir(file)) == name {
				return file
			}
		}
		if found > most {
			best, most = file, found
		}
	}
	if best != "" {
		return best
	}
	dir := ""
	for _, file := range cfg.Mappings {
		if filepath.Base(file) == "mapping.yaml" && filepath.Dir(file) != filepath.Clean(cfg.Dir) {
			dir = cmp.Or(dir, filepath.Dir(filepath.Dir(file)))
		}
	}
	return filepath.Join(cmp.Or(dir, filepath.Join(cfg.Dir, "mappings")), name, "mapping.yaml")
}

// mappingsFrom gives the configuration's mappings that a pattern matches, written as
// the pattern is.
func mappingsFrom(cfg *config.Config, pattern string) []string {
	var out []string
	for _, m := range cfg.Mappings {
		if !filepath.IsAbs(pattern) {
			rel, err := filepath.Rel(cfg.Dir, m)
			if err != nil {
				continue
			}
			m = rel
		}
		if ok, err := filepath.Match(pattern, m); ok && err == nil {
			out = append(out, m)
		}
	}
	return out
}

// neighbour gives another of the configuration's mappings in the folder of file, ""
// if there is none.
func neighbour(cfg *config.Config, file string) string {
	file, err := filepath.Abs(file)
	if err != nil {
		return ""
	}
	for _, m := range cfg.Mappings {
		if other, err := filepath.Abs(m); err == nil && other != file && filepath.Dir(other) == filepath.Dir(file) {
			return m
		}
	}
	return ""
}

// filled gives a file that matches the pattern, with name for what stands for any
// name, as those that are there have it; "" if there is none that is plainly meant.
func filled(pattern string, others []string, name string) string {
	separator := string(filepath.Separator)
	steps := strings.Split(pattern, separator)
	var wild []int
	for i, s := range steps {
		if strings.ContainsAny(s, "*?[") {
			wild = append(wild, i)
		}
	}
	// The name is for the folder next to the file; what is above it, as in
	// mappings/*/*/mapping.yaml, is that of a mapping which is there.
	own := wild[len(wild)-1:]
	if own[0] == len(steps)-1 && len(wild) > 1 {
		own = wild[len(wild)-2:]
	}
	if len(own) < len(wild) {
		if len(others) == 0 {
			return ""
		}
		there := strings.Split(others[0], separator)
		for _, k := range wild[:len(wild)-len(own)] {
			steps[k] = there[k]
		}
	}
	for _, k := range own {
		tries := []string{name, name + ".yaml", name + ".yml", strings.Replace(steps[k], "*", name, 1)}
		i := slices.IndexFunc(tries, func(s string) bool {
			ok, err := filepath.Match(steps[k], s)
			return ok && err == nil && (k < len(steps)-1 || filepath.Ext(s) != "")
		})
		if i < 0 {
			return ""
		}
		steps[k] = tries[i]
	}
	file := strings.Join(steps, separator)
	if ok, err := filepath.Match(pattern, file); !ok || err != nil {
		return ""
	}
	return file
}
