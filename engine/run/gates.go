package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
	"github.com/crosswalk-etl/crosswalk/engine/words"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
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

// sending shows how records go to a connection, nil where no lane ends there.
func (e *engine) sending(connection string) *admin.Sending {
	if !slices.ContainsFunc(e.lanes, func(l *lane) bool { return l.Sink == connection }) {
		return nil
	}
	s := e.gates[connection].Stats()
	out := &admin.Sending{State: string(s.State), AtSink: s.Sending, Reason: reasonOf(s.Failure)}
	if !s.Since.IsZero() {
		since := s.Since.UTC()
		out.Since = &since
	}
	if !s.Until.IsZero() {
		until := s.Until.UTC()
		out.Until = &until
	}
	if stop := e.journal.Stop(connection); s.State == delivery.GateStopped && stop.Stopped {
		out.By, out.Since = stop.By, &stop.At
	}
	return out
}

// pause says why nothing goes to a connection, nil where something does.
func pause(s *admin.Sending) *admin.Pause {
	if s == nil || s.State == string(delivery.GateOpen) {
		return nil
	}
	out := &admin.Pause{Until: s.Until, Reason: s.Reason}
	if s.State == string(delivery.GateStopped) {
		out.By, out.Since = s.By, s.Since
	}
	return out
}

// refusing says that webhooks are refused for now, and why, where that is so.
func (v view) refusing() []string {
	err := v.journal.TakesWebhooks()
	if err == nil {
		return nil
	}
	why := err.Error()
	if un, ok := errors.AsType[*journal.UnavailableError](err); ok {
		if why = un.Reason; un.Err != nil {
			why += ": " + un.Err.Error()
		}
	}
	return []string{"webhooks are answered 503: " + why}
}

// Degraded says which connections no records go to, and why, and what is the matter
// with the journal and with webhooks that are not decoded.
func (v view) Degraded(ctx context.Context) []string {
	out := slices.Concat(v.journal.Alarms(), v.lacking(), v.undecodedAlarms(ctx))
	if paused, err := v.pausedMappings(ctx); err == nil { // otherwise the alarms say so
		for i := range paused {
			if m := &paused[i]; m.Backlog > 0 {
				out = append(out, fmt.Sprintf("mapping %s is gone from the configuration, and %s for it", m.Mapping, words.EventsWait(m.Backlog)))
			}
		}
	}
	if last, _, _ := v.reloads.state(); last.refusal() != "" {
		out = append(out, last.refusal())
	}
	for _, c := range v.Config.Connections {
		s := v.sending(c.Name)
		if s == nil || s.State == string(delivery.GateOpen) {
			continue
		}
		text := "connection " + c.Name + ": " + s.State
		if s.By != "" {
			text += " by " + s.By
		}
		if s.Reason != nil {
			text += ": " + s.Reason.Class + " " + s.Reason.Code + ": " + s.Reason.Message
		}
		out = append(out, text)
	}
	return out
}

// Resume ends what keeps records from going to a connection.
func (v view) Resume(ctx context.Context, r admin.SinkRequest) (admin.Sending, error) {
	return v.onGate(ctx, r, false, func(g *delivery.Gate) { g.Resume() })
}

// Pause has no records go to a connection, also after a restart.
func (v view) Pause(ctx context.Context, r admin.SinkRequest) (admin.Sending, error) {
	return v.onGate(ctx, r, true, (*delivery.Gate).Stop)
}

func (v view) onGate(ctx context.Context, r admin.SinkRequest, stopped bool, do func(*delivery.Gate)) (admin.Sending, error) {
	if v.sending(r.Connection) == nil {
		var names []string
		for _, l := range v.lanes {
			names = append(names, l.Sink)
		}
		slices.Sort(names)
		names = slices.Compact(names)
		return admin.Sending{}, &admin.NotFoundError{Message: strings.TrimSuffix(fmt.Sprintf(
			"no mapping writes to a connection %.60q: %s", r.Connection, diag.Known(r.Connection, names)), ": ")}
	}
	if stopped != v.journal.Stop(r.Connection).Stopped {
		err := v.journal.SetStopped(ctx, journal.Stop{Connection: r.Connection, Stopped: stopped, By: r.By, At: time.Now().UTC()})
		if err != nil {
			return admin.Sending{}, adminError(err)
		}
	}
	what := "sending is to be resumed"
	if stopped {
		what = "sending is to be paused"
	}
	v.log.Info(what, "sink", r.Connection, "by", r.By)
	do(v.gates[r.Connection])
	return *v.sending(r.Connection), nil
}

// check asks whether the connection's far system takes its credentials.
func (l *link) check(ctx context.Context) error {
	if conn, done := l.begin(); conn != nil {
		defer done()
		return conn.Check(ctx)
	}
	return &wire.Failure{Class: wire.Transient, Code: "plugin_down", Message: errNotOpen.Error()}
}
