package run

import (
	"context"
	"slices"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// waits says what an event waits for: of each lane that has not come to an end with it,
// and of each mapping that wants it and is paused.
func (v view) waits(ctx context.Context, r *journal.Recorded) ([]admin.Wait, error) {
	var out []admin.Wait
	e := &r.Event
	if len(r.WaitsIn) > 0 {
		stats, err := v.journal.Stats(ctx)
		if err != nil {
			return nil, err
		}
		for _, id := range r.WaitsIn {
			l := v.lane(id)
			if l == nil {
				continue // its mappings are gone, which is told below
			}
			w := admin.Wait{Source: id.Source, Sink: id.Sink, For: admin.WaitElsewhere, Paused: pause(v.sending(id.Sink))}
			if s := l.stand(&stats); s.runners != nil {
				w.For, w.Backlog = admin.WaitUnread, s.counted.Backlog
				if at, ok := s.runners.Where(e.Key, e.Sequence); ok {
					w.For, w.Backlog, w.Mapping, w.Behind = string(at.Stage), 0, at.Mapping, at.Behind
					if at.Attempts > 0 || at.Stage == delivery.StageRetrying {
						attempt := waitingOf(&at.Retry)
						w.Attempt = &attempt
					}
				}
			}
			out = append(out, w)
		}
	}
	for _, id := range v.journal.WaitsFor(e) {
		// What a lane had at hand when its mapping left the configuration it brings to
		// an end with that mapping.
		if slices.ContainsFunc(out, func(w admin.Wait) bool {
			return w.Source == id.Lane.Source && w.Sink == id.Lane.Sink && w.Mapping == id.Mapping
		}) {
			continue
		}
		out = append(out, admin.Wait{Source: id.Lane.Source, Sink: id.Lane.Sink, For: admin.WaitGone, Mapping: id.Mapping})
	}
	return out, nil
}
