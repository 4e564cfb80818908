package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/run"
)

func (a *app) runCommand() *cobra.Command {
	var (
		o     run.Options
		since string
	)
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
			o.HangUps = hangUps
			err := a.runEngine(ctx, o, since)
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return nil // stopped while it was starting
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Data, "data", "", "`folder` of the journal (default: the configuration's)")
	f.StringVar(&o.Listen, "listen", "", "`address` for webhooks, host:port (default: the configuration's)")
	f.StringVar(&o.Admin, "admin", "", "loopback `address` of the admin API or off (default: the configuration's)")
	f.StringVar(&o.LogLevel, "log-level", "", "debug, info, warn or error (default: the configuration's)")
	f.BoolVar(&o.Watch, "watch", true, "reload when a file changes; false: at SIGHUP and crosswalk reload alone")
	f.StringVar(&since, "since", "", "have mappings that are new begin with the events accepted at this `time`, as 2h or 14d ago or 2026-11-02 15:04 (default: after the last event)")
	f.StringVar(&o.LogFormat, "log-format", "", "text or json (default: the configuration's)")
	return cmd
}

// runEngine runs an engine, and prints what is wrong with its configuration.
func (a *app) runEngine(ctx context.Context, o run.Options, since string) (err error) {
	if o.Since, err = when(since, time.Now()); err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	cfg, _, err := a.ready()
	if err != nil {
		return err
	}
	o.Version, o.File, o.Plugins, o.Log = a.version, cfg.File, a.pluginsDir, a.stderr
	err = run.Run(ctx, o)
	if refused, ok := errors.AsType[*run.RefusedError](err); ok {
		return a.refuse(refused.Findings)
	}
	return err
}

// notifyHangUp gives the SIGHUPs from now on; there is no need to see each of some
// that come together.
func notifyHangUp() (hangUps <-chan os.Signal, stop func()) {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGHUP)
	return ch, func() { signal.Stop(ch) }
}
