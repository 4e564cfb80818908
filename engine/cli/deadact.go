package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// atOnce is how many letters or events one request takes.
const atOnce = 100

// doLetters does something with dead letters.
type doLetters func(context.Context, *client.Client, admin.LettersRequest) (admin.LettersDone, error)

// acting is a command that does something with dead letters.
type acting struct {
	app *app
	// doing and done are the words for it: retry, retried.
	doing, done string
	flags       letterFlags
	allOpen     bool
	yes         bool
	who         doing
	// each does it.
	each doLetters
}

func (a *app) deadRetry() *cobra.Command {
	act := &acting{app: a, doing: "retry", done: "on their way again", each: client.Retry.Post}
	return act.command(&cobra.Command{
		Use:   "retry [EVENT...]",
		Short: "Put dead letters on their way again",
		Long: `Maps and delivers the events again, along the way of live traffic, as events of their own. One whose key
had something newer delivered meanwhile ends as superseded, and overwrites nothing.`,
	}, "do it, where flags pick the letters")
}

func (a *app) deadDrop() *cobra.Command {
	act := &acting{app: a, doing: "drop", done: "dropped", each: client.Drop.Post}
	return act.command(&cobra.Command{
		Use:   "drop [EVENT...]",
		Short: "Give dead letters up for good; wants --yes and --reason",
		Long:  `Records that the letters are not to be delivered, by whom and why. The letters themselves are kept.`,
	}, "do it")
}

func (act *acting) command(cmd *cobra.Command, yes string) *cobra.Command {
	r := act.app.remoteFlags(cmd)
	act.flags.flags(cmd)
	act.who.flags(cmd)
	cmd.Flags().BoolVar(&act.allOpen, "all-open", false, "all dead letters that are open")
	cmd.Flags().BoolVar(&act.yes, "yes", false, yes)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		picks := act.flags.given() || act.allOpen
		one := act.flags
		one.mapping, one.sink = "", ""
		switch {
		case len(args) == 0 && !picks:
			return errNoLetters
		case len(args) > 0 && (one.given() || act.allOpen):
			return errors.New("either name events by their numbers or pick letters with flags; beside numbers only --mapping and --sink may stand")
		case act.doing == "drop" && act.who.reason == "":
			return errors.New("a drop wants a --reason, for the record")
		}
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			if len(args) > 0 {
				return act.named(ctx, c, args)
			}
			return act.picked(ctx, c)
		})
	}
	return cmd
}

// named acts on the letters of events.
func (act *acting) named(ctx context.Context, c *client.Client, args []string) error {
	ch := chosen{act.flags.mapping, act.flags.sink}
	var ids []admin.LetterID
	for _, arg := range args {
		n, err := byEvent.number(arg)
		if err != nil {
			return err
		}
		all, err := ch.letters(ctx, c, n)
		if err != nil {
			return err
		}
		for i := range all {
			ids = append(ids, all[i].LetterID)
		}
	}
	if act.doing == "drop" && !act.yes {
		return act.plan(len(ids))
	}
	var t tally
	for len(ids) > 0 {
		n := min(len(ids), atOnce)
		if err := act.some(ctx, c, ids[:n], &t); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return act.end(&t)
}

// picked acts on all letters that the flags pick, oldest first.
func (act *acting) picked(ctx context.Context, c *client.Client) error {
	f, err := act.flags.filter()
	if err != nil {
		return err
	}
	p, err := c.Letters(ctx, f, 1)
	if err != nil {
		return err
	}
	if p.Total == 0 {
		return act.app.print("no dead letters\n")
	}
	if !act.yes {
		return act.plan(p.Total)
	}
	// What is given up again meanwhile is not taken again.
	now := time.Now()
	if f.Until.IsZero() || f.Until.After(now) {
		f.Until = now
	}
	f.Walk = true
	var t tally
	bar := act.app.progress(act.doing, uint64(max(p.Total, 0)))
	defer bar.end()
	for {
		p, err := c.Letters(ctx, f, atOnce)
		if err != nil {
			return err
		}
		ids := make([]admin.LetterID, len(p.Letters))
		for i := range p.Letters {
			ids[i] = p.Letters[i].LetterID
		}
		if len(ids) > 0 {
			if err := act.some(ctx, c, ids, &t); err != nil {
				return err
			}
			bar.add(uint64(len(ids)))
		}
		if f.After = p.Next; p.Next == 0 {
			return act.end(&t)
		}
	}
}

func (act *acting) plan(n int) error {
	return act.app.print(fmt.Sprintf("%s would be %s; nothing was done: give --yes to do it\n", words.Count(n, "dead letter"), act.done))
}

// tally counts what was done.
type tally struct {
	done, not int
	as        []uint64
}

// some acts on some letters, and prints what could not be done.
func (act *acting) some(ctx context.Context, c *client.Client, ids []admin.LetterID, t *tally) error {
	req := admin.LettersRequest{Letters: ids, By: admin.By{By: act.who.name(), Reason: act.who.reason, ID: newID()}}
	var out admin.LettersDone
	err := patiently(ctx, func() (err error) {
		out, err = act.each(ctx, c, req)
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range out.Results {
		if r.Problem != "" {
			t.not++
			act.app.message("event %d under %s: not done: %s\n", r.Sequence, r.Mapping, words.Plain(r.Problem))
			continue
		}
		t.done++
		t.as = append(t.as, r.As)
	}
	return nil
}

// end says what was done; what was not is a finding.
func (act *acting) end(t *tally) error {
	text := fmt.Sprintf("%s: %s", act.done, words.Count(t.done, "dead letter"))
	if t.done == 1 && t.as[0] > 0 {
		text += fmt.Sprintf(", as event %d", t.as[0])
	}
	if t.not > 0 {
		text += fmt.Sprintf("; not done: %d", t.not)
	}
	if err := act.app.print(text + "\n"); err != nil {
		return err
	}
	if t.not > 0 {
		return errFindings
	}
	return nil
}

// patiently asks again while the engine says that it cannot just now.
func patiently(ctx context.Context, ask func() error) error {
	const most = 10
	for i := 1; ; i++ {
		err := ask()
		refusal, ok := errors.AsType[*client.Error](err)
		if !ok || refusal.RetryAfter == 0 || i == most {
			return err
		}
		select {
		case <-time.After(refusal.RetryAfter):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
