package journal

import (
	"context"
	"errors"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// A kept request that is decoded becomes events, its parts. Where the engine ends
// between that and the removal of the request, the request is decoded again at the
// next start, and the parts that are stored already are not stored again. A part that
// repeats an event is stored as that repeat's outcome.

// storedParts are the sequences of events that were stored already, by the IDs of their
// requests and by their parts.
type storedParts map[string]map[string]uint64

// requestOf is the ID of the request that a part is of.
func requestOf(part string) string {
	id, _, _ := strings.Cut(part, ".")
	return id
}

func (s storedParts) get(part string) uint64 { return s[requestOf(part)][part] }

func (s storedParts) set(part string, seq uint64) {
	id := requestOf(part)
	if s[id] == nil {
		s[id] = map[string]uint64{}
	}
	s[id][part] = seq
}

// stored gives the sequence under which a part was stored, 0 if it was not.
func (u *undecoded) stored(part string) uint64 {
	if part == "" {
		return 0
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.parts.get(part)
}

// store notes that a part is stored.
func (u *undecoded) store(part string, seq uint64) {
	if part == "" {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.parts.set(part, seq)
}

// found notes at a start that a part is stored, if its request still waits.
func (u *undecoded) found(part string, seq uint64) {
	if _, waits := u.parts[requestOf(part)]; waits {
		u.store(part, seq)
	}
}

// repeated notes that a part repeats the event original, by the outcome at place.
func (j *Journal) repeated(e *event.Event, original, place uint64) {
	switch {
	case e.Part == "":
	case j.queues != nil:
		j.queues.repeatedNow(e.Connection, e.Part, original, place)
	default:
		j.undecoded.store(e.Part, original)
	}
}

// foundRepeat takes in what an outcome says of a part, the empty one where of none.
func (j *Journal) foundRepeat(part string, original, place uint64) {
	switch {
	case part == "":
	case j.queues != nil:
		j.queues.repeated(part, original, place)
	default:
		j.undecoded.found(part, original)
	}
}

// readRequests counts what is kept. It comes before the events are read, which tell
// what has become of it.
func (j *Journal) readRequests(ctx context.Context) error {
	if j.queues != nil {
		return j.readQueues(ctx)
	}
	u := j.undecoded
	refusedAt, twice := map[string]uint64{}, map[uint64]string{}
	err := j.scan(ctx, j.requests, 1, "", true, func(seq uint64, m *nats.Msg) (bool, error) {
		subject, connection, _ := strings.Cut(m.Subject, ".")
		id, size, err := keptHeaders(seq, m.Header)
		if err != nil {
			return false, err
		}
		if subject+"." == subjectRefused {
			u.refuse(connection, 1, size)
			refusedAt[id] = seq
			if _, waits := u.parts[id]; waits { // what follows its refusal was not done any more
				u.refused[id] = struct{}{}
			}
			return true, nil
		}
		u.wait(connection, 1, size)
		u.parts[id] = nil
		if at := refusedAt[id]; at != 0 { // it was put back, and the refused one not removed any more
			twice[at] = connection
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	for at := range twice {
		if err := j.dropTwice(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// dropTwice takes out a refused request that was put back.
func (j *Journal) dropTwice(ctx context.Context, at uint64) error {
	r, size, err := j.refusedRequest(ctx, at)
	if err != nil {
		return err
	}
	return j.deleteRefused(ctx, r.Connection, at, size)
}

// readQueues is readRequests on a cluster.
func (j *Journal) readQueues(ctx context.Context) error {
	info, err := j.events.Info(ctx)
	if err != nil {
		return err
	}
	j.queues.since = info.State.LastSeq
	if info, err = j.outcomes.Info(ctx); err != nil {
		return err
	}
	j.queues.outcomesSince = info.State.LastSeq
	err = j.scan(ctx, j.requests, 1, "", true, func(seq uint64, m *nats.Msg) (bool, error) {
		j.read[streamRequests] = seq
		return true, j.noteRequest(seq, m)
	})
	if err != nil {
		return err
	}
	for _, at := range j.queues.twice() {
		// Another engine may be doing the same, or be about to.
		if err := j.dropTwice(ctx, at); err != nil && !errors.Is(err, ErrNoRequest) {
			j.log.Warn("a refused request that was put back is listed for now", "sequence", at, "error", err)
		}
	}
	return nil
}

// noParts forgets the requests of which nothing is stored.
func (u *undecoded) noParts() {
	for id, parts := range u.parts {
		if len(parts) == 0 {
			delete(u.parts, id)
		}
	}
}
