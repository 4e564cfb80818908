package journal

import "math"

// keyTable finds a key's latest event: an open-addressed table of sequences, 4 bytes a
// slot and at most three quarters full, that has the index say whose each is.
type keyTable struct {
	slots []uint32
	used  int
}

const leastSlots = 64

// span is how many sequences a slot can tell apart. The events that are kept follow
// each other, so that the index's first one tells which of them is meant.
const span = math.MaxUint32

// folded is a sequence as it stands in a slot, never 0.
func folded(seq uint64) uint32 { return uint32(seq%span) + 1 }

// unfolded is the sequence from base on that a slot holds.
func unfolded(slot uint32, base uint64) uint64 {
	return base + (uint64(slot-1)+span-base%span)%span
}

// find gives the slot of key, or the empty one where it belongs. There is one.
func (t *keyTable) find(x *index, key uint64) (slot uint64, found bool) {
	mask := uint64(len(t.slots)) - 1
	for at := key & mask; ; at = (at + 1) & mask {
		switch s := t.slots[at]; {
		case s == 0:
			return at, false
		case x.keyOf(unfolded(s, x.base)) == key:
			return at, true
		}
	}
}

// get gives a key's latest event, 0 if there is none.
func (t *keyTable) get(x *index, key uint64) uint64 {
	if t.used == 0 {
		return 0
	}
	at, found := t.find(x, key)
	if !found {
		return 0
	}
	return unfolded(t.slots[at], x.base)
}

// set makes seq, which the index knows, its key's latest event.
func (t *keyTable) set(x *index, key, seq uint64) {
	if 4*(t.used+1) > 3*len(t.slots) {
		t.resize(x, max(leastSlots, 2*len(t.slots)))
	}
	at, found := t.find(x, key)
	if !found {
		t.used++
	}
	t.slots[at] = folded(seq)
}

// remove takes a key out and closes the gap, so that no search ends before its key.
func (t *keyTable) remove(x *index, key uint64) {
	at, found := t.find(x, key)
	if !found {
		return
	}
	mask := uint64(len(t.slots)) - 1
	t.used--
	for next := (at + 1) & mask; t.slots[next] != 0; next = (next + 1) & mask {
		home := x.keyOf(unfolded(t.slots[next], x.base)) & mask
		if (next-home)&mask >= (next-at)&mask {
			t.slots[at] = t.slots[next]
			at = next
		}
	}
	t.slots[at] = 0
	if 8*t.used < len(t.slots) && len(t.slots) > leastSlots {
		t.resize(x, len(t.slots)/2)
	}
}

// resize gives the table so many slots, a power of two.
func (t *keyTable) resize(x *index, slots int) {
	old := t.slots
	t.slots = make([]uint32, slots)
	for _, s := range old {
		if s == 0 {
			continue
		}
		at, _ := t.find(x, x.keyOf(unfolded(s, x.base)))
		t.slots[at] = s
	}
}
