package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// coverage is what samples reached of each mapping, in the order of the command.
type coverage struct {
	// least is the percentage that each mapping must reach, 0 for none.
	least    int
	mappings []mappingCoverage
}

// shownRows is how many rows of a table are named that no sample has reached: a table
// in a file may have many thousands.
const shownRows = 10

type mappingCoverage struct {
	name string
	*mapping.Coverage
}

// check refuses what --coverage-min cannot be.
func (c *coverage) check(only string) error {
	switch {
	case c.least < 0 || c.least > 100:
		return fmt.Errorf("--coverage-min %d: want a percentage from 0 to 100", c.least)
	case c.least > 0 && only != "":
		return errors.New("--coverage-min counts what all samples reach, and --run leaves some out: give one of them")
	}
	return nil
}

// of begins to count a mapping.
func (c *coverage) of(prog *mapping.Program) *mapping.Coverage {
	cov := prog.Coverage()
	c.mappings = append(c.mappings, mappingCoverage{prog.Name(), cov})
	return cov
}

// report says what no sample has reached. It is false if a mapping has less than
// it must.
func (c *coverage) report(a *app) bool {
	enough := true
	for _, m := range c.mappings {
		reached, all := m.Count()
		percent := 100
		if all > 0 {
			percent = 100 * reached / all
		}
		a.message("%s: the samples reach %d %% (%d of %d)", m.name, percent, reached, all)
		if percent < c.least {
			enough = false
			a.message(", and --coverage-min wants %d %%", c.least)
		}
		a.message("\n")
		rows := map[string]int{}
		for _, p := range m.Missed() {
			if p.Table != "" {
				if rows[p.Table]++; rows[p.Table] > shownRows {
					continue
				}
			}
			a.message("  %s:%d:%d: not reached: %s\n", p.Place.File, p.Place.Line, p.Place.Column, p.What)
		}
		for _, name := range slices.Sorted(maps.Keys(rows)) {
			if more := rows[name] - shownRows; more > 0 {
				a.message("  and %s more of table `%s`\n", words.Count(more, "row"), name)
			}
		}
	}
	return enough
}

// cover counts what an event reaches.
func cover(ctx context.Context, prog *mapping.Program, ev *mapping.Event, cov *mapping.Coverage, known *knownAnswers) error {
	answers, err := known.of(ctx, prog, ev)
	if err != nil {
		return err
	}
	x, err := prog.ExplainWith(ev, answers)
	if err != nil {
		return err
	}
	cov.Add(x)
	return nil
}
