package journal

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestIndexOfAKeyWithManyEvents(t *testing.T) {
	x := newIndex()
	key := x.key("file", "")
	other := x.key("file", "other")
	const n = 3 * chunkLen
	id := func(i uint64) uint64 { return x.identity(fmt.Sprint("id", i), "", "") }
	for seq := uint64(10_000); seq < 10_000+n; seq++ {
		if seq%100 == 0 {
			x.add(seq, other, id(seq))
			continue
		}
		x.add(seq, key, id(seq))
	}
	for _, seq := range []uint64{10_001, 10_001 + chunkLen, 10_000 + n - 1} {
		if got := x.same(key, id(seq)); got != seq {
			t.Errorf("event %d found as %d", seq, got)
		}
		if got := x.same(other, id(seq)); got != 0 {
			t.Errorf("event %d found under another key as %d", seq, got)
		}
	}
	x.add(10_000+n, key, id(1))
	if got := x.same(key, id(1)); got != 10_000+n {
		t.Errorf("event added to a long chain is found as %d", got)
	}
	if got := x.same(key, id(2)); got != 0 {
		t.Errorf("unknown event is found as %d", got)
	}
	if x.size() != n+1 {
		t.Errorf("size %d, want %d", x.size(), n+1)
	}
}

func TestIndexKnowsARecordAgainstTheLatestOnly(t *testing.T) {
	x := newIndex()
	key := x.key("c", "k")
	a, b := x.identity("", "t", "aa"), x.identity("", "t", "bb")
	x.add(1, key, a)
	x.add(2, key, b)
	if got := x.same(key, a); got != 0 {
		t.Errorf("a record that was changed since is a repeat of %d", got)
	}
	if got := x.same(key, b); got != 2 {
		t.Errorf("the latest record is found as %d", got)
	}
}

// What the index says is what plain maps say, while events come and leave, also where
// the numbers of sequences no longer fit into a slot.
func TestIndexAgainstMaps(t *testing.T) {
	for _, first := range []uint64{1, chunkLen - 3, span - 5*chunkLen, 3*span - 2*chunkLen + 17} {
		x := newIndex()
		r := rand.New(rand.NewPCG(1, first))
		type noted struct{ key, identity, before uint64 }
		kept, last := map[uint64]noted{}, map[uint64]uint64{}
		keys := make([]uint64, 3000)
		for i := range keys {
			keys[i] = r.Uint64()
			if i%3 == 0 {
				keys[i] &= 0xf // many that want the same slots
			}
		}
		cut := first
		for seq := first; seq < first+12*chunkLen; seq++ {
			if r.IntN(10) == 0 {
				continue // a gap
			}
			k := keys[r.IntN(len(keys))]
			id := r.Uint64() | byID
			x.add(seq, k, id)
			kept[seq] = noted{k, id, last[k]}
			last[k] = seq
			if r.IntN(5000) == 0 {
				to := cut + r.Uint64N(seq-cut+1)
				x.forget(to)
				for ; cut < to; cut++ {
					if n, is := kept[cut]; is && last[n.key] == cut {
						delete(last, n.key)
					}
					delete(kept, cut)
				}
			}
		}
		if x.size() != uint64(len(kept)) || x.last.used != len(last) {
			t.Fatalf("from %d: %d events of %d keys, want %d of %d", first, x.size(), x.last.used, len(kept), len(last))
		}
		for _, k := range keys {
			if got := x.latest(k); got != last[k] {
				t.Fatalf("from %d: the latest of a key is %d, want %d", first, got, last[k])
			}
		}
		for seq, n := range kept {
			if _, is := kept[n.before]; !is {
				n.before = 0
			}
			if got := x.before(seq); got != n.before {
				t.Fatalf("from %d: before %d is %d, want %d", first, seq, got, n.before)
			}
			if got := x.same(n.key, n.identity); got != seq {
				t.Fatalf("from %d: the event %d is found as %d", first, seq, got)
			}
		}
	}
}

func TestIndexTakesWhatComesBeforeItsFirst(t *testing.T) {
	x := newIndex()
	a, b := x.key("c", "a"), x.key("c", "b")
	x.add(2*chunkLen, a, byID)
	x.add(2*chunkLen-1, b, byID)
	x.add(5, b, byRecord)
	if x.latest(a) != 2*chunkLen || x.latest(b) != 2*chunkLen-1 || x.size() != 3 {
		t.Errorf("latest %d and %d of %d events", x.latest(a), x.latest(b), x.size())
	}
}
