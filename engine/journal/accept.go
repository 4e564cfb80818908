package journal

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Receipt is the answer to an accepted event.
type Receipt struct {
	// Sequence is the event's place in the journal, from 1.
	Sequence uint64
	// Duplicate tells that the same event had been accepted before, as Sequence.
	Duplicate bool
}

// Accept stores e and returns after it is on disk. An event with an ID is a
// duplicate of any kept event of its connection and key with that ID; one without
// is a duplicate only of its key's latest event, where type and record are the same.
// A duplicate is not stored again; its outcome is, on disk as well.
//
// Errors: *EventError for an event that can never be stored, *UnavailableError
// where it was not stored for now or the store did not answer within AcceptWait (the
// event may be stored then; to send it again is safe), ctx's own.
func (j *Journal) Accept(ctx context.Context, e *event.Event) (Receipt, error) {
	j.gate.RLock()
	defer j.gate.RUnlock()
	if err := checkEvent(e, int(j.o.MaxPayload)); err != nil {
		return Receipt{}, err
	}
	if err := j.Ready(); err != nil {
		return Receipt{}, err
	}
	h, data := encodeEvent(e)
	m := &nats.Msg{Subject: j.subjectOf(e), Header: h, Data: data}
	key := j.index.key(e.Connection, e.Key)
	identity := j.index.identity(e.ID, e.Type, h.Get(hdrHash))

	until := time.Now().Add(j.o.AcceptWait)
	held := j.follow == nil && j.keys.take(key)
	if held && e.Part == "" && j.index.same(key, identity) == 0 { // nothing to wait for but the disk
		return j.acceptNew(ctx, until, e, m, key, identity)
	}
	wait, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	if j.follow != nil {
		return j.acceptShared(ctx, wait, &sharing{e: e, m: m, key: key, identity: identity})
	}
	if !held {
		if err := j.keys.acquire(wait, key); err != nil {
			return Receipt{}, j.notStored(ctx, err, "the key's event before is not stored yet")
		}
	}
	if seq := j.undecoded.stored(e.Part); seq != 0 {
		j.keys.release(key)
		return Receipt{Sequence: seq}, nil
	}
	original, err := j.original(wait, e, key, identity)
	if err != nil {
		j.keys.release(key)
		return Receipt{}, j.notStored(ctx, err, "a possible duplicate cannot be read")
	}
	if original != 0 {
		j.keys.release(key)
		return j.repeat(ctx, wait, e, original)
	}
	return j.acceptNew(ctx, until, e, m, key, identity)
}

// acceptNew stores an event that repeats none. The caller holds the key, which is free
// again when the event is stored or given up.
func (j *Journal) acceptNew(ctx context.Context, until time.Time, e *event.Event, m *nats.Msg, key, identity uint64) (Receipt, error) {
	m.Header[nats.MsgIdHdr] = []string{messageID(e, m.Header.Get(hdrHash), j.index.latest(key))}
	a, err := j.accepts.publishUntil(ctx, until, m, func(a ack, err error) {
		if err == nil {
			j.index.add(a.Sequence, key, identity)
			j.past.connection(e.Connection)
			j.undecoded.store(e.Part, a.Sequence)
			j.kinds.add(a.Sequence, e.Connection, e.Type)
			j.mu.Lock()
			j.counts.accepted = max(j.counts.accepted, a.Sequence)
			j.mu.Unlock()
		}
		j.keys.release(key)
	})
	if err != nil {
		return Receipt{}, j.notStored(ctx, err, "the event is not stored")
	}
	return Receipt{Sequence: a.Sequence}, nil
}

// original finds the event that e repeats, 0 if it repeats none. The caller holds the key.
func (j *Journal) original(ctx context.Context, e *event.Event, key, identity uint64) (uint64, error) {
	seq := j.index.same(key, identity)
	if seq == 0 {
		return 0, nil
	}
	stored, err := j.load(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil // it has left the journal by now
	}
	if err != nil {
		return 0, err
	}
	same := stored.Connection == e.Connection && stored.Key == e.Key && stored.ID == e.ID
	if e.ID == "" {
		same = same && stored.Type == e.Type && string(stored.Record) == string(e.Record)
	}
	if !same {
		return 0, nil
	}
	return seq, nil
}

// repeat journals that e repeats the event original. Of a part of a kept request that is
// all that is ever stored, and names it: were it decoded again after a crash, what was
// stored behind it would make something new of it.
func (j *Journal) repeat(ctx, wait context.Context, e *event.Event, original uint64) (Receipt, error) {
	m, err := encodeOutcome(&event.Outcome{
		Sequence: original, EventID: e.ID, Type: e.Type, Key: e.Key,
		Lane: event.Lane{Source: e.Connection}, Kind: event.Duplicate, At: time.Now().UTC(),
	})
	if err != nil {
		return Receipt{}, fmt.Errorf("encode the duplicate of event %d: %w", original, err)
	}
	if e.Part != "" {
		m.Header[hdrPart] = []string{e.Part}
	}
	_, err = j.repeats.publish(wait, m, func(a ack, err error) {
		if err == nil {
			j.note(&event.Outcome{Sequence: original, Lane: event.Lane{Source: e.Connection}, Kind: event.Duplicate}, a.Sequence)
			j.repeated(e, original, a.Sequence)
		}
	})
	if err != nil {
		return Receipt{}, j.notStored(ctx, err, "the duplicate is not journaled")
	}
	return Receipt{Sequence: original, Duplicate: true}, nil
}

// messageID makes the Msg-Id that guards a publication against being stored twice
// when it is tried again after no answer. An event without an ID takes the key's
// sequence before into it, so that the same record may come again later.
func messageID(e *event.Event, hash string, before uint64) string {
	h := sha256.New()
	var n [8]byte
	for _, s := range []string{e.Connection, e.Key, e.ID, e.Type, hash} {
		if e.ID != "" && s == hash {
			continue // with an ID, the ID alone tells
		}
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	if e.ID == "" {
		binary.BigEndian.PutUint64(n[:], before)
		h.Write(n[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// notStored makes the caller's error of whatever kept something from being stored.
func (j *Journal) notStored(ctx context.Context, err error, what string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, ctx.Err())
	}
	if why := j.brokenBy.Load(); why != nil {
		return unavailable(retryFull, *why, "the store is broken until it is opened anew")
	}
	if r := refused(err); r != nil && r.full() {
		return unavailable(retryFull, err, "%s, the stream is full", what)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return unavailable(retrySoon, nil, "%s, no answer within %s", what, j.o.AcceptWait)
	}
	return unavailable(retrySoon, err, "%s", what)
}

// load reads one event.
func (j *Journal) load(ctx context.Context, seq uint64) (event.Event, error) {
	m, err := j.eventMessage(ctx, seq)
	if err != nil {
		return event.Event{}, fmt.Errorf("event %d: %w", seq, err)
	}
	return decodeEvent(seq, m.Subject, m.Header, m.Data)
}
