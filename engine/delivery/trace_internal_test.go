package delivery

import (
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// What an event without a trace costs for traces is nothing.
func TestUntraced(t *testing.T) {
	ev := &event.Event{Sequence: 1, Type: "order"}
	it := newItem(&event.Pending{Event: *ev})
	m := &Mapping{Name: "order"}
	r, w, c, f := &Runner{}, &worker{}, &committer{}, &flight{}
	e := &entry{outcome: event.Outcome{Kind: event.Delivered}}
	res := &result{WriteResult: wire.WriteResult{}}
	if n := testing.AllocsPerRun(100, func() {
		it.trace = traceOf(nil, ev)
		w.traceMap(it, m, it.trace.clock(), false, nil)
		r.traceAsk(f, it, r.began)
		f.traceAnswer(nil, r.began)
		if r.traceSend(it, r.began)+f.traceparent() != "" || c.tracer.On() {
			t.Error("it is traced")
		}
		r.traceResult(it, m, res)
		c.traceOutcome(e, r.began)
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}
