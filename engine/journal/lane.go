package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

const (
	// ackWait is after how long JetStream would deliver an event again that is
	// neither acknowledged nor said to be in progress; keepEvery is how often that is said.
	ackWait   = time.Hour
	keepEvery = 20 * time.Minute
	// arriveEvery is how often a reader on a cluster makes sure that what was sent to
	// it has come.
	arriveEvery = 3 * time.Second
	// pullBatch is how many events one request asks for.
	pullBatch = 256
)

// Lane reads the events of one source connection for one sink connection. There
// is one open Lane for each event.Lane at a time. Next must not be called
// concurrently with itself; everything else may.
type Lane struct {
	j        *Journal
	name     event.Lane
	part     lanePart
	lease    *Lease
	fence    *fence // nil in an embedded journal
	consumer jetstream.Consumer
	pull     *puller
	doubts   doubts // events that were possibly sent
	marks    marks
	floor    uint64 // all before it were acknowledged when the lane was opened
	seen     uint64 // the last event that the consumer gave, 0 before the first; Next's alone
	until    uint64 // all before it had been read before, and are read again for some mappings

	gate   sync.RWMutex // held for reading by Commit, so that Close waits for it
	cancel context.CancelFunc
	kept   chan struct{}

	mu     sync.Mutex
	closed bool
	lost   error                            // why it must be opened again, nil if it must not
	read   uint64                           // the last event that was handed out
	done   map[uint64]map[string]event.Kind // outcomes found at takeover, until Next gives their event
	held   map[uint64]*held
	// commits counts them.
	commits uint64
	// early are replays that go ahead of the backlog.
	early early
	// acked are, on a cluster, those that were acknowledged and may not be known to be.
	acked map[uint64]acked
}

// acked is an acknowledgement, which is lost with the server that had it.
type acked struct {
	reply string
	at    time.Time
}

// held is an event that was handed out and is not acknowledged.
type held struct {
	reply string   // where its acknowledgement goes; "" while the consumer has not come to it
	at    int64    // when it was stored, in Unix nanoseconds; 0 with an empty reply
	done  []string // mappings that have an outcome
	prior bool     // possibly sent before it was handed out
	// given are the mappings that the commit in hand has outcomes for, by its number.
	commit uint64
	given  []string
}

// Delivery is an event as a lane hands it out.
type Delivery = event.Pending

// Next waits for events and gives the next ones in sequence: those that are
// there, at least one and at most limit. Replays come ahead of a backlog that has
// nothing of their key. It returns ErrClosed once the lane is
// closed, and ctx's error when that is done; after any other error the lane must
// be closed and opened again.
func (l *Lane) Next(ctx context.Context, limit int) ([]Delivery, error) {
	if limit < 1 {
		return nil, fmt.Errorf("read lane %s to %s: asked for %d events", l.name.Source, l.name.Sink, limit)
	}
	if !l.lease.valid() {
		return nil, fmt.Errorf("read lane %s to %s: %w", l.name.Source, l.name.Sink, ErrLeaseLost)
	}
	out := l.takeEarly(ctx, limit)
	for len(out) < limit {
		m, meta, err := l.pull.message(ctx, len(out) == 0)
		if err != nil && len(out) > 0 && ctx.Err() != nil {
			return out, nil //nolint:nilerr // what was read is handed out; the next call tells
		}
		if err != nil {
			if lost := l.lostErr(); lost != nil {
				err = lost
			} else if errors.Is(err, ErrClosed) || ctx.Err() != nil {
				return nil, err
			}
			return nil, fmt.Errorf("read lane %s to %s: %w", l.name.Source, l.name.Sink, err)
		}
		if m == nil {
			break
		}
		d, fresh, err := l.take(m, meta.Sequence.Stream, meta.Timestamp)
		if err != nil {
			return nil, fmt.Errorf("read lane %s to %s: %w", l.name.Source, l.name.Sink, err)
		}
		if fresh {
			if len(out) == cap(out) {
				out = slices.Grow(out, min(1+l.pull.there(), limit-len(out)))
			}
			out = append(out, d)
		}
	}
	if l.fence != nil { // what is asked of these events' keys must know of them
		if err := l.j.follow.events.reach(ctx, out[len(out)-1].Event.Sequence); err != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("read lane %s to %s: %w", l.name.Source, l.name.Sink, err)
		}
	}
	return out, nil
}

