package cli

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
)

// tailEvery is how often a tail asks, and maxPending how many events it asks about
// again until they have their outcomes.
const (
	tailEvery  = time.Second
	maxPending = 50
)

func (a *app) eventsTail() *cobra.Command {
	var f eventFlags
	var lines int
	var format string
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Show events as they come, and again when they have their outcomes",
		Long: `Shows the newest events and then each that comes, and shows those again that were on their way when they
have their outcomes. It goes on over a restart of the engine, until Ctrl-C. With --format json each line
is one event.`,
		Args: noArgs,
	}
	r := a.remoteFlags(cmd)
	f.flags(cmd)
	for _, name := range []string{"since", "until"} { // they are there to be refused with a word
		cmd.Flags().Lookup(name).Hidden = true
	}
	cmd.Flags().IntVar(&lines, "lines", 10, "begin with so many of the newest events")
	cmd.Flags().StringVar(&format, "format", formatText, "text or json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkFormat(format, formatText, formatJSON); err != nil {
			return err
		}
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
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			t := &tail{app: a, client: c, filter: filter, picks: f.picks(), every: tailEvery}
			t.show = t.table
			if format == formatJSON {
				t.show = t.json
			}
			return t.run(ctx, lines)
		})
	}
	return cmd
}

// tail shows events as they come.
type tail struct {
	app    *app
	client *client.Client
	filter admin.EventFilter
	picks  picking
	every  time.Duration
	// show prints events.
	show func([]admin.EventSummary) error
	// widths are those of the table's columns so far.
	widths []int
	// pending are the events that were on their way when they were shown.
	pending []uint64
	// away tells that the engine did not answer when it was asked last.
	away bool
}

// run shows so many of the newest events, and what comes until ctx ends.
func (t *tail) run(ctx context.Context, lines int) error {
	// What comes while the list is read comes behind this one.
	head, err := t.client.Events(ctx, admin.EventFilter{}, 1)
	if err != nil {
		return err
	}
	f := t.filter
	if len(head.Events) > 0 {
		t.filter.After = head.Events[0].Sequence
	}
	var newest []admin.EventSummary
	if t.filter.After > 0 {
		f.Before = t.filter.After + 1
		if newest, err = readEvents(ctx, t.client, f, lines); err != nil {
			return err
		}
	}
	if len(newest) == 0 {
		if err := t.app.unknown(ctx, t.client, t.picks); err != nil {
			return err
		}
		t.app.message("no such events yet: waiting for the first, until Ctrl-C\n")
	}
	slices.Reverse(newest)
	t.filter.Oldest = true
	for {
		if err := t.take(newest); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(t.every):
		}
		if newest, err = t.news(ctx); err != nil && ctx.Err() == nil && !t.waitsOut(err) {
			return err
		}
		if t.away && err == nil {
			t.away = false
			t.app.message("the engine answers again\n")
		}
	}
}

// take shows events, and keeps in mind which are on their way.
func (t *tail) take(events []admin.EventSummary) error {
	if len(events) == 0 {
		return nil
	}
	for i := range events {
		if events[i].State == "waiting" {
			t.pending = append(t.pending, events[i].Sequence)
		}
	}
	t.pending = t.pending[max(0, len(t.pending)-maxPending):]
	return t.show(events)
}

// news gives the events that have their outcomes now, and then those that are new. What
// it has read when it fails is given.
func (t *tail) news(ctx context.Context) (news []admin.EventSummary, err error) {
	for _, seq := range slices.Clone(t.pending) {
		p, err := t.client.Events(ctx, admin.EventFilter{Before: seq + 1, After: seq - 1}, 1)
		if err != nil {
			return news, err
		}
		if len(p.Events) == 0 || p.Events[0].State != "waiting" {
			t.pending = slices.DeleteFunc(t.pending, func(s uint64) bool { return s == seq })
			news = append(news, p.Events...)
		}
	}
	for {
		p, err := t.client.Events(ctx, t.filter, 1000)
		if err != nil {
			return news, err
		}
		news = append(news, p.Events...)
		for i := range p.Events {
			t.filter.After = max(t.filter.After, p.Events[i].Sequence)
		}
		if p.Next == 0 || len(news) >= 1000 {
			return news, nil
		}
		t.filter.After = max(t.filter.After, p.Next)
	}
}

// waitsOut tells whether the engine may answer again by itself, and says once that it
// does not answer now.
func (t *tail) waitsOut(err error) bool {
	if refusal, is := errors.AsType[*client.Error](err); is && refusal.RetryAfter == 0 && refusal.Status < http.StatusInternalServerError {
		return false
	}
	if !t.away {
		t.away = true
		t.app.message("the engine at %s does not answer: waiting for it, until Ctrl-C\n", t.client.Addr())
	}
	return true
}

// json prints each event on a line.
func (t *tail) json(events []admin.EventSummary) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i := range events {
		if err := enc.Encode(&events[i]); err != nil {
			return err
		}
	}
	return t.app.print(b.String())
}

// table prints events as rows of a table, which grows wider with what it has to hold.
func (t *tail) table(events []admin.EventSummary) error {
	var rows [][]string
	if t.widths == nil {
		rows = append(rows, strings.Split(eventHeader(), "\t"))
		t.widths = make([]int, len(rows[0]))
	}
	for i := range events {
		rows = append(rows, strings.Split(eventRow(&events[i]), "\t"))
	}
	for _, cells := range rows {
		for i, cell := range cells {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, cells := range rows {
		last := len(cells) - 1
		for i, cell := range cells[:last] {
			b.WriteString(cell + strings.Repeat(" ", t.widths[i]-utf8.RuneCountInString(cell)+2))
		}
		b.WriteString(cells[last] + "\n")
	}
	return t.app.print(b.String())
}
