package journal

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
)

// StopSigns has an engine give no more signs of life, as one whose process is
// stopped, until resume is called.
func StopSigns(j *Journal) (resume func()) {
	j.board.mu.Lock()
	return j.board.mu.Unlock
}

// BelieveLease has a stopped engine take its leases for valid.
func BelieveLease(j *Journal) { j.board.until.Store(in(time.Now(), time.Hour)) }

// StopHearing has an engine answer no other one's questions, until resume is called.
func StopHearing(j *Journal) (resume func()) {
	at := j.board.as.Swap(nil)
	return func() { j.board.as.Store(at) }
}

// AllRecords are the records in EVENTS, in its order.
func AllRecords(ctx context.Context, j *Journal) ([]string, error) {
	var out []string
	err := j.scan(ctx, j.events, 1, "", false, func(seq uint64, m *nats.Msg) (bool, error) {
		e, err := decodeEvent(seq, m.Subject, m.Header, m.Data)
		out = append(out, string(e.Record))
		return true, err
	})
	return out, err
}

// CloseQueue closes a connection's queue, unless something came behind last.
func CloseQueue(ctx context.Context, j *Journal, connection string, last uint64) error {
	return j.closeQueue(ctx, connection, last)
}

// PartitionOf is which partition of its lanes a key belongs to.
func PartitionOf(j *Journal, key string) int { return j.partition(key) }
