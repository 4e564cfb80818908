package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
)

func (a *app) deadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dead",
		Short: "Show and resolve dead letters: events whose delivery was given up",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.deadList(), a.deadShow(), a.deadRetry(), a.deadEdit(), a.deadDrop())
	return cmd
}

// letterFlags are the flags that pick dead letters.
type letterFlags struct {
	source, sink, mapping, event, key, class, code, field string
	span
}

func (f *letterFlags) flags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.source, "connection", "", "only those of this source `connection`")
	fs.StringVar(&f.sink, "sink", "", "only those for this sink `connection`")
	fs.StringVar(&f.mapping, "mapping", "", "only those of this `mapping`")
	fs.StringVar(&f.event, "event", "", "only those of this `type`, as order_created")
	fs.StringVar(&f.key, "key", "", "only those of this `key`")
	fs.StringVar(&f.class, "class", "", "only those with a reason of this `class`: MAPPING, INVALID or IN_DOUBT")
	fs.StringVar(&f.code, "code", "", "only those with a reason of this `code`, as CW305")
	fs.StringVar(&f.field, "field", "", "only those whose reason is about this `field`")
	f.span.flags(cmd, "those given up")
}

// given tells whether any of the flags was.
func (f *letterFlags) given() bool { return *f != letterFlags{} }

func (f *letterFlags) filter() (admin.LetterFilter, error) {
	since, until, err := f.times()
	return admin.LetterFilter{
		Source: f.source, Sink: f.sink, Mapping: f.mapping, Type: f.event, Key: f.key, Class: strings.ToUpper(f.class),
		Code: f.code, Field: f.field, Since: since, Until: until,
	}, err
}

func (a *app) deadList() *cobra.Command {
	var f letterFlags
	var limit int
	var all bool
	var format string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List dead letters, newest first, and count their reasons",
		Args:  noArgs,
	}
	r := a.remoteFlags(cmd)
	f.flags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "those as well that something was done with")
	cmd.Flags().IntVar(&limit, "limit", 50, "at most so many letters")
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
		filter.All = all
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			var out admin.LetterPage
			for len(out.Letters) < limit {
				p, err := c.Letters(ctx, filter, min(limit-len(out.Letters), 200))
				if err != nil {
					return err
				}
				out.Letters, out.Total, out.Reasons = append(out.Letters, p.Letters...), p.Total, p.Reasons
				if filter.Before = p.Next; p.Next == 0 {
					break
				}
			}
			if format == formatJSON {
				return a.printJSON(out)
			}
			return a.print(letterTable(&out, all))
		})
	}
	return cmd
}

func letterTable(p *admin.LetterPage, all bool) string {
	if len(p.Letters) == 0 {
		return "no dead letters\n"
	}
	head := []any{"EVENT", "GIVEN UP", "MAPPING", "KEY", "REASON", "FIELD", "MESSAGE"}
	if all {
		head = append(head, "STATE")
	}
	rows := []string{row(head...)}
	for i := range p.Letters {
		l := &p.Letters[i]
		reason, field, message := "", "", ""
		if r := l.Outcome.Reason; r != nil {
			reason, field, message = r.Class+" "+r.Code, r.Path, r.Message
		}
		cells := []any{l.Sequence, clock(l.Outcome.At), l.Mapping, cut(l.Event.Key, 30), cut(reason, 40), cut(field, 30), cut(message, 70)}
		if all {
			cells = append(cells, stateOf(l))
		}
		rows = append(rows, row(cells...))
	}
	var b strings.Builder
	b.WriteString(columns(rows) + "\n")
	rows = []string{row("COUNT", "MAPPING", "REASON", "FIELD")}
	for _, r := range p.Reasons {
		rows = append(rows, row(r.Count, r.Mapping, cut(r.Class+" "+r.Code, 40), cut(r.Field, 40)))
	}
	b.WriteString(columns(rows) + "\n")
	fmt.Fprintf(&b, "%s", counted(p.Total, "dead letter"))
	if len(p.Letters) < p.Total {
		fmt.Fprintf(&b, ", the newest %d of them are shown", len(p.Letters))
	}
	b.WriteString("\n")
	return b.String()
}

func stateOf(l *admin.Letter) string {
	text := strings.ReplaceAll(l.State, "_", " ")
	if n := len(l.Acts); n > 0 && l.Acts[n-1].As > 0 {
		text += fmt.Sprintf(" as %d", l.Acts[n-1].As)
	}
	return text
}

// chosen is the flags that tell one letter of an event from its others.
type chosen struct{ mapping, sink string }

func (ch *chosen) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&ch.mapping, "mapping", "", "the letter of this `mapping`, where the event has several")
	cmd.Flags().StringVar(&ch.sink, "sink", "", "the letter for this sink `connection`, where the event has several")
}

// letters gives the letters of an event.
func (ch *chosen) letters(ctx context.Context, c *client.Client, arg string) ([]admin.Letter, error) {
	seq, err := sequence(arg)
	if err != nil {
		return nil, err
	}
	p, err := c.Letters(ctx, admin.LetterFilter{Sequence: seq, Mapping: ch.mapping, Sink: ch.sink, All: true}, 100)
	if err != nil {
		return nil, err
	}
	if len(p.Letters) == 0 {
		return nil, fmt.Errorf("event %d is no dead letter: `crosswalk dead list` shows those that are", seq)
	}
	return p.Letters, nil
}

// letter gives the one letter of an event.
func (ch *chosen) letter(ctx context.Context, c *client.Client, arg string) (*admin.Letter, error) {
	all, err := ch.letters(ctx, c, arg)
	if err != nil {
		return nil, err
	}
	if len(all) > 1 {
		var names []string
		for i := range all {
			names = append(names, fmt.Sprintf("%s for %s", all[i].Mapping, all[i].Sink))
		}
		return nil, fmt.Errorf("event %s has %d dead letters (%s): choose one with --mapping or --sink", arg, len(all), strings.Join(names, ", "))
	}
	return &all[0], nil
}

func (a *app) deadShow() *cobra.Command {
	var ch chosen
	var format string
	cmd := &cobra.Command{
		Use:   "show EVENT",
		Short: "Show a dead letter: its reason, its record, and what was done with it",
		Args:  oneEvent,
	}
	r := a.remoteFlags(cmd)
	ch.flags(cmd)
	cmd.Flags().StringVar(&format, "format", formatText, "text or json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkFormat(format, formatText, formatJSON); err != nil {
			return err
		}
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			all, err := ch.letters(ctx, c, args[0])
			if err != nil {
				return err
			}
			if format == formatJSON {
				return a.printJSON(all)
			}
			var b strings.Builder
			for i := range all {
				if i > 0 {
					b.WriteByte('\n')
				}
				writeLetter(&b, &all[i])
			}
			return a.print(b.String())
		})
	}
	return cmd
}

func writeLetter(b *strings.Builder, l *admin.Letter) {
	fmt.Fprintf(b, "dead letter of event %d (%s.%s with key %s) under %s for %s: %s\n", l.Sequence, l.Source, l.Event.Type,
		plain(l.Event.Key), l.Mapping, l.Sink, stateOf(l))
	writeOutcome(b, &l.Outcome)
	fmt.Fprintf(b, "\nrecord:\n%s\n", indented(string(l.Event.Record)))
	for i := range l.Acts {
		writeAct(b, &l.Acts[i])
	}
}

// errNoLetters asks for what is to be acted on.
var errNoLetters = errors.New("name events by their numbers, or pick letters with flags, as --mapping or --code; --all-open picks all that are open")
