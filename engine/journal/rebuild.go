package journal

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// rebuild reads what a start must know: the index of duplicates, the counts,
// the dead letters that count, and from where in OUTCOMES each lane's takeover
// has to read.
func (j *Journal) rebuild(ctx context.Context) error {
	if err := j.readRequests(ctx); err != nil {
		return fmt.Errorf("read REQUESTS: %w", err)
	}
	if err := j.readEvents(ctx); err != nil {
		return fmt.Errorf("read EVENTS: %w", err)
	}
	if err := j.readDead(ctx); err != nil {
		return fmt.Errorf("read DEAD: %w", err)
	}
	floors, err := j.floors(ctx)
	if err != nil {
		return fmt.Errorf("read the lanes: %w", err)
	}
	if err := j.readOutcomes(ctx, floors); err != nil {
		return fmt.Errorf("read OUTCOMES: %w", err)
	}
	if err := j.readLives(ctx); err != nil {
		return fmt.Errorf("read LIVES: %w", err)
	}
	if err := j.readStops(ctx); err != nil {
		return fmt.Errorf("read STOPS: %w", err)
	}
	if err := j.readActs(ctx); err != nil {
		return fmt.Errorf("read ACTS: %w", err)
	}
	j.past.only(j.letters)
	j.undecoded.noParts()
	return nil
}

func (j *Journal) readEvents(ctx context.Context) error {
	info, err := j.events.Info(ctx, jetstream.WithDeletedDetails(true)) // or it would not tell of what is lost
	if err != nil {
		return err
	}
	j.counts.accepted = info.State.LastSeq
	j.firstEvent = info.State.FirstSeq
	j.lookForDamage(&info.State)
	return j.scan(ctx, j.events, 1, "", true, func(seq uint64, m *nats.Msg) (bool, error) {
		j.read[streamEvents] = seq
		return true, j.noteEvent(seq, m)
	})
}

// noteEvent takes in the headers of an event that is kept.
func (j *Journal) noteEvent(seq uint64, m *nats.Msg) error {
	e, err := decodeEvent(seq, m.Subject, withoutLength(m.Header), nil)
	if err != nil {
		return err
	}
	key, identity := j.index.key(e.Connection, e.Key), uint64(asReplay)
	if e.Replay == nil {
		identity = j.index.identity(e.ID, e.Type, m.Header.Get(hdrHash))
	}
	j.index.add(seq, key, identity)
	j.past.event(&e)
	if j.queues != nil {
		j.queues.part(e.Part, seq)
	} else {
		j.undecoded.found(e.Part, seq)
	}
	j.kinds.add(seq, e.Connection, e.Type)
	if e.Replay != nil && j.follow == nil {
		j.past.found = append(j.past.found, event.Event{Sequence: seq, Connection: e.Connection, Replay: e.Replay})
	}
	j.mu.Lock()
	j.counts.accepted = max(j.counts.accepted, seq)
	if e.Replay != nil {
		j.counts.replayed++
	}
	j.mu.Unlock()
	if e.Replay != nil && j.follow != nil {
		j.hasten(&e)
	}
	return nil
}

// withoutLength drops what cannot be checked where only the headers came.
func withoutLength(h nats.Header) nats.Header {
	delete(h, hdrRecord)
	return h
}

func (j *Journal) readDead(ctx context.Context) error {
	return j.scan(ctx, j.dead, 1, "", true, func(seq uint64, m *nats.Msg) (bool, error) {
		j.read[streamDead] = seq
		return true, j.noteDead(seq, m)
	})
}

// noteDead takes in the headers of a dead letter.
func (j *Journal) noteDead(seq uint64, m *nats.Msg) error {
	mk, err := readMark(m.Subject, m.Header)
	if err != nil {
		return fmt.Errorf("dead letter %d: %w", seq, err)
	}
	l, reason, err := readShelved(mk, m.Header, seq)
	if err != nil {
		return fmt.Errorf("dead letter %d: %w", seq, err)
	}
	j.shelf.add(l, reason)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.letters[l.letter] = seq
	return nil
}

// laneFloors are the acknowledged floors of lanes, by partition.
type laneFloors map[lanePart]uint64

// of gives the lowest of a lane's, 0 where it has none.
func (f laneFloors) of(l event.Lane) uint64 {
	lowest, known := uint64(math.MaxUint64), false
	for p, floor := range f {
		if p.Lane == l {
			lowest, known = min(lowest, floor), true
		}
	}
	if !known {
		return 0
	}
	return lowest
}

// floors reads each lane's acknowledged floor. One of several partitions that has
// all of its events done is beyond all.
func (j *Journal) floors(ctx context.Context) (laneFloors, error) {
	floors := laneFloors{}
	all, err := j.consumers(ctx)
	for p, info := range all {
		floors[p] = info.AckFloor.Stream
		if j.parts > 1 && info.NumPending == 0 && info.NumAckPending == 0 {
			floors[p] = math.MaxUint64
		}
	}
	return floors, err
}

func (j *Journal) readOutcomes(ctx context.Context, floors laneFloors) error {
	info, err := j.outcomes.Info(ctx)
	if err != nil {
		return err
	}
	gone, err := purgedOf(info)
	if err != nil {
		return err
	}
	j.counts.firstOutcome = max(gone.To+1, info.State.FirstSeq, 1)
	j.counts.last = max(j.counts.firstOutcome-1, info.State.LastSeq)
	maps.Copy(j.counts.outcomes, gone.Outcomes)
	ended := map[letter]bool{} // letters whose outcome is kept
	err = j.scan(ctx, j.outcomes, j.counts.firstOutcome, "", true, func(seq uint64, m *nats.Msg) (bool, error) {
		j.read[streamOutcomes] = seq
		mk, err := j.noteOutcome(seq, m)
		if err != nil {
			return false, err
		}
		if err := j.inEvents(mk.sequence); err != nil {
			return false, err
		}
		if l := (letter{lane: mk.lane, mapping: mk.mapping, sequence: mk.sequence}); j.letters[l] != 0 {
			ended[l] = true
		}
		if _, known := j.lower[mk.lane]; !known && mk.kind != event.Duplicate && mk.sequence > floors.of(mk.lane) {
			j.lower[mk.lane] = seq
		}
		return true, nil
	})
	j.lowest = j.counts.last + 1
	j.standAlone(ended)
	return err
}

// noteOutcome takes in the headers of an outcome that is kept.
func (j *Journal) noteOutcome(seq uint64, m *nats.Msg) (mark, error) {
	if strings.HasPrefix(m.Subject, subjectFences) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.counts.last = max(j.counts.last, seq)
		j.announced = append(j.announced, seq)
		return mark{}, nil
	}
	mk, err := readMark(m.Subject, m.Header)
	if err != nil {
		return mark{}, fmt.Errorf("outcome %d: %w", seq, err)
	}
	j.note(&event.Outcome{Sequence: mk.sequence, Lane: mk.lane, Mapping: mk.mapping, Kind: mk.kind}, seq)
	j.foundRepeat(m.Header.Get(hdrPart), mk.sequence, seq)
	return mk, nil
}

// standAlone counts the letters whose events and outcomes have left the journal;
// those that ended otherwise left before.
func (j *Journal) standAlone(ended map[letter]bool) {
	var alone []standing
	for l := range j.letters {
		if !ended[l] && l.sequence < j.firstEvent {
			j.past.keep(l)
			alone = append(alone, standing{letter: l})
		}
	}
	slices.SortFunc(alone, func(a, b standing) int {
		return cmp.Compare(j.letters[a.letter], j.letters[b.letter])
	})
	j.standing = append(alone, j.standing...)
}
