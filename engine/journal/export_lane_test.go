package journal

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// StoredAt is when an event was stored.
func StoredAt(ctx context.Context, j *Journal, seq uint64) (time.Time, error) {
	m, err := j.events.GetMsg(ctx, seq)
	if err != nil {
		return time.Time{}, err
	}
	return m.Time.UTC(), nil
}

// SendOutcomes sends outcomes and does not wait for them to be stored.
func SendOutcomes(j *Journal, outcomes []event.Outcome) error {
	all := make([]*event.Outcome, len(outcomes))
	for i := range outcomes {
		all[i] = &outcomes[i]
	}
	msgs, err := encodeOutcomes(all)
	if err != nil {
		return err
	}
	for _, m := range msgs {
		if err := j.nc.PublishMsg(m); err != nil {
			return err
		}
	}
	return nil
}

// CountReads counts how often a single event is read from the store from now on, until
// the function that it returns is called.
func CountReads(t *testing.T, j *Journal) func() int64 {
	t.Helper()
	var n atomic.Int64
	sub, err := j.nc.Subscribe("$JS.API.STREAM.MSG.GET."+streamEvents, func(*nats.Msg) { n.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	return func() int64 {
		if err := j.nc.Flush(); err != nil { // what was sent until now has come
			t.Fatal(err)
		}
		if err := sub.Drain(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(30 * time.Second); sub.IsValid() && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		return n.Load()
	}
}
