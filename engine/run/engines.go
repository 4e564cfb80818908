package run

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// tellEvery is how often an engine of a cluster looks which of its connections are
// refused.
const tellEvery = time.Second

// neighbours are the other engines of a cluster, as far as the ways to connections
// depend on them: their limits are shared, and a refusal that one meets is met by all.
type neighbours struct {
	at func() *engine

	mu sync.Mutex
	// bounds are the limits that each gate has, by connection.
	bounds map[string]config.Limits
	// heard are the refusals that were heard of.
	heard map[heardOf]journal.Refusal
	// asking are the probes that are under way.
	asking sync.WaitGroup
}

type heardOf struct{ engine, connection string }

// followEngines has the gates follow what other engines of a cluster do until ctx ends.
func (r *running) followEngines(ctx context.Context) {
	if r.engine().Config.Storage.NATS == nil {
		return
	}
	n := &neighbours{at: r.engine, bounds: map[string]config.Limits{}, heard: map[heardOf]journal.Refusal{}}
	r.journal.TellEngines(n.changed)
	n.changed()
	r.background.Go(func() {
		tick := time.NewTicker(tellEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				n.asking.Wait()
				return
			}
			n.changed() // a reload may have set other limits
			n.tell(ctx)
		}
	})
}

// changed takes in what is on the board.
func (n *neighbours) changed() {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.at()
	n.share(e)
	now := map[heardOf]journal.Refusal{}
	for _, other := range e.journal.Engines() {
		for _, r := range other.Refused {
			if !other.Self {
				now[heardOf{other.Name, r.Connection}] = r
			}
		}
	}
	for from := range n.heard {
		if _, still := now[from]; !still && e.gates[from.connection] != nil {
			e.gates[from.connection].Trust()
		}
	}
	for from, r := range now {
		if g := e.gates[from.connection]; g != nil && !n.heard[from].Since.Equal(r.Since) {
			g.Doubt(from.engine, &wire.Failure{Class: wire.Auth, Code: r.Code, Message: r.Message})
		}
	}
	n.heard = now
}

// share has each gate take this engine's part of its connection's limits.
func (n *neighbours) share(e *engine) {
	for _, c := range e.Config.Connections {
		g, limits := e.gates[c.Name], e.shared(c)
		if g == nil || n.bounds[c.Name] == limits {
			continue
		}
		n.bounds[c.Name] = limits
		if err := g.Set(e.gateOptions(c)); err != nil {
			e.log.Error("the limits stay as they were", "connection", c.Name, "error", err) // the configuration was checked
		}
		if s := e.journal.Share(c.Name); c.Limits.Concurrency < s.Of {
			e.log.Warn("limits.concurrency is below the number of engines: each sends one record at a time", "connection", c.Name,
				"concurrency", c.Limits.Concurrency, "engines", s.Of)
		}
	}
}

// shared are the limits of a connection as far as they are this engine's: on a
// cluster its engines share them.
func (e *engine) shared(c *config.Connection) config.Limits {
	s, l := e.journal.Share(c.Name), c.Limits
	l.Concurrency = s.Count(l.Concurrency)
	l.Rate.PerSecond /= float64(s.Of)
	if l.Rate.Burst > 0 {
		l.Rate.Burst = s.Count(l.Rate.Burst)
	}
	return l
}

// tell tells the other engines which connections refuse this one, and asks those that
// are due for it whether they still do: there may be no lane here any more that would.
func (n *neighbours) tell(ctx context.Context) {
	e := n.at()
	var all []journal.Refusal
	for _, c := range e.Config.Connections {
		g := e.gates[c.Name]
		s := g.Stats()
		if s.State != delivery.GatePaused {
			continue
		}
		if !s.Probed && !s.Hearsay {
			all = append(all, journal.Refusal{Connection: c.Name, Code: s.Failure.Code, Message: s.Failure.Message, Since: s.Since})
		}
		if !time.Now().Before(s.Until) {
			n.asking.Go(func() { g.Recheck(ctx) })
		}
	}
	e.journal.SetRefusals(all)
}

// clusterEngines shows the engines of the cluster, none where there is none.
func (e *engine) clusterEngines() []admin.ClusterEngine {
	all := e.journal.Engines()
	out := make([]admin.ClusterEngine, 0, len(all))
	for _, x := range all {
		c := admin.ClusterEngine{Name: x.Name, Self: x.Self, Partitions: x.Partitions}
		for _, r := range x.Refused {
			c.Refused = append(c.Refused, admin.Refusal{Connection: r.Connection, Code: r.Code, Message: cmp.Or(r.Message, r.Code), Since: r.Since})
		}
		out = append(out, c)
	}
	return out
}
