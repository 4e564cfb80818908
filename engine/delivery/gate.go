package delivery

import (
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// gate holds back all records of the lane while the sink's connection as a whole
// is not to be asked: it is rate limited, or its credentials are refused (D4).
// When it opens again, one record goes first, and then with each answer more, so
// that a limit that still holds is not met by everything at once.
type gate struct {
	max   int
	until time.Time
	// why is the failure that closed it, nil once a record has passed again.
	why *wire.Failure
	// closures counts in turn the closures without a record passing between.
	closures int
	// generation counts closures; out is how many records of this generation are at
	// the sink, and ramp how many may be.
	generation uint64
	out, ramp  int
}

func newGate(limit int) gate { return gate{max: limit, ramp: limit} }

// open tells whether records may go now.
func (g *gate) open(now time.Time) bool { return !now.Before(g.until) }

// room gives how many of want records may go now.
func (g *gate) room(now time.Time, want int) int {
	if !g.open(now) {
		return 0
	}
	if g.ramp >= g.max {
		return want
	}
	return max(0, min(want, g.ramp-g.out))
}

// sent notes that it goes to the sink, back that its result is there.
func (g *gate) sent(it *item) {
	it.generation = g.generation
	g.out++
}

func (g *gate) back(it *item) {
	if it.generation == g.generation {
		g.out--
	}
}

// close shuts the gate for wait because of f, the failure of it. What was sent
// before the gate last shut tells nothing new, unless the sink itself asks for a
// longer wait. It tells whether the gate was open before.
func (g *gate) close(it *item, f *wire.Failure, now time.Time, b Backoff) (first bool) {
	asked := min(f.RetryAfter, maxWait)
	if it.generation == g.generation {
		first = g.why == nil
		g.closures++
		g.generation++
		g.out, g.ramp = 0, 1
		g.why = f
		if asked <= 0 {
			asked = b.after(g.closures)
		}
	}
	if until := now.Add(asked); until.After(g.until) {
		g.until = until
	}
	return first
}

// passed notes an answer that neither a limit nor credentials caused. certain
// tells that the far system itself gave it. It tells whether this ends a closure.
func (g *gate) passed(certain bool) (again bool) {
	if g.ramp < g.max {
		g.ramp++
	}
	if !certain || g.why == nil {
		return false
	}
	g.why, g.closures = nil, 0
	return true
}
