package journal

import "time"

const (
	// batchFrom is how many must wait for a batch to be cheaper than single ones. A
	// batch costs the store several fsyncs and files of its own, however many messages
	// are in it.
	batchFrom = 8
	// stagedFrom is the same where batches are staged in memory and cost one fsync: then
	// quickFrom are cheaper than as many fsyncs, and stagedFrom where an fsync is slow.
	stagedFrom, quickFrom = 3, 5
	// slowSingle is how long a single one takes where an fsync is slow.
	slowSingle = 2 * time.Millisecond
	// gatherFrom is how many in a batch show that more come soon enough to wait for.
	// With fewer, those that wait lose more time than the store saves.
	gatherFrom = 8
	// maxGather bounds how long what came first waits for more to share a batch with.
	maxGather = 5 * time.Millisecond
	// gatherUpTo is how many are not made to wait for more.
	gatherUpTo = 256
)

// pace is how a publisher goes on, by how long the last publications took.
type pace struct {
	// from is batchFrom or stagedFrom.
	from int
	// slow tells that an fsync takes long.
	slow bool
	// gather is how long the next one waits for more.
	gather time.Duration
}

// least is how many make a batch.
func (c *pace) least() int {
	if c.slow {
		return c.from
	}
	return max(c.from, quickFrom)
}

// single takes in how long it took to store n one after another.
func (c *pace) single(n int, took time.Duration) {
	c.slow, c.gather = took > time.Duration(n)*slowSingle, 0
}

// batch takes in how long a batch of n took. The next gathers for as long, which keeps
// half of the time for either.
func (c *pace) batch(n int, took time.Duration) {
	c.gather = 0
	if n >= gatherFrom {
		c.gather = min(took, maxGather)
	}
}
