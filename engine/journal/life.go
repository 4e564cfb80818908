package journal

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// lifeBytes bounds the stream of lives, which holds one message for each mapping of
// each lane.
const lifeBytes = 64 << 20

// MappingID names a mapping of a lane.
type MappingID struct {
	Lane    event.Lane
	Mapping string
}

// Use is a mapping as a lane runs it.
type Use struct {
	MappingID
	// SHA256 is the hex digest of its text and its tables'.
	SHA256 string
	// Types are the events of the lane's source that it wants.
	Types []string
	// Unsafe tells that its operation must not be repeated.
	Unsafe bool
}

// life is what is on disk of a mapping of a lane: from where on it counts, and where
// it stands when it does not run.
type life struct {
	Lane    event.Lane `json:"lane"`
	Mapping string     `json:"mapping"`
	SHA256  string     `json:"sha256"`
	Types   []string   `json:"types"`
	Unsafe  bool       `json:"unsafe,omitempty"`
	// Since is when it began to be as it is: running, paused or ended.
	Since time.Time `json:"since"`
	// From is the first event that it is for.
	From uint64 `json:"from"`
	// Paused tells that it is gone from the configuration, and At from which event on
	// it may have no outcomes.
	Paused bool   `json:"paused,omitempty"`
	At     uint64 `json:"at,omitempty"`
	// Behind is set while the lane has been further than the mapping.
	Behind *behind `json:"behind,omitempty"`
	// Was are the names that it had before.
	Was []former `json:"was,omitempty"`
	// Ended is set once it was dropped or renamed.
	Ended *ended `json:"ended,omitempty"`
}

// behind is what a lane goes over again for a mapping: the events from From on, and
// in each partition that has gone back those before Until, 0 once it is over them.
type behind struct {
	From  uint64         `json:"from"`
	Until map[int]uint64 `json:"until,omitempty"`
}

// back tells whether all partitions have gone back.
func (b *behind) back(parts int) bool { return len(b.Until) >= parts }

// at gives b with a partition's Until, nil if all of them are over.
func (b *behind) at(part int, until uint64, parts int) *behind {
	out := &behind{From: b.From, Until: maps.Clone(b.Until)}
	if out.Until == nil {
		out.Until = map[int]uint64{}
	}
	out.Until[part] = until
	for _, left := range out.Until {
		if left > 0 {
			return out
		}
	}
	if out.back(parts) {
		return nil
	}
	return out
}

// former is a name that a mapping had before, under which it made the outcomes up to
// the place Through in OUTCOMES.
type former struct {
	Mapping string `json:"mapping"`
	Through uint64 `json:"through"`
}

// ended is how a mapping ended.
type ended struct {
	Kind   event.ActKind `json:"act"`
	At     time.Time     `json:"at"`
	By     string        `json:"by"`
	Reason string        `json:"reason,omitempty"`
	// To is its new name, where it was renamed.
	To string `json:"to,omitempty"`
	// Through is the last event that counts, and Events how many had no outcome.
	Through uint64 `json:"through,omitempty"`
	Events  uint64 `json:"events,omitempty"`
	// Done tells that all of them have theirs.
	Done bool `json:"done,omitempty"`
}

func (l *life) id() MappingID { return MappingID{l.Lane, l.Mapping} }

func (l *life) running() bool { return !l.Paused && l.Ended == nil }

// lives are those of all mappings that ever ran and are kept.
type lives struct {
	// changing is held by whoever changes them, over the writing to disk.
	changing sync.Mutex

	mu  sync.Mutex
	all map[MappingID]*life
	// waits is what is known of the backlog of those that are paused.
	waits map[MappingID]*backlog
	// acted are the acts of their ends that are recorded.
	acted map[string]struct{}
	// places is where in LIVES each one stands.
	places map[MappingID]uint64
	// old are those that were being dropped when the journal was opened.
	old map[MappingID]struct{}
}

func newLives() *lives {
	return &lives{
		all: map[MappingID]*life{}, waits: map[MappingID]*backlog{},
		acted: map[string]struct{}{}, places: map[MappingID]uint64{}, old: map[MappingID]struct{}{},
	}
}

// get gives a life, nil if there is none. It never changes: another takes its place.
func (s *lives) get(id MappingID) *life {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[id]
}

// of gives the lives of a lane, or of all, in order.
func (s *lives) of(lane event.Lane) []*life {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*life
	for id, l := range s.all {
		if lane == (event.Lane{}) || id.Lane == lane {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b *life) int {
		return cmp.Or(cmp.Compare(a.Mapping, b.Mapping), cmp.Compare(a.Lane.Source, b.Lane.Source), cmp.Compare(a.Lane.Sink, b.Lane.Sink))
	})
	return out
}

// put has lives take the places of others.
func (s *lives) put(changed ...*life) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range changed {
		s.all[l.id()] = l
		delete(s.waits, l.id())
	}
}

