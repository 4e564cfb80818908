package journal

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// outlived gives the first event before end that is younger than the retention, end
// if none is. It seeks from the oldest on, which came at a known time: a search
// through all of them would have the server load a block of 8 MiB for each step, each
// minute.
func (s *sweep) outlived(ctx context.Context, oldest time.Time, end uint64) (uint64, error) {
	at, lo := s.now.Add(-s.j.o.Retention.Age), s.first
	if !oldest.Before(at) {
		return min(lo, end), nil
	}
	for step := uint64(1); lo+step < end; step *= 2 {
		next, err := s.j.firstSince(ctx, lo+step, lo+step, at)
		if err != nil {
			return 0, err
		}
		if next == lo+step { // it, or one before it
			return s.j.firstSince(ctx, lo, next-1, at)
		}
		lo = next
	}
	return s.j.firstSince(ctx, lo, end-1, at)
}

// nearsEnd tells whether the first event from seq on is so old that it nears the
// retention.
func (s *sweep) nearsEnd(ctx context.Context, seq uint64) (bool, error) {
	m, err := s.j.events.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subjectEvents+">"))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return m.Time.Before(s.now.Add(-s.j.o.Retention.Age / 100 * alarmAt)), nil
}
