package journal

import (
	"context"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// maxEarly bounds the replays of a lane that are known to go ahead; beyond it they
// come in their turn.
const maxEarly = 100_000

// early are the replays of a lane that go ahead of what it has not read yet: a retry
// waits behind nothing but its own key, however long the backlog is.
type early struct {
	// queue are those that were not handed out, in their order.
	queue []uint64
	// out are those that were handed out before the consumer came to them; true once
	// they are done.
	out map[uint64]bool
	// turn gives a single place to one of them or to what the consumer has, in turn.
	turn bool
}

// hasten has the open lanes that read a replay go for it soon. Its key's chain is
// known by then. On a cluster the engine that reads its partition does so, whichever
// has put it on its way.
func (j *Journal) hasten(e *event.Event) {
	var lanes []*Lane
	part := j.partition(e.Key)
	j.mu.Lock()
	for p, l := range j.lanes {
		if p.n == part && p.Source == e.Connection && (e.Replay.Sink == "" || e.Replay.Sink == p.Sink) {
			lanes = append(lanes, l)
		}
	}
	j.mu.Unlock()
	for _, l := range lanes {
		l.mu.Lock()
		if len(l.early.queue) < maxEarly {
			l.early.queue = append(l.early.queue, e.Sequence)
		}
		l.mu.Unlock()
	}
}

// earlyBefore finds the replays that wait when a lane is opened.
func (l *Lane) earlyBefore() {
	l.mu.Lock() // it may be hastened by now
	defer l.mu.Unlock()
	l.early.queue = nil
	picked := l.j.kinds.picks(func(connection, _ string) bool { return connection == l.name.Source })
	for _, seq := range l.j.past.replaysFrom(max(l.floor, l.until), l.part.n) {
		if len(l.early.queue) < maxEarly && l.j.kinds.among(picked, seq) && len(l.j.past.ended(seq, l.name)) == 0 {
			l.early.queue = append(l.early.queue, seq)
		}
	}
}

// replaysFrom gives the replays in a partition from a sequence on, in order.
func (p *past) replaysFrom(lowest uint64, part int) []uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []uint64
	for seq, r := range p.repeated {
		if seq >= lowest && int(r.part) == part {
			out = append(out, seq)
		}
	}
	slices.Sort(out)
	return out
}

// takeEarly hands replays out ahead of their turn: at most half of limit.
func (l *Lane) takeEarly(ctx context.Context, limit int) []Delivery {
	most := limit / 2
	if limit == 1 {
		if l.early.turn = !l.early.turn; l.early.turn {
			most = 1
		}
	}
	var out []Delivery
	for len(out) < most {
		seq, ok := l.nextEarly()
		if !ok {
			break
		}
		e, err := l.j.load(ctx, seq)
		if err != nil {
			continue // it comes in its turn, which tells what is the matter
		}
		l.mu.Lock()
		d := Delivery{Event: e, PossiblySent: l.doubts.has(seq), Done: l.j.past.ended(seq, l.name)}
		if d.PossiblySent {
			d.Unsent = l.marks.unsent(seq)
		}
		h := &held{prior: d.PossiblySent}
		for mapping := range d.Done {
			h.note(mapping)
		}
		l.held[seq] = h
		if l.early.out == nil {
			l.early.out = map[uint64]bool{}
		}
		l.early.out[seq] = false
		l.mu.Unlock()
		out = append(out, d)
	}
	return out
}

// nextEarly gives the next replay that may go ahead: nothing of its key that came
// before it is unread (D3). What may not comes in its turn.
func (l *Lane) nextEarly() (uint64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := &l.early
	for len(q.queue) > 0 {
		seq := q.queue[0]
		q.queue = q.queue[1:]
		if l.given(seq) || seq < l.until || seq <= max(l.read, l.floor)+pullBatch {
			continue // it was, must not be, or comes with what the consumer has at hand
		}
		if before := l.j.index.before(seq); before == 0 || l.given(before) {
			return seq, true
		}
	}
	q.queue = nil
	return 0, false
}

// given tells whether an event was handed out, or need not be. The caller holds the
// lock.
func (l *Lane) given(seq uint64) bool {
	_, early := l.early.out[seq]
	return early || seq <= l.read || seq < l.floor
}

// came takes in that the consumer has come to an event that was handed out early, and
// tells whether it was. The caller holds the lock.
func (l *Lane) came(m *nats.Msg, seq uint64, at time.Time) (early bool, err error) {
	done, early := l.early.out[seq]
	if !early {
		return false, nil
	}
	delete(l.early.out, seq)
	l.read = seq
	delete(l.done, seq)
	if h := l.held[seq]; h != nil && !done {
		h.reply, h.at = m.Reply, at.UnixNano()
		return true, nil
	}
	if l.fence != nil {
		l.acked[seq] = acked{m.Reply, time.Now()}
	}
	return true, l.j.nc.Publish(m.Reply, []byte("+ACK"))
}
