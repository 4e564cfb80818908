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
//   - A record is a duplicate of its key's latest event only. Before one is held for
//     that, or the stream says so, everything that is stored by now is read, for an A
//     that follows A and B is no duplicate.
//
// The next event of the key that this engine gets waits until this one is known.
func (j *Journal) acceptShared(ctx, wait context.Context, s *sharing) (Receipt, error) {
	for {
		if s.level {
			if _, err := j.follow.events.level(wait); err != nil {
				return Receipt{}, j.notStored(ctx, err, "what other engines stored is not known yet")
			}
		}
		if err := j.keys.acquire(wait, s.key); err != nil {
			return Receipt{}, j.notStored(ctx, err, "the key's event before is not stored yet")
		}
		original, err := j.original(wait, s.e, s.key, s.identity)
		if err != nil {
			j.keys.release(s.key)
			return Receipt{}, j.notStored(ctx, err, "a possible duplicate cannot be read")
		}
		if original != 0 {
			j.keys.release(s.key)
		} else {
			a, err := j.publishShared(wait, s)
			if err != nil {
				return Receipt{}, j.notStored(ctx, err, "the event is not stored")
			}
			if !a.Duplicate {
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

// publishShared stores the event; the caller holds the key, which is free again when
// the event is known here.
func (j *Journal) publishShared(wait context.Context, s *sharing) (ack, error) {
	// One that was given up may be under way still, so each attempt has its own.
	m := &nats.Msg{Subject: s.m.Subject, Header: maps.Clone(s.m.Header), Data: s.m.Data}
	m.Header[nats.MsgIdHdr] = []string{messageID(s.e, m.Header.Get(hdrHash), j.index.latest(s.key))}
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
