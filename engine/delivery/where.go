package delivery

import (
	"cmp"
)

// Stage is where an event at hand is on its way.
type Stage string

// The stages of an event.
const (
	// StageBehind: behind another event of its key.
	StageBehind Stage = "behind"
	// StageRetrying: until the time of its next attempt.
	StageRetrying Stage = "retrying"
	// StageQueued: for room, of which other events have all.
	StageQueued Stage = "queued"
	// StageMapping: it is being mapped.
	StageMapping Stage = "mapping"
	// StageAsking: for answers of lookups that its mapping needs.
	StageAsking Stage = "asking"
	// StageReady: mapped, for a place at the sink.
	StageReady Stage = "ready"
	// StageSending: at the sink, for its answer.
	StageSending Stage = "sending"
	// StageStoring: its outcome is being stored.
	StageStoring Stage = "storing"
)

var stages = [states]Stage{
	waiting: StageBehind, retrying: StageRetrying, runnable: StageQueued, transforming: StageMapping,
	questioning: StageAsking, ready: StageReady, sending: StageSending, committing: StageStoring, finished: StageStoring,
}

// Where is where an event at hand is.
type Where struct {
	Stage Stage
	// Behind is the event of its key that is on its way before it, 0 if there is none.
	Behind uint64
	// Retry is what is known of its attempts; its Next counts while it is retrying.
	Retry
}

// Where tells where the event of a key is, false where it is not at hand: it was not
// read yet, or is done.
func (r *Runner) Where(key string, sequence uint64) (Where, bool) {
	gate := r.gate.Stats()
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.keys.queues[key].first
	for it := first; it != nil; it = it.behind {
		if it.sequence != sequence {
			continue
		}
		w := Where{Stage: stages[it.state], Retry: it.retry(gate)}
		if it != first {
			w.Behind = first.sequence
		}
		return w, true
	}
	return Where{}, false
}

// Where tells where the event of a key is, in whichever of the Runners.
func (g *Group) Where(key string, sequence uint64) (Where, bool) {
	for _, r := range g.all() {
		if w, ok := r.Where(key, sequence); ok {
			return w, true
		}
	}
	return Where{}, false
}

// retry is what is known of an item's attempts. The caller holds the Runner's lock.
func (it *item) retry(gate GateStats) Retry {
	w := Retry{Sequence: it.sequence, Key: it.key}
	if it.state == transforming || it.plan == nil {
		return w // a worker has it, or it has not begun
	}
	w.Attempts, w.Next, w.PossiblySent, w.Failure = it.attempts, laterOf(it.due, gate.Until), it.sent, cmp.Or(it.asked, it.failure)
	if it.step >= 0 {
		w.Mapping = it.mapping().Name
	}
	return w
}
