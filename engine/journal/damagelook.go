package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
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
	switch {
	case err == nil:
		j.canRead(name, seq)
	case errors.Is(err, jetstream.ErrMsgNotFound):
		_, err = j.unreadable(ctx, name, s, seq)
	}
	if err != nil {
		return fmt.Errorf("message %d of %s: %w", seq, name, err)
	}
	return nil
}

// eventMessage reads an event as it is kept. Of one that is there and cannot be read
// it says so, with an *UnreadableError: JetStream has one answer for both.
func (j *Journal) eventMessage(ctx context.Context, seq uint64) (*jetstream.RawStreamMsg, error) {
	m, err := j.events.GetMsg(ctx, seq)
	if j.srv == nil {
		return m, err
	}
	switch {
	case err == nil:
		j.canRead(streamEvents, seq)
	case errors.Is(err, jetstream.ErrMsgNotFound):
		// Where it cannot be told, it was not found.
		if is, _ := j.unreadable(ctx, streamEvents, j.events, seq); is {
			e := &UnreadableError{Sequence: seq, Err: err}
			e.Connection, e.Type = j.kinds.sort(seq)
			for _, o := range j.past.of(seq) {
				if o.kind != event.Duplicate {
					e.Outcomes = append(e.Outcomes, string(o.kind)+" by "+o.mapping)
				}
			}
			return nil, e
		}
	}
	return m, err
}

// unreadable tells whether a message that was not found is there, and notes it then.
func (j *Journal) unreadable(ctx context.Context, name string, s jetstream.Stream, seq uint64) (bool, error) {
	info, err := s.Info(ctx)
	if err != nil {
		return false, err
	}
	if seq < info.State.FirstSeq || seq > info.State.LastSeq {
		return false, nil
	}
	if info.State.NumDeleted > 0 {
		if info, err = s.Info(ctx, jetstream.WithDeletedDetails(true)); err != nil {
			return false, err
		}
		if slices.Contains(info.State.Deleted, seq) {
			return false, nil // taken out on purpose, or lookForDamage tells
		}
	}
	j.cannotRead(name, seq)
	return true, nil
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
	text := j.unreadText(name)
	j.mu.Unlock()
	j.damaged(name+" unread", "%s", text)
}

// canRead takes a message out of the alarm that was read again: a disk may fail for a
// moment only. One that a lane was not given stays: nothing delivers it.
func (j *Journal) canRead(name string, seq uint64) {
	j.mu.Lock()
	i, known := slices.BinarySearch(j.unread[name], seq)
	if _, passed := j.passed[seq]; !known || passed && name == streamEvents {
		j.mu.Unlock()
		return
	}
	j.unread[name] = slices.Delete(j.unread[name], i, i+1)
	left, text := len(j.unread[name]), j.unreadText(name)
	j.mu.Unlock()
	j.log.Warn("a message of the journal that could not be read can be read again", "stream", name, "message", seq)
	if left > 0 {
		j.damaged(name+" unread", "%s", text)
		return
	}
	j.undamaged(name + " unread")
}

// unreadText says which messages of a stream cannot be read. The caller holds mu.
func (j *Journal) unreadText(name string) string {
	all := j.unread[name]
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
	thing := map[string]string{streamEvents: "event", streamOutcomes: "outcome", streamDead: "dead letter"}[name]
	text := words.Count(len(all), thing)
	if len(all) == mostUnread {
		text += " at least"
	}
	text += " cannot be read: " + strings.Join(named, ", ")
	if name == streamEvents {
		text += "; have their senders send again what was not delivered of them"
	}
	return text
}

// passedOver tells of events of a connection between two that a lane's consumer gave
// one after the other: JetStream passes over what it cannot read, without a word.
func (j *Journal) passedOver(connection string, after, before uint64) {
	if j.srv == nil || after == 0 || before <= after+1 {
		return
	}
	missed := j.kinds.between(connection, after, before)
	if len(missed) == 0 {
		return
	}
	j.mu.Lock()
	if j.passed == nil {
		j.passed = map[uint64]struct{}{}
	}
	for _, seq := range missed[:min(len(missed), max(0, mostUnread-len(j.passed)))] {
		j.passed[seq] = struct{}{}
	}
	j.mu.Unlock()
	j.cannotRead(streamEvents, missed...)
}
