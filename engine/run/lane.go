package run

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/project"
)

// reopenAfter is how long a lane that could not be read any more rests before it
// is opened again.
const reopenAfter = time.Second

// lane is a way from a source connection to a sink connection under one
// configuration, with the mappings that run along it then.
type lane struct {
	event.Lane
	mappings []delivery.Mapping
	*laneRun
}

// laneRun is a lane's reader, whatever the configuration.
type laneRun struct {
	runner atomic.Pointer[delivery.Runner]
	// parts are the runners on a cluster, one for each partition that this engine reads.
	parts delivery.Group
	// stop ends it for good, and ended is closed when it has. Both are set before it
	// runs.
	stop  context.CancelFunc
	ended chan struct{}

	// mu is held while a runner is made of the mappings, and while they are swapped,
	// so that none is made of old ones after that.
	mu sync.Mutex
	// again has it be opened again, and stale tells that it has to be as soon as it runs.
	again context.CancelFunc
	stale bool
}

// standing is how a lane stands in this engine.
type standing interface {
	Stats() delivery.Stats
	Retrying(limit int) []delivery.Retry
	Where(key string, sequence uint64) (delivery.Where, bool)
	Swap(mappings []delivery.Mapping, backoff delivery.Backoff) error
}

// stands gives how the lane stands, nil where it does not run.
func (l *laneRun) stands() standing {
	if r := l.runner.Load(); r != nil {
		return r
	}
	if l.parts.Size() > 0 {
		return &l.parts
	}
	return nil
}

// planLanes finds the lanes: every pair of source and sink that a mapping joins,
// with the mappings that do.
func (e *engine) planLanes(ctx context.Context) error {
	lanes := map[event.Lane]*lane{}
	for _, prog := range e.programs {
		op, err := e.Catalog.OperationSpec(ctx, prog.To().Connection, prog.To().Name)
		if err != nil {
			return err
		}
		for _, source := range project.SourcesOf(prog) {
			id := event.Lane{Source: source, Sink: prog.To().Connection}
			if lanes[id] == nil {
				lanes[id] = &lane{Lane: id, laneRun: &laneRun{ended: make(chan struct{})}}
			}
			lanes[id].mappings = append(lanes[id].mappings, delivery.MappingOf(prog, source, op))
		}
	}
	e.lanes = slices.SortedFunc(maps.Values(lanes), func(a, b *lane) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Sink, b.Sink))
	})
	return nil
}

// lane gives the lane as it runs in e, nil where it does not.
func (e *engine) lane(id event.Lane) *lane {
	for _, l := range e.lanes {
		if l.Lane == id {
			return l
		}
	}
	return nil
}

// errLaneGone says that the configuration has no such lane any more.
var errLaneGone = errors.New("the configuration has no such lane any more")

// openLane takes a lane over from its last reader, with its mappings as they are in
// what at gives.
func openLane(ctx context.Context, l *lane, at func() *engine) (run func(context.Context) error, err error) {
	if at().Config.Storage.NATS != nil {
		return openShared(ctx, l, at)
	}
	jl, err := at().journal.OpenLane(ctx, l.Lane)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	runner, err := at().newRunner(l.Lane, jl, storeLease{at().journal.Mended()})
	if err != nil {
		jl.Close()
		return nil, err
	}
	log := at().log
	l.runner.Store(runner)
	return func(ctx context.Context) error {
		defer jl.Close()
		err := lostStore(ctx, log.With("source", l.Source, "sink", l.Sink), runner.Run(ctx))
		if sent, ok := runner.InDoubt(); ok {
			//nolint:contextcheck // the lane is left after ctx has ended
			if err := bounded(func(ctx context.Context) error { return jl.Leave(ctx, sent) }); err != nil {
				log.Warn("what was not sent yet counts as possibly sent at the next start", "source", l.Source, "sink", l.Sink, "error", err)
			}
		}
		return err
	}, nil
}

// newRunner makes a runner of a lane as it is in e.
func (e *engine) newRunner(id event.Lane, jl delivery.Lane, lease delivery.Lease) (*delivery.Runner, error) {
	l := e.lane(id)
	if l == nil {
		return nil, errLaneGone
	}
	e.counted(l)
	return delivery.New(delivery.Options{
		Lane: id, Mappings: begun(e.journal, id, l.mappings), Sink: e.links[id.Sink], Journal: e.metrics.Lane(jl), Lease: lease,
		Logger: e.log, Lookups: lookingUp{e.engine}, Answers: e.answers, Tracer: e.tracer,
		Gate: e.gates[id.Sink], Backoff: backoffOf(e.Config.Connection(id.Sink)),
		Newer: func(key string, than uint64) uint64 { return e.journal.Newer(id, key, than) },
	})
}

// counted has what becomes of the lane's mappings counted.
func (e *engine) counted(l *lane) {
	for i := range l.mappings {
		e.metrics.Mapping(l.Lane, l.mappings[i].Name)
	}
}

// runLane runs an opened lane until ctx ends; one that breaks is opened again.
func (r *running) runLane(ctx context.Context, l *lane, run func(context.Context) error) {
	defer close(l.ended)
	log := r.engine().log.With("source", l.Source, "sink", l.Sink)
	for {
		err, again := l.once(ctx, run)
		for {
			switch {
			case ctx.Err() != nil:
				if err != nil {
					log.Error("the lane did not end in order; what it had at hand is possibly sent", "error", err)
				}
				return
			case again && err == nil:
				log.Info("the lane is opened again, for other mappings")
			default:
				log.Error("the lane cannot be read; it is opened again", "error", err)
				select {
				case <-time.After(reopenAfter):
				case <-ctx.Done():
					return
				}
			}
			if run, err = openLane(ctx, l, r.engine); err == nil {
				break
			}
			again = false
		}
	}
}

// once runs an opened lane until it breaks, ctx ends or again is called, of which it
// tells.
func (l *laneRun) once(ctx context.Context, run func(context.Context) error) (err error, again bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.mu.Lock()
	l.again = cancel
	if l.stale {
		cancel()
	}
	l.stale = false
	l.mu.Unlock()
	err = run(ctx)
	l.mu.Lock()
	l.again = nil // the next runner is made of what runs then
	l.mu.Unlock()
	return err, ctx.Err() != nil
}

// swap has the lane go on as it is in e.
func (l *lane) swap(e *engine) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	runner := l.stands()
	if runner == nil {
		return nil // it begins with what runs then
	}
	e.counted(l)
	err := runner.Swap(begun(e.journal, l.Lane, l.mappings), backoffOf(e.Config.Connection(l.Sink)))
	if errors.Is(err, delivery.ErrReopen) {
		l.reopenLocked()
		return nil
	}
	return err
}

// reopenLocked has the lane be opened again.
func (l *laneRun) reopenLocked() {
	if l.again != nil {
		l.again()
	} else {
		l.stale = true
	}
}
