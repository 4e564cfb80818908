package journal

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

const (
	// clusterRoom is what the streams share, in bytes, on a cluster where nobody set
	// their bounds.
	clusterRoom = 16 << 30
	// formWait is how long a cluster may take to form before streams can be made.
	formWait  = time.Minute
	formEvery = 500 * time.Millisecond
)

// freeRoom is how much the streams may have together where nobody set their bounds.
func (j *Journal) freeRoom() (int64, error) {
	if j.srv == nil {
		return clusterRoom + j.o.MinFreeDisk, nil
	}
	free, err := freeDisk(j.o.Dir)
	if err != nil {
		return 0, fmt.Errorf("ask for free disk space: %w", err)
	}
	return free, nil
}

func (j *Journal) replicas() int {
	if j.o.Cluster == nil {
		return 1
	}
	return j.o.Cluster.Replicas
}

// decidePartitions takes the number of partitions that the streams have, or for
// new ones the number wished for.
func (j *Journal) decidePartitions(ctx context.Context, js jetstream.JetStream) error {
	c := j.o.Cluster
	if c == nil {
		return nil
	}
	j.parts = c.Partitions
	s, err := formed(ctx, func() (jetstream.Stream, error) { return js.Stream(ctx, streamEvents) })
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if j.parts == 0 {
			j.parts = DefaultPartitions
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("open stream %s: %w", streamEvents, err)
	}
	text, ours := s.CachedInfo().Config.Metadata[metaPartitions]
	if !ours {
		return clusterError("url", nil, "the account has a stream %s that is not Crosswalk's: give it an account of its own", streamEvents)
	}
	has, err := strconv.Atoi(text)
	if err != nil || has < 1 || has > MaxPartitions {
		return clusterError("partitions", nil, "stream %s has %.20q partitions, this engine takes 1 to %d", streamEvents, text, MaxPartitions)
	}
	if j.parts != 0 && j.parts != has {
		return clusterError("partitions", nil, "the journal was made with %d partitions, which cannot be changed: %d was asked for; write %d or leave it out", has, j.parts, has)
	}
	j.parts = has
	return nil
}

// formed calls f until the cluster has a leader and enough servers, for a while.
func formed[T any](ctx context.Context, f func() (T, error)) (T, error) {
	deadline := time.Now().Add(formWait)
	for {
		out, err := f()
		if !isForming(ctx, err) || time.Now().After(deadline) {
			return out, err
		}
		select {
		case <-time.After(formEvery):
		case <-ctx.Done():
			return out, fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

// isForming tells whether err may go by itself, because servers choose who leads. ctx is
// the caller's: what has no time left for another attempt is not tried again.
func isForming(ctx context.Context, err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == codeForming || api.ErrorCode == codeNoPeers) ||
		errors.Is(err, nats.ErrNoResponders) || errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
}

// patiently is formed on a cluster, and f alone in an embedded journal.
func patiently[T any](ctx context.Context, j *Journal, f func() (T, error)) (T, error) {
	if j.srv != nil {
		return f()
	}
	return formed(ctx, f)
}

// makeShared makes a stream on a cluster, unless another engine just did.
func (j *Journal) makeShared(ctx context.Context, js jetstream.JetStream, cfg jetstream.StreamConfig) (jetstream.Stream, error) {
	s, err := formed(ctx, func() (jetstream.Stream, error) {
		s, err := js.CreateStream(ctx, cfg)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			s, err = js.Stream(ctx, cfg.Name)
		}
		return s, err
	})
	if err != nil {
		return nil, j.o.Cluster.made(cfg.Name, err)
	}
	return s, nil
}

// partition is which partition of its lanes a key belongs to.
func (j *Journal) partition(key string) int { return partitionOf(key, j.parts) }

func partitionOf(key string, parts int) int {
	if parts <= 1 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))           // it cannot fail
	return int(h.Sum64() % uint64(parts)) //nolint:gosec // both are small and not negative
}

// eventSubjects are those of EVENTS. On a cluster each partition has its own, for
// what came and for what is repeated.
func (j *Journal) eventSubjects() []string {
	if j.o.Cluster == nil {
		return []string{subjectEvents + "*.*"}
	}
	return []string{subjectEvents + "*.*.*"}
}

// subjectOf is where an event goes.
func (j *Journal) subjectOf(e *event.Event) string {
	switch {
	case j.o.Cluster != nil && e.Replay != nil:
		return subjectEvents + e.Connection + "." + strconv.Itoa(j.partition(e.Key)) + ".replay"
	case j.o.Cluster != nil:
		return subjectEvents + e.Connection + "." + strconv.Itoa(j.partition(e.Key)) + ".new"
	case e.Replay != nil:
		return replaySubject(e.Connection)
	}
	return eventSubject(e.Connection)
}

// outcomeSubjects are those of OUTCOMES.
func (j *Journal) outcomeSubjects() []string {
	subjects := []string{subjectOutcomes + "*.*", subjectDuplicates + "*"}
	if j.o.Cluster != nil {
		subjects = append(subjects, subjectFences+"*.*.*")
	}
	return subjects
}

// markSubject is where the reader of a partition notes what it sends.
func (j *Journal) markSubject(p lanePart) string {
	if j.o.Cluster == nil {
		return subjectMarks + laneName(p.Lane)
	}
	return subjectMarks + p.String()
}

func (j *Journal) markSubjects() []string {
	if j.o.Cluster == nil {
		return []string{subjectMarks + "*.*"}
	}
	return []string{subjectMarks + "*.*.*"}
}

// lanePart is a partition of a lane, which has one reader.
type lanePart struct {
	event.Lane
	n int
}

// durableOf names the consumer of a partition of a lane.
func (j *Journal) durableOf(p lanePart) string {
	if j.o.Cluster == nil {
		return durable(p.Lane)
	}
	return durable(p.Lane) + "_P" + strconv.Itoa(p.n)
}

// eventsOf are the subjects that the reader of a partition reads.
func (j *Journal) eventsOf(p lanePart) string {
	if j.o.Cluster == nil {
		return laneEvents(p.Source)
	}
	return subjectEvents + p.Source + "." + strconv.Itoa(p.n) + ".*"
}
