package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
)

func (a *app) validateCommand() *cobra.Command {
	var (
		strict bool
		format string
	)
	cmd := &cobra.Command{
		Use:   "validate [MAPPING...]",
		Short: "Check the configuration and its mappings without running anything",
		Long: `Checks the configuration and the mappings that it names, or just the mapping files
that are given, and reports every mistake with its file, line and column.

The plugins are asked for their schemas offline; no secret is needed and no far system
is reached. Exit code 0: nothing found but warnings, 1: mistakes found, 2: could not run.`,
		RunE: func(cmd *cobra.Command, files []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("--format %s: want text or json", format)
			}
			findings, checked, err := a.validate(cmd.Context(), files)
			if err != nil {
				return err
			}
			if err := a.report(findings, format); err != nil {
				return err
			}
			errs, warnings := findings.Count()
			if errs > 0 || strict && warnings > 0 {
				a.message("%s, %s\n", count(errs, "error"), count(warnings, "warning"))
				return errFindings
			}
			a.message("%s checked, %s\n", count(checked, "mapping"), count(warnings, "warning"))
			return nil
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "let warnings count as mistakes")
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

// The rules of what concerns the whole project.
const (
	// rulePlugin: a connection's plugin is not there or cannot be asked.
	rulePlugin = "CW211"
	// ruleDoubleName: two mappings have one name.
	ruleDoubleName = "CW212"
)

// validate checks the configuration, its connections, and the mappings, as far
// as what is wrong with the one lets the other be read.
func (a *app) validate(ctx context.Context, files []string) (findings diag.List, checked int, err error) {
	cfg, findings, err := a.load()
	if err != nil || cfg == nil {
		return findings, 0, err
	}
	if findings.HasErrors() && a.pluginsDir == "" && cfg.Plugins == "" {
		return findings, 0, nil
	}
	err = a.withProject(ctx, cfg, func(ctx context.Context, p *project) error {
		if len(files) == 0 {
			files = cfg.Mappings
			findings = append(findings, p.checkConnections(ctx)...)
		}
		_, list, err := p.compileAll(ctx, files)
		findings = append(findings, list...)
		return err
	})
	return findings.Compact(), len(files), err
}

// checkConnections holds each connection's configuration against its plugin's
// schema. What it reports is not reported again by the compiler.
func (p *project) checkConnections(ctx context.Context) diag.List {
	var out diag.List
	for _, conn := range p.config.Connections {
		list := p.checkConnection(ctx, conn)
		if list.HasErrors() {
			p.catalog.giveUp(conn.Name)
		}
		out = append(out, list...)
	}
	return out
}

func (p *project) checkConnection(ctx context.Context, conn *config.Connection) diag.List {
	if conn.Plugin == "" {
		return nil // the configuration's own findings say so
	}
	spec, err := p.host.Describe(ctx, conn.Plugin, nil)
	if err != nil {
		return diag.List{pluginFinding(conn, err)}
	}
	list := conn.CheckSchema(spec.ConfigSchema)
	if list.HasErrors() {
		return list
	}
	if _, err := p.catalog.spec(ctx, conn.Name); err != nil {
		list = append(list, pluginFinding(conn, err))
	}
	return list
}

// pluginFinding says why a connection's plugin could not be asked.
func pluginFinding(conn *config.Connection, err error) diag.Diagnostic {
	nf, ok := errors.AsType[*pluginhost.NotFoundError](err)
	if !ok {
		return conn.PluginFinding(rulePlugin, "", err.Error())
	}
	hint := diag.DidYouMean(conn.Plugin, nf.Known)
	if hint == "" {
		hint = "put the plugin's binary there, or name another folder with --plugins"
	}
	return conn.PluginFinding(rulePlugin, hint, fmt.Sprintf("there is no plugin `%s` in %s", conn.Plugin, relative(nf.Dir)))
}

// report prints findings on standard output.
func (a *app) report(findings diag.List, format string) error {
	if format == "text" {
		return findings.WriteText(a.stdout)
	}
	type jsonFinding struct {
		Severity  string `json:"severity"`
		Rule      string `json:"rule"`
		File      string `json:"file"`
		Line      int    `json:"line"`
		Column    int    `json:"column"`
		EndColumn int    `json:"end_column,omitempty"`
		Message   string `json:"message"`
		Hint      string `json:"hint,omitempty"`
	}
	out := make([]jsonFinding, 0, len(findings))
	for _, d := range findings {
		out = append(out, jsonFinding{
			Severity: d.Severity.String(), Rule: d.Rule, File: d.Position.File, Line: d.Position.Line,
			Column: d.Position.Column, EndColumn: d.EndColumn, Message: d.Message, Hint: d.Hint,
		})
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

// count gives "1 mapping", "2 mappings".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
