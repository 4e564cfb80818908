package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// What an event waits for beside what delivery tells.
const (
	waitUnread    = "unread"
	waitGone      = "gone"
	waitElsewhere = "elsewhere"
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
			w := admin.Wait{Source: id.Source, Sink: id.Sink, For: waitElsewhere, Paused: pause(v.sending(id.Sink))}
			if s := l.stands(); s != nil {
				w.For = waitUnread
				if at, ok := s.Where(e.Key, e.Sequence); ok {
					w.For, w.Mapping, w.Behind = string(at.Stage), at.Mapping, at.Behind
					if at.Attempts > 0 || at.Stage == delivery.StageRetrying {
						attempt := waitingOf(&at.Retry)
						w.Attempt = &attempt
					}
				}
			}
			if i := slices.IndexFunc(stats.Lanes, func(s journal.LaneStats) bool { return s.Lane == id }); i >= 0 && w.For == waitUnread {
				w.Backlog = stats.Lanes[i].Backlog
			}
			out = append(out, w)
		}
	}
	for _, id := range v.journal.WaitsFor(e) {
		out = append(out, admin.Wait{Source: id.Lane.Source, Sink: id.Lane.Sink, For: waitGone, Mapping: id.Mapping})
	}
	return out, nil
}

// waitText says in words what an event waits for.
func waitText(w *admin.Wait, now time.Time) string {
	to := "to " + plain(w.Sink)
	if w.Mapping != "" {
		to += " by " + plain(w.Mapping)
	}
	var parts []string
	switch w.For {
	case waitGone:
		return to + ": the mapping is gone from the configuration; bring it back, or `crosswalk mapping drop` or `rename` it"
	case waitElsewhere:
		parts = append(parts, "the lane is not open in this engine")
	case waitUnread:
		parts = append(parts, fmt.Sprintf("it is not its turn yet: %s in the lane, with it", waits(w.Backlog)))
	case string(delivery.StageBehind):
		parts = append(parts, fmt.Sprintf("behind event %d, which has the same key and is not done: `crosswalk events show %d`", w.Behind, w.Behind))
	case string(delivery.StageRetrying):
		parts = append(parts, "it "+nextText(w.Attempt, now))
	case string(delivery.StageQueued):
		parts = append(parts, "it waits for room: others are at hand")
	case string(delivery.StageMapping):
		parts = append(parts, "it is being mapped")
	case string(delivery.StageAsking):
		parts = append(parts, "its mapping waits for a lookup's answer")
	case string(delivery.StageReady):
		parts = append(parts, "it is mapped, and waits for a place at the sink")
	case string(delivery.StageSending):
		parts = append(parts, "it is at the sink, which has not answered yet")
	case string(delivery.StageStoring):
		parts = append(parts, "its outcome is being stored")
	default:
		parts = append(parts, plain(w.For))
	}
	if w.Attempt != nil && w.For != string(delivery.StageRetrying) && w.Attempt.Attempts > 0 {
		parts = append(parts, "after "+counted(w.Attempt.Attempts, "attempt"))
	}
	if w.Paused != nil {
		parts = append(parts, "nothing goes to "+plain(w.Sink)+" now: paused "+pausedText(w.Paused))
	}
	return to + ": " + strings.Join(parts, "; ")
}
