package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
)

// asking makes cmd one that asks the engine for something and prints it, for people
// as text has it or as JSON. check, where it is not nil, finds what is wrong with the
// flags before anybody is asked.
func asking[T any](a *app, cmd *cobra.Command, check func() error,
	ask func(context.Context, *client.Client, []string) (T, error), text func(T) (string, error),
) *cobra.Command {
	r := a.remoteFlags(cmd)
	var format string
	cmd.Flags().StringVar(&format, "format", formatText, "text or json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkFormat(format, formatText, formatJSON); err != nil {
			return err
		}
		if check != nil {
			if err := check(); err != nil {
				return err
			}
		}
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			out, err := ask(ctx, c, args)
			if err != nil {
				return err
			}
			if format == formatJSON {
				return a.printJSON(out)
			}
			s, err := text(out)
			if err != nil {
				return err
			}
			return a.print(s)
		})
	}
	return cmd
}

// always is a text that is always to be had.
func always[T any](text func(T) string) func(T) (string, error) {
	return func(v T) (string, error) { return text(v), nil }
}

// numbered is what a command names by its number.
type numbered struct {
	// what it is, as "an event", and list the command that shows the numbers.
	what, list string
}

var (
	byEvent   = numbered{"event", "crosswalk events list"}
	byWebhook = numbered{"webhook", "crosswalk undecoded list"}
)

// number reads a number.
func (n numbered) number(s string) (uint64, error) {
	v, err := strconv.ParseUint(s, 10, 63)
	if err != nil || v == 0 {
		return 0, fmt.Errorf("%q is no %s: it is named by its number, as `%s` shows it", s, n.what, n.list)
	}
	return v, nil
}

// one refuses arguments that are not one number.
func (n numbered) one(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s takes one %s's number; see `%s --help`", cmd.Name(), n.what, cmd.CommandPath())
	}
	_, err := n.number(args[0])
	return err
}

// showing is asking for the one thing that the argument numbers.
func showing[T any](a *app, cmd *cobra.Command, n numbered,
	ask func(context.Context, *client.Client, uint64) (T, error), text func(T) (string, error),
) *cobra.Command {
	cmd.Args = n.one
	return asking(a, cmd, nil, func(ctx context.Context, c *client.Client, args []string) (T, error) {
		v, err := n.number(args[0])
		if err != nil {
			var none T
			return none, err
		}
		return ask(ctx, c, v)
	}, text)
}

// maxList bounds how many events or letters one command lists.
const maxList = 100_000

// filtered are the flags that pick what a list shows, a filter what they say, and picks
// the names among that.
type filtered[F any] interface {
	flags(cmd *cobra.Command)
	filter() (F, error)
	picks() picking
}

// listing is asking for a list that flags pick and --limit bounds. read gives at most
// so many of it, and size how many they are.
func listing[F, T any](a *app, cmd *cobra.Command, what string, f filtered[F],
	read func(ctx context.Context, c *client.Client, filter F, limit int) (T, error), size func(T) int, text func(T) string,
) *cobra.Command {
	cmd.Args = noArgs
	var limit int
	var filter F
	f.flags(cmd)
	cmd.Flags().IntVar(&limit, "limit", 50, "at most so many "+what)
	return asking(a, cmd, func() (err error) {
		if limit < 1 || limit > maxList {
			return fmt.Errorf("--limit %d: want 1 to %d", limit, maxList)
		}
		filter, err = f.filter()
		return err
	}, func(ctx context.Context, c *client.Client, _ []string) (T, error) {
		out, err := read(ctx, c, filter, limit)
		if err == nil && size(out) == 0 {
			err = a.unknown(ctx, c, f.picks())
		}
		return out, err
	}, always(text))
}

// pages reads a list part by part: each call of page gets how many it may read, at
// most most, and says how many it has read and whether there is more.
func pages(limit, most int, page func(n int) (read int, more bool, err error)) error {
	for have := 0; have < limit; {
		n, more, err := page(min(limit-have, most))
		if err != nil || !more {
			return err
		}
		have += n
	}
	return nil
}
