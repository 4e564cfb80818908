package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

const (
	// purgeEvery and purgeBytes are after how many requests, and bytes of them, those
	// that were decoded are taken out of the stream while more wait. A crash before
	// that has them decoded again, and their events are known then by their parts.
	purgeEvery = 1000
	purgeBytes = 4 << 20
	// requestOverhead is what a kept request takes beside its data, in bytes.
	requestOverhead = 256
)

// MinUndecodedBytes is the least that Options.MaxUndecodedBytes may be. A part of it,
// undecodedReserve, is not for what waits but for what was decoded and is not removed
// yet, and for the copies of what is refused.
const (
	MinUndecodedBytes = 64 << 20
	undecodedReserve  = 32 << 20
)

// undecodedBytes bounds the stream of kept requests where nobody set a bound, from
// the free disk space.
func undecodedBytes(free int64) int64 { return max(min(free/20, 4<<30), MinUndecodedBytes) }

// undecoded knows of the requests that are kept: how many wait, and what came of them
// already.
type undecoded struct {
	// room is how much may be kept, in bytes.
	room int64

	mu sync.Mutex
	by map[string]*awaited
	// taken is what is kept of all connections, in bytes.
	taken int64
	parts storedParts
	// refused are the requests that were refused and still stand among those that wait.
	refused map[string]struct{}
}

// awaited is what is kept of a connection.
type awaited struct {
	// requests and bytes count what waits, what is being stored now among it.
	requests int
	bytes    int64
	// refused and refusedBytes count what was refused when it was decoded.
	refused      int
	refusedBytes int64
	// kept counts what was kept since the start.
	kept uint64
	// done is the last request that was decoded; since and sinceBytes count those that
	// were after the stream was emptied last.
	done       uint64
	since      int
	sinceBytes int64
	// given are the sizes of those that were given out to be decoded.
	given map[uint64]int64
}

func newUndecoded() *undecoded {
	return &undecoded{by: map[string]*awaited{}, parts: storedParts{}, refused: map[string]struct{}{}}
}

// of gives a connection's; the caller holds the lock.
func (u *undecoded) of(connection string) *awaited {
	w := u.by[connection]
	if w == nil {
		w = &awaited{given: map[uint64]int64{}}
		u.by[connection] = w
	}
	return w
}

// wait counts requests that wait from now on, or no longer; the caller holds the lock.
func (u *undecoded) wait(connection string, requests int, bytes int64) {
	w := u.of(connection)
	w.requests += requests
	w.bytes += bytes
	u.taken += bytes
}

// refuse counts requests that are refused from now on, or no longer; likewise.
func (u *undecoded) refuse(connection string, requests int, bytes int64) {
	w := u.of(connection)
	w.refused += requests
	w.refusedBytes += bytes
	u.taken += bytes
}

// Keep stores a request as it came and returns after it is on disk. Kept gives a
// connection's requests in the order in which they were stored.
//
// Errors: *EventError for a request that can never be kept, *UnavailableError where
// it was not kept for now, because the room for such requests is used up or as with
// Accept, and ctx's own.
func (j *Journal) Keep(ctx context.Context, r *event.Request) (sequence uint64, err error) {
	j.gate.RLock()
	defer j.gate.RUnlock()
	if err := checkRequest(r); err != nil {
		return 0, err
	}
	if err := j.Ready(); err != nil {
		return 0, err
	}
	if err := j.placed(); err != nil {
		return 0, err
	}
	kept := *r
	kept.Sequence, kept.ID, kept.Reason = 0, nuid.Next(), nil
	return j.keep(ctx, &kept)
}

// keep stores a request under the ID that it has.
func (j *Journal) keep(ctx context.Context, r *event.Request) (uint64, error) {
	m, err := encodeRequest(r)
	if err != nil {
		return 0, err
	}
	m.Header[nats.MsgIdHdr] = []string{fmt.Sprintf("%s.%d", r.ID, r.Sequence)}
	if j.queues != nil {
		return j.keepShared(ctx, r, m)
	}
	size := int64(len(m.Data)) + requestOverhead
	u := j.undecoded
	u.mu.Lock()
	if u.taken+size > u.room {
		u.mu.Unlock()
		return 0, j.undecodedFull()
	}
	// It counts before it is stored, so that nothing that comes after it goes first.
	u.wait(r.Connection, 1, size)
	u.mu.Unlock()
	wait, cancel := context.WithTimeout(ctx, j.o.AcceptWait)
	defer cancel()
	a, err := j.keeps.publish(wait, m, func(a ack, err error) {
		u.mu.Lock()
		defer u.mu.Unlock()
		if err != nil || a.Duplicate {
			u.wait(r.Connection, -1, -size)
			return
		}
		u.of(r.Connection).kept++
	})
	if err != nil {
		return 0, j.notStored(ctx, err, "the request is not kept")
	}
	return a.Sequence, nil
}

