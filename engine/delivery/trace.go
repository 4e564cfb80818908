package delivery

import (
	"log/slog"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/tracing"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// traced is the trace of an item, nil for one that has none: then nothing here costs
// more than to see that.
type traced struct {
	// parent is the event's Trace.
	parent string
	// replay tells that the event repeats another one.
	replay bool
	// send is the attempt that is under way.
	send *tracing.Span
}

// traceOf gives the trace of an event, which the item keeps longer than the event.
func traceOf(t *tracing.Tracer, ev *event.Event) *traced {
	if ev.Trace == "" || !t.On() {
		return nil
	}
	return &traced{parent: strings.Clone(ev.Trace), replay: ev.Replay != nil}
}

// clock gives the time where it is needed.
func (t *traced) clock() time.Time {
	if t == nil {
		return time.Time{}
	}
	return time.Now()
}

// about is what spans of an item tell under the mapping m.
func about(lane event.Lane, it *item, m *Mapping) *tracing.About {
	a := &tracing.About{
		Connection: lane.Source, Sink: lane.Sink, Event: it.eventType, Sequence: it.sequence, Replay: it.replay != nil,
		Mapping: m.Name, Operation: m.Operation,
	}
	if it.ev != nil {
		a.EventID = it.ev.ID
	}
	return a
}

// failed tells why, nil for no reason.
func failed(a *tracing.About, f *wire.Failure) {
	if f == nil {
		return
	}
	a.Class, a.Code = f.Class.String(), f.Code
	if a.Code == "" {
		a.Code = strings.ToLower(a.Class)
	}
}

// traceMap tells that a mapping ran.
func (w *worker) traceMap(it *item, m *Mapping, began time.Time, skipped bool, err error) {
	if it.trace == nil {
		return
	}
	a := about(w.lane, it, m)
	a.Skipped, a.Questions = skipped, len(it.questions)
	if err != nil {
		why := reasonOfMapping(err)
		a.Class, a.Code = why.Class, why.Code
	}
	w.tracer.Record(it.trace.parent, tracing.Internal, "map", began, time.Now(), a)
}

// traceSend begins the span of an attempt and gives what the sink is told of it.
func (r *Runner) traceSend(it *item, now time.Time) (traceparent string) {
	if it.trace == nil {
		return ""
	}
	it.trace.send = r.o.Tracer.Start(it.trace.parent, tracing.Client, "send", now)
	return it.trace.send.Parent()
}

// traceResult ends it.
func (r *Runner) traceResult(it *item, m *Mapping, res *result) {
	if it.trace == nil || it.trace.send == nil {
		return
	}
	a := about(r.o.Lane, it, m)
	a.Attempt, a.Action = it.attempts, res.Action
	failed(a, res.Failure)
	it.trace.send.End(res.at, a)
	it.trace.send = nil
}

// traceOutcome tells what became of an event, once that is stored.
func (c *committer) traceOutcome(e *entry, now time.Time) {
	o := &e.outcome
	if e.trace == nil || o.Kind == "" {
		return
	}
	a := tracing.About{
		Connection: o.Lane.Source, Sink: o.Lane.Sink, Event: o.Type, EventID: o.EventID, Sequence: o.Sequence,
		Replay: e.trace.replay, Mapping: o.Mapping, Operation: o.Operation, Attempt: o.Attempts, Outcome: string(o.Kind), Action: o.Action,
	}
	if o.Reason != nil {
		a.Class, a.Code = o.Reason.Class, o.Reason.Code
	}
	c.tracer.Record(e.trace.parent, tracing.Producer, "outcome", o.At, now, &a)
}

// asker is an item that waits for the answer to a question, with the span of that.
type asker struct {
	span  *tracing.Span
	about *tracing.About
}

// traceAsk begins the span of a question that an item asks. Who asks what is asked
// already waits for the first one's.
func (r *Runner) traceAsk(f *flight, it *item, now time.Time) {
	if it.trace == nil {
		return
	}
	span := r.o.Tracer.Start(it.trace.parent, tracing.Client, "lookup", now)
	if span == nil {
		return
	}
	if len(f.traced) > 0 {
		span.Link(f.traced[0].span)
	}
	a := about(r.o.Lane, it, it.mapping())
	a.Lookup = f.queue.connection + "." + f.queue.lookup
	f.traced = append(f.traced, asker{span, a})
}

// traceparent is what the lookup is told.
func (f *flight) traceparent() string {
	if len(f.traced) == 0 {
		return ""
	}
	return f.traced[0].span.Parent()
}

// traceAnswer ends the spans of a question.
func (f *flight) traceAnswer(why *wire.Failure, now time.Time) {
	for _, t := range f.traced {
		t.about.Action = "found"
		if why != nil && (why.Class == wire.NotFound || why.Class == wire.Ambiguous) { // an answer, too
			t.about.Action = strings.ToLower(why.Class.String())
		} else if why != nil {
			t.about.Action = ""
			failed(t.about, why)
		}
		t.span.End(now, t.about)
	}
	f.traced = nil
}

// names gives what the log calls an item beside its sequence.
func (it *item) names() []any {
	var out []any
	if it.ev != nil && it.ev.ID != "" {
		out = append(out, slog.String("event_id", it.ev.ID))
	}
	if it.trace != nil {
		out = append(out, slog.String("trace_id", tracing.IDOf(it.trace.parent)))
	}
	return out
}
