package journal

import (
	"context"
	"fmt"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Event reads one event, for the history.
func (j *Journal) Event(ctx context.Context, seq uint64) (event.Event, error) {
	e, err := j.load(ctx, seq)
	if err != nil {
		return event.Event{}, fmt.Errorf("read the journal: %w", err)
	}
	return e, nil
}

// Pending is how many of the lane's events are not acknowledged, whether handed
// out or not. Acknowledgements count a moment after Commit returned.
func (l *Lane) Pending(ctx context.Context) (uint64, error) {
	info, err := l.consumer.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the backlog of lane %s to %s: %w", l.name.Source, l.name.Sink, err)
	}
	return info.NumPending + uint64(max(info.NumAckPending, 0)), nil
}
