package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

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
	// inputs notes what is read; nil where nobody asks.
	inputs *inputs
	// texts are the mappings that were compiled.
	texts texts
}

// maxMappingBytes bounds what is read of a mapping file.
const maxMappingBytes = mapping.MaxFile

// load reads the configuration that the flags name or that is nearest. The
// configuration is nil if it is no YAML; what is wrong is in the list.
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
		path = relative(path)
	}
	cfg, findings := config.Load(path)
	if cfg == nil && len(findings) == 1 && findings[0].Rule == config.RuleRead {
		return nil, nil, fmt.Errorf("%s: %s", path, findings[0].Message)
	}
	return cfg, findings, nil
}

// ready is load for commands that do not go on with mistakes in the
// configuration: it prints them.
func (a *app) ready() (*config.Config, diag.List, error) {
	cfg, findings, err := a.load()
	if err == nil && findings.HasErrors() {
		err = a.refuse(findings)
	}
	return cfg, findings, err
}

// project joins a configuration with the plugins.
func (a *app) project(cfg *config.Config, log *slog.Logger) (*project, error) {
	dir := cmp.Or(a.pluginsDir, cfg.Plugins)
	if dir == "" {
		return nil, fmt.Errorf("%s names no folder of plugins: set `plugins` in it, or give --plugins", cfg.File)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("there is no folder of plugins at %s: build the plugins into it, or name another with --plugins", relative(dir))
	}
	host, err := pluginhost.New(pluginhost.Options{Dir: dir, Logger: log, Lock: lockPath(cfg)})
	if err != nil {
		return nil, err
	}
	return &project{config: cfg, host: host, catalog: newCatalog(cfg, host)}, nil
}

// withProject calls use with the plugins at hand, and leaves no process of theirs
// behind. The first SIGINT or SIGTERM ends use's context and the processes; what
// use returns then does not count. Much of what use does only computes, and looks at no
// context: where it goes on nonetheless, the command ends without it.
func (a *app) withProject(ctx context.Context, cfg *config.Config, use func(context.Context, *project) error) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	// From the first signal on, a second one has its usual effect.
	context.AfterFunc(ctx, stop)
	p, err := a.project(cfg, quiet())
	if err != nil {
		return err
	}
	defer p.close(ctx)
	returned := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		a.endAnyway(ctx, p, returned)
	}()
	err = use(ctx, p)
	close(returned)
	<-watched
	if ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// endAnyway ends the command if use has not returned soon after its context's end.
func (a *app) endAnyway(ctx context.Context, p *project, returned <-chan struct{}) {
	select {
	case <-returned:
		return
	case <-ctx.Done():
	}
	select {
	case <-returned:
	case <-time.After(closeTimeout):
		p.close(ctx)
		a.exit(exitInterrupted)
	}
}

// close ends the processes that are still there; politely unless ctx has ended.
func (p *project) close(ctx context.Context) {
	ctx, done := closing(ctx)
	defer done()
	_ = p.host.Close(ctx)
}

// closing gives a context to close things with: if ctx has ended somebody waits,
// and what does not end by itself soon is killed.
func closing(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() == nil {
		return context.WithCancel(context.WithoutCancel(ctx))
	}
	return context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
}

// closeTimeout is how long processes may take to end after an interruption.
const closeTimeout = 500 * time.Millisecond

// compile reads and compiles one mapping file.
func (p *project) compile(ctx context.Context, file string) (*mapping.Program, diag.List, error) {
	info := p.inputs.look(file)
	text, err := readBounded("the mapping", file, maxMappingBytes)
	p.inputs.saw(file, info, text, err)
	if _, long := errors.AsType[*tooLongError](err); long {
		return nil, mapping.TooLarge(relative(file)), nil
	}
	if err != nil {
		return nil, nil, err
	}
	tables := &readTables{from: tableFiles{filepath.Dir(file), p.inputs}}
	prog, findings := mapping.CompileWith(relative(file), text, p.catalog.with(ctx), mapping.Options{Tables: tables})
	if ctx.Err() != nil { // then what is not known of a plugin is no finding
		return nil, nil, ctx.Err()
	}
	if prog != nil {
		p.texts.keep(prog, file, text, tables)
	}
	return prog, findings, nil
}

// compileAll compiles mapping files and reports what is wrong with any, doubled
// names too.
func (p *project) compileAll(ctx context.Context, files []string) ([]*mapping.Program, diag.List, error) {
	var (
		programs []*mapping.Program
		findings diag.List
		first    = map[string]string{}
	)
	for _, file := range files {
		prog, list, err := p.compile(ctx, file)
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
		Severity: diag.Error, Rule: ruleDoubleName, Position: diag.Position{File: relative(file)},
		Message: fmt.Sprintf("the mapping in %s is named `%s` too", relative(other), prog.Name()),
		Hint:    "give each mapping a name of its own: outcomes and dead letters are kept under it",
	}
	// A program does not know where its name stands; without the line it is said
	// of the file.
	text, err := readBounded("the mapping", file, maxMappingBytes)
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
