package cli

import (
	"cmp"
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
	"github.com/crosswalk-etl/crosswalk/engine/ingress"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

func (a *app) statusCommand() *cobra.Command {
	return asking(a, &cobra.Command{
		Use:   "status",
		Short: "Tell how the running engine stands",
		Long: `Asks the running engine for its connections, for what waits in each lane and since when,
for the mappings that run, and for what it has counted.`,
		Args: noArgs,
	}, nil, func(ctx context.Context, c *client.Client, _ []string) (stood, error) {
		s, err := client.Status.Get(ctx, c)
		return stood{s, c.Addr()}, err
	}, always(func(s stood) string { return statusText(s.Status, s.addr, time.Now()) }))
}

// stood is an engine's state, and where it was asked for.
type stood struct {
	admin.Status
	addr string
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
		texts[i] = words.Plain(fmt.Sprint(c))
		if texts[i] == "" {
			texts[i] = "-"
		}
	}
	return strings.Join(texts, "\t")
}

// statusText is an engine's state: a block for each subject, what is to be said of it
// beneath its table.
func statusText(s admin.Status, addr string, now time.Time) string {
	blocks := []string{
		aboutEngine(&s, addr, now), aboutCluster(&s), aboutConnections(&s, now), aboutLanes(&s, now), aboutMappings(&s), aboutCounts(&s),
	}
	return strings.Join(slices.DeleteFunc(blocks, func(b string) bool { return b == "" }), "\n")
}

func aboutEngine(s *admin.Status, addr string, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "engine %s at %s, running for %s\n", words.Plain(s.Version), addr, words.Age(s.StartedAt, now))
	if s.Configuration != nil {
		b.WriteString(configurationText(*s.Configuration, now))
	}
	for _, alarm := range s.Alarms {
		fmt.Fprintf(&b, "ALARM: %s\n", words.Plain(alarm))
	}
	return b.String()
}

func aboutConnections(s *admin.Status, now time.Time) string {
	var b strings.Builder
	rows := []string{row("CONNECTION", "PLUGIN", "VERSION", "STATE", "PID", "RESTARTS", "WHY")}
	for _, c := range s.Connections {
		pid := ""
		if c.PID > 0 {
			pid = fmt.Sprint(c.PID)
		}
		rows = append(rows, row(c.Name, c.Plugin, c.Version, c.State, pid, c.Restarts, words.Cut(c.Reason, 80)))
	}
	b.WriteString(columns(rows))
	for _, c := range s.Connections {
		if d := c.Sending; d != nil && d.State != "open" {
			fmt.Fprintf(&b, "nothing goes to %s: %s\n", words.Plain(c.Name), sendingText(words.Plain(c.Name), *d, now))
		}
		if c.Unread {
			fmt.Fprintf(&b, "no mapping reads from %s: %s\n", words.Plain(c.Name), unreadKept(c.Name))
		}
	}
	for _, u := range s.Undecoded {
		for _, text := range u.Text(now) {
			fmt.Fprintf(&b, "%s: %s\n", words.Plain(u.Connection), text)
		}
	}
	return b.String()
}

func aboutLanes(s *admin.Status, now time.Time) string {
	var b strings.Builder
	if len(s.Lanes) > 0 {
		rows := []string{row("LANE", "BACKLOG", "AT HAND", "OLDEST", "PAUSED")}
		for _, l := range s.Lanes {
			oldest, paused := "", ""
			if l.Oldest != nil {
				oldest = words.Age(*l.Oldest, now)
			}
			if p := l.Paused; p != nil {
				paused = pausedText(p)
			}
			backlog := fmt.Sprint(l.Backlog)
			if l.Uncounted {
				backlog += " or more"
			}
			rows = append(rows, row(l.Source+" to "+l.Sink, backlog, l.Held, oldest, paused))
		}
		b.WriteString(columns(rows))
	}
	for _, l := range s.Lanes {
		for i := range l.Waiting {
			w := &l.Waiting[i]
			fmt.Fprintf(&b, "event %d of key %s %s\n", w.Sequence, words.Plain(w.Key), nextText(w, now))
		}
	}
	for i := range s.Paused {
		m := &s.Paused[i]
		fmt.Fprintf(&b, "mapping %s from %s to %s is gone from the configuration: %s for it; bring it back, or `crosswalk mapping drop` or `rename` it\n",
			words.Plain(m.Mapping), m.Source, m.Sink, words.EventsWait(m.Backlog))
	}
	return b.String()
}

