package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// markBytes bounds the stream of marks, which holds one message a lane.
	markBytes = 64 << 20
	// unmarkEvery is how soon what was surely not sent is unmarked on disk.
	unmarkEvery = time.Second
)

// marked is what a lane's reader may have sent by operations that must not be
// repeated, as it is on disk. What is not in it was not sent by such.
type marked struct {
	// Mappings are those whose records are marked before they are sent.
	Mappings []string `json:"mappings"`
	// Sent are the events that were marked, by mapping, sorted.
	Sent map[string][]uint64 `json:"sent,omitempty"`
	// Limits are up to which event anything may have been sent, by mapping: from
	// before its records were marked.
	Limits map[string]uint64 `json:"limits,omitempty"`
}

// unsent tells whether an event was surely not sent under a mapping.
func (m *marked) unsent(mapping string, seq uint64) bool {
	if m == nil || !slices.Contains(m.Mappings, mapping) || seq <= m.Limits[mapping] {
		return false
	}
	_, is := slices.BinarySearch(m.Sent[mapping], seq)
	return !is
}

// marks are the marks of an open lane. Callers that mark at the same time share a
// publication.
type marks struct {
	// fence is on the lane's subject, so that only its reader writes it; nil in an
	// embedded journal.
	fence *fence
	// before is what the last reader marked, nil where that is not known.
	before *marked

	mu      sync.Mutex
	guarded []string
	limits  map[string]uint64
	sent    map[string]map[uint64]struct{}
	// changed counts changes, stored is up to which they are on disk, and busy is
	// closed when the publication under way is over, nil where there is none.
	changed, stored uint64
	busy            chan struct{}
}

// readMarks reads what the lane's last reader marked.
func (j *Journal) readMarks(ctx context.Context, l lanePart) (_ *marked, seq uint64, err error) {
	m, err := j.marks.GetLastMsgForSubject(ctx, j.markSubject(l))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, 0, nil // nothing was ever marked
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read what was marked: %w", err)
	}
	var out marked
	if err := json.Unmarshal(m.Data, &out); err != nil {
		return nil, 0, fmt.Errorf("read what was marked: %w", err)
	}
	return &out, m.Sequence, nil
}

// Guard says under which mappings records are marked from now on before they are
// sent, because their operations must not be repeated. It is called once, before
// anything is read.
func (l *Lane) Guard(ctx context.Context, mappings []string) error {
	// What is marked of a paused mapping stays so until that is back.
	paused := l.j.pausedUnsafe(l.name)
	mappings = append(slices.Clone(mappings), paused...)
	if len(mappings) == 0 && l.marks.before == nil {
		return nil
	}
	m := &l.marks
	m.mu.Lock()
	m.guarded = slices.Sorted(slices.Values(mappings))
	m.limits, m.sent = map[string]uint64{}, map[string]map[uint64]struct{}{}
	for _, name := range m.guarded {
		m.sent[name] = map[uint64]struct{}{}
		sent, limit := l.doubts.Sent, l.doubts.Limit
		if b := m.before; b != nil && slices.Contains(b.Mappings, name) {
			sent, limit = b.Sent[name], b.Limits[name]
		}
		if limit > 0 {
			m.limits[name] = limit
		}
		for _, seq := range sent {
			if (seq >= l.floor || slices.Contains(paused, name)) && !l.hasOutcome(seq, name) {
				m.sent[name][seq] = struct{}{}
			}
		}
	}
	m.changed++
	m.mu.Unlock()
	return l.flushMarks(ctx)
}

func (l *Lane) hasOutcome(seq uint64, mapping string) bool {
	if seq < max(l.floor, l.until) {
		_, has := l.j.past.ended(seq, l.name)[mapping]
		return has
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, has := l.outcomesOf(seq)[mapping]
	return has
}

// Mark records on disk that records of these events are about to be sent under a
// mapping. Only then may they be: what is not marked counts as never sent when the
// lane is taken over. They are unmarked when their outcomes are stored.
func (l *Lane) Mark(ctx context.Context, mapping string, sequences []uint64) error {
	m := &l.marks
	m.mu.Lock()
	set, guarded := m.sent[mapping]
	if !guarded {
		m.mu.Unlock()
		return fmt.Errorf("mark what lane %s to %s sends: mapping %q is not guarded", l.name.Source, l.name.Sink, mapping)
	}
	for _, seq := range sequences {
		set[seq] = struct{}{}
	}
	m.changed++
	m.mu.Unlock()
	return l.flushMarks(ctx)
}

// Unmark says that the sink surely did not take these records. It is on disk soon.
func (l *Lane) Unmark(mapping string, sequences []uint64) {
	m := &l.marks
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, seq := range sequences {
		delete(m.sent[mapping], seq)
	}
	m.changed++
}

// flushMarks has all changes up to now on disk when it returns without an error.
func (l *Lane) flushMarks(ctx context.Context) error {
	m := &l.marks
	m.mu.Lock()
	want := m.changed
	for m.stored < want {
		if busy := m.busy; busy != nil {
			m.mu.Unlock()
			select {
			case <-busy:
			case <-ctx.Done():
				return ctx.Err()
			}
			m.mu.Lock()
			continue
		}
		m.busy = make(chan struct{})
		upTo := m.changed
		data, err := json.Marshal(m.snapshot())
		m.mu.Unlock()
		if err == nil {
			err = l.j.storeAll(ctx, m.fence, []*nats.Msg{{Subject: l.j.markSubject(l.part), Data: data}}, func(_ int, seq uint64) {
				if m.fence != nil {
					m.fence.seq = seq
				}
			})
		}
		m.mu.Lock()
		close(m.busy)
		m.busy = nil
		if err != nil {
			m.mu.Unlock()
			return fmt.Errorf("mark what lane %s to %s sends: %w", l.name.Source, l.name.Sink, err)
		}
		m.stored = upTo
	}
	m.mu.Unlock()
	return nil
}

// snapshot is what is to be on disk.
func (m *marks) snapshot() *marked {
	out := &marked{Mappings: m.guarded, Limits: m.limits, Sent: map[string][]uint64{}}
	for name, set := range m.sent {
		if len(set) > 0 {
			out.Sent[name] = slices.Sorted(maps.Keys(set))
		}
	}
	return out
}

// ended forgets an event's mark: its outcome says what became of it.
func (m *marks) ended(mapping string, seq uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sent[mapping], seq)
}

// unsent gives the mappings under which an event was surely not sent by an earlier
// reader.
func (m *marks) unsent(seq uint64) []string {
	if m.before == nil {
		return nil
	}
	var out []string
	for _, name := range m.before.Mappings {
		if m.before.unsent(name, seq) {
			out = append(out, name)
		}
	}
	return out
}

// unmark has what was unmarked on disk before long.
func (l *Lane) unmark(ctx context.Context) {
	l.marks.mu.Lock()
	due := l.marks.stored < l.marks.changed
	l.marks.mu.Unlock()
	if !due {
		return
	}
	if err := l.flushMarks(ctx); err != nil && ctx.Err() == nil {
		l.j.log.Debug("what was not sent stays marked for now", "error", err)
	}
}
