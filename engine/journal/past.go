package journal

import (
	"maps"
	"slices"
	"sync"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// past knows what became of the events that are kept: where each one's outcomes
// are, which events repeat it, and what was done with its dead letters. It costs 8
// bytes an event and 8 an outcome, and is built again at each start. It serves the
// history, and D6: whether something newer of a key was delivered.
type past struct {
	mu sync.Mutex
	// newest holds for an event's sequence the place of its newest outcome, and
	// outcomes for an outcome's place a packed, which leads to the one before.
	newest, outcomes table

	names []under
	ids   map[under]uint64

	connections map[string]struct{}
	replays     map[uint64][]uint64 // by what they repeat, in order
	repeated    map[uint64]repeated // by the replay's own sequence
	parts       int                 // how many partitions a lane has
	acts        map[letter][]event.Act
	// heirs are the names that mappings have now which had others before.
	heirs map[under][]heir
	// bounds are what replays are for, by their numbers: a sink and a mapping.
	bounds   []under
	boundIDs map[under]uint32
	// kept are the letters whose outcomes have left the journal.
	kept map[letter]struct{}
	// found are the replays that a start reads, until their acts are known to be kept.
	found []event.Event
}

// under is what an outcome is under.
type under struct {
	lane    event.Lane
	mapping string
}

// repeated is what a replay repeats, and whether with another record.
type repeated struct {
	of, origin uint64
	edited     bool
	part       uint8  // the partition that it is in
	bound      uint32 // in past.bounds
}

// packed is an outcome: the place of the event's outcome before, the number of
// what it is under, and its kind.
type packed uint64

const (
	kindBits, nameBits = 3, 15
	maxNames           = 1<<nameBits - 1
)

// packable are the kinds by their number, from 1.
var packable = [...]event.Kind{"", event.Delivered, event.Skipped, event.Duplicate, event.Superseded, event.Dead}

func (p packed) kind() event.Kind { return packable[min(int(p&(1<<kindBits-1)), len(packable)-1)] }
func (p packed) name() uint64     { return uint64(p>>kindBits) & maxNames }
func (p packed) before() uint64   { return uint64(p >> (kindBits + nameBits)) }

// table holds numbers by number, in chunks that are there only where something is.
type table map[uint64]*[chunkLen]uint64

func (t table) get(i uint64) uint64 {
	if c := t[i/chunkLen]; c != nil {
		return c[i%chunkLen]
	}
	return 0
}

func (t table) set(i, v uint64) {
	c := t[i/chunkLen]
	if c == nil {
		c = new([chunkLen]uint64)
		t[i/chunkLen] = c
	}
	c[i%chunkLen] = v
}

func newPast() *past {
	return &past{
		newest: table{}, outcomes: table{}, names: make([]under, 1), ids: map[under]uint64{},
		connections: map[string]struct{}{}, replays: map[uint64][]uint64{}, repeated: map[uint64]repeated{},
		acts: map[letter][]event.Act{}, kept: map[letter]struct{}{},
		heirs: map[under][]heir{}, bounds: make([]under, 1), boundIDs: map[under]uint32{},
	}
}

// connection notes that events of it are kept.
func (p *past) connection(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.connections[name] = struct{}{}
}

// event notes an event that is kept, and what it repeats.
func (p *past) event(e *event.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.connections[e.Connection] = struct{}{}
	r := e.Replay
	if _, known := p.repeated[e.Sequence]; r == nil || known {
		return
	}
	p.replays[r.Of] = append(p.replays[r.Of], e.Sequence)
	p.repeated[e.Sequence] = repeated{
		of: r.Of, origin: r.Origin, edited: r.Kind == event.Edit || p.repeated[r.Of].edited, bound: p.bound(r),
		part: uint8(partitionOf(e.Key, p.parts)), //nolint:gosec // there are at most MaxPartitions
	}
}

// outcome notes an outcome at its place, and tells whether it was not known.
func (p *past) outcome(sequence, place uint64, lane event.Lane, mapping string, kind event.Kind) (fresh bool) {
	k := slices.Index(packable[:], kind)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.outcomes.get(place) != 0 {
		return false
	}
	if k < 1 {
		return true // of a kind of later versions
	}
	u := under{lane, mapping}
	id, known := p.ids[u]
	if !known && len(p.names) <= maxNames {
		id = uint64(len(p.names))
		p.ids[u] = id
		p.names = append(p.names, u)
	}
	p.outcomes.set(place, p.newest.get(sequence)<<(kindBits+nameBits)|id<<kindBits|uint64(k))
	p.newest.set(sequence, place)
	return true
}

// placed is an outcome as the past knows it. Beyond 32,767 names of mappings the
// name is not known here. Its mapping is the one that has its state now, and as the
// name that it was made under.
type placed struct {
	under
	as    string
	place uint64
	kind  event.Kind
}

// of gives the outcomes of an event, the newest first.
func (p *past) of(sequence uint64) []placed {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ofLocked(sequence)
}

func (p *past) ofLocked(sequence uint64) []placed {
	var out []placed
	for place := p.newest.get(sequence); place != 0; {
		o := packed(p.outcomes.get(place))
		if o == 0 {
			break
		}
		u := p.names[o.name()]
		as := u.mapping
		u.mapping = p.heirLocked(u, place)
		out = append(out, placed{under: u, as: as, place: place, kind: o.kind()})
		place = o.before()
	}
	return out
}

// became gives an event's outcome under a mapping, "" if there is none.
func (p *past) became(l letter) event.Kind {
	p.mu.Lock()
	_, kept := p.kept[l]
	p.mu.Unlock()
	if kept {
		return event.Dead
	}
	now := p.heir(l.lane, l.mapping)
	for _, o := range p.of(l.sequence) {
		if o.lane == l.lane && (o.as == l.mapping || o.mapping == now) {
			return o.kind
		}
	}
	return ""
}

// delivered tells whether an event was delivered along a lane.
func (p *past) delivered(sequence uint64, lane event.Lane) bool {
	return slices.ContainsFunc(p.of(sequence), func(o placed) bool { return o.kind == event.Delivered && o.lane == lane })
}

// origin gives the sequence of the event that came from the source, and tells
// whether a person has corrected its record since.
func (p *past) origin(sequence uint64) (origin uint64, edited bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r, is := p.repeated[sequence]; is {
		return r.origin, r.edited
	}
	return sequence, false
}

// replaysOf gives the events that repeat one, in order.
func (p *past) replaysOf(sequence uint64) []uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.replays[sequence])
}

