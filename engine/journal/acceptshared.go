package journal

import (
	"context"
	"maps"

	"github.com/nats-io/nats.go"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// sharing is an event that is accepted on a cluster.
type sharing struct {
	e             *event.Event
	m             *nats.Msg
	key, identity uint64
	// level tells that all is known that was stored before it came.
	level bool
}

// acceptShared is Accept where other engines accept events of the same keys. What
// they stored in the last moment may not be known here yet:
//
//   - An ID that is known is a duplicate for ever. One that another engine is just
//     storing is found by its Msg-Id in the stream.
//   - A record is a duplicate of its key's latest event only, and its Msg-Id names that.
//     So everything that is stored by now is read first: else an A that follows A and B
//     were held for a duplicate, or one that is sent again, to another engine and after
//     no answer, stored a second time.
//
// The next event of the key that this engine gets waits until this one is known.
func (j *Journal) acceptShared(ctx, wait context.Context, s *sharing) (Receipt, error) {
	s.level = s.e.ID == "" && s.e.Part == ""
	for {
		if err := j.mayDecode(s.e); err != nil {
			return Receipt{}, err
		}
		if s.level {
			if err := j.follow.events.levelTogether(wait); err != nil {
				return Receipt{}, j.notStored(ctx, err, "what other engines stored is not known yet")
			}
		}
		if err := j.keys.acquire(wait, s.key); err != nil {
			return Receipt{}, j.notStored(ctx, err, "the key's event before is not stored yet")
		}
		if seq := j.storedPart(s.e); seq != 0 {
			j.keys.release(s.key)
			return Receipt{Sequence: seq}, nil
		}
		// One that becomes known from now on is found by its Msg-Id.
		before := j.index.latest(s.key)
		original, err := j.original(wait, s.e, s.key, s.identity)
		if err != nil {
			j.keys.release(s.key)
			return Receipt{}, j.notStored(ctx, err, "a possible duplicate cannot be read")
		}
		if original != 0 {
			j.keys.release(s.key)
		} else {
			a, err := j.publishShared(wait, s, before)
			if err != nil {
				return Receipt{}, j.notStored(ctx, err, "the event is not stored")
			}
			same, err := j.samePart(wait, s.e, a)
			if err != nil {
				return Receipt{}, j.notStored(ctx, err, "a possible duplicate cannot be read")
			}
			if !a.Duplicate || same {
				return Receipt{Sequence: a.Sequence}, nil
			}
			original = a.Sequence
		}
		if s.e.ID != "" || s.level {
			return j.repeat(ctx, wait, s.e, original)
		}
		s.level = true
	}
}

// publishShared stores the event, which comes after the event before of its key; the
// caller holds the key, which is free again when the event is known here.
func (j *Journal) publishShared(wait context.Context, s *sharing, before uint64) (ack, error) {
	// One that was given up may be under way still, so each attempt has its own.
	m := &nats.Msg{Subject: s.m.Subject, Header: maps.Clone(s.m.Header), Data: s.m.Data}
	m.Header[nats.MsgIdHdr] = []string{messageID(s.e, m.Header.Get(hdrHash), before)}
	if s.e.Part != "" && s.e.ID == "" { // whichever engine stores it
		m.Header[nats.MsgIdHdr] = []string{"part." + s.e.Part}
	}
	return j.accepts.publish(wait, m, func(a ack, err error) {
		if err != nil {
			j.keys.release(s.key)
			return
		}
		j.mu.Lock()
		j.counts.accepted = max(j.counts.accepted, a.Sequence)
		j.mu.Unlock()
		j.follow.events.after(a.Sequence, func() { j.keys.release(s.key) })
	})
}

// mayDecode fails for an event of a kept request that another engine decodes by now.
func (j *Journal) mayDecode(e *event.Event) error {
	if e.Part == "" {
		return nil
	}
	return j.decodes(e.Connection)
}

// storedPart gives the sequence of an event that is stored as the same part of the
// same kept request, 0 if none is known.
func (j *Journal) storedPart(e *event.Event) uint64 {
	if e.Part == "" {
		return 0
	}
	seq := j.queues.storedPart(e.Part)
	j.queues.storedNow(e.Connection, seq)
	return seq
}

// samePart notes that a part is stored, and tells whether what the stream has instead
// of it is the same one.
func (j *Journal) samePart(ctx context.Context, e *event.Event, a ack) (bool, error) {
	if e.Part == "" {
		return false, nil
	}
	if a.Duplicate && e.ID != "" {
		there, err := j.load(ctx, a.Sequence)
		if err != nil || there.Part != e.Part {
			return false, err
		}
	}
	j.queues.storedNow(e.Connection, a.Sequence)
	return true, nil
}
