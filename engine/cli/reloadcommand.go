package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

func (a *app) reloadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Have the running engine read its configuration again",
		Long: `Has the running engine read its configuration, mappings, tables and plugins again, and
waits for what becomes of them. They take the place of those that run wholly or not at
all: what is refused is shown as crosswalk validate shows it, and what ran runs on.

Exit code 0: they run, or nothing has changed, 1: they are refused, 2: could not ask.`,
		Args: noArgs,
	}
	r := a.remoteFlags(cmd)
	var (
		by     doing
		format string
	)
	cmd.Flags().StringVar(&by.by, "by", "", "`name` of who does it, for the log (default: the user's)")
	cmd.Flags().StringVar(&format, "format", formatText, "text or json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkFormat(format, formatText, formatJSON); err != nil {
			return err
		}
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			done, err := client.Reload.Post(ctx, c, admin.ReloadRequest{By: by.name()})
			if err != nil {
				return err
			}
			if format == formatJSON {
				err = a.printJSON(done)
			} else {
				err = a.showReload(done)
			}
			if err == nil && done.Result == admin.ReloadRefused {
				err = errFindings
			}
			return err
		})
	}
	return cmd
}

// showReload prints what became of a reload, as validate prints it.
func (a *app) showReload(r admin.Reload) error {
	var findings diag.List
	for _, d := range r.Diagnostics {
		f := diag.Diagnostic{
			Rule: d.Rule, Message: d.Message, Hint: d.Hint, EndColumn: d.EndColumn, Source: d.Source,
			Position: diag.Position{File: d.File, Line: d.Line, Column: d.Column},
		}
		if d.Severity == diag.Warning.String() {
			f.Severity = diag.Warning
		}
		findings = append(findings, f)
	}
	if err := findings.WriteText(a.stdout); err != nil {
		return err
	}
	for _, c := range r.Changes {
		if err := a.print(words.Plain(c) + "\n"); err != nil {
			return err
		}
	}
	errs, warnings := findings.Count()
	switch r.Result {
	case admin.ReloadApplied:
		a.message("reloaded, %s\n", words.Count(warnings, "warning"))
	case admin.ReloadUnchanged:
		a.message("nothing has changed\n")
	default:
		if r.Problem != "" {
			a.message("%s\n", words.Plain(r.Problem))
		}
		a.message("%s, %s: what ran runs on\n", words.Count(errs, "error"), words.Count(warnings, "warning"))
	}
	return nil
}

// configurationText tells in lines what became of the configuration.
func configurationText(c admin.Configuration, now time.Time) string {
	var b strings.Builder
	last := c.Last
	if c.Valid {
		fmt.Fprintf(&b, "configuration in place for %s", words.Age(c.AppliedAt, now))
		if last.Result == admin.ReloadApplied && len(last.Changes) > 0 {
			fmt.Fprintf(&b, ": %s", words.Cut(strings.Join(last.Changes, ", "), 160))
		}
		b.WriteByte('\n')
		return b.String()
	}
	fmt.Fprintf(&b, "CONFIGURATION REFUSED %s ago, and the one of %s ago runs on: crosswalk reload shows all\n", words.Age(last.At, now), words.Age(c.AppliedAt, now))
	if last.Problem != "" {
		fmt.Fprintf(&b, "  %s\n", words.Cut(last.Problem, 200))
	}
	shown, more := 0, 0
	for _, d := range last.Diagnostics {
		if d.Severity != diag.Error.String() {
			continue
		}
		if shown++; shown > refusedShown {
			more++
			continue
		}
		at := diag.Position{File: d.File, Line: d.Line, Column: d.Column}.String()
		fmt.Fprintf(&b, "  %s: %s: %s\n", words.Plain(at), words.Plain(d.Rule), words.Cut(d.Message, 200))
	}
	if more > 0 {
		fmt.Fprintf(&b, "  and %s more\n", words.Count(more, "error"))
	}
	return b.String()
}

// refusedShown is how many of the errors are shown that keep a configuration out.
const refusedShown = 5