func aboutMappings(s *admin.Status) string {
	if len(s.Mappings) == 0 {
		return "no mapping runs: nothing is delivered\n"
	}
	rows := []string{row("MAPPING", "FROM", "TO", "SHA256")}
	for _, m := range s.Mappings {
		rows = append(rows, row(m.Name, strings.Join(m.From, ", "), m.To, m.SHA256[:min(12, len(m.SHA256))]))
	}
	return columns(rows)
}

func aboutCounts(s *admin.Status) string {
	var b strings.Builder
	n := s.Counters
	fmt.Fprintf(&b, "%d accepted, %s; %d delivered, %d skipped, %d superseded, %d dead (%d open)", n.Accepted, words.Count(n.Duplicates, "duplicate"),
		n.Delivered, n.Skipped, n.Superseded, n.Dead, n.DeadOpen)
	if n.Replayed > 0 {
		fmt.Fprintf(&b, "; %d replayed", n.Replayed)
	}
	fmt.Fprintf(&b, "\n%s since the start", words.Count(s.Ingress.Requests, "webhook"))
	var refused []string
	for _, code := range slices.Sorted(maps.Keys(s.Ingress.Refused)) {
		if k := s.Ingress.Refused[code]; k > 0 {
			refused = append(refused, fmt.Sprintf("%d %s", k, refusedFor(code)))
		}
	}
	if len(refused) > 0 {
		fmt.Fprintf(&b, ", of them refused: %s", strings.Join(refused, ", "))
	}
	b.WriteByte('\n')
	return b.String()
}

// refusedFor says for people why webhooks were refused; a code says it mostly.
func refusedFor(code string) string {
	switch code {
	case ingress.CodeRefused:
		return "by the plugin"
	case ingress.CodeNotFound:
		return "for an unknown connection or a wrong token"
	}
	return "as " + words.Plain(strings.ReplaceAll(code, "_", " "))
}

// unreadKept says what becomes of the events of a connection that no mapping reads.
func unreadKept(connection string) string {
	return fmt.Sprintf("its events are kept and go nowhere; when a mapping does, `crosswalk replay --connection %s --since TIME` sends them", words.Plain(connection))
}

// pausedText says in a cell why nothing goes to a lane's sink.
func pausedText(p *admin.Pause) string {
	var parts []string
	if p.By != "" || p.Since != nil {
		text := "by " + cmp.Or(words.Cut(p.By, 30), "an operator")
		if p.Since != nil {
			text += " since " + words.Clock(*p.Since)
		}
		parts = append(parts, text)
	}
	if r := p.Reason; r != nil {
		text := r.Class + " " + words.Cut(r.Message, 60)
		if p.Until != nil {
			text = "until " + words.Clock(*p.Until) + ": " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// nextText says until when an event waits for its next attempt, and why.
func nextText(w *admin.Waiting, now time.Time) string {
	var text string
	if wait := w.Next.Sub(now); wait > 0 {
		text = fmt.Sprintf("is tried again in %s, at %s", max(wait.Round(time.Second), time.Second), words.Clock(w.Next))
	} else {
		text = "is tried again now"
	}
	switch {
	case w.Attempts > 0:
		text += ", after " + words.Count(w.Attempts, "attempt")
	case w.PossiblySent && w.Reason == nil:
		text += ": an earlier run may have sent it, and what that did must be over first"
	}
	if w.Reason != nil {
		text += fmt.Sprintf(": %s %s: %s", w.Reason.Class, words.Plain(w.Reason.Code), words.Cut(w.Reason.Message, 80))
	}
	return text
}
