package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// clusterOf is the NATS cluster that the configuration names, nil for none.
func clusterOf(c *config.Config) *journal.Cluster {
	n := c.Storage.NATS
	if n == nil {
		return nil
	}
	return &journal.Cluster{
		URLs: n.URLs, Credentials: n.Credentials, User: n.User, Password: n.Password, Token: n.Token,
		CA: n.TLS.CA, Certificate: n.TLS.Certificate, Key: n.TLS.Key,
		Replicas: n.Replicas, Partitions: n.Partitions, Lease: n.Lease, Monitors: n.Monitors,
	}
}

// keptTimeout is how long webhooks that were kept wait for this engine's plugin
// before another engine of the cluster may decode them.
// It is as long as the others take an engine for well that gives no sign of life.
func keptTimeout(c *config.Config) time.Duration {
	if c.Storage.NATS == nil {
		return 0
	}
	return c.Storage.NATS.Lease * 2 / 3
}

// atKey says which line of the configuration an error of the cluster is about.
func atKey(c *config.Config, err error) error {
	ce, ok := errors.AsType[*journal.ClusterError](err)
	if !ok || c.Storage.NATS == nil {
		return err
	}
	key := "storage.nats"
	if ce.Setting != "" {
		key += "." + ce.Setting
	}
	return fmt.Errorf("%s: %s: %w", c.Storage.NATS.Place(ce.Setting), key, err)
}

// openShared records where a lane begins on a cluster, and gives what reads those of
// its partitions that fall to this engine.
func openShared(ctx context.Context, l *lane, at func() *engine) (run func(context.Context) error, err error) {
	j := at().journal
	if err := j.EnsureLane(ctx, l.Lane); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		var all sync.WaitGroup
		for n := range j.Partitions() {
			all.Go(func() { readPartition(ctx, l, n, at) })
		}
		all.Wait()
		return nil
	}, nil
}

// readPartition reads a partition whenever it is this engine's to read, until ctx
// ends.
func readPartition(ctx context.Context, l *lane, n int, at func() *engine) {
	log := at().log.With("source", l.Source, "sink", l.Sink, "partition", n)
	for {
		lease, err := at().journal.Hold(ctx, l.Lane, n)
		if err != nil {
			return // it ends
		}
		for {
			err = readLeased(ctx, l, n, lease, at)
			over := errors.Is(err, delivery.ErrLost) || errors.Is(err, journal.ErrLeaseLost)
			switch {
			case over:
				log.Warn("the partition is another engine's to read; what was at hand is possibly sent", "reason", err)
			case err != nil && ctx.Err() != nil:
				log.Error("the partition did not end in order; what it had at hand is possibly sent", "error", err)
			case err != nil:
				log.Warn("the partition cannot be read; it is opened again", "error", err)
			}
			if over || err == nil || ctx.Err() != nil {
				break
			}
			select {
			case <-time.After(reopenAfter):
			case <-ctx.Done():
			case <-lease.Lost():
			}
		}
		lease.Release()
	}
}

// readLeased reads a partition until ctx ends, another engine is to have it, or it
// breaks.
func readLeased(ctx context.Context, l *lane, n int, lease *journal.Lease, at func() *engine) error {
	log := at().log
	jl, err := at().journal.OpenLane(ctx, l.Lane, journal.LaneOptions{Partition: n, Lease: lease, Mappings: at().names(l.Lane)})
	if err != nil {
		return err
	}
	defer jl.Close()
	l.mu.Lock()
	runner, err := at().newRunner(l.Lane, jl, lease)
	if err == nil {
		l.parts.Join(runner)
	}
	l.mu.Unlock()
	if err != nil {
		return err
	}
	defer l.parts.Leave(runner)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		look := time.NewTicker(reopenAfter)
		defer look.Stop()
		for {
			select {
			case <-lease.Wanted():
				return
			case <-ctx.Done():
				return
			case <-look.C: // it was read without a mapping that this engine has by now
				if e := at(); e.journal.IsBehind(l.Lane, n, e.names(l.Lane)) {
					return
				}
			}
		}
	}()
	err = runner.Run(ctx)
	if sent, ok := runner.InDoubt(); ok {
		//nolint:contextcheck // the lane is left after ctx has ended
		if err := bounded(func(ctx context.Context) error { return jl.Leave(ctx, sent) }); err != nil {
			log.Warn("what was not sent yet counts as possibly sent for the next reader",
				"source", l.Source, "sink", l.Sink, "partition", n, "error", err)
		}
	}
	return err
}

// names gives the names of a lane's mappings, none where it has no such lane.
func (e *engine) names(id event.Lane) []string {
	out := []string{}
	if l := e.lane(id); l != nil {
		for i := range l.mappings {
			out = append(out, l.mappings[i].Name)
		}
	}
	return out
}

// lacking says which mappings of its lanes other engines of a cluster run, and this one
// does not.
func (e *engine) lacking() []string {
	var out []string
	for _, l := range e.lanes {
		if names := e.journal.Lacking(l.Lane, e.names(l.Lane)); len(names) > 0 {
			out = append(out, fmt.Sprintf("another engine runs mapping %s from %s to %s, which this one does not have: events wait for it until their files are the same",
				strings.Join(names, ", "), l.Source, l.Sink))
		}
	}
	return out
}
