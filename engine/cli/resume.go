package cli

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

func (a *app) resumeCommand() *cobra.Command {
	return a.sinkCommand("resume", "Let records go to a connection again",
		`Ends what keeps records from going to a connection: a pause, refused credentials, a limit,
or failures for every order. One record goes at once, and the others when that passes; where
the sink still refuses it, the connection waits on. Nothing is lost meanwhile.`,
		client.Resume.Post)
}

func (a *app) pauseCommand() *cobra.Command {
	return a.sinkCommand("pause", "Have no records go to a connection",
		`Has no records go to a connection until `+"`crosswalk resume`"+`, also after the engine restarts.
What is at the sink is finished; webhooks are taken on, and everything is kept.`,
		client.Pause.Post)
}

func (a *app) sinkCommand(name, short, long string, do func(context.Context, *client.Client, admin.SinkRequest) (admin.Sending, error)) *cobra.Command {
	cmd := &cobra.Command{Use: name + " CONNECTION", Short: short, Long: long}
	r := a.remoteFlags(cmd)
	var by doing
	cmd.Flags().StringVar(&by.by, "by", "", "`name` of who does it, for the log (default: the user's)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("%s takes one connection, and %d are named: crosswalk %s CONNECTION", name, len(args), name)
		}
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			s, err := do(ctx, c, admin.SinkRequest{Connection: args[0], By: by.name()})
			if err != nil {
				return err
			}
			return a.print(args[0] + ": " + sendingText(args[0], s, time.Now()) + "\n")
		})
	}
	return cmd
}

// sendingText tells in a line how records go to a connection.
func sendingText(connection string, s admin.Sending, now time.Time) string {
	text := map[string]string{
		"open": "records go", "limited": "it limits its callers", "broken": "it fails for every order",
		"paused": "it refuses the credentials", "stopped": "paused by " + cmp.Or(words.Plain(s.By), "an operator"),
	}[s.State]
	if text == "" {
		text = s.State
	}
	if s.Reason != nil {
		text += fmt.Sprintf(" (%s %s: %s)", s.Reason.Class, words.Plain(s.Reason.Code), words.Cut(s.Reason.Message, 80))
	}
	if s.Since != nil && s.State != "open" && now.Sub(*s.Since) >= time.Second {
		text += ", for " + words.Age(*s.Since, now)
	}
	if s.State == "stopped" {
		text += ", until `crosswalk resume " + connection + "`"
	}
	if s.Until != nil && s.State != "open" {
		if wait := s.Until.Sub(now); wait > 0 {
			text += fmt.Sprintf("; it is tried again in %s", wait.Round(time.Second))
		} else {
			text += "; it is tried again now"
		}
	}
	return text
}