// take notes an event as held, unless it was handed out early.
func (l *Lane) take(m *nats.Msg, seq uint64, at time.Time) (_ Delivery, fresh bool, err error) {
	e, err := decodeEvent(seq, m.Subject, m.Header, m.Data)
	if err != nil {
		return Delivery{}, false, err
	}
	l.j.passedOver(l.name.Source, l.seen, seq)
	l.seen = seq
	l.mu.Lock()
	defer l.mu.Unlock()
	if early, err := l.came(m, seq, at); early || err != nil {
		return Delivery{}, false, err
	}
	d := Delivery{Event: e, PossiblySent: l.doubts.has(seq), Done: l.outcomesOf(seq)}
	if seq < l.until {
		// When a mapping was paused, its events may have been on their way.
		d.Late, d.PossiblySent, d.Done = true, true, l.j.past.ended(seq, l.name)
	}
	if d.PossiblySent {
		d.Unsent = l.marks.unsent(seq)
	}
	h := &held{reply: m.Reply, at: at.UnixNano(), prior: d.PossiblySent}
	for mapping := range d.Done {
		h.note(mapping)
	}
	l.held[seq] = h
	l.read = seq
	delete(l.done, seq)
	return d, true, nil
}

// outcomesOf gives the outcomes that an event had when the lane was opened. The
// caller holds the lock.
func (l *Lane) outcomesOf(seq uint64) map[string]event.Kind {
	if l.fence != nil {
		return l.j.past.ended(seq, l.name)
	}
	return l.done[seq]
}

func (h *held) note(mapping string) {
	if !slices.Contains(h.done, mapping) {
		h.done = append(h.done, mapping)
	}
}

// give notes that a commit has an outcome under a mapping, and tells whether it had
// none before.
func (h *held) give(commit uint64, mapping string) bool {
	if h.commit != commit {
		h.commit, h.given = commit, h.given[:0]
	}
	if slices.Contains(h.given, mapping) {
		return false
	}
	h.given = append(h.given, mapping)
	return true
}

// Load reads an event again, whose body the caller did not keep.
func (l *Lane) Load(ctx context.Context, seq uint64) (event.Event, error) {
	e, err := l.j.load(ctx, seq)
	if err != nil {
		return event.Event{}, fmt.Errorf("load for lane %s to %s: %w", l.name.Source, l.name.Sink, err)
	}
	return e, nil
}

// Close stops reading. Events that are handed out and not acknowledged come
// again when the lane is opened again.
func (l *Lane) Close() {
	l.mu.Lock()
	was := l.closed
	l.closed = true
	l.mu.Unlock()
	if was {
		return
	}
	l.cancel()
	<-l.kept
	l.gate.Lock() // a Commit on its way is over
	defer l.gate.Unlock()
	if err := l.pull.stop(); err != nil {
		l.j.log.Warn("lane closes", "source", l.name.Source, "sink", l.name.Sink, "error", err)
	}
	l.j.mu.Lock()
	delete(l.j.lanes, l.part)
	l.j.mu.Unlock()
}

// keep says of every held event, well before its time is over, that it is in progress.
func (l *Lane) keep(ctx context.Context, every time.Duration) {
	defer close(l.kept)
	tick := time.NewTicker(every)
	defer tick.Stop()
	unmark := time.NewTicker(unmarkEvery)
	defer unmark.Stop()
	arrived := time.NewTicker(arriveEvery)
	defer arrived.Stop()
	var before uint64
	for {
		select {
		case <-tick.C:
			l.inProgress()
		case <-unmark.C:
			l.unmark(ctx)
		case <-arrived.C:
			if l.fence != nil {
				before = l.arrived(ctx, before)
				l.announceAnew(ctx)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (l *Lane) inProgress() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.held {
		if h.reply == "" {
			continue
		}
		if err := l.j.nc.Publish(h.reply, []byte("+WPI")); err != nil {
			l.j.log.Warn("events cannot be kept", "source", l.name.Source, "sink", l.name.Sink, "error", err)
			return
		}
	}
}
