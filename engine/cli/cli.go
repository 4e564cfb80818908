// Package cli holds the commands of crosswalk, and nothing of the engine that one of
// them runs: that is package run. Results go to standard output, messages to standard error. Exit
// codes: 0 nothing to report or only warnings, 1 findings, 2 the command could
// not run, 130 a signal stopped it.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes of every command.
const (
	exitOK          = 0
	exitFindings    = 1
	exitFailed      = 2
	exitInterrupted = 128 + int(syscall.SIGINT)
)

// errFindings ends a command that has already printed what it found.
var errFindings = errors.New("findings")

// errInterrupted ends a command that a signal stopped.
var errInterrupted = errors.New("interrupted")

// app is what every command has at hand.
type app struct {
	version        string
	stdin          io.Reader
	stdout, stderr io.Writer
	// exit ends the process.
	exit func(code int)
	// configPath and pluginsDir are the global flags; "" if they were not given.
	configPath string
	pluginsDir string
}

// Main runs the command line and gives the exit code.
func Main(version string, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{version: version, stdin: stdin, stdout: stdout, stderr: stderr, exit: os.Exit}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(context.Background())
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	default:
		a.message("crosswalk: %v\n", err)
		return exitFailed
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "crosswalk",
		Short: "Move orders between systems by YAML mappings, without losing, doubling or reordering one",
		Long: `Crosswalk takes webhooks of one system, maps their fields by YAML files, and
writes the result into another system, through a plugin process for each connection.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		CompletionOptions: cobra.CompletionOptions{
			HiddenDefaultCmd: true,
		},
	}
	root.PersistentFlags().StringVar(&a.configPath, "config", "", "configuration `file` (default crosswalk.yaml here or in a folder above)")
	root.PersistentFlags().StringVar(&a.pluginsDir, "plugins", "", "`folder` with the plugins (default: the configuration's)")
	root.AddCommand(
		a.initCommand(), a.runCommand(), a.validateCommand(), a.mapCommand(), a.testCommand(), a.connectionsCommand(), a.schemaCommand(),
		a.statusCommand(), a.eventsCommand(), a.deadCommand(), a.undecodedCommand(), a.replayCommand(), a.mappingCommand(), a.pauseCommand(), a.resumeCommand(),
		a.reloadCommand(), a.pluginCommand(), a.versionCommand(),
	)
	root.SetHelpCommand(a.helpCommand(root))
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if bad, ok := errors.AsType[*strconv.NumError](err); ok && bad.Func == "ParseInt" {
			said, _, _ := strings.Cut(err.Error(), " flag: ")
			err = fmt.Errorf("%s: want a whole number", said)
		}
		return fmt.Errorf("%w; `%s --help` lists the flags", err, cmd.CommandPath())
	})
	return root
}

func (a *app) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Tell what a command does",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return fmt.Errorf("there is no command %q; `crosswalk help` lists them", strings.Join(args, " "))
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}

// noArgs refuses words behind a command that takes none.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes flags only, and %q is none; see `%s --help`", cmd.Name(), args[0], cmd.CommandPath())
	}
	return nil
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, "crosswalk", a.version)
			return err
		},
	}
}

// message tells the person something that is no result.
func (a *app) message(format string, args ...any) {
	// Where standard error is gone there is nobody left to tell.
	_, _ = fmt.Fprintf(a.stderr, format, args...)
}
