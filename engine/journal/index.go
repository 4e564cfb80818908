package journal

import (
	"hash/maphash"
	"sync"
)

// index knows, for every event kept, its key and its identity as hashes, to find
// duplicates. It costs 24 bytes an event and a map entry a key, is built again
// from EVENTS at each start, and may err only towards asking: whoever is told of a
// candidate reads the stored event to be sure.
type index struct {
	seed maphash.Seed

	mu     sync.Mutex
	base   uint64            // the sequence of chunks[0][0], a multiple of chunkLen
	chunks []*[chunkLen]link // by sequence
	last   map[uint64]uint64 // key's hash -> its latest sequence
	// long holds, for keys whose chain proved long, identity -> sequence, so that
	// a key with a million events is not walked at each.
	long  map[uint64]map[uint64]uint64
	count uint64
}

// link is one event: its identity, its key's hash, and the sequence of its key's
// event before it (0: none). An identity is never 0.
type link struct{ identity, key, prev uint64 }

const (
	chunkLen = 4096
	// longChain is how many links are walked before a key gets a map of its own.
	longChain = 256
)

func newIndex() *index {
	return &index{seed: maphash.MakeSeed(), last: map[uint64]uint64{}, long: map[uint64]map[uint64]uint64{}}
}

// key hashes a connection's key.
func (x *index) key(connection, key string) uint64 {
	var h maphash.Hash
	h.SetSeed(x.seed)
	part(&h, connection)
	part(&h, key)
	return h.Sum64()
}

// Identities tell by their lowest bit what they were made of; the next bit is
// always set so that none is 0.
const (
	byID     = 0b11
	byRecord = 0b10
	// asReplay is the whole identity of an event that repeats another: nothing that
	// comes from a source is the same as it.
	asReplay = 0b01
)

// identity hashes what makes an event the same as another of its key: its ID
// where it has one, else its type and record.
func (x *index) identity(id, typ, hash string) uint64 {
	var h maphash.Hash
	h.SetSeed(x.seed)
	if id != "" {
		part(&h, id)
		return h.Sum64()<<2 | byID
	}
	part(&h, typ)
	part(&h, hash)
	return h.Sum64()<<2 | byRecord
}

func part(h *maphash.Hash, s string) {
	// A length cannot be mistaken for text: hashing never fails, by its documentation.
	maphash.WriteComparable(h, len(s))
	_, _ = h.WriteString(s)
}

// add notes the event at seq. Events of one key come in the order of their sequences.
func (x *index) add(seq, key, identity uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.chunks) == 0 {
		x.base = seq - seq%chunkLen
	}
	l := x.at(seq)
	if l != nil && l.identity != 0 {
		return
	}
	for l == nil {
		x.chunks = append(x.chunks, new([chunkLen]link))
		l = x.at(seq)
	}
	*l = link{identity: identity, key: key, prev: x.last[key]}
	x.last[key] = seq
	if m := x.long[key]; m != nil {
		m[identity] = seq
	}
	x.count++
}

// at gives the link of seq, nil beyond what was noted.
func (x *index) at(seq uint64) *link {
	if seq < x.base {
		return nil
	}
	i := (seq - x.base) / chunkLen
	if i >= uint64(len(x.chunks)) {
		return nil
	}
	return &x.chunks[i][(seq-x.base)%chunkLen]
}

// latest is the sequence of the key's latest event, 0 if there is none.
func (x *index) latest(key uint64) uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.last[key]
}

// same finds an event of the key that seems to be the same: any with the same
// ID, but only the latest with the same record, for A, B and A again are three
// changes. 0 means that there is none.
func (x *index) same(key, identity uint64) uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	seq := x.last[key]
	if identity&0b11 == byRecord {
		l := x.at(seq)
		for l != nil && l.identity == asReplay {
			seq = l.prev
			l = x.at(seq)
		}
		if seq != 0 && l != nil && l.identity == identity {
			return seq
		}
		return 0
	}
	if m := x.long[key]; m != nil {
		return m[identity]
	}
	for n := 0; seq != 0; n++ {
		l := x.at(seq)
		if l == nil {
			return 0
		}
		if l.identity == identity {
			return seq
		}
		if n == longChain {
			return x.lengthen(key)[identity]
		}
		seq = l.prev
	}
	return 0
}

// lengthen gives a key its own map.
func (x *index) lengthen(key uint64) map[uint64]uint64 {
	m := map[uint64]uint64{}
	for seq := x.last[key]; seq != 0; {
		l := x.at(seq)
		if l == nil {
			break
		}
		m[l.identity] = seq
		seq = l.prev
	}
	x.long[key] = m
	return m
}

// size is how many events are noted.
func (x *index) size() uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.count
}
