package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
)

func (a *app) validateCommand() *cobra.Command {
	var (
		strict     bool
		exhaustive bool
		format     string
	)
	cmd := &cobra.Command{
		Use:   "validate [MAPPING...]",
		Short: "Check the configuration and its mappings without running anything",
		Long: `Checks the configuration and the mappings that it names, or just the mappings that are
given by their files or names, and reports every mistake with its file, line and column.

The plugins are asked for their schemas offline; no secret is needed and no far system
is reached. With --exhaustive each mapping that compiles is tried with records made from
the source's schema as well, and what fails is reported at its rule.

Exit code 0: nothing found but warnings, 1: mistakes found, 2: could not run.`,
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := checkFormat(format, formatText, formatJSON, formatJUnit, formatGitHub, formatSARIF); err != nil {
				return err
			}
			findings, checked, err := a.validate(cmd.Context(), files, exhaustive)
			if err != nil {
				return err
			}
			if err := a.report(findings, format, checked, strict); err != nil {
				return err
			}
			errs, warnings := findings.Count()
			if errs > 0 || strict && warnings > 0 {
				a.message("%s, %s\n", count(errs, "error"), count(warnings, "warning"))
				a.draftsOf(findings)
				return errFindings
			}
			a.message("%s checked, %s\n", count(len(checked), "mapping"), count(warnings, "warning"))
			return nil
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "let warnings count as mistakes")
	cmd.Flags().BoolVar(&exhaustive, "exhaustive", false, "try each mapping with records made from the source's schema")
	cmd.Flags().StringVar(&format, "format", formatText, "text, json, junit, github (annotations of a workflow) or sarif")
	return cmd
}

// The rules of what concerns the whole project.
const (
	// rulePlugin: a connection's plugin is not there or cannot be asked.
	rulePlugin = "CW211"
	// ruleDoubleName: two mappings have one name.
	ruleDoubleName = "CW212"
	// ruleDraft: a mapping is a draft that says TODO.
	ruleDraft = "CW213"
	// ruleNoRow: a table has no row for a value.
	ruleNoRow = "CW164"
)

// validate checks the configuration, its connections, and the mappings, as far
// as what is wrong with the one lets the other be read. It gives the mapping files
// that were checked.
func (a *app) validate(ctx context.Context, files []string, exhaustive bool) (findings diag.List, checked []string, err error) {
	cfg, findings, err := a.load()
	if err != nil || cfg == nil {
		return findings, nil, err
	}
	if findings.HasErrors() && a.pluginsDir == "" && cfg.Plugins == "" {
		return findings, nil, nil
	}
	err = a.withProject(ctx, cfg, func(ctx context.Context, p *project) error {
		if files, err = mappingFiles(cfg, files); err != nil {
			return err
		}
		whole, sound := len(files) == 0, !findings.HasErrors()
		if whole {
			files = cfg.Mappings
			findings = append(findings, p.checkConnections(ctx)...)
		}
		programs, list, err := p.compileAll(ctx, files)
		findings = append(findings, list...)
		if whole && sound { // else a key may only be misspelt
			findings = append(findings, p.checkTokens(programs)...)
		}
		if err != nil || !exhaustive {
			return err
		}
		findings, err = a.exhaust(ctx, p, programs, findings)
		return err
	})
	for _, f := range files {
		checked = append(checked, relative(f))
	}
	return findings.Compact(), checked, err
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

// checkTokens finds connections that mappings read from and that take no webhooks.
// Where all mappings compiled, it finds those as well that take webhooks which no
// mapping reads.
func (p *project) checkTokens(programs []*mapping.Program) diag.List {
	var out diag.List
	all := len(programs) == len(p.config.Mappings)
	for _, conn := range p.config.Connections {
		var readers []string
		for _, prog := range programs {
			if slices.Contains(sourcesOf(prog), conn.Name) {
				readers = append(readers, prog.Name())
			}
		}
		if len(readers) == 0 && all {
			out = append(out, conn.UnreadFinding()...)
		}
		out = append(out, conn.TokenFinding(readers)...)
	}
	return out
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

// count gives "1 mapping", "2 mappings".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
