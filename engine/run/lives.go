package run

import (
	"context"
	"slices"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// settle records which mappings run from now on, with their texts. since is where new
// ones begin, zero for after the last event. It gives the lanes that have to be opened
// again, should they be open.
func (e *engine) settle(ctx context.Context, since time.Time) ([]event.Lane, error) {
	for _, p := range e.programs {
		t := e.TextOf(p)
		if t == nil {
			continue
		}
		kept := &journal.Text{SHA256: p.SHA256(), Mapping: p.Name(), File: t.File, Source: t.Source}
		for _, table := range t.Tables {
			kept.Tables = append(kept.Tables, journal.TextTable{Path: table.Path, File: table.File.Name, Text: table.File.Text})
		}
		if err := e.journal.KeepText(ctx, kept); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			e.log.Warn("what the mapping delivers cannot be explained by it later", "mapping", p.Name(), "error", err)
		}
	}
	var uses []journal.Use
	for _, l := range e.lanes {
		for i := range l.mappings {
			m := &l.mappings[i]
			uses = append(uses, journal.Use{
				MappingID: journal.MappingID{Lane: l.Lane, Mapping: m.Name}, SHA256: m.SHA256, Types: m.Types,
				Unsafe: m.Repeat == wire.RepeatUnsafe,
			})
		}
	}
	again, err := e.journal.Settle(ctx, uses, since)
	if err != nil {
		return nil, err
	}
	return again, nil
}

// begun gives a lane's mappings with where each begins.
func begun(j *journal.Journal, lane event.Lane, mappings []delivery.Mapping) []delivery.Mapping {
	out := slices.Clone(mappings)
	for i := range out {
		out[i].From = j.From(journal.MappingID{Lane: lane, Mapping: out[i].Name})
	}
	return out
}
