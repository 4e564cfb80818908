package run

import (
	"context"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/event"
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
	s := metrics.State{Ready: e.journal.TakesWebhooks() == nil, Ingress: e.server.Stats(), DeadLetters: js.Unresolved, Alarms: len(e.journal.Alarms()) + len(uncounted(&js)), Traces: e.tracer.Stats()}
	last, applied, counts := e.reloads.state()
	s.Configuration = metrics.Configuration{
		Valid: last.result != admin.ReloadRefused, AppliedAt: applied, Applied: counts[0], Unchanged: counts[1], Refused: counts[2],
	}
	kept, err := e.journal.Undecoded(ctx)
	if err != nil {
		return metrics.State{}, err
	}
	for _, u := range kept {
		s.Undecoded = append(s.Undecoded, metrics.Undecoded{Connection: u.Connection, Waiting: u.Waiting, Bytes: u.Bytes, OldestAt: u.Oldest, Refused: u.Refused})
	}
	for _, c := range (view{e}).connections() {
		mc := metrics.Connection{Name: c.Name, Plugin: c.Plugin, Up: c.State == pluginhost.Running.String(), Restarts: c.Restarts}
		s.Ready = s.Ready && mc.Up
		if c.Sending != nil {
			mc.Gate, mc.AtSink = c.Sending.State, c.Sending.AtSink
			if c.Sending.Since != nil && pause(c.Sending) != nil {
				mc.Since = *c.Sending.Since
			}
		}
		s.Connections = append(s.Connections, mc)
	}
	paused, err := e.pausedMappings(ctx)
	if err != nil {
		return metrics.State{}, err
	}
	for i := range paused {
		m := &paused[i]
		mp := metrics.PausedMapping{Lane: event.Lane{Source: m.Source, Sink: m.Sink}, Mapping: m.Mapping, Backlog: m.Backlog}
		if m.Oldest != nil {
			mp.OldestAt = *m.Oldest
		}
		s.Paused = append(s.Paused, mp)
	}
	for _, l := range e.lanesStand(&js) {
		ml := metrics.Lane{Lane: l.Lane, Backlog: l.counted.Backlog, OldestAt: l.counted.OldestAt, Uncounted: js.Uncounted != nil}
		if l.runners != nil {
			stats := l.runners.Stats()
			ml.Delivery = &stats
		}
		s.Lanes = append(s.Lanes, ml)
	}
	return s, nil
}
