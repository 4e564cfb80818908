package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// resolving is what is done with mappings that are gone from the configuration.
type resolving struct {
	source, sink string
	yes          bool
	who          doing
}

func (o *resolving) flags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&o.source, "connection", "", "only from this source `connection`")
	fs.StringVar(&o.sink, "sink", "", "only to this sink `connection`")
	fs.BoolVar(&o.yes, "yes", false, "do it")
	o.who.flags(cmd)
}

// gone gives the mapping of a name in each lane where it is paused or being dropped.
func (o *resolving) gone(ctx context.Context, c *client.Client, name string) ([]admin.MappingLife, error) {
	l, err := client.Mappings.Get(ctx, c)
	if err != nil {
		return nil, err
	}
	var out []admin.MappingLife
	var others []string
	for _, m := range l.Mappings {
		if m.Mapping != name || o.source != "" && m.Source != o.source || o.sink != "" && m.Sink != o.sink {
			continue
		}
		switch m.State {
		case "paused", "dropping":
			out = append(out, m)
		case "running":
			others = append(others, fmt.Sprintf("it runs from %s to %s: take it out of the configuration first", m.Source, m.Sink))
		case "renamed":
			others = append(others, fmt.Sprintf("it was renamed to %s by %s", m.To, m.By))
		default:
			others = append(others, fmt.Sprintf("it was %s by %s", m.State, m.By))
		}
	}
	switch {
	case len(out) > 0:
		return out, nil
	case len(others) > 0:
		return nil, fmt.Errorf("mapping %s is not paused: %s", name, strings.Join(others, "; "))
	}
	return nil, fmt.Errorf("there is no mapping %s: `crosswalk mapping list` shows those that there are", name)
}

// stillToDeliver says how many events neither of two mappings has delivered.
func stillToDeliver(n uint64) string {
	if n == 0 {
		return "no event is left that"
	}
	return words.Count(n, "event")
}

// plan prints what would be done with each.
func (o *resolving) plan(a *app, lives []admin.MappingLife, what func(i int) string) error {
	var b strings.Builder
	for i := range lives {
		m := &lives[i]
		fmt.Fprintf(&b, "mapping %s from %s to %s is %s since %s: %s\n", m.Mapping, m.Source, m.Sink, m.State, words.Clock(m.Since), what(i))
	}
	if !o.yes {
		b.WriteString("nothing was done: give --yes to do it\n")
	}
	return a.print(b.String())
}

func (o *resolving) request(m *admin.MappingLife) admin.MappingRequest {
	return admin.MappingRequest{
		Mapping: m.Mapping, Source: m.Source, Sink: m.Sink, By: admin.By{By: o.who.name(), Reason: o.who.reason, ID: newID()},
	}
}

func (a *app) mappingDrop() *cobra.Command {
	var o resolving
	cmd := &cobra.Command{
		Use:   "drop NAME",
		Short: "Give a mapping up that is gone from the configuration; wants --yes and --reason",
		Long: `Gives a mapping up for good that the configuration has no more: every event that waits for it is
journaled as skipped, with who did it and why. Without --yes it prints what it would do, and does nothing.`,
	}
	r := a.remoteFlags(cmd)
	o.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := names(cmd, args, "one mapping's name", 1, 1); err != nil {
			return err
		}
		if o.yes && o.who.reason == "" {
			return errors.New("a drop wants a --reason, for the record")
		}
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			lives, err := o.gone(ctx, c, args[0])
			if err != nil {
				return err
			}
			if err := o.plan(a, lives, func(i int) string {
				text := words.Count(lives[i].Backlog, "event")
				if lives[i].Oldest != nil {
					text += fmt.Sprintf(", the oldest of %s,", words.Clock(*lives[i].Oldest))
				}
				return text + " would be skipped"
			}); err != nil || !o.yes {
				return err
			}
			for i := range lives {
				if err := a.drop(ctx, c, o.request(&lives[i]), lives[i].Backlog); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return cmd
}

// drop drops a mapping of a lane, part by part.
func (a *app) drop(ctx context.Context, c *client.Client, req admin.MappingRequest, backlog uint64) error {
	bar := a.progress("drop", backlog)
	defer bar.end()
	var skipped uint64
	for {
		var done admin.MappingDropped
		err := patiently(ctx, func() (err error) {
			done, err = client.DropMapping.Post(ctx, c, req)
			return err
		})
		if err != nil {
			return errors.Join(a.print(fmt.Sprintf("skipped: %s; then it was broken off, and the engine ends it when it starts next\n", words.Count(skipped, "event"))), err)
		}
		skipped += done.Skipped
		bar.add(done.Skipped)
		if done.Left == 0 {
			return a.print(fmt.Sprintf("dropped: %s from %s to %s; skipped: %s\n", req.Mapping, req.Source, req.Sink, words.Count(skipped, "event")))
		}
	}
}

func (a *app) mappingRename() *cobra.Command {
	var o resolving
	cmd := &cobra.Command{
		Use:   "rename OLD NEW",
		Short: "Have a mapping take over the state of one that is gone from the configuration; wants --yes",
		Long: `Has the mapping NEW, which runs, go on where OLD was, which the configuration has no more: it delivers
the events that wait, takes what became of the others for its own, and retries go to it. Without --yes it
prints what it would do, and does nothing.`,
	}
	r := a.remoteFlags(cmd)
	o.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := names(cmd, args, "the old name and the new one", 2, 2); err != nil {
			return err
		}
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			lives, err := o.gone(ctx, c, args[0])
			if err != nil {
				return err
			}
			waiting := make([]uint64, len(lives))
			for i := range lives {
				plan, err := client.RenameMapping.Post(ctx, c, admin.RenameRequest{MappingRequest: o.request(&lives[i]), To: args[1], Plan: true})
				if err != nil {
					return err
				}
				waiting[i] = plan.Events
			}
			if err := o.plan(a, lives, func(i int) string {
				return fmt.Sprintf("%s would be delivered by %s", stillToDeliver(waiting[i]), words.Plain(args[1]))
			}); err != nil || !o.yes {
				return err
			}
			for i := range lives {
				m := &lives[i]
				done, err := client.RenameMapping.Post(ctx, c, admin.RenameRequest{MappingRequest: o.request(m), To: args[1]})
				if err != nil {
					return err
				}
				if err := a.print(fmt.Sprintf("renamed: %s from %s to %s is %s; on their way: %s\n", m.Mapping, m.Source, m.Sink, words.Plain(args[1]), words.Count(done.Events, "event"))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return cmd
}
