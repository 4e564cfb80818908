package journal

import (
	"fmt"
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
