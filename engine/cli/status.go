package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
)

func (a *app) statusCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell how the running engine stands",
		Long: `Asks the running engine for its connections, for what waits in each lane and since when,
for the mappings that run, and for what it has counted.`,
		Args: noArgs,
	}
	r := a.remoteFlags(cmd)
	cmd.Flags().StringVar(&format, "format", formatText, "text or json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkFormat(format, formatText, formatJSON); err != nil {
			return err
		}
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			s, err := c.Status(ctx)
			if err != nil {
				return err
			}
			if format == formatJSON {
				return a.printJSON(s)
			}
			return a.print(statusText(s, c.Addr(), time.Now()))
		})
	}
	return cmd
}

// columns lays out rows, each a line of cells behind tabs.
func columns(rows []string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, row)
	}
	_ = w.Flush() // a strings.Builder takes everything
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func row(cells ...any) string {
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = plain(fmt.Sprint(c))
		if texts[i] == "" {
			texts[i] = "-"
		}
	}
	return strings.Join(texts, "\t")
}

func statusText(s admin.Status, addr string, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "engine %s at %s, running for %s\n", plain(s.Version), addr, age(s.StartedAt, now))
	if s.Configuration != nil {
		b.WriteString(configurationText(*s.Configuration, now))
	}
	b.WriteByte('\n')
	rows := []string{row("CONNECTION", "PLUGIN", "STATE", "PID", "RESTARTS", "WHY")}
	for _, c := range s.Connections {
		pid := ""
		if c.PID > 0 {
			pid = fmt.Sprint(c.PID)
		}
		rows = append(rows, row(c.Name, c.Plugin, c.State, pid, c.Restarts, cut(c.Reason, 80)))
	}
	b.WriteString(columns(rows) + "\n")

	for _, c := range s.Connections {
		if d := c.Sending; d != nil && d.State != "open" {
			fmt.Fprintf(&b, "nothing goes to %s: %s\n", plain(c.Name), sendingText(*d, now))
		}
	}
	for _, u := range s.Undecoded {
		for _, text := range undecodedText(u, now) {
			fmt.Fprintf(&b, "%s: %s\n", plain(u.Connection), text)
		}
	}
	for i := range s.Paused {
		m := &s.Paused[i]
		fmt.Fprintf(&b, "mapping %s from %s to %s is gone from the configuration: %s for it; bring it back, or `crosswalk mapping drop` or `rename` it\n",
			plain(m.Mapping), m.Source, m.Sink, waits(m.Backlog))
	}
	for _, alarm := range s.Alarms {
		fmt.Fprintf(&b, "ALARM: %s\n", plain(alarm))
	}
	rows = []string{row("LANE", "BACKLOG", "AT HAND", "OLDEST", "PAUSED")}
	for _, l := range s.Lanes {
		oldest, paused := "", ""
		if l.Oldest != nil {
			oldest = age(*l.Oldest, now)
		}
		if p := l.Paused; p != nil {
			paused = fmt.Sprintf("until %s: %s %s", clock(p.Until), p.Reason.Class, cut(p.Reason.Message, 60))
		}
		rows = append(rows, row(l.Source+" to "+l.Sink, l.Backlog, l.Held, oldest, paused))
	}
	b.WriteString(columns(rows) + "\n")
	for _, l := range s.Lanes {
		for _, w := range l.Waiting {
			why := ""
			if w.Reason != nil {
				why = ": " + w.Reason.Class + " " + cut(w.Reason.Message, 80)
			}
			fmt.Fprintf(&b, "  event %d of key %s waits until %s after %s%s\n", w.Sequence, plain(w.Key), clock(w.Next), counted(w.Attempts, "attempt"), why)
		}
	}

	rows = []string{row("MAPPING", "FROM", "TO", "SHA256")}
	for _, m := range s.Mappings {
		rows = append(rows, row(m.Name, strings.Join(m.From, ", "), m.To, m.SHA256[:min(12, len(m.SHA256))]))
	}
	b.WriteString(columns(rows) + "\n")

	n := s.Counters
	fmt.Fprintf(&b, "%d accepted, %d duplicates; %d delivered, %d skipped, %d superseded, %d dead (%d open)", n.Accepted, n.Duplicates, n.Delivered, n.Skipped, n.Superseded, n.Dead, n.DeadOpen)
	if n.Replayed > 0 {
		fmt.Fprintf(&b, "; %d replayed", n.Replayed)
	}
	fmt.Fprintf(&b, "\n%s since the start", counted(s.Ingress.Requests, "webhook"))
	for _, code := range slices.Sorted(maps.Keys(s.Ingress.Refused)) {
		if k := s.Ingress.Refused[code]; k > 0 {
			fmt.Fprintf(&b, ", %d refused as %s", k, plain(code))
		}
	}
	b.WriteByte('\n')
	return b.String()
}

// waits says how many events wait.
func waits(n uint64) string {
	if n == 1 {
		return "1 event waits"
	}
	return fmt.Sprintf("%d events wait", n)
}

// counted is a number with its noun.
func counted[N int | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// age is how long ago something was, in one or two units.
func age(t, now time.Time) string {
	d := max(now.Sub(t), 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}
