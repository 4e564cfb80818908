package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// join has this engine be one of the cluster's.
func (j *Journal) join(ctx context.Context) error {
	js, err := jetstream.New(j.nc, jetstream.WithDefaultTimeout(j.answer))
	if err != nil {
		return err
	}
	j.startFollowing(ctx)
	if j.board, err = j.openBoard(ctx, js); err != nil {
		return err
	}
	if err := j.answerHeard(); err != nil {
		return fmt.Errorf("answer what other engines ask: %w", err)
	}
	j.follow.all.Go(func() { j.stayLevel(j.follow.ctx) })
	return nil
}

// EnsureLane records where a lane begins that was never opened before, for all its
// partitions: from then on no event passes it by, whichever engine reads them.
func (j *Journal) EnsureLane(ctx context.Context, lane event.Lane, opts ...LaneOptions) error {
	if j.board == nil {
		return nil // it is recorded when it is opened, before anything is accepted
	}
	var o LaneOptions
	if len(opts) > 0 {
		o = opts[0]
	}
	if err := errors.Join(checkName(lane.Source), checkName(lane.Sink)); err != nil {
		return err
	}
	// The servers choose a leader for each, which takes longer than anything else.
	all, ctx := errgroup.WithContext(ctx)
	for n := range j.parts {
		all.Go(func() error {
			if _, err := j.sharedConsumer(ctx, lanePart{lane, n}, o); err != nil {
				return fmt.Errorf("record where partition %d of lane %s to %s begins: %w", n, lane.Source, lane.Sink, j.o.Cluster.limited(err))
			}
			return nil
		})
	}
	return all.Wait()
}

// sharedConsumer is laneConsumer where another engine may be making the same.
func (j *Journal) sharedConsumer(ctx context.Context, p lanePart, o LaneOptions) (jetstream.Consumer, error) {
	return formed(ctx, func() (jetstream.Consumer, error) {
		c, _, err := j.laneConsumer(ctx, p, o)
		if errors.Is(err, jetstream.ErrConsumerExists) {
			c, _, err = j.laneConsumer(ctx, p, o)
		}
		return c, err
	})
}

// takeShared takes a partition over on a cluster: it has the stream refuse what its
// last reader may yet want to store, goes back to the acknowledged floor, and reads
// what was stored until then.
func (l *Lane) takeShared(ctx, keeping context.Context, o LaneOptions) (err error) {
	j, began := l.j, time.Now()
	ctx, release, err := l.lease.Within(ctx)
	if err != nil {
		return err
	}
	defer release()
	l.acked = map[uint64]acked{}
	var before uint64
	if l.fence, before, err = j.announce(ctx, l.part); err != nil {
		return err
	}
	if l.consumer, err = j.sharedConsumer(ctx, l.part, o); err != nil {
		return err
	}
	reset, err := j.events.ResetConsumer(ctx, j.durableOf(l.part))
	if err != nil {
		return fmt.Errorf("go back to the acknowledged floor: %w", err)
	}
	err = j.agreed(ctx, func() (err error) {
		l.floor, l.until, err = l.goBack(ctx, reset.ResetSeq, o.Mappings)
		return err
	})
	if err != nil {
		return err
	}
	if err := j.follow.outcomes.reach(ctx, l.fence.seq); err != nil {
		return err
	}
	last, err := j.follow.events.level(ctx)
	if err != nil {
		return err
	}
	// It stays there, and counts for nobody after this reader.
	left, err := l.readLeft()
	switch {
	case err != nil:
		return err
	case left != nil && left.Fence == before:
		l.doubts = *left
	case before != 0: // there was a reader, and it did not say what it left
		l.doubts.Limit = last
	}
	var marked uint64
	if l.marks.before, marked, err = j.readMarks(ctx, l.part); err != nil {
		return err
	}
	subject := j.markSubject(l.part)
	l.marks.fence = &fence{subject: subject, seq: marked}
	l.earlyBefore()
	if err := l.start(keeping); err != nil {
		return err
	}
	j.log.Info("this engine reads a partition", "source", l.name.Source, "sink", l.name.Sink, "partition", l.part.n,
		"possibly_sent_up_to", l.doubts.Limit, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// arrived makes sure that nothing is on its way to this reader for long: what a
// server sent right before it ended may never come, and would not be sent again for
// an hour. before is what arrived gave the last time; the lane must be opened again
// where nothing came since.
func (l *Lane) arrived(ctx context.Context, before uint64) uint64 {
	came := l.pull.came.Load()
	info, err := l.consumer.Info(ctx)
	if err == nil {
		l.acknowledgeAgain(info)
	}
	if err != nil || info.Delivered.Consumer <= came || l.pull.ready() || l.pull.came.Load() != came {
		return 0
	}
	if before != came+1 {
		return came + 1
	}
	l.mu.Lock()
	l.lost = fmt.Errorf("message %d of the consumer was sent and did not come: open the lane again", info.Delivered.Consumer)
	l.mu.Unlock()
	if err := l.pull.stop(); err != nil {
		l.j.log.Debug("a lane's subscription ends", "error", err)
	}
	return 0
}

// acknowledgeAgain repeats the acknowledgements that a server has lost.
func (l *Lane) acknowledgeAgain(info *jetstream.ConsumerInfo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.acked, func(seq uint64, _ acked) bool { return seq <= info.AckFloor.Stream })
	waiting := 0 // without those that the consumer has not come to
	for _, h := range l.held {
		if h.reply != "" {
			waiting++
		}
	}
	if info.NumAckPending <= waiting {
		return
	}
	for seq, a := range l.acked {
		if time.Since(a.at) < arriveEvery {
			continue
		}
		if err := l.j.nc.Publish(a.reply, []byte("+ACK")); err != nil {
			l.j.log.Debug("an event is acknowledged again later", "sequence", seq, "error", err)
			return
		}
	}
}

func (l *Lane) lostErr() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}
