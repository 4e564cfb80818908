package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
	"github.com/crosswalk-etl/crosswalk/engine/config"
)

// tokenVariable is the environment variable with the admin API's token.
const tokenVariable = "CROSSWALK_ADMIN_TOKEN"

// remote is how a command finds the engine that runs.
type remote struct {
	app   *app
	admin string
}

// remoteFlags gives a command the flag that names the engine.
func (a *app) remoteFlags(cmd *cobra.Command) *remote {
	r := &remote{app: a}
	cmd.Flags().StringVar(&r.admin, "admin", "", "`address` of the engine's admin API, host:port or unix:PATH (default: the configuration's)")
	return r
}

// with calls use with a client for the engine. The first SIGINT or SIGTERM ends
// use's context.
func (r *remote) with(ctx context.Context, use func(context.Context, *client.Client) error) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second one has its usual effect
	c, err := r.client()
	if err != nil {
		return err
	}
	defer c.Close()
	err = use(ctx, c)
	if ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// client finds the engine by --admin, or else by the configuration. The token is
// the environment's, or else the configuration's.
func (r *remote) client() (*client.Client, error) {
	token := os.Getenv(tokenVariable)
	if r.admin != "" {
		_, port, err := net.SplitHostPort(r.admin)
		if (err != nil || strings.Contains(port, "/")) && !strings.HasPrefix(r.admin, config.UnixPrefix) {
			return nil, fmt.Errorf("--admin %s: this is no address: write host:port, as 127.0.0.1:9090, or unix:PATH", r.admin)
		}
		return client.New(r.admin, token), nil
	}
	cfg, findings, err := r.app.load()
	if err != nil {
		return nil, fmt.Errorf("%w, or the engine with --admin", err)
	}
	if cfg == nil {
		return nil, r.app.refuse(findings)
	}
	// Whatever else is wrong with the configuration, or not to be had here, is the
	// engine's matter.
	_ = cfg.Resolve(os.LookupEnv)
	if token == "" {
		token = cfg.Admin.Token
	}
	switch _, port, _ := net.SplitHostPort(cfg.Admin.Listen); {
	case cfg.Admin.Listen == "":
		return nil, fmt.Errorf("%s turns the admin API off: set admin.listen in it, or name an engine with --admin", cfg.File)
	case port == "0":
		return nil, fmt.Errorf("%s lets the system choose the port of the admin API: name it with --admin; the engine logs it when it is ready", cfg.File)
	}
	return client.New(cfg.Admin.Listen, token), nil
}

// printJSON prints v as JSON for programs.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// print prints a text as a result.
func (a *app) print(text string) error {
	_, err := io.WriteString(a.stdout, text)
	return err
}

// when reads a time: as RFC 3339, a day, a day and a time of this machine's zone, or
// how long ago, as 90m, 2h or 14d.
func when(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if n, isDays := strings.CutSuffix(s, "d"); isDays {
		if days, err := strconv.ParseUint(n, 10, 16); err == nil {
			return now.Add(-time.Duration(days) * 24 * time.Hour), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 2h or 14d for how long ago, 2026-11-02, 2026-11-02 15:04 or 2026-11-02T15:04:05Z", s)
}

// span is the flags --since and --until.
type span struct{ since, until string }

func (s *span) flags(cmd *cobra.Command, what string) {
	cmd.Flags().StringVar(&s.since, "since", "", "only "+what+" at this `time` or later: 2h or 14d ago, or 2026-11-02 15:04")
	cmd.Flags().StringVar(&s.until, "until", "", "only "+what+" before this `time`")
}

func (s *span) times() (since, until time.Time, err error) {
	now := time.Now()
	if since, err = when(s.since, now); err != nil {
		return since, until, fmt.Errorf("--since: %w", err)
	}
	if until, err = when(s.until, now); err != nil {
		return since, until, fmt.Errorf("--until: %w", err)
	}
	if !since.IsZero() && !until.IsZero() && !since.Before(until) {
		return since, until, errors.New("--since is not before --until")
	}
	return since, until, nil
}

// doing is the flags of who does something, and why.
type doing struct{ by, reason string }

func (d *doing) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.by, "by", "", "`name` of who does it, for the record (default: the user's)")
	cmd.Flags().StringVar(&d.reason, "reason", "", "`text` that says why, for the record")
}

// name is who does it.
func (d *doing) name() string {
	if d.by != "" {
		return d.by
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}

// newID makes the name of a request.
func newID() string { return rand.Text() }
