package cli

import (
	"context"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/exhaust"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// exhaust tries the mappings that compile with records made from their sources'
// schemas.
func (a *app) exhaust(ctx context.Context, p *project, programs []*mapping.Program) (diag.List, error) {
	var out diag.List
	for _, prog := range programs {
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		report, err := exhaust.Check(prog, p.catalog.with(ctx))
		if err != nil {
			return out, err
		}
		out = append(out, report.Findings...)
		more := ""
		if report.Cut {
			more = ", not every pair of fields"
		}
		a.message("%s: %s tried%s\n", prog.Name(), count(report.Records, "record"), more)
	}
	return out, nil
}
