package metrics

import (
	"context"

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

// Commit counts after the lane has committed.
func (l lane) Commit(ctx context.Context, outcomes []event.Outcome, dead []event.DeadLetter, done []uint64) error {
	if err := l.Lane.Commit(ctx, outcomes, dead, done); err != nil {
		return err
	}
	for i := range outcomes {
		l.metrics.outcome(&outcomes[i])
	}
	return nil
}

func (m *Metrics) outcome(o *event.Outcome) {
	source, sink := o.Lane.Source, o.Lane.Sink
	m.outcomes.WithLabelValues(source, sink, o.Mapping, string(o.Kind)).Inc()
	if o.Attempts > 0 {
		m.attempts.WithLabelValues(source, sink, o.Mapping).Add(float64(o.Attempts))
	}
	if o.Kind == event.Delivered && !o.ReceivedAt.IsZero() {
		// A clock that was set back makes no negative time.
		m.delivery.WithLabelValues(source, sink).Observe(max(0, o.At.Sub(o.ReceivedAt).Seconds()))
	}
	if r := o.Reason; o.Kind == event.Dead && r != nil {
		m.dead.WithLabelValues(source, sink, o.Mapping, r.Class).Inc()
		if r.Class == classMapping {
			m.mapping.WithLabelValues(o.Mapping, r.Code).Inc()
		}
	}
}
