package journal

import "maps"

// forget takes out the events before cut.
func (x *index) forget(cut uint64) {
	for {
		x.mu.Lock()
		if len(x.chunks) == 0 || x.base >= cut {
			x.mu.Unlock()
			return
		}
		c, end := x.chunks[0], min(cut, x.base+chunkLen)
		for seq := x.base; seq < end; seq++ {
			i := seq - x.base
			key, identity := c.key[i], c.identity[i]
			if identity == 0 {
				continue
			}
			if x.last.get(x, key) == seq {
				x.last.remove(x, key)
				delete(x.long, key)
			} else if long := x.long[key]; long != nil && long[identity] == seq {
				delete(long, identity)
			}
			c.key[i], c.identity[i], c.back[i] = 0, 0, 0
			x.count--
		}
		if end < x.base+chunkLen {
			x.mu.Unlock()
			return
		}
		x.chunks[0] = nil
		x.chunks = x.chunks[1:]
		x.base += chunkLen
		x.mu.Unlock()
	}
}

// forget takes out the numbers before cut.
func (t table) forget(cut uint64) {
	maps.DeleteFunc(t, func(i uint64, _ *[chunkLen]uint64) bool { return (i+1)*chunkLen <= cut })
	if c := t[cut/chunkLen]; c != nil {
		clear(c[:cut%chunkLen])
	}
}

// forgetEvents takes out the events before cut, and forgetOutcomes the outcomes.
func (p *past) forgetEvents(cut uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.newest.forget(cut)
	maps.DeleteFunc(p.replays, func(of uint64, _ []uint64) bool { return of < cut })
	maps.DeleteFunc(p.repeated, func(seq uint64, _ repeated) bool { return seq < cut })
}

func (p *past) forgetOutcomes(cut uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outcomes.forget(cut)
}

// keep remembers that a letter counts, whose outcome goes.
func (p *past) keep(l letter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept[l] = struct{}{}
}

// drop forgets a letter.
func (p *past) drop(l letter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.kept, l)
	delete(p.acts, l)
}

// only forgets the acts on letters that are not kept any more.
func (p *past) only(letters map[letter]uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.acts {
		if _, kept := letters[l]; !kept {
			delete(p.acts, l)
		}
	}
}
