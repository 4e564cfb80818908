package run

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

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
