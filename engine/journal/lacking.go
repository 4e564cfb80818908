package journal

import (
	"maps"
	"slices"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Engines of a cluster do not get a new mapping at the same moment. One that does not
// have it reads its partitions on, and each of them stays marked as behind for that
// mapping: from where such a reader has begun, it is gone over again by the next one
// that has it, for what has no outcome under it.

// passedBy is the life of a mapping that the reader of a partition does not have: the
// partition is behind it from at on. Nil where that is known.
func (l *life) passedBy(part int, at uint64, parts int) *life {
	b := l.Behind
	if b != nil {
		switch was, back := b.Until[part]; {
		case !back && b.From <= at:
			return nil
		case back && was <= at:
			b = b.at(part, 0, parts) // it is through with what it went back for
		}
	}
	next := &behind{From: max(at, l.From), Until: map[int]uint64{}}
	if b != nil {
		next.From, next.Until = min(next.From, b.From), maps.Clone(b.Until)
	} else {
		for n := range parts {
			next.Until[n] = 0
		}
	}
	delete(next.Until, part)
	now := *l
	now.Behind = next
	return &now
}

// IsBehind tells whether a partition that is open has to be opened again for one of the
// mappings that its reader has by now: it was read without that.
func (j *Journal) IsBehind(lane event.Lane, partition int, mappings []string) bool {
	for _, l := range j.lives.of(lane) {
		if l.Behind == nil || !l.running() || !slices.Contains(mappings, l.Mapping) {
			continue
		}
		if _, back := l.Behind.Until[partition]; !back {
			return true
		}
	}
	return false
}

// Lacking gives the mappings of a lane that run on other engines of a cluster and are
// not among those of this one: events wait for them wherever this one reads.
func (j *Journal) Lacking(lane event.Lane, mappings []string) []string {
	if j.follow == nil {
		return nil
	}
	var out []string
	for _, l := range j.lives.of(lane) {
		if l.running() && !slices.Contains(mappings, l.Mapping) {
			out = append(out, l.Mapping)
		}
	}
	return out
}