// act notes what was done with a letter.
func (p *past) act(a *event.Act) {
	if a.Mapping == "" || a.Sequence == 0 {
		return
	}
	l := letter{lane: a.Lane, mapping: a.Mapping, sequence: a.Sequence}
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.As > 0 && slices.ContainsFunc(p.acts[l], func(b event.Act) bool { return b.As == a.As }) {
		return // two engines recorded it
	}
	p.acts[l] = append(p.acts[l], *a)
}

// actsOn gives what was done with a letter, in order.
func (p *past) actsOn(l letter) []event.Act {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.acts[l])
}

// sources gives the connections with events, sorted.
func (p *past) sources() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.connections))
}

// Newer gives the sequence of an event of the key that the lane delivered and that
// came from the source after the event with sequence than, 0 if there is none (D6).
// What came with the event itself and was delivered as a person corrected it is
// newer too: its own sequence is given.
func (j *Journal) Newer(l event.Lane, key string, than uint64) uint64 {
	for seq := j.index.latest(j.index.key(l.Source, key)); seq > than; seq = j.index.before(seq) {
		switch origin, edited := j.past.origin(seq); {
		case origin < than || origin == than && !edited || !j.past.delivered(seq, l):
		case origin == than:
			return seq
		default:
			return origin
		}
	}
	return 0
}

// handled counts the letters that something was done with.
func (p *past) handled() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return uint64(len(p.acts))
}

// Connections gives the names of the connections that events are kept of, sorted.
func (j *Journal) Connections() []string { return slices.Clone(j.past.sources()) }
