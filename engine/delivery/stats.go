package delivery

import (
	"container/heap"
	"slices"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// Totals count since the Runner was made.
type Totals struct {
	// Read events came from the journal; Finished ones have all of their outcomes
	// stored; Unwanted ones no mapping wants any more.
	Read, Finished, Unwanted uint64
	// Outcomes, by what they are.
	Delivered, Skipped, Superseded, Dead uint64
	// Calls to the sink, Failures among the results, and Retries because of them.
	Calls, Failures, Retries uint64
	// LookupCalls to lookups, and LookupFailures among the answers.
	LookupCalls, LookupFailures uint64
}

// Stats are a Runner's state at one moment.
type Stats struct {
	Totals
	// Mapping, Asking, Ready, Sending and Committing are the events that are on their
	// way; Asking ones wait for answers of lookups.
	Mapping, Asking, Ready, Sending, Committing int
	// Retrying events wait for their next attempt, Waiting ones behind another
	// event of their key, Runnable ones for room.
	Retrying, Waiting, Runnable int
	// BodyBytes is what the events at hand weigh in memory, roughly.
	BodyBytes int
	// Gate is how the way to the sink stands, for all lanes that end there.
	Gate GateStats
	// Draining tells that Run's context has ended.
	Draining bool
}

// AtHand counts the events that were read and are not finished.
func (s Stats) AtHand() int {
	return s.Mapping + s.Asking + s.Ready + s.Sending + s.Committing + s.Retrying + s.Waiting + s.Runnable
}

// Stats tells how the lane stands. It may be called at any time.
func (r *Runner) Stats() Stats {
	gate := r.gate.Stats()
	r.mu.Lock()
	defer r.mu.Unlock()
	return Stats{
		Totals:  r.total,
		Mapping: r.counts[transforming], Asking: r.counts[questioning], Ready: r.counts[ready],
		Sending: r.counts[sending], Committing: r.counts[committing],
		Retrying: r.counts[retrying], Waiting: r.counts[waiting], Runnable: r.counts[runnable],
		BodyBytes: r.liveBytes + r.heldBytes,
		Gate:      gate, Draining: r.draining,
	}
}

// Retry is an event that waits for its next attempt.
type Retry struct {
	Sequence uint64
	Key      string
	// Mapping is the one that its record was made with.
	Mapping string
	// Attempts counts how often the record was sent; 0 if it waits because an
	// earlier run of the engine may have sent it.
	Attempts int
	// Next is when it goes out again, at the earliest.
	Next time.Time
	// PossiblySent tells that an attempt may have taken effect.
	PossiblySent bool
	// Failure is the last one, nil if there was none.
	Failure *wire.Failure
}

// Retrying gives up to limit events that wait for their next attempt, the next first.
func (r *Runner) Retrying(limit int) []Retry {
	gate := r.gate.Stats()
	r.mu.Lock()
	defer r.mu.Unlock()
	places := candidates{&r.schedule, nil}
	if len(r.schedule) > 0 {
		places.at = append(places.at, 0)
	}
	var out []Retry
	for len(out) < limit && len(places.at) > 0 {
		i, _ := heap.Pop(&places).(int)
		it := r.schedule[i]
		out = append(out, it.retry(gate))
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < len(r.schedule) {
				heap.Push(&places, child)
			}
		}
	}
	return slices.Clip(out)
}

// candidates walks a schedule in order without changing it: places whose parents
// were seen, the earliest first.
type candidates struct {
	of *schedule
	at []int
}

func (c candidates) Len() int           { return len(c.at) }
func (c candidates) Less(i, j int) bool { return c.of.Less(c.at[i], c.at[j]) }
func (c candidates) Swap(i, j int)      { c.at[i], c.at[j] = c.at[j], c.at[i] }

// Push is for the heap alone.
func (c *candidates) Push(x any) {
	if i, ok := x.(int); ok {
		c.at = append(c.at, i)
	}
}

// Pop is for the heap alone.
func (c *candidates) Pop() any {
	i := c.at[len(c.at)-1]
	c.at = c.at[:len(c.at)-1]
	return i
}