func (j *Journal) undecodedFull() error {
	full := unavailable(retryFull, nil, "the %d MiB for requests that wait for their plugin are used up", j.undecoded.room>>20)
	full.Undecoded = true
	return full
}

// Waiting is how many requests of a connection are kept and not decoded, those
// that are being stored now among them. On a cluster it is at least one as long as
// webhooks of the connection have to queue, and what other engines keep is known a
// moment later.
func (j *Journal) Waiting(connection string) int {
	if j.queues != nil {
		return j.queues.left(connection)
	}
	j.undecoded.mu.Lock()
	defer j.undecoded.mu.Unlock()
	if w := j.undecoded.by[connection]; w != nil {
		return w.requests
	}
	return 0
}

// Kept gives the connection's requests that wait, the oldest first: at most limit,
// and only the last of them goes beyond maxBytes of bodies. It gives none where the
// only ones are still being stored.
//
// On a cluster it waits until this engine is the one that decodes them, or nothing
// waits any more.
func (j *Journal) Kept(ctx context.Context, connection string, limit, maxBytes int) ([]event.Request, error) {
	if j.queues != nil {
		return j.keptShared(ctx, connection, limit, maxBytes)
	}
	u := j.undecoded
	u.mu.Lock()
	done := u.of(connection).done
	u.mu.Unlock()
	out, sizes, err := j.readKept(ctx, connection, done, limit, maxBytes)
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range out {
		u.of(connection).given[out[i].Sequence] = sizes[i]
	}
	return out, err
}

// readKept reads a connection's requests behind after, the oldest first, with what each
// takes in bytes: at most limit, and only the last of them goes beyond maxBytes of
// bodies. The notes of engines of a cluster, which stand among them, are passed over.
func (j *Journal) readKept(ctx context.Context, connection string, after uint64, limit, maxBytes int) (out []event.Request, sizes []int64, err error) {
	for size := 0; len(out) < limit && size < maxBytes; {
		m, err := j.requests.GetMsg(ctx, after+1, jetstream.WithGetMsgSubject(requestSubject(connection)))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read the kept requests of %s: %w", connection, err)
		}
		after = m.Sequence
		if m.Header.Get(hdrDone) != "" {
			continue
		}
		r, err := decodeRequest(m.Sequence, m.Subject, m.Header, m.Data)
		if err != nil {
			return nil, nil, err
		}
		out, sizes, size = append(out, r), append(sizes, int64(len(m.Data))+requestOverhead), size+len(r.Body)
	}
	return out, sizes, nil
}

// Decoded says of the first of those that Kept gave that everything has become of
// them: their events are stored, or they were refused. They wait no longer.
func (j *Journal) Decoded(ctx context.Context, connection string, requests []event.Request) {
	if len(requests) == 0 {
		return
	}
	if j.queues != nil {
		j.decodedShared(ctx, connection, requests)
		return
	}
	u := j.undecoded
	u.mu.Lock()
	w := u.of(connection)
	for i := range requests {
		size, given := w.given[requests[i].Sequence]
		if !given {
			continue
		}
		delete(w.given, requests[i].Sequence)
		delete(u.parts, requests[i].ID)
		delete(u.refused, requests[i].ID)
		u.wait(connection, -1, -size)
		w.since++
		w.sinceBytes += size
	}
	w.done = max(w.done, requests[len(requests)-1].Sequence)
	due, through := w.requests <= 0 || w.since >= purgeEvery || w.sinceBytes >= purgeBytes, w.done
	u.mu.Unlock()
	if !due {
		return
	}
	if err := j.purgeRequests(ctx, connection, through); err != nil {
		// The next purge takes them as well, and they are not decoded again before a restart.
		j.log.Warn("requests that were decoded stay in the journal for now", "connection", connection, "error", err)
	}
}

func (j *Journal) purgeRequests(ctx context.Context, connection string, through uint64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWait)
	defer cancel()
	err := j.requests.Purge(ctx, jetstream.WithPurgeSubject(requestSubject(connection)), jetstream.WithPurgeSequence(through+1))
	if err != nil {
		return err
	}
	j.undecoded.mu.Lock()
	defer j.undecoded.mu.Unlock()
	w := j.undecoded.of(connection)
	w.since, w.sinceBytes = 0, 0
	return nil
}

// UndecodedStats is what is kept of a connection.
type UndecodedStats struct {
	Connection string
	// Waiting is how many requests wait to be decoded, Bytes what they take, and
	// Oldest when the first of them came, zero if that is not known.
	Waiting int
	Bytes   int64
	Oldest  time.Time
	// Refused is how many were refused when they were decoded and nobody did anything
	// about yet, and RefusedBytes what they take.
	Refused      int
	RefusedBytes int64
	// Kept is how many were kept since the engine started.
	Kept uint64
}
