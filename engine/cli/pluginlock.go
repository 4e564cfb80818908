package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/engine/project"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

func (a *app) pluginCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin COMMAND",
		Short: "Look after the plugins' binaries",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q for %s; `%s --help` lists them", args[0], cmd.CommandPath(), cmd.CommandPath())
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(a.pluginLockCommand())
	return cmd
}

func (a *app) pluginLockCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "lock [PLUGIN...]",
		Short: "Write down which plugin binaries may run",
		Long: `Writes the SHA-256 sums of the binaries in the folder of plugins to ` + pluginhost.LockFile + `,
beside the configuration: of the plugins that are named, or of all. From then on no plugin
is started whose binary has another sum, or that the file does not name; a running engine
looks at the file at each start of a process. The lines are those of sha256sum.

With --check nothing is written. Exit code 0: the binaries are those of the file, 1: they
are not, 2: could not run.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			cfg, _, err := a.ready()
			if err != nil {
				return err
			}
			return a.withProject(cmd.Context(), cfg, func(_ context.Context, p *project.Project) error {
				return a.lockPlugins(p, names, check)
			})
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "only tell whether the binaries are those of the file")
	return cmd
}

// lockPlugins writes the sums of the named plugins, or of all, or compares them.
func (a *app) lockPlugins(p *project.Project, names []string, check bool) error {
	path := project.LockPath(p.Config)
	old, err := pluginhost.ReadLock(path)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case missing && check:
		return fmt.Errorf("there is no %s: `crosswalk plugin lock` writes it", project.Relative(path))
	case err != nil && !missing && (check || len(names) > 0):
		return err // written anew for all, what is wrong in it goes
	}
	next := maps.Clone(old)
	if next == nil || len(names) == 0 {
		next = pluginhost.Lock{}
	}
	if len(names) == 0 {
		if names, err = p.Host.Names(); err != nil {
			return err
		}
		if len(names) == 0 {
			return errors.New("there is no plugin in the folder of plugins: build them into it, or name another with --plugins")
		}
	}
	for _, name := range names {
		if next[name], err = p.Host.Sum(name); err != nil {
			return err
		}
	}
	diff := lockDiff(old, next)
	if check {
		if len(diff) > 0 {
			if err := a.print(strings.Join(diff, "")); err != nil {
				return err
			}
			a.message("the binaries are not those of %s; if they are meant: crosswalk plugin lock\n", project.Relative(path))
			return errFindings
		}
		a.message("%s: %s as written\n", project.Relative(path), words.Count(len(names), "plugin"))
		return nil
	}
	if err := next.Write(path); err != nil {
		return err
	}
	if err := a.print(strings.Join(diff, "")); err != nil {
		return err
	}
	a.message("wrote %s: %s\n", project.Relative(path), words.Count(len(next), "plugin"))
	return nil
}

// lockDiff tells line by line what becomes of a lock.
func lockDiff(old, next pluginhost.Lock) []string {
	all := maps.Clone(next)
	if all == nil {
		all = pluginhost.Lock{}
	}
	maps.Copy(all, old)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		was, is := old[name], next[name]
		switch {
		case was == is:
		case was == "":
			out = append(out, fmt.Sprintf("%s: new, %s\n", name, is))
		case is == "":
			out = append(out, fmt.Sprintf("%s: gone\n", name))
		default:
			out = append(out, fmt.Sprintf("%s: was %s, is %s\n", name, was, is))
		}
	}
	return out
}
