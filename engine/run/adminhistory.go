package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

func historyFilter(f admin.EventFilter) journal.HistoryFilter {
	return journal.HistoryFilter{
		Connection: f.Connection, Type: f.Type, Key: f.Key, ID: f.ID, Mapping: f.Mapping, Outcome: event.Kind(f.Outcome),
		Since: f.Since, Until: f.Until, Before: f.Before, After: f.After, Oldest: f.Oldest,
	}
}

// Events reads the history.
func (v view) Events(ctx context.Context, f admin.EventFilter, limit int) (admin.EventPage, error) {
	p, err := v.journal.History(ctx, historyFilter(f), limit)
	if err != nil {
		return admin.EventPage{}, err
	}
	out := admin.EventPage{Next: p.Next}
	for i := range p.Events {
		out.Events = append(out.Events, summaryOf(&p.Events[i]))
	}
	return out, nil
}

func summaryOf(r *journal.Recorded) admin.EventSummary {
	e := &r.Event
	s := admin.EventSummary{
		EventHead: admin.HeadOf(e), StoredAt: r.StoredAt.UTC(), Bytes: len(e.Record), Replay: e.Replay, Replays: r.Replays,
		State: "unwanted", Outcomes: r.Outcomes,
	}
	switch {
	case r.Waiting:
		s.State = "waiting"
	case slices.ContainsFunc(r.Outcomes, func(o event.Outcome) bool { return o.Kind != event.Duplicate }):
		s.State = "done"
	}
	return s
}

// Event reads one event, and explains it by the mappings that made its outcomes and
// by those that run now.
func (v view) Event(ctx context.Context, sequence uint64) (admin.EventDetail, error) {
	r, err := v.journal.Recorded(ctx, sequence)
	if bad, ok := errors.AsType[*journal.UnreadableError](err); ok {
		return admin.EventDetail{}, &admin.UnreadableError{Message: bad.Error() + "; `crosswalk status` has the alarm, and says what to do"}
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return admin.EventDetail{}, &admin.NotFoundError{Message: fmt.Sprintf("there is no event %d: it is not kept any more, or did not come yet", sequence)}
	}
	if err != nil {
		return admin.EventDetail{}, err
	}
	d := admin.EventDetail{EventSummary: summaryOf(&r), Record: r.Event.Record}
	switch body := r.Event.Body; {
	case body == nil:
	case utf8.Valid(body):
		d.Body = string(body)
	default:
		d.BodyBase64 = body
	}
	for _, o := range r.Outcomes {
		if o.Kind == event.Dead {
			l, err := v.journal.Letter(ctx, journal.LetterID{Lane: o.Lane, Mapping: o.Mapping, Sequence: sequence})
			if err != nil {
				return admin.EventDetail{}, err
			}
			d.Acts = append(d.Acts, l.Acts...)
		}
	}
	if d.Waits, err = v.waits(ctx, &r); err != nil {
		return admin.EventDetail{}, err
	}
	d.Explanations, err = v.explanations(ctx, &r)
	return d, err
}
