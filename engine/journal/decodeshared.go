package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// noteEvery is after how long the other engines are told what was decoded, where
// not more than purgeEvery requests were.
const noteEvery = 2 * time.Second

// queueLane names the lease of the engine that decodes what is kept of a connection.
// No connection has such a name as its sink has.
func queueLane(connection string) event.Lane {
	return event.Lane{Source: connection, Sink: "@undecoded"}
}

// Yield says that this engine does not go on for now with what is kept of a
// connection: on a cluster another one may.
func (j *Journal) Yield(ctx context.Context, connection string) {
	if j.queues == nil {
		return
	}
	if j.decodes(connection) == nil {
		j.tellDecoded(ctx, connection, true)
	}
	j.queues.mu.Lock()
	c := j.queues.of(connection)
	lease := c.lease
	c.lease = nil
	j.queues.mu.Unlock()
	if lease != nil {
		lease.Release()
	}
}

// decodes fails unless this engine is the one that decodes a connection's queue.
func (j *Journal) decodes(connection string) error {
	j.queues.mu.Lock()
	lease := j.queues.of(connection).lease
	j.queues.mu.Unlock()
	if lease == nil || !lease.valid() {
		return unavailable(retrySoon, ErrLeaseLost, "another engine decodes what is kept of %s", connection)
	}
	return nil
}

// holdQueue waits until this engine is the one that decodes a connection's queue, or
// the queue is closed; then it gives false.
func (j *Journal) holdQueue(ctx context.Context, connection string) (bool, error) {
	if j.decodes(connection) == nil {
		return true, nil
	}
	j.Yield(ctx, connection)
	j.queues.mu.Lock()
	c := j.queues.of(connection)
	open, closed := c.opener != 0, c.closed
	j.queues.mu.Unlock()
	if !open {
		return false, nil
	}
	wait, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-closed:
			cancel()
		case <-wait.Done():
		}
	}()
	lease, err := j.Hold(wait, queueLane(connection), 0)
	if err != nil {
		if ctx.Err() == nil && wait.Err() != nil {
			return false, nil
		}
		return false, err
	}
	// What the engine before has stored must be known, or it would be stored twice.
	var stored, repeats uint64
	if err = j.follow.requests.levelSparse(ctx); err == nil {
		stored, err = j.follow.events.level(ctx)
	}
	if err == nil {
		repeats, err = j.follow.outcomes.level(ctx)
	}
	if err != nil {
		lease.Release()
		return false, fmt.Errorf("read what the engine before has decoded of %s: %w", connection, err)
	}
	j.queues.mu.Lock()
	defer j.queues.mu.Unlock()
	c.lease, c.done, c.notedAt = lease, c.noted, time.Now()
	c.stored, c.repeats = max(c.stored, stored), max(c.repeats, repeats)
	j.log.Info("this engine decodes what was kept", "connection", connection, "waiting", len(c.waiting()))
	return true, nil
}

// keptShared is Kept on a cluster. Where nothing waits any more it closes the queue.
func (j *Journal) keptShared(ctx context.Context, connection string, limit, maxBytes int) ([]event.Request, error) {
	if mine, err := j.holdQueue(ctx, connection); !mine {
		return nil, err
	}
	last, err := j.requests.GetLastMsgForSubject(ctx, requestSubject(connection))
	if err != nil {
		return nil, fmt.Errorf("read the kept requests of %s: %w", connection, err)
	}
	j.queues.mu.Lock()
	done := j.queues.of(connection).done
	j.queues.mu.Unlock()
	if out, _, err := j.readKept(ctx, connection, done, limit, maxBytes); err != nil || len(out) > 0 {
		return out, err
	}
	return nil, j.closeQueue(ctx, connection, last.Sequence)
}

// closeQueue closes a connection's queue unless something came behind last.
func (j *Journal) closeQueue(ctx context.Context, connection string, last uint64) error {
	if err := j.decodes(connection); err != nil {
		return err
	}
	j.queues.mu.Lock()
	c := j.queues.of(connection)
	n := note{done: last, stored: c.stored, repeats: c.repeats, closed: true}
	j.queues.mu.Unlock()
	m := n.message(connection)
	m.Header[hdrExpected] = []string{strconv.FormatUint(last, 10)}
	at, err := j.publishNote(ctx, m)
	if e := refused(err); e != nil && (e.Code == codeWrongLast || e.Code == codeLastBusy) {
		return nil // another one was kept just now
	}
	if err != nil {
		return fmt.Errorf("close the queue of %s: %w", connection, err)
	}
	return j.purgeNoted(ctx, connection, at-1)
}

