package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/project"
	"github.com/crosswalk-etl/crosswalk/engine/suggest"
	"github.com/crosswalk-etl/crosswalk/engine/words"
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
				a.message("%s, %s\n", words.Count(errs, "error"), words.Count(warnings, "warning"))
				a.draftsOf(findings)
				return errFindings
			}
			a.message("%s checked, %s\n", words.Count(len(checked), "mapping"), words.Count(warnings, "warning"))
			return nil
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "let warnings count as mistakes")
	cmd.Flags().BoolVar(&exhaustive, "exhaustive", false, "try each mapping with records made from the source's schema")
	cmd.Flags().StringVar(&format, "format", formatText, "text, json, junit, github (annotations of a workflow) or sarif")
	return cmd
}

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
	err = a.withProject(ctx, cfg, func(ctx context.Context, p *project.Project) error {
		if files, err = mappingFiles(cfg, files); err != nil {
			return err
		}
		whole, sound := len(files) == 0, !findings.HasErrors()
		if whole {
			files = cfg.Mappings
			findings = append(findings, p.CheckConnections(ctx)...)
		}
		programs, list, err := p.CompileAll(ctx, files)
		findings = append(findings, list...)
		if whole && sound { // else a key may only be misspelt
			findings = append(findings, p.CheckTokens(programs)...)
		}
		if err != nil || !exhaustive {
			return err
		}
		findings, err = a.exhaust(ctx, p, programs, findings)
		return err
	})
	for _, f := range files {
		checked = append(checked, project.Relative(f))
	}
	return findings.Compact(), checked, err
}

// draftsOf says of each draft among the findings whether it validates apart from what
// it leaves to do.
func (a *app) draftsOf(findings diag.List) {
	for _, d := range findings {
		if d.Rule != project.RuleDraft {
			continue
		}
		file := d.Position.File
		others := slices.ContainsFunc(findings, func(o diag.Diagnostic) bool {
			return o.Position.File == file && o.Rule != project.RuleDraft && !suggest.OfTodo(o.Source)
		})
		if others {
			a.message("%s is a draft with TODOs, and has other findings\n", file)
		} else {
			a.message("%s is a draft: it validates apart from its TODOs\n", file)
		}
	}
}
