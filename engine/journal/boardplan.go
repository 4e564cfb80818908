package journal

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nuid"
)

// planned is a change of the board, to be carried out where the board takes it.
type planned struct {
	changed bool
	name    string
	beat    uint64
	took    []lanePart
}

// plan changes n as this engine wants it to be. The caller holds the lock.
func (b *board) plan(n *notice, now time.Time) planned {
	p := planned{name: b.name, beat: b.beat}
	if p.name == "" {
		b.candidate = cmp.Or(b.candidate, b.host+"-"+nuid.Next())
		p.name = b.candidate
	}
	lanes := slices.Sorted(maps.Keys(b.lanes))
	mine := n.Engines[p.name]
	if m := b.until.Load(); mine == nil || !slices.Equal(mine.Lanes, lanes) || !equalRefusals(mine.Refused, b.refused) || m == nil || time.Until(m.steady) < b.lease/3 {
		if mine != nil {
			p.beat = max(p.beat, mine.Beat) // a change may have got no answer
		}
		p.beat++
		n.Engines[p.name] = &sign{Beat: p.beat, Lanes: lanes, Refused: b.refused}
		p.changed = true
	}
	b.bury(n, p.name, now, &p)
	b.share(n, &p)
	return p
}

// bury takes engines off the board that have given no sign for a lease's length.
func (b *board) bury(n *notice, self string, now time.Time, p *planned) {
	maps.DeleteFunc(b.seen, func(name string, _ seen) bool { return n.Engines[name] == nil })
	for name, s := range n.Engines {
		last, known := b.seen[name]
		switch {
		case name == self:
		case !b.former[name].IsZero():
			if now.Sub(b.former[name]) >= b.lease {
				delete(n.Engines, name)
				p.changed = true
			}
		case !known || last.beat != s.Beat:
			b.seen[name] = seen{s.Beat, now}
		case now.Sub(last.at) >= b.lease:
			b.log.Warn("an engine gives no sign of life any more: its partitions are free", "engine", name, "since", last.at.UTC())
			delete(n.Engines, name)
			p.changed = true
		}
	}
	for part, owner := range n.Leases {
		if n.Engines[owner] == nil {
			delete(n.Leases, part)
			p.changed = true
		}
	}
}

// share takes free partitions up to this engine's share of each lane, and asks for
// one to be given back where it has more.
func (b *board) share(n *notice, p *planned) {
	counts, engines := map[string]int{}, map[string]int{}
	for part, owner := range n.Leases {
		if owner == p.name {
			counts[laneOfPart(part)]++
		}
	}
	b.drop(n, counts, p)
	for _, s := range n.Engines {
		for _, l := range s.Lanes {
			engines[l]++
		}
	}
	wanted := slices.SortedFunc(maps.Keys(b.wants), func(a, b lanePart) int {
		return cmp.Or(cmp.Compare(laneName(a.Lane), laneName(b.Lane)), cmp.Compare(a.n, b.n))
	})
	for _, part := range wanted {
		name, lane := part.String(), laneName(part.Lane)
		most := share(b.parts, engines[lane])
		switch owner := n.owner(name); {
		case owner == p.name && counts[lane] > most: // it was given back to leave it to others
			delete(n.Leases, name)
			counts[lane]--
			p.changed = true
		case owner == "" && counts[lane] < most:
			n.Leases[name] = p.name
			counts[lane]++
			fallthrough
		case owner == p.name:
			p.took = append(p.took, part)
			p.changed = true
		}
	}
	for _, part := range slices.SortedFunc(maps.Keys(b.held), func(a, b lanePart) int { return cmp.Compare(b.n, a.n) }) {
		if lane := laneName(part.Lane); counts[lane] > share(b.parts, engines[lane]) {
			b.held[part].ask()
			counts[lane]--
		}
	}
}

// drop gives back what this engine neither holds nor wants.
func (b *board) drop(n *notice, counts map[string]int, p *planned) {
	needed := map[string]bool{}
	for part := range b.held {
		needed[part.String()] = true
	}
	for part := range b.wants {
		needed[part.String()] = true
	}
	for part, owner := range n.Leases {
		if owner == p.name && !needed[part] {
			delete(n.Leases, part)
			counts[laneOfPart(part)]--
			p.changed = true
		}
	}
}

// share is how many of parts each of so many engines reads at most.
func share(parts, engines int) int { return (parts + max(engines, 1) - 1) / max(engines, 1) }
