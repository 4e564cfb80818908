package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// maxList bounds how many events or letters one command lists.
const maxList = 100_000

func (a *app) eventsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Show what came in, and what became of it",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.eventsList(), a.eventsShow(), a.eventsTail())
	return cmd
}

// eventFlags are the flags that pick events.
type eventFlags struct {
	connection, event, key, id, mapping, outcome string
	span
}

func (f *eventFlags) flags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.connection, "connection", "", "only events of this source `connection`")
	fs.StringVar(&f.event, "event", "", "only events of this `type`, as order_created")
	fs.StringVar(&f.key, "key", "", "only events of this `key`: an order's id in its source")
	fs.StringVar(&f.id, "id", "", "only the event with this `id` of its source")
	f.span.flags(cmd, "events accepted")
}

func (f *eventFlags) outcomeFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.mapping, "mapping", "", "only events with an outcome under this `mapping`")
	cmd.Flags().StringVar(&f.outcome, "outcome", "", "only events with this `outcome`: delivered, skipped, duplicate, superseded, dead, waiting")
}

func (f *eventFlags) filter() (admin.EventFilter, error) {
	since, until, err := f.times()
	if err == nil && f.outcome != "" {
		err = oneWord("--outcome", f.outcome, "delivered", "skipped", "duplicate", "superseded", "dead", "waiting")
	}
	return admin.EventFilter{
		Connection: f.connection, Type: f.event, Key: f.key, ID: f.id, Mapping: f.mapping, Outcome: f.outcome,
		Since: since, Until: until,
	}, err
}

func oneWord(flag, word string, words ...string) error {
	if slices.Contains(words, word) {
		return nil
	}
	return fmt.Errorf("%s %s: want one of %s", flag, word, strings.Join(words, ", "))
}

func (a *app) eventsList() *cobra.Command {
	var f eventFlags
	var limit int
	var format string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List events, newest first",
		Args:  noArgs,
	}
	r := a.remoteFlags(cmd)
	f.flags(cmd)
	f.outcomeFlags(cmd)
	cmd.Flags().IntVar(&limit, "limit", 50, "at most so many events")
	cmd.Flags().StringVar(&format, "format", formatText, "text or json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkFormat(format, formatText, formatJSON); err != nil {
			return err
		}
		if limit < 1 || limit > maxList {
			return fmt.Errorf("--limit %d: want 1 to %d", limit, maxList)
		}
		filter, err := f.filter()
		if err != nil {
			return err
		}
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			all := []admin.EventSummary{}
			for len(all) < limit {
				p, err := c.Events(ctx, filter, min(limit-len(all), 1000))
				if err != nil {
					return err
				}
				all = append(all, p.Events...)
				if filter.Before = p.Next; p.Next == 0 {
					break
				}
			}
			if format == formatJSON {
				return a.printJSON(all)
			}
			return a.print(eventTable(all))
		})
	}
	return cmd
}

func eventTable(all []admin.EventSummary) string {
	if len(all) == 0 {
		return "no events\n"
	}
	rows := []string{row("EVENT", "ACCEPTED", "CONNECTION", "TYPE", "KEY", "OUTCOME")}
	for i := range all {
		rows = append(rows, eventRow(&all[i]))
	}
	return columns(rows)
}

func eventRow(e *admin.EventSummary) string {
	return row(e.Sequence, clock(e.StoredAt), e.Connection, e.Type, cut(e.Key, 40), outcomesOf(e))
}

// outcomesOf is what became of an event, on one line.
func outcomesOf(e *admin.EventSummary) string {
	var parts []string
	duplicates := 0
	for _, o := range e.Outcomes {
		if o.Kind == event.Duplicate {
			duplicates++
			continue
		}
		text := string(o.Kind)
		if o.Action != "" {
			text += " (" + cut(o.Action, 20) + ")"
		}
		if o.Reason != nil {
			text += " " + cut(o.Reason.Code, 30)
		}
		parts = append(parts, text+" by "+o.Mapping)
	}
	if e.State != "done" {
		parts = append(parts, e.State)
	}
	if duplicates > 0 {
		parts = append(parts, fmt.Sprintf("came %d times", duplicates+1))
	}
	if r := e.Replay; r != nil {
		parts = append(parts, fmt.Sprintf("%s of %d", r.Kind, r.Of))
	}
	return strings.Join(parts, "; ")
}

func (a *app) eventsShow() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "show EVENT",
		Short: "Show everything that is known of an event",
		Long: `Shows the event with this number: the request's body as it came, the record, how each mapping
comes to its result, what was sent, what was answered, and every attempt.`,
		Args: oneEvent,
	}
	r := a.remoteFlags(cmd)
	cmd.Flags().StringVar(&format, "format", formatText, "text or json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkFormat(format, formatText, formatJSON); err != nil {
			return err
		}
		seq, err := sequence(args[0])
		if err != nil {
			return err
		}
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			d, err := c.Event(ctx, seq)
			if err != nil {
				return err
			}
			if format == formatJSON {
				return a.printJSON(d)
			}
			text, err := eventText(&d)
			if err != nil {
				return err
			}
			return a.print(text)
		})
	}
	return cmd
}

func oneEvent(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s takes one event's number; see `%s --help`", cmd.Name(), cmd.CommandPath())
	}
	return nil
}

// tailEvery is how often a tail asks, and maxPending how many events it asks about
// again until they have their outcomes.
const (
	tailEvery  = time.Second
	maxPending = 50
)

func (a *app) eventsTail() *cobra.Command {
	var f eventFlags
	var lines int
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Show events as they come, and again when they have their outcomes",
		Args:  noArgs,
	}
	r := a.remoteFlags(cmd)
	f.flags(cmd)
	cmd.Flags().IntVar(&lines, "lines", 10, "begin with so many of the newest events")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if lines < 1 || lines > 1000 {
			return errors.New("--lines: want 1 to 1000")
		}
		if f.since != "" || f.until != "" {
			return errors.New("a tail begins now: --since and --until are for `crosswalk events list`")
		}
		filter, err := f.filter()
		if err != nil {
			return err
		}
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error { return a.tail(ctx, c, filter, lines) })
	}
	return cmd
}

// tail prints events until ctx ends.
func (a *app) tail(ctx context.Context, c *client.Client, f admin.EventFilter, lines int) error {
	p, err := c.Events(ctx, f, lines)
	if err != nil {
		return err
	}
	slices.Reverse(p.Events)
	news := p.Events
	f.Oldest = true
	var pending []uint64
	for {
		for i := range news {
			e := &news[i]
			if err := a.print(strings.ReplaceAll(eventRow(e), "\t", "  ") + "\n"); err != nil {
				return err
			}
			f.After = max(f.After, e.Sequence)
			if e.State == "waiting" {
				pending = append(pending, e.Sequence)
			}
		}
		pending = pending[max(0, len(pending)-maxPending):]
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(tailEvery):
		}
		news = nil
		for _, seq := range slices.Clone(pending) {
			p, err := c.Events(ctx, admin.EventFilter{Before: seq + 1, After: seq - 1}, 1)
			if err != nil {
				return err
			}
			if len(p.Events) == 0 || p.Events[0].State != "waiting" {
				pending = slices.DeleteFunc(pending, func(s uint64) bool { return s == seq })
				news = append(news, p.Events...)
			}
		}
		p, err := c.Events(ctx, f, 1000)
		if err != nil {
			return err
		}
		if len(p.Events) == 0 && p.Next > 0 {
			f.After = p.Next // nothing among those that were looked at
		}
		news = append(news, p.Events...)
	}
}
