package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// maxUndated is how many delivered events without version and time are read back
// for one that has them.
const maxUndated = 16

// Newest gives the version and the time of change, as far as they are known, of the
// newest event of the key that was delivered along the lane and says so, whichever
// run of the engine delivered it (D6). Both are zero where there is none, or none
// among the last 16 that were delivered. It reads what was delivered from the
// store, and looks in memory alone for a key of which nothing was.
func (l *Lane) Newest(ctx context.Context, key string) (version uint64, updated time.Time, err error) {
	x := l.j.index
	undated := 0
	for seq := x.latest(x.key(l.name.Source, key)); seq != 0 && undated < maxUndated; seq = x.before(seq) {
		if !l.j.past.delivered(seq, l.name) {
			continue
		}
		e, err := l.j.load(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return 0, time.Time{}, nil // what is older is not kept any more either
		}
		if err != nil {
			return 0, time.Time{}, fmt.Errorf("read what lane %s to %s delivered: %w", l.name.Source, l.name.Sink, err)
		}
		switch {
		case e.Connection != l.name.Source || e.Key != key: // another key with the same hash
		case e.Version == 0 && e.UpdatedAt.IsZero():
			undated++
		default:
			return e.Version, e.UpdatedAt, nil
		}
	}
	return 0, time.Time{}, nil
}
