// Package project reads what an integrator has written, and checks and compiles it: a
// configuration with its plugins, mappings and tables. Commands and the running engine
// begin with it. It starts plugins to ask what they offer, and reaches no far system.
package project

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
)

// Project is a configuration with its plugins, as every command but version
// needs it.
type Project struct {
	Config  *config.Config
	Host    *pluginhost.Host
	Catalog *catalog
	// Inputs notes what is read; nil where nobody asks.
	Inputs *Inputs
	// texts are the mappings that were compiled.
	texts texts
}

// Open joins a configuration with the plugins in a folder: dir, or where that is "" the
// configuration's. No process is started yet.
func Open(cfg *config.Config, dir string, log *slog.Logger) (*Project, error) {
	if dir = cmp.Or(dir, cfg.Plugins); dir == "" {
		return nil, fmt.Errorf("%s names no folder of plugins: set `plugins` in it, or give --plugins", cfg.File)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("there is no folder of plugins at %s: build the plugins into it, or name another with --plugins", Relative(dir))
	}
	host, err := pluginhost.New(pluginhost.Options{Dir: dir, Logger: log, Lock: LockPath(cfg)})
	if err != nil {
		return nil, err
	}
	return &Project{Config: cfg, Host: host, Catalog: newCatalog(cfg, host)}, nil
}

// Close ends the processes that are still there; politely unless ctx has ended.
func (p *Project) Close(ctx context.Context) {
	ctx, done := Closing(ctx)
	defer done()
	_ = p.Host.Close(ctx)
}

// Closing gives a context to close things with: if ctx has ended somebody waits,
// and what does not end by itself soon is killed.
func Closing(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() == nil {
		return context.WithCancel(context.WithoutCancel(ctx))
	}
	return context.WithTimeout(context.WithoutCancel(ctx), CloseTimeout)
}

// CloseTimeout is how long processes may take to end after an interruption.
const CloseTimeout = 500 * time.Millisecond

// Compile reads and compiles one mapping file.
func (p *Project) Compile(ctx context.Context, file string) (*mapping.Program, diag.List, error) {
	text, err := p.Inputs.Read("the mapping", file, mapping.MaxFile)
	if _, long := errors.AsType[*tooLongError](err); long {
		return nil, mapping.TooLarge(Relative(file)), nil
	}
	if err != nil {
		return nil, nil, err
	}
	tables := &readTables{from: tableFiles{filepath.Dir(file), p.Inputs}}
	prog, findings := mapping.CompileWith(Relative(file), text, p.Catalog.With(ctx), mapping.Options{Tables: tables})
	if ctx.Err() != nil { // then what is not known of a plugin is no finding
		return nil, nil, ctx.Err()
	}
	if prog != nil {
		p.texts.keep(prog, file, text, tables)
	}
	return prog, findings, nil
}

// CompileAll compiles mapping files and reports what is wrong with any, doubled
// names too.
func (p *Project) CompileAll(ctx context.Context, files []string) ([]*mapping.Program, diag.List, error) {
	var (
		programs []*mapping.Program
		findings diag.List
		first    = map[string]string{}
	)
	for _, file := range files {
		prog, list, err := p.Compile(ctx, file)
		if err != nil {
			return nil, findings, err
		}
		findings = append(findings, withDraft(file, list)...)
		if prog == nil {
			continue
		}
		if other, doubled := first[prog.Name()]; doubled {
			findings = append(findings, doubleName(prog, file, other))
		} else {
			first[prog.Name()] = file
		}
		programs = append(programs, prog)
	}
	return programs, findings, nil
}

// doubleName says that the mapping of file has the name of another file's.
func doubleName(prog *mapping.Program, file, other string) diag.Diagnostic {
	d := diag.Diagnostic{
		Severity: diag.Error, Rule: ruleDoubleName, Position: diag.Position{File: Relative(file)},
		Message: fmt.Sprintf("the mapping in %s is named `%s` too", Relative(other), prog.Name()),
		Hint:    "give each mapping a name of its own: outcomes and dead letters are kept under it",
	}
	// A program does not know where its name stands; without the line it is said
	// of the file.
	text, err := ReadBounded("the mapping", file, mapping.MaxFile)
	if err != nil {
		return d
	}
	for i, line := range strings.Split(string(text), "\n") {
		before, found := strings.CutSuffix(strings.TrimRight(line, " \r"), prog.Name())
		if found && strings.HasPrefix(line, "mapping:") {
			column := utf8.RuneCountInString(before) + 1
			d.Position.Line, d.Position.Column = i+1, column
			d.Source, d.EndColumn = strings.TrimRight(line, "\r"), column+utf8.RuneCountInString(prog.Name())
			break
		}
	}
	return d
}

// LockPath is where the plugins' checksums of a configuration are kept.
func LockPath(cfg *config.Config) string { return filepath.Join(cfg.Dir, pluginhost.LockFile) }

// Under is the project of another configuration with the same plugins.
func (p *Project) Under(cfg *config.Config, in *Inputs) *Project {
	next := &Project{Config: cfg, Host: p.Host, Catalog: newCatalog(cfg, p.Host)}
	next.NoteIn(in)
	return next
}

// NoteIn has in note what is read from now on, and the plugins' binaries as they are
// before they are asked.
func (p *Project) NoteIn(in *Inputs) {
	p.Inputs = in
	sums := map[string]string{}
	for _, c := range p.Config.Connections {
		if _, known := sums[c.Plugin]; !known && c.Plugin != "" {
			sums[c.Plugin] = sumOf(p, c.Plugin)
		}
	}
	p.Inputs.mu.Lock()
	defer p.Inputs.mu.Unlock()
	p.Inputs.plugins = sums
}

// Watched are the folders in which a change may be one of the configuration that in
// was read for.
func (p *Project) Watched(in *Inputs) []string {
	dirs := append(in.folders(), p.Config.Folders()...)
	dirs = append(dirs, filepath.Clean(p.Host.Dir()))
	slices.Sort(dirs)
	return slices.Compact(dirs)
}
