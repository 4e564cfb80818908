package journal

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// On a cluster each engine has a plugin of its own for a connection, and one of them
// may decode while another cannot. So that the order of a connection is kept, its
// queue of undecoded requests is all engines' alike:
//
//   - The first request that is kept on requests.CONNECTION opens it. Its sender is
//     answered when every engine on the board has read that request: from then on none
//     of them takes a webhook of the connection past the queue.
//   - One engine decodes it, which holds a lease for that.
//   - A note of that engine on the same subject, behind the last request, closes it,
//     under the condition that nothing came behind that (hdrExpected): what another
//     engine has kept in the meantime keeps it open.
//
// An engine whose place on the board is not valid, or that has not read what was
// there when it came, takes webhooks neither way.

const (
	// hdrDone, of a note on a connection's subject, is the last request that is decoded.
	hdrDone = "Cw-Done"
	// hdrStored is, of a note, up to where in EVENTS the events of those requests are.
	hdrStored = "Cw-Stored"
	// hdrRepeats is, of a note, up to where in OUTCOMES it is said which of them are repeats.
	hdrRepeats = "Cw-Repeats"
	// hdrClosed tells that the note closes the queue.
	hdrClosed = "Cw-Closed"
)

// queues are those of all connections, as far as REQUESTS was read. Nil in an
// embedded journal.
type queues struct {
	// since is the last event that was there before REQUESTS was read first. The parts
	// behind it may be of requests that were kept after that.
	since uint64
	// outcomesSince is likewise the last outcome, of which those behind may tell of parts.
	outcomesSince uint64

	mu sync.Mutex
	by map[string]*queue
	// taken is what is kept of all connections, in bytes.
	taken int64
	// parts are those of the requests that wait.
	parts storedParts
}

// queue is what is kept of a connection.
type queue struct {
	// entries are the requests that no note says to be decoded, in their order.
	entries []keptEntry
	// done is the last request that is decoded, as far as this engine knows, and noted
	// the same as the last note says it.
	done, noted uint64
	// opener is the request that opened the queue, 0 while it is closed, and heard the
	// one of which it is known here that all engines have read it.
	opener, heard uint64
	// closed is closed with the queue.
	closed chan struct{}
	// refused are those that were refused when they were decoded, by their place.
	refused map[uint64]keptEntry
	// kept counts what this engine kept since its start.
	kept uint64

	// lease is this engine's right to decode; nil where it does not.
	lease *Lease
	// stored is the last event that this engine stored of the queue, repeats the last
	// outcome of a repeat, and ended how many requests, in bytes sizes, it is done with
	// since its last note at notedAt.
	stored     uint64
	repeats    uint64
	ended      int
	endedBytes int64
	notedAt    time.Time
}

// keptEntry is a message of REQUESTS.
type keptEntry struct {
	seq  uint64
	id   string
	size int64
}

func newQueues() *queues {
	return &queues{by: map[string]*queue{}, parts: storedParts{}}
}

// of gives a connection's; the caller holds the lock.
func (q *queues) of(connection string) *queue {
	c := q.by[connection]
	if c == nil {
		c = &queue{refused: map[uint64]keptEntry{}}
		q.by[connection] = c
	}
	return c
}

// waiting are the requests that are not decoded as far as this engine knows; the
// caller holds the lock.
func (c *queue) waiting() []keptEntry {
	at, _ := slices.BinarySearchFunc(c.entries, c.done+1, func(e keptEntry, seq uint64) int { return cmp.Compare(e.seq, seq) })
	return c.entries[at:]
}

// note is what an engine says of a connection's queue.
type note struct {
	done, stored, repeats uint64
	closed                bool
}

func (n note) message(connection string) *nats.Msg {
	h := nats.Header{
		hdrDone: {strconv.FormatUint(n.done, 10)}, hdrStored: {strconv.FormatUint(n.stored, 10)},
		hdrRepeats: {strconv.FormatUint(n.repeats, 10)},
	}
	if n.closed {
		h[hdrClosed] = []string{"1"}
	}
	return &nats.Msg{Subject: requestSubject(connection), Header: h, Data: []byte("{}")}
}

// noteOf reads a note; ok is false where the message is a request.
func noteOf(seq uint64, h nats.Header) (n note, ok bool, err error) {
	done := h.Get(hdrDone)
	if done == "" {
		return note{}, false, nil
	}
	if n.done, err = strconv.ParseUint(done, 10, 64); err == nil {
		n.stored, err = strconv.ParseUint(h.Get(hdrStored), 10, 64)
	}
	if repeats := h.Get(hdrRepeats); err == nil && repeats != "" { // an older engine's has none
		n.repeats, err = strconv.ParseUint(repeats, 10, 64)
	}
	if err != nil {
		return note{}, false, fmt.Errorf("note %d of the kept requests: %w", seq, err)
	}
	n.closed = h.Get(hdrClosed) != ""
	return n, true, nil
}

