package run

import (
	"slices"

	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// stood is a lane with how it stands: what the journal counts of it, and its runners,
// nil where it does not run in this engine.
type stood struct {
	*lane
	counted journal.LaneStats
	runners standing
}

// lanesStand gives how each lane stands, as status and metrics tell it.
func (e *engine) lanesStand(s *journal.Stats) []stood {
	out := make([]stood, 0, len(e.lanes))
	for _, l := range e.lanes {
		out = append(out, l.stand(s))
	}
	return out
}

// stand gives how the lane stands.
func (l *lane) stand(s *journal.Stats) stood {
	out := stood{lane: l, runners: l.stands()}
	if i := slices.IndexFunc(s.Lanes, func(c journal.LaneStats) bool { return c.Lane == l.Lane }); i >= 0 {
		out.counted = s.Lanes[i]
	}
	return out
}

// uncounted is an alarm where a cluster does not tell how all lanes stand.
func uncounted(s *journal.Stats) []string {
	if s.Uncounted == nil {
		return nil
	}
	return []string{"the backlog of the lanes is not counted in full: " + s.Uncounted.Error() + ": see how the NATS servers are (nats server report jetstream)"}
}
