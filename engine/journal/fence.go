package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Headers that make a publication depend on the last message of a subject.
const (
	hdrExpected   = "Nats-Expected-Last-Subject-Sequence"
	hdrExpectedOf = "Nats-Expected-Last-Subject-Sequence-Subject"
)

// Codes of a refusal for that: it is another, or is just being written.
const (
	codeWrongLast = 10071
	codeLastBusy  = 10164
)

// subjectFences is where readers of partitions announce themselves in OUTCOMES.
const subjectFences = "fences."

// fence is what a reader's writes depend on: that no other reader has announced
// itself since. The stream decides that, whatever the clocks of engines say, so
// that one that was stopped and wakes later stores nothing any more.
type fence struct {
	subject string
	seq     uint64
}

// guard puts the condition on a message; a nil fence puts none.
func (f *fence) guard(m *nats.Msg) {
	if f == nil {
		return
	}
	if m.Header == nil {
		m.Header = nats.Header{}
	}
	m.Header[hdrExpected] = []string{strconv.FormatUint(f.seq, 10)}
	m.Header[hdrExpectedOf] = []string{f.subject}
}

func (f *fence) unguard(m *nats.Msg) {
	if f != nil {
		delete(m.Header, hdrExpected)
		delete(m.Header, hdrExpectedOf)
	}
}

// broken tells whether err says that another reader has announced itself.
func (f *fence) broken(err error) bool {
	e := refused(err)
	return f != nil && e != nil && e.Code == codeWrongLast
}

// announce makes this engine the only one that can store outcomes of a partition.
// before is what the last reader announced itself as, 0 if there was none.
func (j *Journal) announce(ctx context.Context, p lanePart) (f *fence, before uint64, err error) {
	subject := subjectFences + p.String()
	last, err := j.outcomes.GetLastMsgForSubject(ctx, subject)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
	case err != nil:
		return nil, 0, err
	default:
		before = last.Sequence
	}
	f, err = j.announceAfter(ctx, &fence{subject: subject, seq: before})
	return f, before, err
}

func (j *Journal) announceAfter(ctx context.Context, last *fence) (*fence, error) {
	m := &nats.Msg{Subject: last.subject, Data: []byte("{}"), Header: nats.Header{}}
	last.guard(m)
	wait, cancel := context.WithTimeout(ctx, j.answer)
	defer cancel()
	a, err := publishOne(wait, j.nc, m)
	if err != nil {
		return nil, fmt.Errorf("announce the reader: %w", err)
	}
	return &fence{subject: last.subject, seq: a.Sequence}, nil
}

// announceAnew keeps the announcement from leaving OUTCOMES with what is old: it is
// made anew once it stands in the older half.
func (l *Lane) announceAnew(ctx context.Context) {
	l.j.mu.Lock()
	first, last := l.j.counts.firstOutcome, l.j.counts.last
	l.j.mu.Unlock()
	if last < first+manyOutcomes || l.fence.seq >= first+(last-first)/2 {
		return
	}
	l.gate.Lock() // nothing is being stored
	defer l.gate.Unlock()
	f, err := l.j.announceAfter(ctx, l.fence)
	if err != nil {
		l.j.log.Debug("a reader's announcement stays as it is for now", "error", err)
		return
	}
	l.fence = f
}

// placeOfOutcome gives the place in OUTCOMES of the outcome from, counted from 1 over
// those that are kept.
func (j *Journal) placeOfOutcome(from uint64) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	place := j.counts.firstOutcome - 1 + max(from, 1)
	for _, seq := range j.keptAnnounced() {
		if seq > place {
			break
		}
		place++
	}
	return place
}

// keptAnnounced gives the places without outcomes that are kept; the caller holds
// the lock.
func (j *Journal) keptAnnounced() []uint64 {
	at, _ := slices.BinarySearch(j.announced, j.counts.firstOutcome)
	j.announced = j.announced[at:]
	return j.announced
}

// manyOutcomes is from how many outcomes on an announcement may be made anew.
const manyOutcomes = 1000
