package cli

import (
	"context"
	"slices"

	"github.com/crosswalk-etl/crosswalk/engine/journal"
	"github.com/crosswalk-etl/crosswalk/engine/metrics"
	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
)

// measured is the running engine as its metrics see it.
type measured struct{ running *running }

// State gives how the engine is now.
func (m measured) State(ctx context.Context) (metrics.State, error) {
	e := m.running.engine()
	js, err := e.journal.Stats(ctx)
	if err != nil {
		return metrics.State{}, err
	}
	s := metrics.State{Ready: e.journal.Ready() == nil, Ingress: e.server.Stats(), DeadLetters: js.Unresolved, Alarms: len(e.journal.Alarms()), Traces: e.tracer.Stats()}
	last, applied, counts := e.reloads.state()
	s.Configuration = metrics.Configuration{
		Valid: last.result != reloadRefused, AppliedAt: applied, Applied: counts[0], Unchanged: counts[1], Refused: counts[2],
	}
	kept, err := e.journal.Undecoded(ctx)
	if err != nil {
		return metrics.State{}, err
	}
	for _, u := range kept {
		s.Undecoded = append(s.Undecoded, metrics.Undecoded{Connection: u.Connection, Waiting: u.Waiting, Bytes: u.Bytes, OldestAt: u.Oldest, Refused: u.Refused})
	}
	for _, c := range e.config.Connections {
		st := e.links[c.Name].state()
		up := st.Phase == pluginhost.Running
		s.Ready = s.Ready && up
		mc := metrics.Connection{Name: c.Name, Plugin: c.Plugin, Up: up, Restarts: uint64(max(0, st.Restarts))}
		if sending := e.sending(c.Name); sending != nil {
			mc.Gate, mc.AtSink = sending.State, sending.AtSink
		}
		s.Connections = append(s.Connections, mc)
	}
	for _, l := range e.lanes {
		ml := metrics.Lane{Lane: l.Lane}
		if i := slices.IndexFunc(js.Lanes, func(s journal.LaneStats) bool { return s.Lane == l.Lane }); i >= 0 {
			ml.Backlog, ml.OldestAt = js.Lanes[i].Backlog, js.Lanes[i].OldestAt
		}
		if r := l.stands(); r != nil {
			stats := r.Stats()
			ml.Delivery = &stats
		}
		s.Lanes = append(s.Lanes, ml)
	}
	return s, nil
}
