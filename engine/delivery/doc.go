// Package delivery carries the accepted events of one lane to its sink: it reads
// them in sequence, runs the lane's mappings, sends the records in batches, tries
// again what failed for now, gives up what can never pass, and has the outcomes
// stored. It keeps these promises of the engine, which code and tests cite:
//
//   - D2: an event ends in exactly one outcome for each mapping that wants it.
//   - D3: events of one key go out in the order they were accepted, one at a time;
//     the next goes out only after the outcome of the one before is stored.
//     Different keys do not wait for each other.
//   - D4: an outage, slowness, a rate limit or a refused credential of the sink
//     delays; it never drops and never dead-letters.
//   - D5: a record whose earlier attempt may have succeeded says so, and does not
//     go out before that attempt can no longer take effect.
//   - D6: an event older than one already delivered for its key is superseded.
//   - D7: a retry takes the way of live traffic, mapping included.
//
// A [Runner] is one goroutine that owns the state of every event at hand, and
// some that work for it and know no state:
//
//	reader ──▶ ┌───────┐ ──▶ mapping workers (and reloading of bodies)
//	           │ state │ ──▶ calls to the sink, results streaming back
//	           │       │ ──▶ calls to lookups, answers streaming back
//	           └───────┘ ──▶ committer
//
// An event at hand is an item (item.go). The first of its key is live: it is
// mapped, ready, sending and committing in turn; while its mapping needs to know
// something of another system it asks, and is mapped again (asking.go). The others of
// the key wait behind it, and it waits itself between two attempts; what waits is held,
// and beyond a budget without its body (held.go).
package delivery
