package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/engine/words"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// view is the running engine as the admin API sees it.
type view struct{ *engine }

// Unready gives the reasons why webhooks or deliveries do not work now.
func (v view) Unready(context.Context) []string {
	var out []string
	if err := v.journal.TakesWebhooks(); err != nil {
		out = append(out, "journal: "+err.Error())
	}
	for _, c := range v.connections() {
		if c.Reason != "" {
			out = append(out, "connection "+c.Name+": "+c.Reason)
		}
	}
	return out
}

// unread tells whether a connection takes webhooks and no mapping reads from it.
func (e *engine) unread(c *config.Connection) bool {
	return c.Token != "" && !slices.ContainsFunc(e.lanes, func(l *lane) bool { return l.Source == c.Name })
}

func (v view) connections() []admin.Connection {
	out := make([]admin.Connection, 0, len(v.Config.Connections))
	for _, c := range v.Config.Connections {
		st := v.links[c.Name].state()
		ac := admin.Connection{
			Name: c.Name, Plugin: c.Plugin, Version: st.Version, State: st.Phase.String(), PID: st.PID, Restarts: uint64(max(0, st.Restarts)),
			Sending: v.sending(c.Name), Unread: v.unread(c),
		}
		if st.Phase != pluginhost.Running {
			ac.Reason = strings.TrimSuffix(st.Phase.String()+": "+st.LastError, ": ")
		}
		out = append(out, ac)
	}
	return out
}

// Status gives the engine's state.
func (v view) Status(ctx context.Context) (admin.Status, error) {
	// What the configuration says is in place is what is shown with it.
	configuration := v.configuration()
	v = view{v.running.engine()}
	js, err := v.journal.Stats(ctx)
	if err != nil {
		return admin.Status{}, err
	}
	in := v.server.Stats()
	st := admin.Status{
		Version: v.options.Version, StartedAt: v.started, Connections: v.connections(),
		Counters: admin.Counters{
			Accepted: js.Accepted, Duplicates: js.Duplicates,
			Delivered: js.Outcomes[event.Delivered], Skipped: js.Outcomes[event.Skipped],
			Superseded: js.Outcomes[event.Superseded], Dead: js.Outcomes[event.Dead],
			DeadOpen: js.Unresolved, Replayed: js.Replayed,
		},
		Ingress: admin.Ingress{Requests: in.Requests, Refused: in.Refused},
		Alarms:  slices.Concat(v.refusing(), v.journal.Alarms(), v.lacking(), uncounted(&js)), Configuration: configuration,
	}
	st.Engines = v.clusterEngines()
	if st.Undecoded, err = v.undecoded(ctx); err != nil {
		return admin.Status{}, err
	}
	for _, l := range v.lanesStand(&js) {
		al := admin.Lane{Source: l.Source, Sink: l.Sink, Paused: pause(v.sending(l.Sink)), Backlog: l.counted.Backlog, Uncounted: js.Uncounted != nil}
		if at := l.counted.OldestAt; !at.IsZero() {
			al.Oldest = &at
		}
		if l.runners != nil {
			showStanding(&al, l.runners)
		}
		st.Lanes = append(st.Lanes, al)
	}
	if st.Paused, err = v.pausedMappings(ctx); err != nil {
		return admin.Status{}, err
	}
	for _, p := range v.programs {
		m := admin.Mapping{Name: p.Name(), SHA256: p.SHA256(), To: p.To().String()}
		for _, from := range p.From() {
			m.From = append(m.From, from.String())
		}
		st.Mappings = append(st.Mappings, m)
	}
	slices.SortFunc(st.Mappings, func(a, b admin.Mapping) int { return strings.Compare(a.Name, b.Name) })
	return st, nil
}

// waitingShown is how many of a lane's waiting events are shown.
const waitingShown = 10

// showStanding adds what a lane's runners say of themselves.
func showStanding(l *admin.Lane, r standing) {
	stats := r.Stats()
	l.Held = uint64(max(0, stats.AtHand()))
	for _, w := range r.Retrying(waitingShown) {
		l.Waiting = append(l.Waiting, waitingOf(&w))
	}
}

func waitingOf(w *delivery.Retry) admin.Waiting {
	return admin.Waiting{
		Sequence: w.Sequence, Key: w.Key, Mapping: w.Mapping, Attempts: w.Attempts,
		Next: w.Next.UTC(), PossiblySent: w.PossiblySent, Reason: reasonOf(w.Failure),
	}
}

// reasonOf shows a sink's failure, nil if there is none.
func reasonOf(f *wire.Failure) *event.Reason {
	if f == nil {
		return nil
	}
	return &event.Reason{Class: f.Class.String(), Code: f.Code, Message: f.Message, Path: f.Path}
}

// Outcomes reads outcomes from the journal.
func (v view) Outcomes(ctx context.Context, from uint64, limit int) ([]event.Outcome, error) {
	return v.journal.Outcomes(ctx, from, limit)
}

// Dead reads dead letters from the journal.
func (v view) Dead(ctx context.Context, from uint64, limit int) ([]event.DeadLetter, error) {
	return v.journal.Dead(ctx, from, limit)
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
