package cli

import (
	"context"
	"slices"

	"github.com/crosswalk-etl/crosswalk/engine/ingress"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
	"github.com/crosswalk-etl/crosswalk/engine/metrics"
	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
)

// measured is the running engine as its metrics see it.
type measured struct {
	*engine
	// server is set before anything is served.
	server *ingress.Server
}

// State gives how the engine is now.
func (m *measured) State(ctx context.Context) (metrics.State, error) {
	js, err := m.journal.Stats(ctx)
	if err != nil {
		return metrics.State{}, err
	}
	s := metrics.State{Ready: m.journal.Ready() == nil, Ingress: m.server.Stats(), DeadLetters: js.Unresolved, Alarms: len(m.journal.Alarms())}
	for _, c := range m.config.Connections {
		st := m.links[c.Name].state()
		up := st.Phase == pluginhost.Running
		s.Ready = s.Ready && up
		mc := metrics.Connection{Name: c.Name, Plugin: c.Plugin, Up: up, Restarts: uint64(max(0, st.Restarts))}
		if sending := m.sending(c.Name); sending != nil {
			mc.Gate, mc.AtSink = sending.State, sending.AtSink
		}
		s.Connections = append(s.Connections, mc)
	}
	for _, l := range m.lanes {
		ml := metrics.Lane{Lane: l.Lane}
		if i := slices.IndexFunc(js.Lanes, func(s journal.LaneStats) bool { return s.Lane == l.Lane }); i >= 0 {
			ml.Backlog, ml.OldestAt = js.Lanes[i].Backlog, js.Lanes[i].OldestAt
		}
		if r := l.runner.Load(); r != nil {
			stats := r.Stats()
			ml.Delivery = &stats
		}
		s.Lanes = append(s.Lanes, ml)
	}
	return s, nil
}
