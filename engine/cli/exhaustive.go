package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/exhaust"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/project"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// exhaust tries the mappings that compile with records made from their sources'
// schemas, and returns what was found before with what fails.
func (a *app) exhaust(ctx context.Context, p *project.Project, programs []*mapping.Program, found diag.List) (diag.List, error) {
	out := found
	for _, prog := range programs {
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		report, err := exhaust.Check(prog, p.Catalog.With(ctx))
		if err != nil {
			return out, err
		}
		if !report.Cut { // each code was tried: one without a row is an error now, or accepted, or never read
			file := prog.Locate("").Position.File
			out = slices.DeleteFunc(out, func(d diag.Diagnostic) bool { return d.Rule == project.RuleNoRow && d.Position.File == file })
		}
		out = append(out, report.Findings...)
		more := ""
		if report.Cut {
			more = ", not every pair of fields"
		}
		if report.Mapped == 0 && report.Skipped > 0 {
			more += fmt.Sprintf("; not one was mapped: `when` skipped %d of them", report.Skipped)
		}
		a.message("%s: %s tried%s\n", prog.Name(), words.Count(report.Records, "record"), more)
	}
	return out, nil
}
