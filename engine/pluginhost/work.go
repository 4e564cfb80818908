package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// maxCallBytes bounds what one call carries, well under the bound of a message.
const maxCallBytes = wire.MaxMessageBytes / 4

// endSeen is how long the end of a process that broke a call may take to be seen,
// on a machine that has much else to do.
const endSeen = 2 * time.Second

// Write does one operation for each record and calls each with the result of
// every record, exactly once and from one goroutine, in any order. Indexes are
// unique among the records. The error is nil then. It is not nil, and nothing
// was sent and each not called, where the operation is none of the plugin's or
// two records have one index.
//
// A record whose result is missing when the call breaks gets a failure of class
// Unknown with the code plugin_lost; one that the plugin says nothing of,
// no_result; one whose result ctx did not wait for, not_awaited. One that was
// not sent at all gets class Transient: plugin_down without a process, not_sent
// where ctx ended before its turn. One too large for a message is Invalid,
// too_large.
func (c *Connection) Write(ctx context.Context, operation string, records []wire.Record, each func(wire.WriteResult)) error {
	spec := c.Spec()
	if !has(spec.Operations, operation, func(o wire.OperationSpec) string { return o.Name }) {
		return fmt.Errorf("connection %s: plugin %s has no operation %s", c.config.Name, c.config.Plugin, operation)
	}
	return work[wire.Record, wire.WriteResult]{
		c:    c,
		lost: wire.Unknown,
		size: func(r wire.Record) int { return len(r.Data) + len(r.Key) + 32 },
		id:   func(r wire.Record) uint32 { return r.Index },
		of:   func(r wire.WriteResult) uint32 { return r.Index },
		call: func(ctx context.Context, p *process, part []wire.Record, got func(wire.WriteResult)) error {
			return p.client.Write(ctx, operation, part, got)
		},
		each: func(r wire.WriteResult) {
			r.Failure = c.hidden(r.Failure)
			each(r)
		},
		fail: func(index uint32, f *wire.Failure) wire.WriteResult {
			return wire.WriteResult{Index: index, Failure: f}
		},
	}.do(ctx, records)
}

// Find answers each question and calls each with every answer, exactly once and
// from one goroutine, in any order. It is Write for lookups, but that a lookup
// changes nothing: what would be Unknown there is Transient here, with the same
// codes.
func (c *Connection) Find(ctx context.Context, lookup string, questions []wire.Question, each func(wire.Answer)) error {
	spec := c.Spec()
	if !has(spec.Lookups, lookup, func(l wire.LookupSpec) string { return l.Name }) {
		return fmt.Errorf("connection %s: plugin %s has no lookup %s", c.config.Name, c.config.Plugin, lookup)
	}
	return work[wire.Question, wire.Answer]{
		c:    c,
		lost: wire.Transient,
		size: func(q wire.Question) int { return len(q.Args) + 32 },
		id:   func(q wire.Question) uint32 { return q.Index },
		of:   func(a wire.Answer) uint32 { return a.Index },
		call: func(ctx context.Context, p *process, part []wire.Question, got func(wire.Answer)) error {
			return p.client.Find(ctx, lookup, part, got)
		},
		each: func(a wire.Answer) {
			a.Failure = c.hidden(a.Failure)
			each(a)
		},
		fail: func(index uint32, f *wire.Failure) wire.Answer {
			return wire.Answer{Index: index, Failure: f}
		},
	}.do(ctx, questions)
}

// work sends entries In in calls that fit, and sees to it that each has exactly
// one result Out.
type work[In, Out any] struct {
	c *Connection
	// lost is the class of what was sent and has no result.
	lost wire.Class
	size func(In) int
	id   func(In) uint32
	of   func(Out) uint32
	call func(ctx context.Context, p *process, part []In, got func(Out)) error
	each func(Out)
	fail func(index uint32, f *wire.Failure) Out
}

