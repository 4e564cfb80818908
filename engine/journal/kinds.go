package journal

import (
	"maps"
	"sync"
)

// sort is of which connection and type an event is.
type sort struct{ connection, typ string }

// kinds knows of each event that is kept its connection and its type, in 2 bytes,
// so that whoever looks for some of them reads only those. Beyond 65,535 sorts it
// does not know an event's, and says so.
type kinds struct {
	mu    sync.Mutex
	of    map[uint64]*[chunkLen]uint16 // by sequence
	ids   map[sort]uint16
	names []sort // names[0] stands for what is not known
}

func newKinds() *kinds {
	return &kinds{of: map[uint64]*[chunkLen]uint16{}, ids: map[sort]uint16{}, names: make([]sort, 1)}
}

// add notes the event at seq.
func (k *kinds) add(seq uint64, connection, typ string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := sort{connection, typ}
	id, known := k.ids[s]
	if !known && len(k.names) < 1<<16 {
		id = uint16(len(k.names)) //nolint:gosec // below 1<<16
		k.ids[s] = id
		k.names = append(k.names, s)
	}
	c := k.of[seq/chunkLen]
	if c == nil {
		c = new([chunkLen]uint16)
		k.of[seq/chunkLen] = c
	}
	c[seq%chunkLen] = id
}

// picks gives, by their numbers, the sorts that ok picks. What is not known is
// among them: only reading tells.
func (k *kinds) picks(ok func(connection, typ string) bool) []bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([]bool, len(k.names))
	for id, s := range k.names {
		out[id] = id == 0 || ok(s.connection, s.typ)
	}
	return out
}

// among tells whether the event at seq is of one of the picked sorts. What came
// after they were picked and is of a new sort is not.
func (k *kinds) among(picked []bool, seq uint64) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	id := uint16(0)
	if c := k.of[seq/chunkLen]; c != nil {
		id = c[seq%chunkLen]
	}
	return int(id) < len(picked) && picked[id]
}

// sort gives an event's connection and type, "" where they are not known.
func (k *kinds) sort(seq uint64) (connection, typ string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c := k.of[seq/chunkLen]; c != nil {
		s := k.names[c[seq%chunkLen]]
		return s.connection, s.typ
	}
	return "", ""
}

// between gives the events of a connection between two others.
func (k *kinds) between(connection string, after, before uint64) (out []uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for seq := after + 1; seq < before; seq++ {
		if c := k.of[seq/chunkLen]; c != nil && k.names[c[seq%chunkLen]].connection == connection {
			out = append(out, seq)
		}
	}
	return out
}

// forget takes out the events before cut.
func (k *kinds) forget(cut uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.of, func(i uint64, _ *[chunkLen]uint16) bool { return (i+1)*chunkLen <= cut })
}

// identified tells whether the event at seq may have this identity.
func (j *Journal) identified(seq, identity uint64) bool {
	is := j.index.identityOf(seq)
	if is == asReplay {
		// It has the id of the one that it repeats, as far as that is kept.
		origin, _ := j.past.origin(seq)
		if is = j.index.identityOf(origin); is == 0 {
			return true
		}
	}
	return is == identity
}
