package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
	"github.com/crosswalk-etl/crosswalk/engine/words"
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

// listedLetters are the flags of a list of letters.
type listedLetters struct {
	letterFlags
	all bool
}

func (f *listedLetters) flags(cmd *cobra.Command) {
	f.letterFlags.flags(cmd)
	cmd.Flags().BoolVar(&f.all, "all", false, "those as well that something was done with")
}

func (f *listedLetters) filter() (admin.LetterFilter, error) {
	out, err := f.letterFlags.filter()
	out.All = f.all
	return out, err
}

func (a *app) deadList() *cobra.Command {
	f := &listedLetters{}
	return listing(a, &cobra.Command{
		Use: "list", Short: "List dead letters, newest first, and count their reasons",
	}, "letters", f, readLetters, func(p admin.LetterPage) int { return len(p.Letters) }, func(p admin.LetterPage) string { return letterTable(&p, f.all) })
}

// readLetters gives the newest letters that f picks.
func readLetters(ctx context.Context, c *client.Client, f admin.LetterFilter, limit int) (admin.LetterPage, error) {
	out := admin.LetterPage{Letters: []admin.Letter{}}
	err := pages(limit, 200, func(n int) (int, bool, error) {
		p, err := c.Letters(ctx, f, n)
		out.Letters, out.Total, out.Reasons = append(out.Letters, p.Letters...), p.Total, p.Reasons
		f.Before = p.Next
		return len(p.Letters), p.Next != 0, err
	})
	return out, err
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
		cells := []any{l.Sequence, words.Clock(l.Outcome.At), l.Mapping, words.Cut(l.Event.Key, 30), words.Cut(reason, 40), words.Cut(field, 30), words.Cut(message, 70)}
		if all {
			cells = append(cells, chainOf(l, p.Letters))
		}
		rows = append(rows, row(cells...))
	}
	var b strings.Builder
	b.WriteString(columns(rows) + "\n")
	rows = []string{row("COUNT", "MAPPING", "REASON", "FIELD")}
	for _, r := range p.Reasons {
		rows = append(rows, row(r.Count, r.Mapping, words.Cut(r.Class+" "+r.Code, 40), words.Cut(r.Field, 40)))
	}
	b.WriteString(columns(rows) + "\n")
	fmt.Fprintf(&b, "%s", words.Count(p.Total, "dead letter"))
	if len(p.Letters) < p.Total {
		fmt.Fprintf(&b, ", the newest %d of them are shown", len(p.Letters))
	}
	b.WriteString("\n")
	return b.String()
}

// chainOf is a letter's state, and where it died again, that of what it went on its way
// as, as far as the page has it.
func chainOf(l *admin.Letter, all []admin.Letter) string {
	text := stateOf(l)
	for l.State == "dead_again" && len(l.Acts) > 0 {
		as := l.Acts[len(l.Acts)-1].As
		i := slices.IndexFunc(all, func(o admin.Letter) bool {
			return o.Sequence == as && o.Source == l.Source && o.Sink == l.Sink && o.Sequence > l.Sequence
		})
		if i < 0 {
			return text
		}
		l = &all[i]
		text += ", which is " + stateOf(l)
	}
	return text
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
func (ch *chosen) letters(ctx context.Context, c *client.Client, sequence uint64) ([]admin.Letter, error) {
	p, err := c.Letters(ctx, admin.LetterFilter{Sequence: sequence, Mapping: ch.mapping, Sink: ch.sink, All: true}, 100)
	if err != nil {
		return nil, err
	}
	if len(p.Letters) == 0 {
		return nil, fmt.Errorf("event %d is no dead letter: `crosswalk dead list` shows those that are", sequence)
	}
	return p.Letters, nil
}

// letter gives the one letter of an event.
func (ch *chosen) letter(ctx context.Context, c *client.Client, sequence uint64) (*admin.Letter, error) {
	all, err := ch.letters(ctx, c, sequence)
	if err != nil {
		return nil, err
	}
	if len(all) > 1 {
		var names []string
		for i := range all {
			names = append(names, fmt.Sprintf("%s for %s", all[i].Mapping, all[i].Sink))
		}
		return nil, fmt.Errorf("event %d has %d dead letters (%s): choose one with --mapping or --sink", sequence, len(all), strings.Join(names, ", "))
	}
	return &all[0], nil
}

func (a *app) deadShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show EVENT",
		Short: "Show a dead letter: its reason, its record, and what was done with it",
	}
	var ch chosen
	ch.flags(cmd)
	return showing(a, cmd, byEvent, ch.letters, always(func(all []admin.Letter) string {
		var b strings.Builder
		for i := range all {
			if i > 0 {
				b.WriteByte('\n')
			}
			writeLetter(&b, &all[i])
		}
		return b.String()
	}))
}

func writeLetter(b *strings.Builder, l *admin.Letter) {
	fmt.Fprintf(b, "dead letter of event %d (%s.%s with key %s) under %s for %s: %s\n", l.Sequence, l.Source, l.Event.Type,
		words.Plain(l.Event.Key), l.Mapping, l.Sink, stateOf(l))
	writeOutcome(b, &l.Outcome)
	fmt.Fprintf(b, "\nrecord:\n%s\n", indented(string(l.Event.Record)))
	for i := range l.Acts {
		writeAct(b, &l.Acts[i])
	}
}

// errNoLetters asks for what is to be acted on.
var errNoLetters = errors.New("name events by their numbers, or pick letters with flags, as --mapping or --code; --all-open picks all that are open")
