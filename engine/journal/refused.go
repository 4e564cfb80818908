package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// ErrNoRequest says that there is no refused request of that number.
var ErrNoRequest = errors.New("there is no such refused webhook: one that is refused again has another number")

// Refuse stores that r, which waited, was refused when it was decoded, and returns
// after that is on disk. It still waits until Decoded. Errors are those of Keep.
func (j *Journal) Refuse(ctx context.Context, r *event.Request, why event.Reason) error {
	j.gate.RLock()
	defer j.gate.RUnlock()
	u := j.undecoded
	if j.queues != nil {
		if err := j.decodes(r.Connection); err != nil {
			return err
		}
		if j.queues.wasRefused(r.Connection, r.ID, r.Sequence) {
			return nil
		}
	} else {
		u.mu.Lock()
		_, known := u.refused[r.ID]
		u.of(r.Connection).since = purgeEvery // it shall not stand in both places for long
		u.mu.Unlock()
		if known {
			return nil
		}
	}
	refused := *r
	refused.Reason, refused.RefusedAt = &why, time.Now().UTC()
	m, err := encodeRequest(&refused)
	if err != nil {
		return err
	}
	m.Header[nats.MsgIdHdr] = []string{fmt.Sprintf("refused.%s.%d", r.ID, r.Sequence)}
	size := int64(len(m.Data)) + requestOverhead
	wait, cancel := context.WithTimeout(ctx, j.o.AcceptWait)
	defer cancel()
	_, err = j.keeps.publish(wait, m, func(a ack, err error) {
		u.mu.Lock()
		defer u.mu.Unlock()
		if j.queues == nil && err == nil && !a.Duplicate {
			u.refuse(r.Connection, 1, size)
			u.refused[r.ID] = struct{}{}
		}
	})
	if err != nil {
		return j.notStored(ctx, err, "the refused request is not kept")
	}
	return nil
}

// Refused gives at most limit refused requests of a connection, or of all where that
// is "", that stand behind the place after, the oldest first.
func (j *Journal) Refused(ctx context.Context, connection string, after uint64, limit int) ([]event.Request, error) {
	subject := subjectRefused + "*"
	if connection != "" {
		subject = refusedSubject(connection)
	}
	limit = min(max(limit, 0), maxRead)
	var out []event.Request
	for next := after + 1; len(out) < limit; {
		m, err := j.requests.GetMsg(ctx, next, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the refused requests: %w", err)
		}
		r, err := decodeRequest(m.Sequence, m.Subject, m.Header, m.Data)
		if err != nil {
			return nil, err
		}
		out, next = append(out, r), m.Sequence+1
	}
	return out, nil
}

// RefusedRequest gives one refused request. Errors: ErrNoRequest, and the store's own.
func (j *Journal) RefusedRequest(ctx context.Context, sequence uint64) (event.Request, error) {
	r, _, err := j.refusedRequest(ctx, sequence)
	return r, err
}

func (j *Journal) refusedRequest(ctx context.Context, sequence uint64) (_ event.Request, size int64, err error) {
	m, err := j.requests.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && !strings.HasPrefix(m.Subject, subjectRefused) {
		return event.Request{}, 0, fmt.Errorf("request %d: %w", sequence, ErrNoRequest)
	}
	if err != nil {
		return event.Request{}, 0, fmt.Errorf("read refused request %d: %w", sequence, err)
	}
	r, err := decodeRequest(m.Sequence, m.Subject, m.Header, m.Data)
	return r, int64(len(m.Data)) + requestOverhead, err
}

// RetryRequest puts a refused request behind those of its connection that wait, to be
// decoded again. Errors: ErrNoRequest, and those of Keep.
func (j *Journal) RetryRequest(ctx context.Context, sequence uint64) error {
	j.acting.Lock()
	defer j.acting.Unlock()
	r, size, err := j.refusedRequest(ctx, sequence)
	if err != nil {
		return err
	}
	r.Reason, r.RefusedAt = nil, time.Time{}
	if _, err := j.keep(ctx, &r); err != nil {
		return err
	}
	return j.deleteRefused(ctx, r.Connection, sequence, size)
}

// DropRequest gives a refused request up. Errors: ErrNoRequest, and the store's own.
func (j *Journal) DropRequest(ctx context.Context, sequence uint64) error {
	j.acting.Lock()
	defer j.acting.Unlock()
	r, size, err := j.refusedRequest(ctx, sequence)
	if err != nil {
		return err
	}
	return j.deleteRefused(ctx, r.Connection, sequence, size)
}

func (j *Journal) deleteRefused(ctx context.Context, connection string, sequence uint64, size int64) error {
	if err := j.requests.DeleteMsg(ctx, sequence); err != nil {
		return fmt.Errorf("take refused request %d out of the journal: %w", sequence, err)
	}
	if j.queues != nil {
		j.queues.dropRefused(connection, sequence)
		return nil
	}
	j.undecoded.mu.Lock()
	defer j.undecoded.mu.Unlock()
	j.undecoded.refuse(connection, -1, -size)
	return nil
}

// Undecoded gives what is kept of each connection that has any, by name.
func (j *Journal) Undecoded(ctx context.Context) ([]UndecodedStats, error) {
	if j.queues != nil {
		return j.undecodedShared(ctx)
	}
	u := j.undecoded
	u.mu.Lock()
	out := make([]UndecodedStats, 0, len(u.by))
	next := map[string]uint64{}
	for _, name := range slices.Sorted(maps.Keys(u.by)) {
		w := u.by[name]
		if w.requests <= 0 && w.refused == 0 && w.kept == 0 {
			continue
		}
		next[name] = w.done + 1
		out = append(out, UndecodedStats{
			Connection: name, Waiting: max(w.requests, 0), Bytes: w.bytes, Refused: w.refused, RefusedBytes: w.refusedBytes, Kept: w.kept,
		})
	}
	u.mu.Unlock()
	for i := range out {
		s := &out[i]
		if s.Waiting == 0 {
			continue
		}
		m, err := j.requests.GetMsg(ctx, next[s.Connection], jetstream.WithGetMsgSubject(requestSubject(s.Connection)))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // it is being stored, or has just been decoded
		}
		if err != nil {
			return nil, fmt.Errorf("read since when requests wait: %w", err)
		}
		if s.Oldest, err = decodeTime(m.Header.Get(hdrReceived)); err != nil {
			return nil, fmt.Errorf("kept request %d: header %s: %w", m.Sequence, hdrReceived, err)
		}
	}
	return out, nil
}
