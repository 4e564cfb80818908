package delivery

import (
	"slices"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// port is a lane's side of a gate.
type port struct {
	gate *Gate
	// source tells its keys from those of other lanes.
	source string
	// wake has the lane ask again. It neither waits nor calls the gate.
	wake func()
	// seen is the gate's count of reopenings that the lane has acted upon.
	seen uint64
	// waits tells that it got nothing when it asked last, and is in the queue. It is
	// the lane's own.
	waits bool
}

func (g *Gate) join(source string, wake func()) *port {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := &port{gate: g, source: source, wake: wake, seen: g.reopened}
	g.ports = append(g.ports, p)
	return p
}

// leave is called once no result is awaited any more, or nobody will wait for it.
func (p *port) leave(abandoned []*item) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, it := range abandoned {
		g.gone(it)
	}
	g.dequeue(p)
	g.wakeNext()
	g.ports = slices.DeleteFunc(g.ports, func(q *port) bool { return q == p })
}

// reopened tells, once for each time, that the gate has opened again.
func (p *port) reopened() bool {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	was := p.seen
	p.seen = p.gate.reopened
	return was != p.seen
}

// withdraw says that the lane has nothing to send.
func (p *port) withdraw() {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	p.gate.dequeue(p)
}

func (g *Gate) dequeue(p *port) {
	if i := slices.Index(g.queue, p); i >= 0 {
		g.queue = slices.Delete(g.queue, i, i+1)
		if i == 0 {
			g.wakeNext()
		}
	}
}

func (g *Gate) wakeNext() {
	if len(g.queue) > 0 {
		g.queue[0].wake()
	}
}

// take gives how many of the lane's records may go now, at most most: of doubtful
// ones, whose last attempt got no answer, and of fresh ones. What it gives counts as
// sent. again is when to ask again where that is known; otherwise the lane is woken.
// Lanes take turns where there is not enough for all: a lane that got nothing waits
// in the queue, and must withdraw if it does not ask again.
func (p *port) take(now time.Time, doubtful, fresh, most int) (d, f int, again time.Time) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	allowed := max(0, g.allowed-g.doubtful)
	demand := min(doubtful, allowed) + fresh
	want := min(most, demand)
	if want == 0 {
		p.waits = false
		return 0, 0, now.Add(time.Second) // all are doubtful, and enough of those are out
	}
	p.waits = true
	if !slices.Contains(g.queue, p) {
		g.queue = append(g.queue, p)
	}
	if g.queue[0] != p {
		g.wakeNext()
		return 0, 0, time.Time{}
	}
	free := g.o.Concurrency - g.out
	if g.ramp < g.o.Concurrency {
		free = min(free, g.ramp-g.current)
	}
	if g.bucket != nil {
		tokens := g.bucket.TokensAt(now)
		if tokens < 1 {
			return 0, 0, now.Add(g.lack(1 - tokens))
		}
		free = min(free, int(tokens))
	}
	if free <= 0 {
		g.gathering = time.Time{}
		return 0, 0, time.Time{}
	}
	if free < min(demand, g.o.Concurrency/4) && g.ramp >= g.o.Concurrency && g.bucket == nil {
		if g.gathering.IsZero() {
			g.gathering = now
		}
		if soon := g.gathering.Add(gather); now.Before(soon) {
			return 0, 0, soon
		}
	}
	g.gathering = time.Time{}
	n := min(want, free)
	if others := len(g.queue) - 1; others > 0 {
		n = min(n, max(1, free/(others+1)))
	}
	d = min(doubtful, allowed, n)
	if n == 1 && d > 0 && fresh > 0 { // a single place goes to either in turn
		if g.turn = !g.turn; g.turn {
			d = 0
		}
	}
	f = min(fresh, n-d)
	n = d + f
	g.out += n
	g.current += n
	g.doubtful += d
	if g.bucket != nil {
		g.bucket.AllowN(now, n)
	}
	p.waits = false
	g.queue = g.queue[1:]
	if n < want {
		g.queue = append(g.queue, p)
	}
	if len(g.queue) > 0 && g.queue[0] != p {
		g.wakeNext()
	}
	return d, f, time.Time{}
}

// lack is how long it takes until so much of a token is there.
func (g *Gate) lack(tokens float64) time.Duration {
	return max(time.Millisecond, time.Duration(tokens/g.o.Rate*float64(time.Second)))
}

// mark notes on an item that is sent what its result will be held against.
func (p *port) mark(it *item, doubtful bool) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	it.generation, it.passes, it.inDoubt = g.generation, g.passes, doubtful
}

// back takes the result of a record and decides whether it concerns all of them:
// then until is when the sink is tried again, and zero otherwise.
func (p *port) back(it *item, failure *wire.Failure, now time.Time) (until time.Time) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	g.heard = now
	current := g.gone(it)
	defer g.wakeNext()
	if failure == nil {
		g.answered(it, current, now)
		return time.Time{}
	}
	switch failure.Class {
	case wire.Invalid, wire.NotFound, wire.Ambiguous:
		g.answered(it, current, now)
		return time.Time{}
	case wire.RateLimited, wire.Auth:
		kind := GateLimited
		if failure.Class == wire.Auth {
			kind = GatePaused
		}
		if current {
			g.shut(kind, failure, now)
		} else if until := now.Add(min(failure.RetryAfter, maxWait)); until.After(g.until) {
			// It was sent before the gate shut, and tells nothing new but this.
			g.until = until
		}
		return g.until
	case wire.Transient, wire.Unknown:
	}
	if it.inDoubt {
		g.allowed = max(doubtfulAtLeast, g.allowed/2)
	}
	if !current {
		return time.Time{}
	}
	if g.why != nil && g.kind != GateLimited {
		g.shut(GateBroken, failure, now)
		return time.Time{}
	}
	// What was sent before the last record passed does not speak against that.
	if it.passes == g.passes {
		if g.failing[p.source+"\x00"+it.key] = struct{}{}; len(g.failing) >= tripAt {
			g.shut(GateBroken, failure, now)
			return time.Time{}
		}
	}
	g.passed(false, now)
	return time.Time{}
}

// gone frees the place of a record and tells whether it was sent since the gate
// shut last.
func (g *Gate) gone(it *item) (current bool) {
	g.out--
	if current = it.generation == g.generation; current {
		g.current--
	}
	if it.inDoubt {
		g.doubtful--
	}
	return current
}

// answered notes that the far system dealt with a record.
func (g *Gate) answered(it *item, current bool, now time.Time) {
	g.passes++
	clear(g.failing)
	if it.inDoubt {
		g.allowed = min(g.allowed+1, g.o.Concurrency)
	}
	if current {
		g.passed(true, now)
	}
}

// silent tells for how long the sink has given no result at all.
func (g *Gate) silent(now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return now.Sub(g.heard)
}
