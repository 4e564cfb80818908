package journal

import (
	"context"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// janitorLane is the lease of the engine that tidies a cluster's journal.
var janitorLane = event.Lane{Source: "janitor", Sink: "@janitor"}

// sweepAlone sweeps, on a cluster only where this engine is the one that does.
func (j *Journal) sweepAlone(ctx context.Context) (full bool, err error) {
	if j.board == nil {
		return j.sweep(ctx, time.Now())
	}
	if j.tidies == nil || !j.tidies.valid() {
		wait, cancel := context.WithTimeout(ctx, j.o.Cluster.Lease)
		defer cancel()
		if j.tidies, err = j.Hold(wait, janitorLane, 0); err != nil {
			return false, nil // another engine tidies
		}
	}
	within, cancel, err := j.tidies.Within(ctx)
	if err != nil {
		return false, nil
	}
	defer cancel()
	return j.sweep(within, time.Now())
}

// departed forgets what another engine's janitor has taken out of a stream.
func (j *Journal) departed(ctx context.Context, info *jetstream.StreamInfo) {
	if j.follow == nil {
		return
	}
	first := info.State.FirstSeq
	switch info.Config.Name {
	case streamEvents:
		if first <= j.firstKept {
			return
		}
		if j.firstKept > 0 {
			j.index.forget(first)
			j.past.forgetEvents(first)
			j.kinds.forget(first)
			if err := j.lettersLeft(ctx, first); err != nil {
				j.log.Warn("which dead letters have left is not known for now", "error", err)
				return
			}
		}
		j.firstKept = first
	case streamOutcomes:
		j.mu.Lock()
		before := j.counts.firstOutcome
		j.counts.firstOutcome = max(before, first)
		j.mu.Unlock()
		if first > before {
			j.past.forgetOutcomes(first)
		}
	}
}

// lettersLeft finds which dead letters are kept whose events are gone.
func (j *Journal) lettersLeft(ctx context.Context, cut uint64) error {
	there := map[uint64]bool{}
	err := j.scan(ctx, j.dead, 1, "", true, func(place uint64, _ *nats.Msg) (bool, error) {
		there[place] = true
		return true, nil
	})
	if err != nil {
		return err
	}
	j.mu.Lock()
	var kept, gone []letter
	var places []uint64
	for l, place := range j.letters {
		switch {
		case l.sequence >= cut:
		case there[place]:
			kept = append(kept, l)
		default:
			gone = append(gone, l)
			places = append(places, place)
		}
	}
	drop := make(map[letter]bool, len(gone))
	for _, l := range gone {
		delete(j.letters, l)
		drop[l] = true
	}
	j.standing = slices.DeleteFunc(j.standing, func(st standing) bool { return drop[st.letter] })
	j.mu.Unlock()
	for _, l := range kept {
		j.past.keep(l)
	}
	for i, l := range gone {
		j.shelf.drop(places[i])
		j.past.drop(l)
	}
	return nil
}
