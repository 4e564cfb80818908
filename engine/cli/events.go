package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

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

// listedEvents are the flags of a list of events.
type listedEvents struct{ eventFlags }

func (f *listedEvents) flags(cmd *cobra.Command) {
	f.eventFlags.flags(cmd)
	f.outcomeFlags(cmd)
}

func (a *app) eventsList() *cobra.Command {
	return listing(a, &cobra.Command{Use: "list", Short: "List events, newest first"}, "events", &listedEvents{}, readEvents, func(all []admin.EventSummary) int { return len(all) }, eventTable)
}

// readEvents gives the newest events that f picks.
func readEvents(ctx context.Context, c *client.Client, f admin.EventFilter, limit int) ([]admin.EventSummary, error) {
	all := []admin.EventSummary{}
	err := pages(limit, 1000, func(n int) (int, bool, error) {
		p, err := c.Events(ctx, f, n)
		all, f.Before = append(all, p.Events...), p.Next
		return len(p.Events), p.Next != 0, err
	})
	return all, err
}

func eventTable(all []admin.EventSummary) string {
	if len(all) == 0 {
		return "no events\n"
	}
	rows := []string{eventHeader()}
	for i := range all {
		rows = append(rows, eventRow(&all[i]))
	}
	return columns(rows)
}

func eventHeader() string {
	return row("EVENT", "ACCEPTED", "CONNECTION", "TYPE", "KEY", "OUTCOME")
}

func eventRow(e *admin.EventSummary) string {
	return row(e.Sequence, words.Clock(e.StoredAt), e.Connection, e.Type, words.Cut(e.Key, 40), outcomesOf(e))
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
			text += " (" + words.Cut(o.Action, 20) + ")"
		}
		if o.Reason != nil {
			text += " " + words.Cut(o.Reason.Code, 30)
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
	return showing(a, &cobra.Command{
		Use:   "show EVENT",
		Short: "Show everything that is known of an event",
		Long: `Shows the event with this number: the request's body as it came, the record, how each mapping
comes to its result, what was sent, what was answered, and every attempt; while it is on its way,
what it waits for.`,
	}, byEvent, func(ctx context.Context, c *client.Client, n uint64) (admin.EventDetail, error) {
		return client.Event.Get(ctx, c, fmt.Sprint(n))
	}, func(d admin.EventDetail) (string, error) { return eventText(&d, time.Now()) })
}
