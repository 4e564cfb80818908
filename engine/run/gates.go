package run

import (
	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// makeGates makes the way to each connection, with the bounds that the
// configuration sets.
func (e *engine) makeGates() error {
	e.gates = map[string]*delivery.Gate{}
	for _, c := range e.Config.Connections {
		g, err := e.newGate(c)
		if err != nil {
			return err
		}
		e.gates[c.Name] = g
	}
	return nil
}

// newGate makes the way to a connection: shut where a person has stopped it.
func (e *engine) newGate(c *config.Connection) (*delivery.Gate, error) {
	g, err := delivery.NewGate(e.gateOptions(c))
	if err == nil && e.journal.Stop(c.Name).Stopped {
		g.Stop()
	}
	return g, err
}

// followStops has a person's word hold whichever engine of a cluster it was said to.
func (e *engine) followStops(at func() *engine) {
	do := func(s journal.Stop) {
		g := at().gates[s.Connection]
		switch {
		case g == nil:
		case s.Stopped:
			g.Stop()
		case g.Stats().State == delivery.GateStopped:
			g.Resume()
		}
	}
	e.journal.TellStops(do)
	for name := range e.gates { // and what was said since they were made
		s := e.journal.Stop(name)
		s.Connection = name
		do(s)
	}
}

func (e *engine) gateOptions(c *config.Connection) delivery.GateOptions {
	limits := e.shared(c)
	return delivery.GateOptions{
		Connection: c.Name, Rate: limits.Rate.PerSecond, Burst: limits.Rate.Burst,
		Concurrency: limits.Concurrency, Backoff: backoffOf(c), Probe: e.links[c.Name].check, Logger: e.log,
	}
}

func backoffOf(c *config.Connection) delivery.Backoff {
	return delivery.Backoff{Initial: c.Retry.Min, Max: c.Retry.Max}
}
