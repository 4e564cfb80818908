package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

func (a *app) undecodedCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "undecoded",
		Short: "Show webhooks that wait for their plugin, and resolve those that it refused later",
		Long: `While the plugin of a source cannot answer, webhooks are kept as they came and answered 202, and decoded
when it is back. One that turns out wrong only then cannot be refused to its sender any more: it is kept
with the reason until somebody has it decoded again or gives it up.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.undecodedList(), a.undecodedShow(), a.undecodedRetry(), a.undecodedDrop())
	return cmd
}

// undecodedFlags are the flags that pick refused webhooks.
type undecodedFlags struct{ connection string }

func (f *undecodedFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.connection, "connection", "", "only those of this `connection`")
}

func (f *undecodedFlags) filter() (string, error) { return f.connection, nil }

func (a *app) undecodedList() *cobra.Command {
	return listing(a, &cobra.Command{
		Use: "list", Short: "Count what waits, and list what was refused, oldest first",
	}, "webhooks", &undecodedFlags{}, refusedWebhooks, func(p admin.UndecodedPage) int { return len(p.Refused) + len(p.Connections) }, func(p admin.UndecodedPage) string { return undecodedTable(&p, time.Now()) })
}

// refusedWebhooks reads what waits, and so many of what was refused.
func refusedWebhooks(ctx context.Context, c *client.Client, connection string, limit int) (admin.UndecodedPage, error) {
	out := admin.UndecodedPage{Refused: []admin.Webhook{}}
	err := pages(limit, 200, func(n int) (int, bool, error) {
		p, err := c.Undecoded(ctx, connection, out.Next, n)
		out.Connections, out.Refused, out.Next = p.Connections, append(out.Refused, p.Refused...), p.Next
		return len(p.Refused), p.Next != 0, err
	})
	return out, err
}

func undecodedTable(p *admin.UndecodedPage, now time.Time) string {
	var b strings.Builder
	for _, u := range p.Connections {
		for _, text := range u.Text(now) {
			text, _, _ = strings.Cut(text, ": see `crosswalk undecoded list`") // which this is
			fmt.Fprintf(&b, "%s: %s\n", words.Plain(u.Connection), text)
		}
	}
	if len(p.Connections) == 0 && len(p.Refused) == 0 {
		return "no webhooks wait undecoded, and none was refused after it had been taken\n"
	}
	if len(p.Refused) == 0 {
		return b.String()
	}
	b.WriteString(webhookRows(p.Refused))
	if p.Next != 0 {
		b.WriteString("there are more: see --limit\n")
	}
	return b.String()
}

// webhookRows is a table of refused webhooks.
func webhookRows(all []admin.Webhook) string {
	rows := []string{row("WEBHOOK", "CONNECTION", "CAME", "REASON", "FIELD", "MESSAGE")}
	for _, w := range all {
		rows = append(rows, row(w.Sequence, w.Connection, words.Clock(w.ReceivedAt), words.Cut(w.Reason.Code, 40), words.Cut(w.Reason.Path, 30), words.Cut(w.Reason.Message, 70)))
	}
	return columns(rows)
}

func (a *app) undecodedShow() *cobra.Command {
	return showing(a, &cobra.Command{
		Use:   "show WEBHOOK",
		Short: "Show a refused webhook as it came",
	}, byWebhook, func(ctx context.Context, c *client.Client, n uint64) (admin.Webhook, error) {
		return client.Webhook.Get(ctx, c, fmt.Sprint(n))
	}, always(func(w admin.Webhook) string { return webhookText(&w) }))
}

func webhookText(w *admin.Webhook) string {
	var b strings.Builder
	fmt.Fprintf(&b, "webhook %d of %s, %d bytes, came %s and was refused %s\n", w.Sequence, words.Plain(w.Connection), w.Bytes, words.Clock(w.ReceivedAt), words.Clock(w.RefusedAt))
	reason := w.Reason.Code
	if w.Reason.Path != "" {
		reason += " at " + w.Reason.Path
	}
	fmt.Fprintf(&b, "%s: %s\n\n%s", words.Plain(reason), words.Plain(w.Reason.Message), words.Plain(w.Method))
	if w.Path != "" {
		b.WriteString(" " + words.Plain(w.Path))
	}
	if w.Query != "" {
		b.WriteString(" ?" + words.Plain(w.Query))
	}
	b.WriteByte('\n')
	for _, h := range w.Header {
		fmt.Fprintf(&b, "%s: %s\n", words.Plain(h[0]), words.Plain(h[1]))
	}
	switch {
	case w.Body != "":
		b.WriteByte('\n')
		for line := range strings.SplitSeq(w.Body, "\n") {
			b.WriteString(words.Plain(line) + "\n")
		}
	case len(w.BodyBase64) > 0:
		b.WriteString("\nthe body is not UTF-8: see --format json\n")
	}
	return b.String()
}

func (a *app) undecodedRetry() *cobra.Command {
	return a.onRefused(&cobra.Command{
		Use:   "retry [WEBHOOK...]",
		Short: "Have refused webhooks decoded again",
		Long: `Puts refused webhooks behind those of their connection that wait, to be decoded again: after the plugin
