package journal

import (
	"hash/maphash"
	"math"
	"slices"
	"sync"
)

// index knows, for every event kept, its key and its identity as hashes, to find
// duplicates. It costs 20 bytes an event and 5 to 11 a key, is built again from EVENTS
// at each start, and may err only towards asking: whoever is told of a candidate reads
// the stored event to be sure.
type index struct {
	seed maphash.Seed

	mu     sync.Mutex
	base   uint64   // the sequence of chunks[0]'s first, a multiple of chunkLen
	chunks []*chunk // by sequence
	last   keyTable // each key's latest event
	// long holds, for keys whose chain proved long, identity -> sequence, so that
	// a key with a million events is not walked at each.
	long  map[uint64]map[uint64]uint64
	count uint64
}

// chunk holds what is known of chunkLen events that follow each other: their
// identities, which are never 0 where there is an event, the hashes of their keys,
// and by how much their key's event before precedes them (0: there is none).
type chunk struct {
	identity, key [chunkLen]uint64
	back          [chunkLen]uint32
}

const (
	chunkLen = 4096
	// longChain is how many events of a key are walked before it gets a map of its own.
	longChain = 256
)

func newIndex() *index {
	return &index{seed: maphash.MakeSeed(), long: map[uint64]map[uint64]uint64{}}
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
	for seq < x.base {
		x.base -= chunkLen
		x.chunks = slices.Insert(x.chunks, 0, new(chunk))
	}
	for seq-x.base >= uint64(len(x.chunks))*chunkLen {
		x.chunks = append(x.chunks, new(chunk))
	}
	c, i := x.at(seq)
	if c.identity[i] != 0 {
		return
	}
	c.identity[i], c.key[i] = identity, key
	before := x.last.get(x, key)
	if before != 0 && before < seq && seq-before < math.MaxUint32 {
		c.back[i] = uint32(seq - before) //nolint:gosec // just compared
	}
	if before < seq {
		x.last.set(x, key, seq)
	}
	if m := x.long[key]; m != nil {
		m[identity] = seq
	}
	x.count++
}

// at gives the chunk of seq and the place in it, nil where nothing was noted.
func (x *index) at(seq uint64) (c *chunk, i uint64) {
	if seq < x.base || seq-x.base >= uint64(len(x.chunks))*chunkLen {
		return nil, 0
	}
	return x.chunks[(seq-x.base)/chunkLen], (seq - x.base) % chunkLen
}

// keyOf is the hash of the key of the event at seq, 0 if it is not known.
func (x *index) keyOf(seq uint64) uint64 {
	c, i := x.at(seq)
	if c == nil {
		return 0
	}
	return c.key[i]
}

// identityOf is the identity of the event at seq, 0 if it is not known.
func (x *index) identityOf(seq uint64) uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.identityAt(seq)
}

func (x *index) identityAt(seq uint64) uint64 {
	c, i := x.at(seq)
	if c == nil {
		return 0
	}
	return c.identity[i]
}

// latest is the sequence of the key's latest event, 0 if there is none.
func (x *index) latest(key uint64) uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.last.get(x, key)
}

// before is the sequence of the event of its key before the one at seq, 0 if none is kept.
func (x *index) before(seq uint64) uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.beforeAt(seq)
}

func (x *index) beforeAt(seq uint64) uint64 {
	c, i := x.at(seq)
	if c == nil || c.back[i] == 0 {
		return 0
	}
	before := seq - uint64(c.back[i])
	if x.identityAt(before) == 0 {
		return 0 // it has left the journal
	}
	return before
}

// same finds an event of the key that seems to be the same: any with the same
// ID, but only the latest with the same record, for A, B and A again are three
// changes. 0 means that there is none.
func (x *index) same(key, identity uint64) uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	seq := x.last.get(x, key)
	if identity&0b11 == byRecord {
		for seq != 0 && x.identityAt(seq) == asReplay {
			seq = x.beforeAt(seq)
		}
		if seq != 0 && x.identityAt(seq) == identity {
			return seq
		}
		return 0
	}
	if m := x.long[key]; m != nil {
		return m[identity]
	}
	for n := 0; seq != 0; n++ {
		if x.identityAt(seq) == identity {
			return seq
		}
		if n == longChain {
			return x.lengthen(key)[identity]
		}
		seq = x.beforeAt(seq)
	}
	return 0
}

// lengthen gives a key its own map.
func (x *index) lengthen(key uint64) map[uint64]uint64 {
	m := map[uint64]uint64{}
	for seq := x.last.get(x, key); seq != 0; seq = x.beforeAt(seq) {
		if id := x.identityAt(seq); m[id] == 0 {
			m[id] = seq
		}
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
