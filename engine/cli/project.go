package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
)

// project is a configuration with its plugins, as every command but version
// needs it.
type project struct {
	config  *config.Config
	host    *pluginhost.Host
	catalog *catalog
}

// maxMappingBytes bounds what is read of a mapping file; the compiler has a
// smaller bound of its own and says so with the file's name.
const maxMappingBytes = 8 << 20

// load reads the configuration that the flags name or that is nearest.
func (a *app) load() (*config.Config, diag.List, error) {
	path := a.configPath
	if path == "" {
		wd, err := os.Getwd()
		if err != nil {
			return nil, nil, err
		}
		path, err = config.Find(wd)
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil, fmt.Errorf("there is no %s here or in a folder above; name one with --config", config.FileName)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	cfg, findings := config.Load(relative(path))
	return cfg, findings, nil
}

// project joins a configuration with the plugins.
func (a *app) project(cfg *config.Config, log *slog.Logger) (*project, error) {
	dir := cmp.Or(a.pluginsDir, cfg.Plugins)
	if dir == "" {
		return nil, errors.New("no plugins directory: set plugins in the configuration, or --plugins")
	}
	host, err := pluginhost.New(pluginhost.Options{Dir: dir, Logger: log})
	if err != nil {
		return nil, err
	}
	return &project{config: cfg, host: host, catalog: newCatalog(cfg, host)}, nil
}

// open loads the configuration and finds the plugins, for the commands that run
// no engine. The diagnostics may hold warnings; with errors the project is nil.
func (a *app) open() (*project, diag.List, error) {
	cfg, findings, err := a.load()
	if err != nil || findings.HasErrors() {
		return nil, findings, err
	}
	p, err := a.project(cfg, quiet())
	return p, findings, err
}

// close ends the processes that describing started.
func (p *project) close() { _ = p.host.Close(context.Background()) }

// compile reads and compiles one mapping file.
func (p *project) compile(ctx context.Context, file string) (*mapping.Program, diag.List, error) {
	text, err := readBounded(file, maxMappingBytes)
	if err != nil {
		return nil, nil, err
	}
	prog, findings := mapping.Compile(relative(file), text, p.catalog.with(ctx))
	return prog, findings, nil
}

// compileAll compiles mapping files and reports what is wrong with any, doubled
// names too.
func (p *project) compileAll(ctx context.Context, files []string) ([]*mapping.Program, diag.List, error) {
	var (
		programs []*mapping.Program
		findings diag.List
		first    = map[string]*mapping.Program{}
	)
	for _, file := range files {
		prog, list, err := p.compile(ctx, file)
		if err != nil {
			return nil, findings, err
		}
		findings = append(findings, list...)
		if prog == nil {
			continue
		}
		if other, ok := first[prog.Name()]; ok {
			findings = append(findings, doubleName(prog, other))
		} else {
			first[prog.Name()] = prog
		}
		programs = append(programs, prog)
	}
	return programs, findings, nil
}

// doubleName says that two mappings have one name, at the second.
func doubleName(second, first *mapping.Program) diag.Diagnostic {
	return diag.Diagnostic{
		Severity: diag.Error, Rule: ruleDoubleName, Position: diag.Position{File: second.To().Pos.File, Line: 1, Column: 1},
		Message: fmt.Sprintf("the mapping %q stands in %s too", second.Name(), first.To().Pos.File),
		Hint:    "give each mapping a name of its own: outcomes and dead letters are kept under it",
	}
}

// readBounded reads a file of at most limit bytes.
func readBounded(file string, limit int64) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a folder; name the file in it", file)
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes; the limit is %d", file, info.Size(), limit)
	}
	return os.ReadFile(file) //nolint:gosec // the person who runs the command names the file
}

// shorter gives path relative to dir where that is no longer than path itself.
func shorter(dir, path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(dir, abs)
	if err != nil || strings.Count(rel, "..") > 3 {
		return path
	}
	return rel
}
