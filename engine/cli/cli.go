// Package cli holds the commands of crosswalk and wires the engine's parts
// together. Results go to standard output, messages to standard error. Exit
// codes: 0 nothing to report or only warnings, 1 findings, 2 the command could
// not run.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// The exit codes of every command.
const (
	exitOK       = 0
	exitFindings = 1
	exitFailed   = 2
)

// errFindings ends a command that has already printed what it found.
var errFindings = errors.New("findings")

// app is what every command has at hand.
type app struct {
	version        string
	stdin          io.Reader
	stdout, stderr io.Writer
	// configPath and pluginsDir are the global flags; "" if they were not given.
	configPath string
	pluginsDir string
}

// Main runs the command line and gives the exit code.
func Main(version string, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{version: version, stdin: stdin, stdout: stdout, stderr: stderr}
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
	root.AddCommand(a.runCommand(), a.validateCommand(), a.mapCommand(), a.testCommand(), a.versionCommand())
	return root
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
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

// relative gives path as it is shortest to read from the working directory.
func relative(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	return shorter(wd, path)
}
