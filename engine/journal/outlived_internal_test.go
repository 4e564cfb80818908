package journal

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// dated is a stream whose event n was stored n minutes after the first hour of 2026,
// without those that are gone; it counts what is read.
type dated struct {
	jetstream.Stream
	gone  map[uint64]bool
	reads int
}

func storedAt(seq uint64) time.Time {
	return time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC).Add(time.Duration(seq) * time.Minute)
}

func (s *dated) GetMsg(_ context.Context, seq uint64, _ ...jetstream.GetMsgOpt) (*jetstream.RawStreamMsg, error) {
	s.reads++
	if s.gone[seq] {
		return nil, jetstream.ErrMsgNotFound
	}
	return &jetstream.RawStreamMsg{Sequence: seq, Time: storedAt(seq)}, nil
}

func TestOutlived(t *testing.T) {
	for _, c := range []struct {
		name              string
		first, young, end uint64 // young is the first one within the retention
		want              uint64
		most              int
		gone              []uint64
	}{
		{name: "none", first: 1000, young: 1000, end: 1_001_000, want: 1000, most: 0},
		{name: "all are younger", first: 1000, young: 10, end: 1_001_000, want: 1000, most: 0},
		{name: "one", first: 1000, young: 1001, end: 1_001_000, want: 1001, most: 2},
		{name: "an hour's", first: 1000, young: 1060, end: 1_001_000, want: 1060, most: 12},
		{name: "some are missing", first: 1000, young: 1060, end: 1_001_000, want: 1060, most: 16, gone: []uint64{1001, 1003, 1031, 1059}},
		{name: "half of a million", first: 1000, young: 501_000, end: 1_001_000, want: 501_000, most: 40},
		{name: "up to what waits", first: 1000, young: 501_000, end: 1200, want: 1200, most: 20},
		{name: "nothing is done", first: 1000, young: 501_000, end: 1000, want: 1000, most: 0},
		{name: "one is done", first: 1000, young: 501_000, end: 1001, want: 1001, most: 1},
		{name: "all", first: 1, young: 1_000_000, end: 501, want: 501, most: 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			events := &dated{gone: map[uint64]bool{}}
			for _, seq := range c.gone {
				events.gone[seq] = true
			}
			s := &sweep{j: &Journal{events: events, o: Options{Retention: Retention{Age: DefaultRetention}}}, first: c.first}
			s.now = storedAt(c.young).Add(DefaultRetention)
			got, err := s.outlived(t.Context(), storedAt(c.first), c.end)
			if err != nil || got != c.want {
				t.Errorf("got %d, %v, want %d", got, err, c.want)
			}
			if events.reads > c.most {
				t.Errorf("%d events were read, want at most %d", events.reads, c.most)
			}
		})
	}
	// Wherever the border is, it is found.
	events := &dated{}
	s := &sweep{j: &Journal{events: events, o: Options{Retention: Retention{Age: DefaultRetention}}}, first: 7}
	for young := uint64(7); young < 200; young++ {
		for end := uint64(7); end < 140; end += 11 {
			s.now = storedAt(young).Add(DefaultRetention)
			if got, err := s.outlived(t.Context(), storedAt(7), end); err != nil || got != min(young, end) {
				t.Fatalf("young from %d, up to %d: got %d, %v", young, end, got, err)
			}
		}
	}
}
