package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

func (a *app) replayCommand() *cobra.Command {
	var (
		f             eventFlags
		mapping, sink string
		outcome       string
		all, yes      bool
		rate          int
		who           doing
	)
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Put events on their way again, whatever became of them; prints its plan first",
		Long: `Maps and delivers events again that came before, along the way of live traffic, as events of their own.
Without --yes it prints what it would do, and does nothing. What something newer of its key has overtaken
is left out, and so is what is on its way still.`,
		Args: noArgs,
	}
	r := a.remoteFlags(cmd)
	f.flags(cmd)
	who.flags(cmd)
	fs := cmd.Flags()
	fs.StringVar(&mapping, "mapping", "", "for this `mapping` alone (default: for all)")
	fs.StringVar(&sink, "sink", "", "for this sink `connection` alone (default: for all)")
	fs.StringVar(&outcome, "outcome", "", "only events with this `outcome`: delivered, skipped, superseded, dead")
	fs.BoolVar(&all, "all", false, "all events that are kept")
	fs.BoolVar(&yes, "yes", false, "do it")
	fs.IntVar(&rate, "rate", 500, "at most so many `events` a second")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !all && f == (eventFlags{}) && mapping == "" && outcome == "" {
			return errors.New("pick events, as with --since 2h or --key, or give --all")
		}
		if rate < 1 || rate > 100_000 {
			return errors.New("--rate: want 1 to 100000")
		}
		if outcome != "" {
			if err := oneWord("--outcome", outcome, "delivered", "skipped", "superseded", "dead"); err != nil {
				return err
			}
		}
		filter, err := f.filter()
		if err != nil {
			return err
		}
		filter.Outcome = outcome
		if outcome != "" {
			filter.Mapping = mapping
		}
		req := admin.ReplayRequest{
			Filter: filter, Sink: sink, Mapping: mapping,
			By: admin.By{By: who.name(), Reason: who.reason, ID: newID()},
		}
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			plan, err := a.planned(ctx, c, req)
			if err != nil {
				return err
			}
			if err := a.print(planText(plan)); err != nil || plan.Send == 0 {
				return err
			}
			if !yes {
				return a.print("nothing was done: give --yes to do it\n")
			}
			req.Through = plan.Through
			return a.replay(ctx, c, req, plan, rate)
		})
	}
	return cmd
}

// planned asks for a plan, part by part.
func (a *app) planned(ctx context.Context, c *client.Client, req admin.ReplayRequest) (admin.ReplayPlan, error) {
	var plan admin.ReplayPlan
	for {
		rest, err := client.Plan.Post(ctx, c, req)
		if err != nil {
			return plan, err
		}
		plan.Add(rest)
		if req.Filter.After = rest.Next; rest.Next == 0 {
			return plan, nil
		}
		if f, ok := a.stderr.(*os.File); ok && terminal(f) {
			a.message("\rplan: %s looked at", words.Count(plan.Events, "event"))
		}
	}
}

func planText(p admin.ReplayPlan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s picked", words.Count(p.Events, "event"))
	if p.Events > 0 {
		fmt.Fprintf(&b, ", up to event %d", p.Through)
	}
	b.WriteByte('\n')
	for _, line := range []struct {
		n         uint64
		one, many string
	}{
		{p.Delivered, "goes on its way again, and was delivered before", "go on their way again, and were delivered before"},
		{p.Dead, "goes on its way again, and is a dead letter", "go on their way again, and are dead letters"},
		{p.Others, "goes on its way again, and was not delivered before", "go on their way again, and were not delivered before"},
		{p.Superseded, "is left out: something newer of its key was delivered", "are left out: something newer of their key was delivered"},
		{p.Waiting, "is left out: it is on its way still", "are left out: they are on their way still"},
		{p.Replays, "is left out: it is a replay itself", "are left out: they are replays themselves"},
		{p.Resolved, "is left out: it was a dead letter, and a retry has resolved it", "are left out: they were dead letters, and a retry has resolved them"},
		{p.Unwanted, "is left out: no mapping that runs now wants it", "are left out: no mapping that runs now wants them"},
	} {
		switch line.n {
		case 0:
		case 1:
			fmt.Fprintf(&b, "%8d %s\n", line.n, line.one)
		default:
			fmt.Fprintf(&b, "%8d %s\n", line.n, line.many)
		}
	}
	return b.String()
}

// replay puts the events of a plan on their way again, at most so many a second.
func (a *app) replay(ctx context.Context, c *client.Client, req admin.ReplayRequest, plan admin.ReplayPlan, rate int) error {
	req.Limit = min(atOnce, rate)
	pause := time.Duration(req.Limit) * time.Second / time.Duration(rate)
	bar := a.progress("replay", plan.Events)
	defer bar.end()
	var sent, left uint64
	for {
		began := time.Now()
		var done admin.ReplayDone
		err := patiently(ctx, func() (err error) {
			done, err = client.Replay.Post(ctx, c, req)
			return err
		})
		if err != nil {
			return errors.Join(a.print(fmt.Sprintf("on their way again: %s; then it was broken off\n", words.Count(sent, "event"))), err)
		}
		sent, left = sent+done.Sent, left+done.Left
		bar.add(done.Sent + done.Left)
		if req.Filter.After = done.Next; done.Next == 0 {
			break
		}
		if done.Sent == 0 {
			continue
		}
		select {
		case <-time.After(pause - time.Since(began)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return a.print(fmt.Sprintf("on their way again: %s; left out: %d\n", words.Count(sent, "event"), left))
}
