package cli

import (
	"context"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// makeGates makes the way to each connection, with the bounds that the
// configuration sets.
func (e *engine) makeGates() error {
	e.gates = map[string]*delivery.Gate{}
	for _, c := range e.config.Connections {
		g, err := delivery.NewGate(delivery.GateOptions{
			Connection: c.Name, Rate: c.Limits.Rate.PerSecond, Burst: c.Limits.Rate.Burst,
			Concurrency: c.Limits.Concurrency, Backoff: backoffOf(c), Probe: e.links[c.Name].check, Logger: e.log,
		})
		if err != nil {
			return err
		}
		e.gates[c.Name] = g
	}
	return nil
}

func backoffOf(c *config.Connection) delivery.Backoff {
	return delivery.Backoff{Initial: c.Retry.Min, Max: c.Retry.Max}
}

// check asks whether the connection's far system takes its credentials.
func (l *link) check(ctx context.Context) error {
	if conn := l.conn.Load(); conn != nil {
		return conn.Check(ctx)
	}
	return &wire.Failure{Class: wire.Transient, Code: "plugin_down", Message: errNotOpen.Error()}
}