func (j *Journal) publishNote(ctx context.Context, m *nats.Msg) (uint64, error) {
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), j.answer)
	defer cancel()
	a, err := publishOne(wait, j.nc, m)
	if err != nil {
		return 0, err
	}
	return a.Sequence, j.follow.requests.reach(wait, a.Sequence)
}

func (j *Journal) purgeNoted(ctx context.Context, connection string, through uint64) error {
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), j.answer)
	defer cancel()
	return j.requests.Purge(wait, jetstream.WithPurgeSubject(requestSubject(connection)), jetstream.WithPurgeSequence(through+1))
}

// decodedShared is Decoded on a cluster.
func (j *Journal) decodedShared(ctx context.Context, connection string, requests []event.Request) {
	q := j.queues
	q.mu.Lock()
	c := q.of(connection)
	for i := range requests {
		c.ended++
		c.endedBytes += int64(len(requests[i].Body)) + requestOverhead
	}
	c.done = max(c.done, requests[len(requests)-1].Sequence)
	q.mu.Unlock()
	j.tellDecoded(ctx, connection, false)
}

// tellDecoded tells the other engines what was decoded, if it is time to or now is
// set, and takes that out of the stream.
func (j *Journal) tellDecoded(ctx context.Context, connection string, now bool) {
	q := j.queues
	q.mu.Lock()
	c := q.of(connection)
	due := c.ended > 0 && (now || c.ended >= purgeEvery || c.endedBytes >= purgeBytes || time.Since(c.notedAt) >= noteEvery)
	n := note{done: c.done, stored: c.stored, repeats: c.repeats}
	if due {
		c.ended, c.endedBytes, c.notedAt = 0, 0, time.Now()
	}
	q.mu.Unlock()
	if !due {
		return
	}
	_, err := j.publishNote(ctx, n.message(connection))
	if err == nil {
		err = j.purgeNoted(ctx, connection, n.done)
	}
	if err != nil {
		j.log.Warn("requests that were decoded stay in the journal for now", "connection", connection, "error", err)
	}
}

// undecodedShared is Undecoded on a cluster. Where its servers do not answer it gives
// what this engine knows.
func (j *Journal) undecodedShared(ctx context.Context) ([]UndecodedStats, error) {
	soon, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	if err := j.refusedLeft(soon); err != nil && !isForming(ctx, err) {
		return nil, err
	}
	q := j.queues
	q.mu.Lock()
	var out []UndecodedStats
	first := map[string]uint64{}
	for _, name := range slices.Sorted(maps.Keys(q.by)) {
		c := q.by[name]
		w := c.waiting()
		if len(w) == 0 && len(c.refused) == 0 && c.kept == 0 {
			continue
		}
		s := UndecodedStats{Connection: name, Waiting: len(w), Refused: len(c.refused), Kept: c.kept}
		for _, e := range w {
			s.Bytes += e.size
		}
		for _, e := range c.refused {
			s.RefusedBytes += e.size
		}
		if len(w) > 0 {
			first[name] = w[0].seq
		}
		out = append(out, s)
	}
	q.mu.Unlock()
	for i := range out {
		seq := first[out[i].Connection]
		if seq == 0 {
			continue
		}
		m, err := j.requests.GetMsg(soon, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) || isForming(ctx, err) {
			continue // it has just been decoded, or it is not known
		}
		if err != nil {
			return nil, fmt.Errorf("read since when requests wait: %w", err)
		}
		if out[i].Oldest, err = decodeTime(m.Header.Get(hdrReceived)); err != nil {
			return nil, fmt.Errorf("kept request %d: header %s: %w", m.Sequence, hdrReceived, err)
		}
	}
	return out, nil
}

// refusedLeft forgets refused requests that another engine has taken out.
func (j *Journal) refusedLeft(ctx context.Context) error {
	info, err := j.requests.Info(ctx, jetstream.WithSubjectFilter(subjectRefused+"*"))
	if err != nil {
		return fmt.Errorf("count the refused requests: %w", err)
	}
	var known []uint64
	names := map[uint64]string{}
	j.queues.mu.Lock()
	for name, c := range j.queues.by {
		if uint64(len(c.refused)) == info.State.Subjects[refusedSubject(name)] {
			continue
		}
		for seq := range c.refused {
			known = append(known, seq)
			names[seq] = name
		}
	}
	j.queues.mu.Unlock()
	if len(known) == 0 {
		return nil
	}
	there := map[uint64]bool{}
	err = j.scan(ctx, j.requests, slices.Min(known), subjectRefused+"*", true, func(seq uint64, _ *nats.Msg) (bool, error) {
		there[seq] = true
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("read the refused requests: %w", err)
	}
	for _, seq := range known {
		if !there[seq] {
			j.queues.dropRefused(names[seq], seq)
		}
	}
	return nil
}
