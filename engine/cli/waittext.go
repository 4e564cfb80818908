package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// waitText says in words what an event waits for.
func waitText(w *admin.Wait, now time.Time) string {
	to := "to " + words.Plain(w.Sink)
	if w.Mapping != "" {
		to += " by " + words.Plain(w.Mapping)
	}
	var parts []string
	switch w.For {
	case admin.WaitGone:
		return to + ": the mapping is gone from the configuration; bring it back, or `crosswalk mapping drop` or `rename` it"
	case admin.WaitElsewhere:
		parts = append(parts, "the lane is not open in this engine")
	case admin.WaitUnread:
		parts = append(parts, fmt.Sprintf("it is not its turn yet: %s in the lane, with it", words.EventsWait(w.Backlog)))
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
		parts = append(parts, words.Plain(w.For))
	}
	if w.Attempt != nil && w.For != string(delivery.StageRetrying) && w.Attempt.Attempts > 0 {
		parts = append(parts, "after "+words.Count(w.Attempt.Attempts, "attempt"))
	}
	if w.Paused != nil {
		parts = append(parts, "nothing goes to "+words.Plain(w.Sink)+" now: paused "+pausedText(w.Paused))
	}
	return to + ": " + strings.Join(parts, "; ")
}
