package cli

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// reopenAfter is how long a lane that could not be read any more rests before it
// is opened again.
const reopenAfter = time.Second

// lane is a way from a source connection to a sink connection, and who runs it
// now.
type lane struct {
	event.Lane
	mappings []delivery.Mapping
	runner   atomic.Pointer[delivery.Runner]
}

// planLanes finds the lanes: every pair of source and sink that a mapping joins,
// with the mappings that do.
func (e *engine) planLanes(ctx context.Context) error {
	lanes := map[event.Lane]*lane{}
	for _, prog := range e.programs {
		op, err := e.catalog.operation(ctx, prog.To().Connection, prog.To().Name)
		if err != nil {
			return err
		}
		for _, source := range sourcesOf(prog) {
			id := event.Lane{Source: source, Sink: prog.To().Connection}
			if lanes[id] == nil {
				lanes[id] = &lane{Lane: id}
			}
			lanes[id].mappings = append(lanes[id].mappings, delivery.MappingOf(prog, source, op))
		}
	}
	e.lanes = slices.SortedFunc(maps.Values(lanes), func(a, b *lane) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Sink, b.Sink))
	})
	return nil
}

// sourcesOf gives the source connections of a program, each once, sorted.
func sourcesOf(prog *mapping.Program) []string {
	var out []string
	for _, r := range prog.From() {
		out = append(out, r.Connection)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// openLane takes a lane over from its last reader.
func (e *engine) openLane(ctx context.Context, l *lane) (run func(context.Context) error, err error) {
	jl, err := e.journal.OpenLane(ctx, l.Lane)
	if err != nil {
		return nil, err
	}
	runner, err := delivery.New(delivery.Options{
		Lane: l.Lane, Mappings: l.mappings, Sink: e.links[l.Sink], Journal: e.metrics.Lane(jl),
		Logger: e.log, Lookups: lookingUp{e.links, e.gates}, Answers: e.answers,
		Gate: e.gates[l.Sink], Backoff: backoffOf(e.config.Connection(l.Sink)),
		Newer: func(key string, than uint64) uint64 { return e.journal.Newer(l.Lane, key, than) },
	})
	if err != nil {
		jl.Close()
		return nil, err
	}
	l.runner.Store(runner)
	return func(ctx context.Context) error {
		defer jl.Close()
		err := runner.Run(ctx)
		if sent, ok := runner.InDoubt(); ok {
			//nolint:contextcheck // the lane is left after ctx has ended
			if err := bounded(func(ctx context.Context) error { return jl.Leave(ctx, sent) }); err != nil {
				e.log.Warn("what was not sent yet counts as possibly sent at the next start", "source", l.Source, "sink", l.Sink, "error", err)
			}
		}
		return err
	}, nil
}

// runLane runs an opened lane until ctx ends; one that breaks is opened again.
func (e *engine) runLane(ctx context.Context, l *lane, run func(context.Context) error) {
	for {
		err := run(ctx)
		for {
			if ctx.Err() != nil {
				if err != nil {
					e.log.Error("the lane did not end in order; what it had at hand is possibly sent", "source", l.Source, "sink", l.Sink, "error", err)
				}
				return
			}
			e.log.Error("the lane cannot be read; it is opened again", "source", l.Source, "sink", l.Sink, "error", err)
			select {
			case <-time.After(reopenAfter):
			case <-ctx.Done():
				return
			}
			if run, err = e.openLane(ctx, l); err == nil {
				break
			}
		}
	}
}
