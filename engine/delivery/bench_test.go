package delivery

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// endless is a lane in memory of n events with 1,000 keys in turn.
type endless struct {
	n, next uint64
	keys    []string
	record  []byte
	done    atomic.Uint64
	ended   chan struct{}
	commits int
}

func (l *endless) Next(ctx context.Context, limit int) ([]event.Pending, error) {
	if l.next == l.n {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	out := make([]event.Pending, 0, limit)
	for len(out) < limit && l.next < l.n {
		l.next++
		out = append(out, event.Pending{Event: event.Event{
			Sequence: l.next, Connection: "shop", Type: "order", Key: l.keys[l.next%uint64(len(l.keys))],
			Version: l.next, Record: l.record,
		}})
	}
	return out, nil
}

func (l *endless) Load(context.Context, uint64) (event.Event, error) {
	return event.Event{Connection: "shop", Type: "order", Record: l.record}, nil
}

func (l *endless) Newest(context.Context, string) (uint64, time.Time, error) {
	return 0, time.Time{}, nil
}

func (l *endless) Guard(context.Context, []string) error { return nil }

func (l *endless) Mark(context.Context, string, []uint64) error { return nil }

func (l *endless) Unmark(string, []uint64) {}

func (l *endless) Commit(_ context.Context, _ []event.Outcome, _ []event.DeadLetter, done []uint64) error {
	l.commits++
	if l.done.Add(uint64(len(done))) == l.n {
		close(l.ended)
	}
	return nil
}

// BenchmarkDeliver is what delivery itself costs: the lane, the mapping and the
// sink do next to nothing.
func BenchmarkDeliver(b *testing.B) {
	for _, keys := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			record := []byte(`{"id":1,"text":"` + strings.Repeat("x", 900) + `"}`)
			l := &endless{n: uint64(b.N), ended: make(chan struct{}), record: record}
			for i := range keys {
				l.keys = append(l.keys, fmt.Sprint("key", i))
			}
			r, err := New(Options{
				Lane: testLane, Journal: l,
				Mappings: []Mapping{{
					Name: "order", Types: []string{"order"}, Operation: "upsert_order", Repeat: wire.RepeatFindFirst,
					Map: func(ev *mapping.Event, buf []byte) (mapping.Result, error) {
						return mapping.Result{Record: append(buf, ev.Record...)}, nil
					},
				}},
				Sink: sinkFunc(func(_ context.Context, records []wire.Record, each func(wire.WriteResult)) error {
					for i := range records {
						each(wire.WriteResult{Index: records[i].Index, Action: "created"})
					}
					return nil
				}),
			})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			ended := make(chan error, 1)
			b.ReportAllocs()
			b.ResetTimer()
			go func() { ended <- r.Run(ctx) }()
			<-l.ended
			b.StopTimer()
			cancel()
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
			s := r.Stats()
			b.ReportMetric(float64(b.N)/float64(s.Calls), "records/call")
			b.ReportMetric(float64(b.N)/float64(l.commits), "outcomes/commit")
		})
	}
}
