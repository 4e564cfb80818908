package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// A store is read through once a day while the engine runs, some of it each minute,
// so that what the disk has lost of it is known while a copy is still at hand.
const (
	inspectEvery = time.Minute
	inspectDay   = uint64(24 * time.Hour / inspectEvery)
	// inspectLeast is how many messages of a stream are read at a time at least.
	inspectLeast = 1000
	// inspectPatience bounds one reading: a store that is busy is left alone.
	inspectPatience = 10 * time.Second
	// mostUnread bounds how many messages of a stream are known one by one that cannot
	// be read, and namedUnread how many are named.
	mostUnread, namedUnread = 1000, 5
)

// inspection is what of each stream is read next.
type inspection struct{ event, outcome, letter uint64 }

// inspectAlways reads the store through, time and again, until ctx is done. On a
// cluster the servers compare their copies themselves.
func (j *Journal) inspectAlways(ctx context.Context) {
	if j.srv == nil {
		return
	}
	tick := time.NewTicker(inspectEvery)
	defer tick.Stop()
	at := inspection{}
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if j.Ready() != nil {
			continue
		}
		if err := j.inspect(ctx, &at); err != nil && ctx.Err() == nil {
			j.log.Debug("the store is not inspected for now", "error", err)
		}
	}
}

// inspect reads the next part of each stream whose messages are all to be there.
func (j *Journal) inspect(ctx context.Context, at *inspection) error {
	ctx, cancel := context.WithTimeout(ctx, inspectPatience)
	defer cancel()
	return errors.Join(
		j.inspectStream(ctx, streamEvents, j.events, &at.event),
		j.inspectStream(ctx, streamOutcomes, j.outcomes, &at.outcome),
		j.inspectLetters(ctx, &at.letter),
	)
}

// inspectStream reads the next part of a stream that has no gaps.
func (j *Journal) inspectStream(ctx context.Context, name string, s jetstream.Stream, next *uint64) error {
	info, err := s.Info(ctx)
	if err != nil {
		return err
	}
	st := &info.State
	seq := max(*next, st.FirstSeq, 1)
	for left := max(inspectLeast, st.Msgs/inspectDay); left > 0 && seq <= st.LastSeq; left-- {
		if err := j.inspectMessage(ctx, name, s, seq); err != nil {
			return err
		}
		seq++
		*next = seq
	}
	if seq > st.LastSeq {
		*next = 0
	}
	return nil
}

// inspectLetters reads the next of the dead letters that are kept.
func (j *Journal) inspectLetters(ctx context.Context, next *uint64) error {
	letters := j.shelf.from(*next, nil)
	for _, l := range letters[:min(len(letters), inspectLeast)] {
		if err := j.inspectMessage(ctx, streamDead, j.dead, l.place); err != nil {
			return err
		}
		*next = l.place + 1
	}
	if len(letters) <= inspectLeast {
		*next = 0
	}
	return nil
}

func (j *Journal) inspectMessage(ctx context.Context, name string, s jetstream.Stream, seq uint64) error {
	_, err := s.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		err = j.unreadable(ctx, name, s, seq)
	}
	if err != nil {
		return fmt.Errorf("message %d of %s: %w", seq, name, err)
	}
	return nil
}

// eventMessage reads an event as it is kept. Of one that is there and cannot be read
// it says so: JetStream has one answer for both.
func (j *Journal) eventMessage(ctx context.Context, seq uint64) (*jetstream.RawStreamMsg, error) {
	m, err := j.events.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) && j.srv != nil {
		// Whether it can be told or not, it was not found.
		_ = j.unreadable(ctx, streamEvents, j.events, seq)
	}
	return m, err
}

// unreadable notes that a message was not found, unless it has left.
func (j *Journal) unreadable(ctx context.Context, name string, s jetstream.Stream, seq uint64) error {
	info, err := s.Info(ctx)
	if err != nil {
		return err
	}
	if seq < info.State.FirstSeq || seq > info.State.LastSeq {
		return nil
	}
	if info.State.NumDeleted > 0 {
		if info, err = s.Info(ctx, jetstream.WithDeletedDetails(true)); err != nil {
			return err
		}
		if slices.Contains(info.State.Deleted, seq) {
			return nil // taken out on purpose, or lookForDamage tells
		}
	}
	j.cannotRead(name, seq)
	return nil
}

// cannotRead has messages of a stream be an alarm.
func (j *Journal) cannotRead(name string, seqs ...uint64) {
	j.mu.Lock()
	if j.unread == nil {
		j.unread = map[string][]uint64{}
	}
	all := j.unread[name]
	for _, seq := range seqs {
		if i, known := slices.BinarySearch(all, seq); !known && len(all) < mostUnread {
			all = slices.Insert(all, i, seq)
		}
	}
	j.unread[name] = all
	var named []string
	for _, seq := range all[:min(len(all), namedUnread)] {
		text := fmt.Sprint(seq)
		if connection, typ := j.kinds.sort(seq); name == streamEvents && connection != "" {
			text += fmt.Sprintf(" (%s of %s)", typ, connection)
		}
		named = append(named, text)
	}
	if more := len(all) - len(named); more > 0 {
		named = append(named, fmt.Sprintf("%d more", more))
	}
	j.mu.Unlock()
	thing := map[string]string{streamEvents: "event", streamOutcomes: "outcome", streamDead: "dead letter"}[name]
	text := words.Count(len(all), thing)
	if len(all) == mostUnread {
		text += " at least"
	}
	text += " cannot be read: " + strings.Join(named, ", ")
	if name == streamEvents {
		text += "; have their senders send again what was not delivered of them"
	}
	j.damaged(name+" unread", "%s", text)
}

// passedOver tells of events of a connection between two that a lane's consumer gave
// one after the other: JetStream passes over what it cannot read, without a word.
func (j *Journal) passedOver(connection string, after, before uint64) {
	if j.srv == nil || after == 0 || before <= after+1 {
		return
	}
	if missed := j.kinds.between(connection, after, before); len(missed) > 0 {
		j.cannotRead(streamEvents, missed...)
	}
}
