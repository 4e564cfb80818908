package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// classMapping is the class of a reason that a mapping gave; its code is a rule id.
const classMapping = "MAPPING"

// lane counts what is committed through it.
type lane struct {
	delivery.Lane
	metrics *Metrics
}

// Lane gives l with its outcomes counted, each when it is on disk.
func (m *Metrics) Lane(l delivery.Lane) delivery.Lane { return lane{l, m} }

// Mapping has the dead letters of a mapping of a lane counted from 0: an increase is
// seen only of what was there before.
func (m *Metrics) Mapping(l event.Lane, name string) {
	for _, class := range []string{classMapping, "INVALID", "IN_DOUBT"} {
		m.dead.WithLabelValues(l.Source, l.Sink, name, class)
	}
}

// Commit counts after the lane has committed.
func (l lane) Commit(ctx context.Context, outcomes []event.Outcome, dead []event.DeadLetter, done []uint64) error {
	if err := l.Lane.Commit(ctx, outcomes, dead, done); err != nil {
		return err
	}
	for i := 0; i < len(outcomes); {
		i += l.metrics.counted(outcomes[i:])
	}
	return nil
}

// counted counts those of the first outcomes that differ in nothing that is counted by,
// which are mostly all, and gives how many they are.
func (m *Metrics) counted(outcomes []event.Outcome) int {
	first := &outcomes[0]
	source, sink := first.Lane.Source, first.Lane.Sink
	n, attempts := 0, 0
	var waits prometheus.Observer
	for n < len(outcomes) {
		o := &outcomes[n]
		if o.Lane != first.Lane || o.Mapping != first.Mapping || o.Kind != first.Kind {
			break
		}
		n++
		attempts += o.Attempts
		if o.Kind == event.Delivered && !o.ReceivedAt.IsZero() {
			if waits == nil {
				waits = m.delivery.WithLabelValues(source, sink)
			}
			// A clock that was set back makes no negative time.
			waits.Observe(max(0, o.At.Sub(o.ReceivedAt).Seconds()))
		}
		m.died(o)
	}
	m.outcomes.WithLabelValues(source, sink, first.Mapping, string(first.Kind)).Add(float64(n))
	if attempts > 0 {
		m.attempts.WithLabelValues(source, sink, first.Mapping).Add(float64(attempts))
	}
	return n
}

func (m *Metrics) died(o *event.Outcome) {
	if r := o.Reason; o.Kind == event.Dead && r != nil {
		m.dead.WithLabelValues(o.Lane.Source, o.Lane.Sink, o.Mapping, r.Class).Inc()
		if r.Class == classMapping {
			m.mapping.WithLabelValues(o.Mapping, r.Code).Inc()
		}
	}
}
