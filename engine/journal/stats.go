package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Stats are a journal's counts, over all that it ever held.
type Stats struct {
	// Accepted is how many events were ever accepted from sources, duplicates not
	// among them, and Replayed how many were put on their way again.
	Accepted uint64 `json:"accepted"`
	Replayed uint64 `json:"replayed"`
	// Duplicates is how many events were recognised as repeats.
	Duplicates uint64 `json:"duplicates"`
	// Outcomes counts outcomes by kind, duplicates among them.
	Outcomes map[event.Kind]uint64 `json:"outcomes"`
	// LastOutcome is the place of the newest outcome, as Journal.Outcomes counts them:
	// how many are kept.
	LastOutcome uint64 `json:"last_outcome"`
	// Dead is how many dead letters there are, and Unresolved for how many of them
	// nothing was done yet.
	Dead       uint64 `json:"dead"`
	Unresolved uint64 `json:"unresolved"`
	// Lanes has the backlog of each lane that ever was opened.
	Lanes []LaneStats `json:"lanes"`
	// Uncounted is why Lanes lack some of their backlog, or of the lanes: a cluster's
	// servers do not answer for them just now. It is nil where they are whole.
	Uncounted error `json:"-"`
}

// LaneStats is what waits in a lane.
type LaneStats struct {
	Lane event.Lane `json:"lane"`
	// Backlog is how many events are not acknowledged, whether handed out or not.
	Backlog uint64 `json:"backlog"`
	// Held is how many of them are handed out.
	Held uint64 `json:"held"`
	// OldestAt is when the oldest of them was stored, zero if there is none or nobody can tell.
	OldestAt time.Time `json:"oldest_at,omitzero"`
}

// counts are kept in memory and built again at each start.
type counts struct {
	accepted uint64 // the last event's sequence
	replayed uint64 // how many of them repeat others
	last     uint64 // the newest outcome's place in its stream
	// firstOutcome is the place of the oldest outcome that is kept, from 1.
	firstOutcome uint64
	outcomes     map[event.Kind]uint64
}

// Stats gives the counts now. It asks the server once for the lanes, and reads of the
// stream one event for each lane that has a backlog and none of it at hand. On a cluster
// whose servers do not answer it takes up to two seconds, and fails only with ctx.
func (j *Journal) Stats(ctx context.Context) (Stats, error) {
	j.mu.Lock()
	s := Stats{
		Accepted: j.counts.accepted - j.counts.replayed, Replayed: j.counts.replayed, Duplicates: j.counts.outcomes[event.Duplicate],
		Outcomes: maps.Clone(j.counts.outcomes), LastOutcome: j.counts.last + 1 - j.counts.firstOutcome - uint64(len(j.keptAnnounced())), Dead: uint64(len(j.standing)),
	}
	j.mu.Unlock()
	s.Unresolved = s.Dead - min(s.Dead, j.past.handled())
	patience := standWait
	if j.o.Cluster != nil {
		patience = askWait
	}
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	all, err := j.asked(ctx, askWait)
	if err != nil {
		if j.o.Cluster == nil || ctx.Err() != nil {
			return Stats{}, fmt.Errorf("read the journal's lanes: %w", err)
		}
		s.Uncounted = err
	}
	lanes := map[event.Lane]LaneStats{}
	for p, info := range all {
		held := uint64(max(info.NumAckPending, 0))
		ls := lanes[p.Lane]
		ls.Lane = p.Lane
		ls.Held += held
		ls.Backlog += info.NumPending + held
		if info.NumPending+held > 0 {
			at, err := j.oldestAt(soon, p, info.AckFloor.Stream+1)
			if err != nil {
				err = fmt.Errorf("read the age of a lane's backlog: %w", err)
				if j.o.Cluster == nil || ctx.Err() != nil {
					return Stats{}, err
				}
				s.Uncounted = cmp.Or(s.Uncounted, err)
			}
			if ls.OldestAt.IsZero() || !at.IsZero() && at.Before(ls.OldestAt) {
				ls.OldestAt = at
			}
		}
		lanes[p.Lane] = ls
	}
	for _, name := range slices.SortedFunc(maps.Keys(lanes), compareLanes) {
		s.Lanes = append(s.Lanes, lanes[name])
	}
	return s, nil
}

// oldestAt is when the oldest event of a lane was stored that is not acknowledged, which
// is the first from a sequence on; zero if there is none. An open lane knows it of what
// it has handed out: to read an event takes its whole block into memory.
func (j *Journal) oldestAt(ctx context.Context, p lanePart, from uint64) (time.Time, error) {
	j.mu.Lock()
	l := j.lanes[p]
	j.mu.Unlock()
	if l != nil && l.lease.valid() {
		if at := l.oldestHeld(); !at.IsZero() {
			return at, nil
		}
	}
	m, err := patiently(ctx, j, func() (*jetstream.RawStreamMsg, error) {
		return j.events.GetMsg(ctx, from, jetstream.WithGetMsgSubject(j.eventsOf(p)))
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return time.Time{}, nil // what is above the floor and not there any more is gone with its age
	}
	if err != nil {
		return time.Time{}, err
	}
	return m.Time.UTC(), nil
}

// oldestHeld is when the first event was stored that is handed out in its turn and not
// acknowledged, zero if there is none: whatever is not handed out came after it.
func (l *Lane) oldestHeld() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	var first uint64
	var at int64
	for seq, h := range l.held {
		if h.reply != "" && (first == 0 || seq < first) {
			first, at = seq, h.at
		}
	}
	if first == 0 {
		return time.Time{}
	}
	return time.Unix(0, at).UTC()
}

func compareLanes(a, b event.Lane) int {
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Sink, b.Sink))
}