// noteRequest takes in the headers of a message of REQUESTS.
func (j *Journal) noteRequest(seq uint64, m *nats.Msg) error {
	q := j.queues
	subject, connection, _ := strings.Cut(m.Subject, ".")
	n, is, err := noteOf(seq, m.Header)
	if err != nil {
		return err
	}
	if is {
		j.noteNote(connection, seq, n)
		return nil
	}
	id, size, err := keptHeaders(seq, m.Header)
	if err != nil {
		return err
	}
	e := keptEntry{seq, id, size}
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.of(connection)
	if subject+"." == subjectRefused {
		if _, known := c.refused[seq]; !known {
			c.refused[seq] = e
			q.taken += e.size
		}
		return nil
	}
	c.entries = append(c.entries, e)
	q.taken += e.size
	if _, known := q.parts[id]; !known {
		q.parts[id] = nil
	}
	if c.opener == 0 {
		c.opener, c.closed = seq, make(chan struct{})
	}
	return nil
}

// noteNote takes in a note.
func (j *Journal) noteNote(connection string, seq uint64, n note) {
	q := j.queues
	q.mu.Lock()
	c := q.of(connection)
	c.noted, c.done = max(c.noted, n.done), max(c.done, n.done)
	through := n.done
	if n.closed { // nothing was behind the last one
		through = seq
		c.done = max(c.done, seq)
		if c.opener != 0 {
			c.opener = 0
			close(c.closed)
		}
	}
	at := 0
	for at < len(c.entries) && c.entries[at].seq <= through {
		q.taken -= c.entries[at].size
		at++
	}
	gone := slices.Clone(c.entries[:at])
	c.entries = slices.Delete(c.entries, 0, at)
	q.mu.Unlock()
	forget := func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		for _, e := range gone {
			delete(q.parts, e.id)
		}
	}
	if j.follow == nil { // at a start, before the events are read
		forget()
		return
	}
	// Their events and repeats may not be known here yet.
	j.follow.events.after(n.stored, func() { j.follow.outcomes.after(n.repeats, forget) })
}

// left is how many requests of a connection wait, at least one while its queue is
// not closed.
func (q *queues) left(connection string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.by[connection]
	if c == nil {
		return 0
	}
	n := len(c.waiting())
	if c.opener != 0 {
		return max(n, 1)
	}
	return n
}

// storedPart gives the sequence under which a part was stored, 0 if it was not.
func (q *queues) storedPart(part string) uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.parts.get(part)
}

// part notes that a part is stored.
func (q *queues) part(part string, seq uint64) {
	if part == "" {
		return
	}
	q.found(part, seq, seq <= q.since)
}

// repeated notes that a part repeats an event, as the outcome at place says.
func (q *queues) repeated(part string, original, place uint64) {
	q.found(part, original, place <= q.outcomesSince)
}

// found notes that a part is stored as event seq. before says that this was so before
// REQUESTS was read first.
func (q *queues) found(part string, seq uint64, before bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, waits := q.parts[requestOf(part)]; !waits && before {
		return // its request was decoded before
	}
	q.parts.set(part, seq)
}

// repeatedNow notes that this engine has stored the outcome of a repeat.
func (q *queues) repeatedNow(connection, part string, original, place uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.parts.set(part, original)
	c := q.of(connection)
	c.repeats = max(c.repeats, place)
}

// storedNow notes that this engine has seen an event of the queue stored.
func (q *queues) storedNow(connection string, seq uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.of(connection)
	c.stored = max(c.stored, seq)
}

// wasRefused tells whether a request that waits was refused already.
func (q *queues) wasRefused(connection, id string, kept uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for seq, e := range q.of(connection).refused {
		if e.id == id && seq > kept { // one that was put back stood there before
			return true
		}
	}
	return false
}

// dropRefused forgets a refused request that is gone.
func (q *queues) dropRefused(connection string, seq uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.of(connection)
	q.taken -= c.refused[seq].size
	delete(c.refused, seq)
}

// twice are the refused requests that were put back and not taken out.
func (q *queues) twice() []uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []uint64
	for _, c := range q.by {
		kept := map[string]uint64{}
		for _, e := range c.waiting() {
			kept[e.id] = e.seq
		}
		for seq, e := range c.refused {
			if kept[e.id] > seq {
				out = append(out, seq)
			}
		}
	}
	return out
}
