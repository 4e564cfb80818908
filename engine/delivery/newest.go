package delivery

import "hash/maphash"

// newest remembers, for each key, the newest version that was delivered, so that
// an older event is not delivered after it (D6). It remembers at least the last
// newestKeys keys, and forgets the longest unused beyond that: the lane is asked
// for a key that it does not know, which may have been delivered by an earlier run.
type newest struct {
	seeds [2]maphash.Seed
	// A full young takes old's place; what is used moves back to young.
	young, old map[keyHash]mark
	limit      int
}

// newestKeys is half of what newest may hold at most.
const newestKeys = 500_000

// keyHash is wide enough that two keys never share one in practice: a shared one
// would supersede another key's event.
type keyHash [2]uint64

// mark is how new an event is; zero parts are unknown.
type mark struct {
	version uint64
	updated int64
}

func newNewest(limit int) *newest {
	return &newest{
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		young: map[keyHash]mark{}, old: map[keyHash]mark{}, limit: limit,
	}
}

func (n *newest) hash(key string) keyHash {
	return keyHash{maphash.String(n.seeds[0], key), maphash.String(n.seeds[1], key)}
}

func markOf(it *item) mark { return mark{it.version, it.updated} }

// stale tells whether something newer than it was delivered for its key, where
// that is known. Versions decide; where they are equal or unknown, the times of
// change do.
func (n *newest) stale(it *item) (stale, known bool) {
	m := markOf(it)
	if m == (mark{}) {
		return false, true
	}
	last, ok := n.get(n.hash(it.key))
	return ok && m.before(last), ok
}

// learn notes what the lane said of the item's key.
func (n *newest) learn(it *item) {
	h := n.hash(it.key)
	if _, known := n.get(h); !known && it.last != (mark{}) {
		n.put(h, it.last)
	}
}

// delivered notes that it was delivered.
func (n *newest) delivered(it *item) {
	m := markOf(it)
	if m == (mark{}) {
		return
	}
	h := n.hash(it.key)
	if last, ok := n.get(h); ok && m.before(last) {
		return
	}
	n.put(h, m)
}

func (n *newest) get(h keyHash) (mark, bool) {
	if m, ok := n.young[h]; ok {
		return m, true
	}
	m, ok := n.old[h]
	if ok {
		n.put(h, m)
	}
	return m, ok
}

func (n *newest) put(h keyHash, m mark) {
	if _, ok := n.young[h]; !ok && len(n.young) >= n.limit {
		n.old, n.young = n.young, map[keyHash]mark{}
	}
	n.young[h] = m
}

func (m mark) before(last mark) bool {
	if m.version != 0 && last.version != 0 && m.version != last.version {
		return m.version < last.version
	}
	return m.updated != 0 && last.updated != 0 && m.updated < last.updated
}
