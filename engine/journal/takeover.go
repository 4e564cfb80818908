package journal

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// LaneOptions say how a lane begins that was never opened before.
type LaneOptions struct {
	// FromStart begins with the oldest event that is kept; otherwise a new lane
	// begins after the last event, wherever that is when it is opened first.
	FromStart bool
	// Partition is which partition of the lane is read, from 0 to below
	// Journal.Partitions.
	Partition int
	// Lease is this engine's right to read it, needed on a cluster.
	Lease *Lease
	// Mappings are those that the reader runs, on a cluster, where other engines may
	// run others; nil for all.
	Mappings []string
}

// Partitions is how many partitions each lane has, each with one reader.
func (j *Journal) Partitions() int { return j.parts }

// OpenLane takes a lane over: it goes back to the acknowledged floor, reads which
// events above it have outcomes, and holds for possibly sent what the last reader
// said in Leave, or everything up to the last event of this moment. Where a lane
// begins is recorded when it is opened first. At most one of opts is used.
func (j *Journal) OpenLane(ctx context.Context, l event.Lane, opts ...LaneOptions) (*Lane, error) {
	var o LaneOptions
	if len(opts) > 0 {
		o = opts[0]
	}
	lane, err := j.openLane(ctx, l, o)
	if err != nil {
		return nil, fmt.Errorf("open lane %s to %s: %w", l.Source, l.Sink, err)
	}
	return lane, nil
}

func (j *Journal) openLane(ctx context.Context, name event.Lane, o LaneOptions) (_ *Lane, err error) {
	if err := errors.Join(checkName(name.Source), checkName(name.Sink)); err != nil {
		return nil, err
	}
	if j.closing.Load() {
		return nil, ErrClosed
	}
	if o.Partition < 0 || o.Partition >= j.parts {
		return nil, fmt.Errorf("there is no partition %d of %d", o.Partition, j.parts)
	}
	p := lanePart{name, o.Partition}
	if o.Lease == nil {
		o.Lease = &Lease{part: p}
	}
	if j.board != nil && (o.Lease.board == nil || o.Lease.part != p || !o.Lease.valid()) {
		return nil, fmt.Errorf("partition %d: %w", o.Partition, ErrLeaseLost)
	}
	l := &Lane{
		j: j, name: name, part: p, lease: o.Lease, kept: make(chan struct{}),
		done: map[uint64]map[string]event.Kind{}, held: map[uint64]*held{},
	}
	j.mu.Lock()
	_, taken := j.lanes[p]
	if !taken {
		j.lanes[p] = l
	}
	from, known := j.lower[name]
	if !known {
		from = j.lowest
	}
	j.mu.Unlock()
	if taken {
		return nil, errors.New("it is open already: a lane has one reader")
	}
	keeping, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.cancel = cancel
	defer func() {
		if err != nil {
			cancel()
			j.mu.Lock()
			delete(j.lanes, p)
			j.mu.Unlock()
		}
	}()

	if j.board != nil {
		return l, l.takeShared(ctx, keeping, o)
	}
	var fresh bool
	if l.consumer, fresh, err = j.laneConsumer(ctx, p, o); err != nil {
		return nil, err
	}
	reset, err := j.events.ResetConsumer(ctx, j.durableOf(p))
	if err != nil {
		return nil, fmt.Errorf("go back to the acknowledged floor: %w", err)
	}
	if l.floor, l.until, err = l.goBack(ctx, reset.ResetSeq, nil); err != nil {
		return nil, err
	}
	if err := j.drained(ctx, name); err != nil {
		return nil, fmt.Errorf("wait for outcomes on their way: %w", err)
	}
	if err := l.readDone(ctx, from, max(l.floor, l.until)); err != nil {
		return nil, fmt.Errorf("read the outcomes above the floor: %w", err)
	}
	info, err := j.events.Info(ctx)
	if err != nil {
		return nil, err
	}
	left, err := l.takeLeft(ctx)
	switch {
	case err != nil:
		return nil, err
	case left != nil:
		l.doubts = *left
	case !fresh || known:
		l.doubts.Limit = info.State.LastSeq
	}
	if l.marks.before, _, err = j.readMarks(ctx, p); err != nil {
		return nil, err
	}
	l.earlyBefore()
	if err := l.start(keeping); err != nil {
		return nil, err
	}
	return l, nil
}

