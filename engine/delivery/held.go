package delivery

import "time"

// park keeps the body of an item that has to wait, as long as the bodies of such
// fit the budget. Beyond it the item is held by its sequence alone, and a worker
// reads the body again when its time comes.
func (r *Runner) park(it *item) {
	switch {
	case it.ev == nil || it.weighed:
	case r.heldBytes+it.size <= r.o.BodyBudget:
		it.weighed = true
		r.heldBytes += it.size
	default:
		it.ev = nil
	}
}

// unpark takes the body out of the budget.
func (r *Runner) unpark(it *item) {
	if it.weighed {
		it.weighed = false
		r.heldBytes -= it.size
	}
}

// enter moves an item to another state and keeps count.
func (r *Runner) enter(it *item, s state) {
	switch was, is := it.state.live(), s.live(); {
	case is && !was:
		r.unpark(it)
		r.liveBytes += it.size
	case was && !is:
		r.liveBytes -= it.size
	}
	r.counts[it.state]--
	r.counts[s]++
	it.state = s
}

// live counts the items that are neither waiting nor finished.
func (r *Runner) live() int {
	return r.counts[transforming] + r.counts[questioning] + r.counts[ready] + r.counts[sending] + r.counts[committing]
}

// atHand counts all items.
func (r *Runner) atHand() int {
	return r.live() + r.counts[waiting] + r.counts[retrying] + r.counts[runnable]
}

// hasRoom tells whether one more item may go live. One always may.
func (r *Runner) hasRoom() bool {
	n := r.live()
	return n == 0 || n < r.o.window() && r.liveBytes < r.o.BodyBudget
}

// maxDoubtful bounds the events at hand while those that an earlier reader may have
// sent wait together for the same time: after a crash that is all of the backlog, and
// what is read of it meanwhile only takes memory.
const maxDoubtful = 5000

// order gives how many events to read next: as many as can go live, and no more
// than may be at hand. Events of keys that wait fill the latter and leave the
// former alone, so that other keys go on as long as there is room (D3).
func (r *Runner) order(now time.Time) int {
	if r.runnable.len() > 0 || !r.hasRoom() {
		return 0
	}
	n := min(
		r.o.window()-r.live()-r.commit.pending(),
		r.o.MaxHeld-r.atHand(),
		maxRead,
	)
	if now.Before(r.settled) {
		n = min(n, max(maxDoubtful, r.o.window())-r.atHand())
	}
	if left := r.o.BodyBudget - r.liveBytes; r.meanSize > 0 {
		n = min(n, 1+left/r.meanSize)
	}
	return max(n, 0)
}

// weigh keeps the mean size of events, of which the last count most.
func (r *Runner) weigh(it *item) {
	if r.meanSize == 0 || it.size > r.meanSize {
		r.meanSize = it.size
		return
	}
	r.meanSize += (it.size - r.meanSize) / 16
}
