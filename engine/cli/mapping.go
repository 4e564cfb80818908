package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

func (a *app) mappingCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mapping",
		Short: "Show how mappings stand and what they were, and resolve those that are gone",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.mappingList(), a.mappingShow(), a.mappingDiff(), a.mappingDrop(), a.mappingRename())
	return cmd
}

func (a *app) mappingList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List mappings that run, and those that are gone while events wait for them",
		Long: `Lists the mappings that run, and those that the configuration has no more: what they want is kept
until they are back in the configuration, or crosswalk mapping drop or rename resolves them.`,
		Args: noArgs,
	}
	var all bool
	cmd.Flags().BoolVar(&all, "all", false, "those as well that were dropped or renamed, and every text that is kept")
	return asking(a, cmd, nil, func(ctx context.Context, c *client.Client, _ []string) (admin.MappingList, error) {
		l, err := client.Mappings.Get(ctx, c)
		if !all {
			l.Mappings = slices.DeleteFunc(l.Mappings, func(m admin.MappingLife) bool { return m.State == "dropped" || m.State == "renamed" })
			l.Texts = []admin.KeptText{}
		}
		return l, err
	}, always(func(l admin.MappingList) string { return mappingTable(&l, all) }))
}

func mappingTable(l *admin.MappingList, all bool) string {
	if len(l.Mappings) == 0 {
		return "no mappings\n"
	}
	rows := []string{row("MAPPING", "LANE", "STATE", "SINCE", "WAITING", "OLDEST", "SHA256", "")}
	for i := range l.Mappings {
		m := &l.Mappings[i]
		waiting, oldest, note := "", "", ""
		if m.State == "paused" || m.State == "dropping" {
			waiting = fmt.Sprint(m.Backlog)
		}
		if m.Oldest != nil {
			oldest = words.Clock(*m.Oldest)
		}
		if len(m.Was) > 0 {
			note = "was " + strings.Join(m.Was, ", ")
		}
		switch {
		case m.To != "":
			note = fmt.Sprintf("to %s by %s, with %s%s", m.To, m.By, words.Count(m.Affected, "event"), because(m.Reason))
		case m.By != "":
			note = fmt.Sprintf("by %s, %s skipped%s", m.By, words.Count(m.Affected, "event"), because(m.Reason))
		}
		rows = append(rows, row(m.Mapping, m.Source+" to "+m.Sink, m.State, words.Clock(m.Since), waiting, oldest, m.SHA256[:min(12, len(m.SHA256))], note))
	}
	// The last column is mostly empty.
	for i := range rows {
		rows[i] = strings.TrimSuffix(rows[i], "\t-")
	}
	var b strings.Builder
	b.WriteString(columns(rows))
	if all && len(l.Texts) > 0 {
		rows = []string{row("TEXT OF", "SHA256", "KEPT SINCE")}
		for _, t := range l.Texts {
			rows = append(rows, row(t.Mapping, t.SHA256[:min(12, len(t.SHA256))], words.Clock(t.At)))
		}
		b.WriteString("\n" + columns(rows))
	}
	return b.String()
}

// named gives the mapping's text that an argument names: by its digest, or by the name
// of one that runs or is paused.
func named(ctx context.Context, c *client.Client, arg string) (admin.MappingText, error) {
	l, err := client.Mappings.Get(ctx, c)
	if err != nil {
		return admin.MappingText{}, err
	}
	for _, state := range []string{"running", "paused", "dropping"} {
		for _, m := range l.Mappings {
			if m.Mapping == arg && m.State == state {
				return client.MappingText.Get(ctx, c, m.SHA256)
			}
		}
	}
	return client.MappingText.Get(ctx, c, arg)
}

func (a *app) mappingShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show NAME|SHA256",
		Short: "Print a mapping as it was written, by its name or by what an outcome names",
		Long: `Prints the text of a mapping as the engine runs it, or as it ran when it made an outcome: every outcome
names the SHA-256 of the mapping that made it, of which the first six digits are enough.`,
		Args: func(cmd *cobra.Command, args []string) error {
			return names(cmd, args, "one mapping's name or SHA-256", 1, 1)
		},
	}
	var tables bool
	cmd.Flags().BoolVar(&tables, "tables", false, "the files of its tables as well")
	return asking(a, cmd, nil, func(ctx context.Context, c *client.Client, args []string) (admin.MappingText, error) {
		return named(ctx, c, args[0])
	}, always(func(t admin.MappingText) string {
		text := t.Source
		for _, table := range t.Tables {
			if tables {
				text = ended(text) + "-- " + words.Plain(table.Path) + " --\n" + ended(table.Text)
			}
		}
		return text
	}))
}

// ended is a text that ends with its last line.
func ended(s string) string {
	if s == "" || strings.HasSuffix(s, "\n") {
		return s
	}
	return s + "\n"
}

// names checks how many arguments there are.
func names(cmd *cobra.Command, args []string, what string, least, most int) error {
	if len(args) >= least && len(args) <= most {
		return nil
	}
	return fmt.Errorf("%s takes %s; see `%s --help`", cmd.Name(), what, cmd.CommandPath())
}

func (a *app) mappingDiff() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff SHA256 [SHA256]",
		Short: "Compare a mapping, with its tables, as it was with what it is now, or with another",
		Long: `Prints what has changed of a mapping since it made an outcome: between the text that the outcome names
and the mapping of that name that runs now, or another text. It exits with 1 if they differ.`,
	}
	r := a.remoteFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := names(cmd, args, "one or two mappings' names or SHA-256", 1, 2); err != nil {
			return err
		}
		return r.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			before, err := named(ctx, c, args[0])
			if err != nil {
				return err
			}
			other := before.Mapping
			if len(args) > 1 {
				other = args[1]
			}
			now, err := named(ctx, c, other)
			if err != nil {
				return err
			}
			text := textDiff(&before, &now)
			if text == "" {
				return a.print(fmt.Sprintf("%s %.12s and %s %.12s are the same\n", words.Plain(before.Mapping), before.SHA256, words.Plain(now.Mapping), now.SHA256))
			}
			if err := a.print(text); err != nil {
				return err
			}
			return errFindings
		})
	}
	return cmd
}

// textDiff is what differs between two mappings, "" if nothing does.
func textDiff(before, now *admin.MappingText) string {
	label := func(t *admin.MappingText, file string) string {
		return t.SHA256[:min(12, len(t.SHA256))] + " " + words.Plain(file)
	}
	var b strings.Builder
	b.Write(diff.Diff(label(before, before.File), []byte(before.Source), label(now, now.File), []byte(now.Source)))
	tables := map[string][2]admin.TableText{}
	for i, t := range [...]*admin.MappingText{before, now} {
		for _, table := range t.Tables {
			pair := tables[table.Path]
			pair[i] = table
			tables[table.Path] = pair
		}
	}
	for _, path := range sortedKeys(tables) {
		pair := tables[path]
		b.Write(diff.Diff(label(before, path), []byte(pair[0].Text), label(now, path), []byte(pair[1].Text)))
	}
	return plainLines(b.String())
}