func lifeSubject(id MappingID) string {
	sum := sha256.Sum256([]byte(id.Mapping))
	return subjectLives + id.Lane.Source + "." + id.Lane.Sink + "." + hex.EncodeToString(sum[:12])
}

// readLives reads what is on disk.
func (j *Journal) readLives(ctx context.Context) error {
	err := j.scan(ctx, j.lifes, 1, "", false, func(seq uint64, m *nats.Msg) (bool, error) {
		j.read[streamLives] = seq
		return true, j.noteLife(seq, m)
	})
	for _, l := range j.lives.of(event.Lane{}) {
		if l.Ended != nil && !l.Ended.Done {
			j.lives.old[l.id()] = struct{}{}
		}
	}
	return err
}

// noteLife takes in a life that is on disk.
func (j *Journal) noteLife(seq uint64, m *nats.Msg) error {
	var l life
	if err := json.Unmarshal(m.Data, &l); err != nil {
		return fmt.Errorf("life %d: %w", seq, err)
	}
	if !j.lives.stored(l.id(), seq) {
		return nil
	}
	j.lives.put(&l)
	for _, w := range l.Was {
		j.past.rename(l.Lane, w.Mapping, l.Mapping, w.Through)
	}
	return nil
}

// storeLives writes lives to disk, all or none, and has them hold.
func (j *Journal) storeLives(ctx context.Context, changed ...*life) error {
	msgs := make([]*nats.Msg, len(changed))
	for i, l := range changed {
		data, err := json.Marshal(l)
		if err != nil {
			return err
		}
		msgs[i] = &nats.Msg{Subject: lifeSubject(l.id()), Data: data, Header: j.lives.unchanged(l.id(), j.follow != nil)}
	}
	if err := j.storeAll(ctx, nil, msgs, func(i int, seq uint64) { j.lives.stored(changed[i].id(), seq) }); err != nil {
		return err
	}
	j.lives.put(changed...)
	return nil
}

// From gives the first event that a mapping is for: what came before is not. It is
// 1 for one that was never settled.
func (j *Journal) From(id MappingID) uint64 {
	if l := j.lives.get(id); l != nil && l.Ended == nil { // another engine may have paused it
		return l.From
	}
	return 1
}

// begin gives where a lane begins that has no consumer: where the first of its
// mappings does, 0 if it has none.
func (j *Journal) begin(lane event.Lane) uint64 {
	first := uint64(0)
	for _, l := range j.lives.of(lane) {
		if !l.running() {
			continue
		}
		from := l.From
		if l.Behind != nil {
			from = min(from, l.Behind.From)
		}
		if first == 0 || from < first {
			first = from
		}
	}
	return first
}

// goBack has the lane go back for the mappings that are behind it, notes that it has,
// and gives where it stands, and up to where it has been before. has are the mappings
// of the reader, nil for all: where others run too, the partition has to be gone over
// again for those by a reader that has them.
func (l *Lane) goBack(ctx context.Context, at uint64, has []string) (from, until uint64, err error) {
	j := l.j
	j.lives.changing.Lock()
	defer j.lives.changing.Unlock()
	var changed []*life
	from = at
	for _, old := range j.lives.of(l.name) {
		b := old.Behind
		if has != nil && old.running() && !slices.Contains(has, old.Mapping) {
			if now := old.passedBy(l.part.n, at, j.parts); now != nil {
				changed = append(changed, now)
			}
			continue
		}
		if b == nil || !old.running() {
			continue
		}
		now := *old
		was, back := b.Until[l.part.n]
		switch {
		case !back && b.From < at:
			from, until = min(from, b.From), max(until, at)
			now.Behind = b.at(l.part.n, at, j.parts)
		case !back || was > 0 && was <= at:
			now.Behind = b.at(l.part.n, 0, j.parts)
		default:
			until = max(until, was)
			continue
		}
		changed = append(changed, &now)
	}
	if from < at {
		reset, err := j.events.ResetConsumerToSequence(ctx, j.durableOf(l.part), from)
		if errors.Is(err, jetstream.ErrConsumerInvalidReset) {
			return 0, 0, fmt.Errorf("go back to event %d: the lane was begun by an earlier version at a later event", from)
		}
		if err != nil {
			return 0, 0, fmt.Errorf("go back to event %d: %w", from, err)
		}
		from = reset.ResetSeq
	}
	// Only now: should this not be written, the lane goes back again.
	if len(changed) > 0 {
		if err := j.storeLives(ctx, changed...); err != nil {
			return 0, 0, fmt.Errorf("note that the lane went back: %w", err)
		}
	}
	return from, until, nil
}

// pausedUnsafe gives the lane's paused mappings whose operations must not be
// repeated: what is marked of them stays marked.
func (j *Journal) pausedUnsafe(lane event.Lane) []string {
	var out []string
	for _, l := range j.lives.of(lane) {
		if l.Paused && l.Ended == nil && l.Unsafe {
			out = append(out, l.Mapping)
		}
	}
	return out
}
