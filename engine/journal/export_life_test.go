package journal

import (
	"context"
	"encoding/json"

	"github.com/nats-io/nats.go"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Acts reads what was done.
func Acts(ctx context.Context, j *Journal) ([]event.Act, error) {
	var out []event.Act
	err := j.scan(ctx, j.acts, 1, "", false, func(_ uint64, m *nats.Msg) (bool, error) {
		var a event.Act
		err := json.Unmarshal(m.Data, &a)
		out = append(out, a)
		return true, err
	})
	return out, err
}

// Inspect reads the next part of what is kept, from the oldest on.
func Inspect(ctx context.Context, j *Journal) error { return j.inspect(ctx, &inspection{}) }
