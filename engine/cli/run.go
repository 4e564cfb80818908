package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/config"
)

// overrides are what the command line says instead of the configuration.
type overrides struct {
	data, plugins, listen, admin, logLevel, logFormat string
	// since is where mappings begin that are new.
	since string
	// watch has a change of a file be a reload.
	watch bool
}

func (a *app) runCommand() *cobra.Command {
	var o overrides
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the engine until SIGTERM or SIGINT",
		Long: `Starts the journal, a plugin process for each connection, the mappings and the
listeners. SIGTERM or SIGINT stops taking webhooks, finishes what is at hand, and exits
with 0; a second signal ends it at once, and nothing accepted is lost by that either.

When the configuration, a mapping, a table, a file that the configuration refers to or a
plugin's binary changes, the engine goes on with the new ones: nothing is dropped, and
what is wrong with them is logged and shown by crosswalk status, while the old ones run
on. SIGHUP and crosswalk reload have it look now.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, os.Interrupt)
			defer stop()
			hangUps, ignore := notifyHangUp()
			defer ignore()
			// From the first signal on, a second one has its usual effect.
			context.AfterFunc(ctx, stop)
			err := a.runEngine(ctx, o, hangUps)
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return nil // stopped while it was starting
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.data, "data", "", "`folder` of the journal (default: the configuration's)")
	f.StringVar(&o.listen, "listen", "", "`address` for webhooks, host:port (default: the configuration's)")
	f.StringVar(&o.admin, "admin", "", "loopback `address` of the admin API or off (default: the configuration's)")
	f.StringVar(&o.logLevel, "log-level", "", "debug, info, warn or error (default: the configuration's)")
	f.BoolVar(&o.watch, "watch", true, "reload when a file changes; false: at SIGHUP and crosswalk reload alone")
	f.StringVar(&o.since, "since", "", "have mappings that are new begin with the events accepted at this `time`, as 2h or 14d ago or 2026-11-02 15:04 (default: after the last event)")
	f.StringVar(&o.logFormat, "log-format", "", "text or json (default: the configuration's)")
	return cmd
}

// addresses puts in the addresses of the command line, held to what the
// configuration's are held to.
func (o overrides) addresses(cfg *config.Config) error {
	if o.listen != "" {
		if err := cfg.SetListen(o.listen); err != nil {
			return fmt.Errorf("--listen %s: %w", o.listen, err)
		}
	}
	if o.admin != "" {
		if err := cfg.SetAdmin(o.admin); err != nil {
			return fmt.Errorf("--admin %s: %w", o.admin, err)
		}
	}
	return nil
}

// runEngine loads, checks and compiles everything, and then runs the engine. What
// is wrong is reported before anything is started.
func (a *app) runEngine(ctx context.Context, o overrides, hangUps <-chan os.Signal) error {
	since, err := when(o.since, time.Now())
	if err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	o.plugins = a.pluginsDir
	in := newInputs()
	cfg, _, err := a.ready()
	if err != nil {
		return err
	}
	// What is noted as read is read after that.
	in.hash(cfg.File)
	cfg, findings, err := a.ready()
	if err != nil {
		return err
	}
	in.note(cfg)
	if list := cfg.Resolve(os.LookupEnv); list.HasErrors() {
		return a.refuse(append(findings, list...))
	}
	cfg.Data, cfg.Plugins = cmp.Or(o.data, cfg.Data), cmp.Or(o.plugins, cfg.Plugins)
	if err := o.addresses(cfg); err != nil {
		return err
	}
	level := new(slog.LevelVar)
	log, err := newLogger(a.stderr, level, cmp.Or(o.logLevel, cfg.Log.Level), cmp.Or(o.logFormat, cfg.Log.Format))
	if err != nil {
		return err
	}
	tracer, flush, err := newTracer(ctx, cfg, a.version, log)
	if err != nil {
		return err
	}
	defer flush()
	p, err := a.project(cfg, log)
	if err != nil {
		return err
	}
	// By then the engine has drained, or something failed before it ran.
	defer p.close(context.WithoutCancel(ctx))
	p.inputs = in
	p.sumPlugins()
	findings = append(findings, p.checkConnections(ctx)...)
	programs, list, err := p.compileAll(ctx, cfg.Mappings)
	if err != nil {
		return err
	}
	findings = append(append(findings, list...), p.checkTokens(programs)...)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	findings = findings.Compact()
	if findings.HasErrors() {
		return a.refuse(findings)
	}
	for _, d := range findings {
		log.Warn(d.Message, "file", d.Position.File, "line", d.Position.Line, "rule", d.Rule)
	}
	go trimMemory(ctx)
	return renewing(ctx, log, func(ctx context.Context) error {
		r := &running{log: log, level: level, version: a.version, flags: o, hangUps: hangUps, since: since, tracer: tracer}
		r.reloads.started(ctx, p.inputs, findings)
		e := &engine{project: p, running: r, programs: programs}
		err := e.run(ctx)
		if now := r.engine(); now != nil { // what a reload has put in place stays there
			p, programs = now.project, now.programs
		}
		return err
	})
}
