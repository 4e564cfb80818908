// Package run is the engine that runs: it wires the journal, the way in for webhooks,
// delivery, the plugins' processes, the admin API, metrics and traces under one
// configuration after another. Run is all that others call of it.
package run

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/project"
)

// Options are what an engine runs with, as the command line says it. Those that a
// configuration has keys for come before these; "" leaves the key's value. Errors name
// them by the flags of `crosswalk run`.
type Options struct {
	// Version is what the engine says that it is.
	Version string
	// File is that of the configuration.
	File string
	// Data is the journal's folder, Plugins that of the plugins' binaries.
	Data, Plugins string
	// Listen is where webhooks come, host:port, and Admin where the admin API answers:
	// the same, unix:PATH, or off.
	Listen, Admin string
	// LogLevel is debug, info, warn or error; LogFormat is text or json.
	LogLevel, LogFormat string
	// Since is where mappings begin that are new at the start, zero for after the last
	// event.
	Since time.Time
	// Watch has a change of a file be a reload.
	Watch bool
	// HangUps has each signal that comes be a reload; nil for none.
	HangUps <-chan os.Signal
	// Log is where the log is written.
	Log io.Writer
}

// RefusedError says that a configuration, its mappings or its plugins are wrong, so that
// nothing was started.
type RefusedError struct {
	// Findings say what is wrong and where; warnings may be among them.
	Findings diag.List
}

// Error says what is wrong, as far as one line does.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the configuration is refused: %v", e.Findings.Err())
}

// Run loads, checks and compiles everything, and then runs the engine until ctx ends: it
// takes no more webhooks then, finishes what is at hand, and gives nil. What is wrong
// with the configuration is a *RefusedError, before anything is started.
func Run(ctx context.Context, o Options) error {
	in := project.NewInputs()
	in.NoteFile(o.File) // what is noted as read is read after that
	cfg, findings := config.Load(o.File)
	if cfg == nil || findings.HasErrors() {
		return &RefusedError{findings}
	}
	in.NoteConfig(cfg)
	if list := cfg.Resolve(os.LookupEnv); list.HasErrors() {
		return &RefusedError{append(findings, list...)}
	}
	cfg.Data, cfg.Plugins = cmp.Or(o.Data, cfg.Data), cmp.Or(o.Plugins, cfg.Plugins)
	if err := o.addresses(cfg); err != nil {
		return err
	}
	level := new(slog.LevelVar)
	log, err := newLogger(o.Log, level, cmp.Or(o.LogLevel, cfg.Log.Level), cmp.Or(o.LogFormat, cfg.Log.Format))
	if err != nil {
		return err
	}
	tracer, flush, err := newTracer(ctx, cfg, o.Version, log)
	if err != nil {
		return err
	}
	defer flush()
	p, err := project.Open(cfg, o.Plugins, log)
	if err != nil {
		return err
	}
	// By then the engine has drained, or something failed before it ran.
	defer p.Close(context.WithoutCancel(ctx))
	p.NoteIn(in)
	findings = append(findings, p.CheckConnections(ctx)...)
	programs, list, err := p.CompileAll(ctx, cfg.Mappings)
	if err != nil {
		return err
	}
	findings = append(append(findings, list...), p.CheckTokens(programs)...)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	findings = findings.Compact()
	if findings.HasErrors() {
		return &RefusedError{findings}
	}
	for _, d := range findings {
		log.Warn(d.Message, "file", d.Position.File, "line", d.Position.Line, "rule", d.Rule)
	}
	go trimMemory(ctx)
	return renewing(ctx, log, func(ctx context.Context) error {
		r := &running{log: log, level: level, options: o, tracer: tracer}
		r.reloads.started(ctx, p.Inputs, findings)
		e := &engine{Project: p, running: r, programs: programs}
		err := e.run(ctx)
		if now := r.engine(); now != nil { // what a reload has put in place stays there
			p, programs = now.Project, now.programs
		}
		return err
	})
}

// addresses puts in the addresses of the command line, held to what the
// configuration's are held to.
func (o Options) addresses(cfg *config.Config) error {
	if o.Listen != "" {
		if err := cfg.SetListen(o.Listen); err != nil {
			return fmt.Errorf("--listen %s: %w", o.Listen, err)
		}
	}
	if o.Admin != "" {
		if err := cfg.SetAdmin(o.Admin); err != nil {
			return fmt.Errorf("--admin %s: %w", o.Admin, err)
		}
	}
	return nil
}
