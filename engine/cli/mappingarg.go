package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/project"
)

// mappingFiles is mappingFile for several.
func mappingFiles(cfg *config.Config, args []string) ([]string, error) {
	var out []string
	for _, arg := range args {
		file, err := mappingFile(cfg, arg)
		if err != nil {
			return nil, err
		}
		out = append(out, file)
	}
	return out, nil
}

// mappingFile gives the file that the command line names: a mapping's file, or the
// name of a mapping of the configuration. A file that is not there is an error only
// when it is read, unless arg can be nothing but a name.
func mappingFile(cfg *config.Config, arg string) (string, error) {
	info, err := os.Stat(arg)
	if err == nil && !info.IsDir() {
		return arg, nil
	}
	known := mappingNames(cfg)
	var files []string
	for _, m := range known {
		if m.name == arg {
			files = append(files, m.file)
		}
	}
	switch {
	case len(files) == 1:
		return files[0], nil
	case len(files) > 1:
		return "", fmt.Errorf("%s name themselves %s: name the file", strings.Join(files, " and "), arg)
	case err == nil:
		return "", fmt.Errorf("%s is a folder: name a mapping's file, as %s", arg, filepath.Join(arg, "mapping.yaml"))
	case filepath.Base(arg) != arg || filepath.Ext(arg) != "":
		return arg, nil
	}
	var names []string
	for _, m := range known {
		names = append(names, m.name)
	}
	hint := diag.Known(arg, slices.Compact(names))
	if hint == "" {
		hint = project.Relative(cfg.File) + " has no mappings; name a file"
	}
	return "", fmt.Errorf("there is no file %s, and no mapping of this name in %s; %s", arg, project.Relative(cfg.File), hint)
}

// namedMapping is a mapping's name and its file.
type namedMapping struct{ name, file string }

// nameLine is the line of a mapping's file that holds its name.
var nameLine = regexp.MustCompile(`(?m)^mapping:[ \t]*["']?([A-Za-z0-9_-]+)`)

// mappingNames lists the configuration's mappings by their names. A file that
// cannot be read, or that has no name, is left out: whoever reads it says why.
func mappingNames(cfg *config.Config) []namedMapping {
	var out []namedMapping
	for _, file := range cfg.Mappings {
		text, err := project.ReadBounded("the mapping", file, mapping.MaxFile)
		if err != nil {
			continue
		}
		if m := nameLine.FindSubmatch(text); m != nil {
			out = append(out, namedMapping{string(m[1]), project.Relative(file)})
		}
	}
	slices.SortFunc(out, func(a, b namedMapping) int { return strings.Compare(a.name, b.name) })
	return out
}

// whichMapping says that map was not told which mapping, and which there are.
func (a *app) whichMapping(named int) error {
	said := fmt.Sprintf("%d are named", named)
	if named == 0 {
		said = "none is named"
	}
	err := fmt.Errorf("map takes one mapping, a file or a name, and %s: crosswalk map MAPPING --input BODY", said)
	cfg, _, loaded := a.load()
	if loaded != nil || cfg == nil {
		return err
	}
	var names []string
	for _, m := range mappingNames(cfg) {
		names = append(names, m.name)
	}
	if hint := diag.Known("", slices.Compact(names)); hint != "" {
		return fmt.Errorf("%w; %s", err, hint)
	}
	return err
}

// missingBody says that map was not told which body, and names a sample of the
// mapping if it has any.
func (a *app) missingBody(mapping string) error {
	if cfg, _, err := a.load(); err == nil && cfg != nil {
		if file, err := mappingFile(cfg, mapping); err == nil {
			mapping = file
		}
	}
	example := ""
	if sample := anySample(mapping); sample != "" {
		example = ", for example " + sample
	}
	return fmt.Errorf("--input is missing: name a file with a body as the source sends it%s, or - for standard input", example)
}

// anySample gives a body beside a mapping's file, "" if there is none.
func anySample(file string) string {
	all, err := findSamples(filepath.Join(filepath.Dir(file), "samples"))
	if err != nil {
		return ""
	}
	for _, s := range all {
		if s.body != "" {
			return project.Relative(s.body)
		}
	}
	return ""
}