was mended, say. They take the way of live traffic from there. It waits a moment for what becomes of them.`,
	}, "put up to be decoded again", false, client.RetryWebhooks.Post)
}

func (a *app) undecodedDrop() *cobra.Command {
	return a.onRefused(&cobra.Command{
		Use:   "drop [WEBHOOK...]",
		Short: "Give refused webhooks up for good; wants --yes and --reason",
		Long:  `Removes refused webhooks. Who did it and why stands in the engine's log.`,
	}, "dropped", true, client.DropWebhooks.Post)
}

// doWebhooks does something with refused webhooks.
type doWebhooks func(context.Context, *client.Client, admin.WebhooksRequest) (admin.WebhooksDone, error)

// onRefused is a command that does something with refused webhooks. One that cannot
// be taken back is careful.
func (a *app) onRefused(cmd *cobra.Command, done string, careful bool, do doWebhooks) *cobra.Command {
	var all, yes bool
	var who doing
	r := a.remoteFlags(cmd)
	who.flags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "all that were refused")
	if careful {
		cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var numbers []uint64
		for _, arg := range args {
			n, err := byWebhook.number(arg)
			if err != nil {
				return err
			}
			numbers = append(numbers, n)
		}
		switch {
		case all == (len(args) > 0):
			return errors.New("name webhooks by their numbers, as `crosswalk undecoded list` shows them, or give --all")
		case careful && who.reason == "":
			return errors.New("a drop wants a --reason, for the record")
		}
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			p, err := refusedWebhooks(ctx, c, "", maxList)
			if err != nil {
				return err
			}
			known := map[uint64]admin.Webhook{}
			for _, w := range p.Refused {
				known[w.Sequence] = w
				if all {
					numbers = append(numbers, w.Sequence)
				}
			}
			switch {
			case all && len(numbers) == 0:
				return a.print(nothingRefused(&p))
			case careful && !yes:
				return a.planOnRefused(numbers, known, done)
			case careful:
				return a.actOnRefused(ctx, c, numbers, who, done, do)
			}
			return a.retryRefused(ctx, c, numbers, known, who, done, do)
		})
	}
	return cmd
}

// nothingRefused says that there is nothing to do, and what waits by itself.
func nothingRefused(p *admin.UndecodedPage) string {
	waiting := 0
	for _, u := range p.Connections {
		waiting += u.Waiting
	}
	text := "no webhook was refused after it had been taken"
	if waiting > 0 {
		text += "; those that wait are decoded by themselves when their plugin answers: see `crosswalk undecoded list`"
	}
	return text + "\n"
}

// planOnRefused prints what would be done with refused webhooks.
func (a *app) planOnRefused(numbers []uint64, known map[uint64]admin.Webhook, done string) error {
	var there []admin.Webhook
	for _, n := range numbers {
		w, is := known[n]
		if !is {
			return fmt.Errorf("there is no refused webhook %d: `crosswalk undecoded list` shows those that there are", n)
		}
		there = append(there, w)
	}
	return a.print(webhookRows(there) + fmt.Sprintf("%s would be %s; nothing was done: give --yes to do it\n", words.Count(len(there), "webhook"), done))
}

func (a *app) actOnRefused(ctx context.Context, c *client.Client, numbers []uint64, who doing, done string, do doWebhooks) error {
	n, not := 0, 0
	for len(numbers) > 0 {
		some := numbers[:min(len(numbers), atOnce)]
		numbers = numbers[len(some):]
		var out admin.WebhooksDone
		err := patiently(ctx, func() (err error) {
			out, err = do(ctx, c, admin.WebhooksRequest{Webhooks: some, By: admin.By{By: who.name(), Reason: who.reason}})
			return err
		})
		if err != nil {
			return err
		}
		for _, one := range out.Results {
			if one.Problem != "" {
				not++
				a.message("webhook %d: not done: %s\n", one.Sequence, words.Plain(one.Problem))
				continue
			}
			n++
		}
	}
	text := fmt.Sprintf("%s: %s", done, words.Count(n, "webhook"))
	if not > 0 {
		text += fmt.Sprintf("; not done: %d", not)
	}
	if err := a.print(text + "\n"); err != nil {
		return err
	}
	if not > 0 {
		return errFindings
	}
	return nil
}
