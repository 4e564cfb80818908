package journal

import (
	"cmp"
	"slices"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// heir is a mapping that has taken the state of another over: the outcomes up to the
// place Through under the other's name are its own.
type heir struct {
	to      string
	through uint64
}

// rename notes that a mapping has another name since the place through in OUTCOMES.
func (p *past) rename(lane event.Lane, mapping, to string, through uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := under{lane, mapping}
	all := slices.DeleteFunc(p.heirs[u], func(h heir) bool { return h.through == through })
	all = append(all, heir{to, through})
	slices.SortFunc(all, func(a, b heir) int { return cmp.Compare(a.through, b.through) })
	p.heirs[u] = all
}

// heir gives the name that a mapping of a lane has now.
func (p *past) heir(lane event.Lane, mapping string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heirLocked(under{lane, mapping}, 0)
}

// now gives the name that a mapping of a lane has now which made an outcome at a place.
func (p *past) now(lane event.Lane, mapping string, place uint64) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heirLocked(under{lane, mapping}, place)
}

// heirLocked is heir for an outcome at a place, or for the first that had the name.
func (p *past) heirLocked(u under, place uint64) string {
	if len(p.heirs) == 0 {
		return u.mapping
	}
	for _, h := range p.heirs[u] {
		if place <= h.through {
			return h.to
		}
	}
	return u.mapping
}

// waitsFor tells whether an event has no outcome under a mapping, and is for it.
func (p *past) waitsFor(sequence uint64, lane event.Lane, mapping string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r, is := p.repeated[sequence]; is {
		if w := p.bounds[r.bound]; w.lane.Sink != "" && w.lane.Sink != lane.Sink ||
			w.mapping != "" && w.mapping != mapping && p.heirLocked(under{lane, w.mapping}, 0) != mapping {
			return false
		}
	}
	for place := p.newest.get(sequence); place != 0; {
		o := packed(p.outcomes.get(place))
		if o == 0 {
			break
		}
		if u := p.names[o.name()]; u.lane == lane && p.heirLocked(u, place) == mapping {
			return false
		}
		place = o.before()
	}
	return true
}

// bound gives the number of what a replay is for: names are kept once.
func (p *past) bound(r *event.Replay) uint32 {
	u := under{event.Lane{Sink: r.Sink}, r.Mapping}
	if u == (under{}) {
		return 0
	}
	id, known := p.boundIDs[u]
	if !known {
		id = uint32(len(p.bounds)) //nolint:gosec // as many as there are mappings
		p.bounds = append(p.bounds, u)
		p.boundIDs[u] = id
	}
	return id
}

// ended gives what became of an event in a lane, by the names that the mappings have
// now; nil if nothing did.
func (p *past) ended(sequence uint64, lane event.Lane) map[string]event.Kind {
	var out map[string]event.Kind
	for _, o := range p.of(sequence) {
		if o.lane != lane || o.mapping == "" {
			continue
		}
		if out == nil {
			out = map[string]event.Kind{}
		}
		out[o.mapping] = o.kind
	}
	return out
}