// start begins to read.
func (l *Lane) start(keeping context.Context) (err error) {
	l.pull, err = l.j.newPuller(streamEvents, l.j.durableOf(l.part), pullBatch, int64(l.j.o.MaxPayload)+overhead)
	if err != nil {
		return err
	}
	if l.fence != nil {
		l.pull.may = func() error {
			if !l.lease.valid() {
				return ErrLeaseLost
			}
			return nil
		}
	}
	go l.keep(keeping, keepEvery)
	return nil
}

// laneConsumer opens the lane's consumer or, fresh, makes it.
func (j *Journal) laneConsumer(ctx context.Context, l lanePart, o LaneOptions) (_ jetstream.Consumer, fresh bool, err error) {
	c, err := j.events.Consumer(ctx, j.durableOf(l))
	if err == nil {
		cfg := c.CachedInfo().Config
		if cfg.MaxAckPending != j.o.MaxAckPending || cfg.FilterSubject != j.eventsOf(l) {
			cfg.MaxAckPending, cfg.FilterSubject = j.o.MaxAckPending, j.eventsOf(l)
			c, err = j.events.UpdateConsumer(ctx, cfg)
		}
		return c, false, err
	}
	if !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, false, err
	}
	start := max(j.begin(l.Lane), 1)
	if !o.FromStart && j.begin(l.Lane) == 0 {
		info, err := j.events.Info(ctx)
		if err != nil {
			return nil, false, err
		}
		start = info.State.LastSeq + 1
	}
	c, err = j.events.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:       j.durableOf(l),
		DeliverPolicy: jetstream.DeliverAllPolicy, // so that it can go back to any event
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		MaxAckPending: j.o.MaxAckPending,
		FilterSubject: j.eventsOf(l),
		ReplayPolicy:  jetstream.ReplayInstantPolicy,
		Metadata:      map[string]string{"crosswalk.source": l.Source, "crosswalk.sink": l.Sink},
	})
	if err != nil {
		return nil, false, err
	}
	_, err = j.events.ResetConsumerToSequence(ctx, j.durableOf(l), start)
	return c, true, err
}

// drained returns when all that this engine has sent to OUTCOMES is stored or refused:
// the lane's last reader may have given up waiting for its last commit, and what of that
// comes later would not be read. What comes behind all that is a message under a condition
// that never holds.
func (j *Journal) drained(ctx context.Context, l event.Lane) error {
	wait, cancel := j.answering(ctx)
	defer cancel()
	_, err := publishOne(wait, j.nc, &nats.Msg{
		Subject: laneOutcomes(l), Header: nats.Header{hdrExpected: {strconv.FormatUint(math.MaxInt64, 10)}},
	})
	switch {
	case err == nil:
		return errors.New("a message was stored under a condition that never holds")
	case refused(err) != nil:
		return nil // for that, or because the stream is full: what was ahead of it is done either way
	}
	return err
}

// readDone reads the lane's outcomes from their place from on, for events from sequence above on.
func (l *Lane) readDone(ctx context.Context, from, above uint64) error {
	return l.j.scan(ctx, l.j.outcomes, from, laneOutcomes(l.name), true, func(seq uint64, m *nats.Msg) (bool, error) {
		mk, err := readMark(m.Subject, m.Header)
		if err != nil {
			return false, fmt.Errorf("outcome %d: %w", seq, err)
		}
		// One that was stored when nobody waited for the answer any more counts too.
		l.j.note(&event.Outcome{Sequence: mk.sequence, Lane: mk.lane, Mapping: mk.mapping, Kind: mk.kind}, seq)
		if mk.sequence < above {
			return true, nil
		}
		if l.done[mk.sequence] == nil {
			l.done[mk.sequence] = map[string]event.Kind{}
		}
		l.done[mk.sequence][l.j.past.now(l.name, mk.mapping, seq)] = mk.kind
		return true, nil
	})
}