func (w work[In, Out]) do(ctx context.Context, all []In) error {
	seen := make(map[uint32]struct{}, len(all))
	for _, in := range all {
		if _, twice := seen[w.id(in)]; twice {
			return fmt.Errorf("connection %s: two entries of a batch have the index %d", w.c.config.Name, w.id(in))
		}
		seen[w.id(in)] = struct{}{}
	}
	most := min(wire.MaxBatch, w.c.config.Concurrency)
	part, bytes := make([]In, 0, min(len(all), most)), 0
	flush := func() {
		if len(part) > 0 {
			w.part(ctx, part)
		}
		part, bytes = part[:0], 0
	}
	for _, in := range all {
		size := w.size(in)
		if size > wire.MaxMessageBytes-1024 {
			w.each(w.fail(w.id(in), &wire.Failure{
				Class: wire.Invalid, Code: "too_large",
				Message: fmt.Sprintf("%d bytes are more than a plugin can be sent at once (%d)", size, wire.MaxMessageBytes-1024),
			}))
			continue
		}
		if len(part) == most || bytes+size > maxCallBytes {
			flush()
		}
		part, bytes = append(part, in), bytes+size
	}
	flush()
	return nil
}

// part makes one call.
func (w work[In, Out]) part(ctx context.Context, part []In) {
	open := make(map[uint32]struct{}, len(part))
	for _, in := range part {
		open[w.id(in)] = struct{}{}
	}
	failOpen := func(f *wire.Failure) {
		for _, in := range part {
			if _, still := open[w.id(in)]; still {
				w.each(w.fail(w.id(in), f))
			}
		}
	}
	if err := w.c.slots.Acquire(ctx, int64(len(part))); err != nil {
		failOpen(&wire.Failure{Class: wire.Transient, Code: "not_sent", Message: fmt.Sprintf("the time was over before it could be sent: %v", err)})
		return
	}
	defer w.c.slots.Release(int64(len(part)))
	p, done, err := w.c.begin()
	if err != nil {
		failOpen(w.c.down(err))
		return
	}
	defer done()
	err = w.call(ctx, p, part, func(out Out) {
		if _, wanted := open[w.of(out)]; !wanted {
			w.c.logs.log.Warn("the plugin gave a result that nobody waits for; it is left out", "index", w.of(out))
			return
		}
		delete(open, w.of(out))
		w.each(out)
	})
	if len(open) > 0 {
		failOpen(w.broken(ctx, p, err))
	}
}

// broken is the failure of entries without a result after a call.
func (w work[In, Out]) broken(ctx context.Context, p *process, err error) *wire.Failure {
	var unsent *unsentError
	switch {
	case err == nil:
		return &wire.Failure{Class: w.lost, Code: "no_result", Message: fmt.Sprintf("plugin %s gave no result for it", w.c.config.Plugin)}
	case errors.As(err, &unsent) && ctx.Err() != nil:
		return &wire.Failure{Class: wire.Transient, Code: "not_sent", Message: fmt.Sprintf("the time was over before it could be sent: %v", ctx.Err())}
	case errors.As(err, &unsent):
		w.c.suspect()
		return w.c.down(errors.New(w.c.lost(err)))
	}
	w.c.suspect()
	message := w.c.lost(err)
	// The call often breaks a moment before the process is seen to have ended, or
	// before ctx is seen to have: the plugin knows its deadline, too.
	select {
	case <-p.gone:
		message = w.c.logs.redact(fmt.Sprintf("plugin %s: %v", w.c.config.Plugin, p.why()))
	case <-ctx.Done():
		return &wire.Failure{Class: w.lost, Code: "not_awaited", Message: fmt.Sprintf("the time was over before plugin %s answered: %v", w.c.config.Plugin, ctx.Err())}
	case <-time.After(endSeen):
	}
	return &wire.Failure{Class: w.lost, Code: "plugin_lost", Message: message}
}
