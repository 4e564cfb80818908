package journal_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

var kilobyte = `{"pad":"` + strings.Repeat("x", 1013) + `"}`

// BenchmarkAccept stores events of 1 KB, fsync included; events/s is what one
// (serial) or 64 senders at a time see.
func BenchmarkAccept(b *testing.B) {
	var n atomic.Int64
	store := func(b *testing.B, j *journal.Journal) {
		i := n.Add(1)
		accept(b, j, order(fmt.Sprint(i), fmt.Sprint("id", i), kilobyte))
	}
	b.Run("serial", func(b *testing.B) {
		j := open(b, journal.Options{Dir: b.TempDir()})
		b.SetBytes(1024)
		for b.Loop() {
			store(b, j)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("64", func(b *testing.B) {
		j := open(b, journal.Options{Dir: b.TempDir()})
		b.SetBytes(1024)
		b.SetParallelism(32) // times GOMAXPROCS; 64 on two cores
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				i := n.Add(1)
				if _, err := j.Accept(b.Context(), order(fmt.Sprint(i), fmt.Sprint("id", i), kilobyte)); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}

// fill stores n events, numbered on from from, with 64 senders at a time.
func fill(b *testing.B, j *journal.Journal, from, n int) {
	b.Helper()
	var at atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := at.Add(1); i <= int64(n); i = at.Add(1) {
				id := fmt.Sprint(int64(from) + i)
				if _, err := j.Accept(b.Context(), order(id, "id"+id, kilobyte)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	if wg.Wait(); b.Failed() {
		b.FailNow()
	}
}

// BenchmarkCommit reads events in lots of 500 and commits an outcome for each.
func BenchmarkCommit(b *testing.B) {
	j := open(b, journal.Options{Dir: b.TempDir()})
	l := openLane(b, j)
	const lot = 500
	outcomes := 0
	for b.Loop() {
		b.StopTimer()
		fill(b, j, outcomes, lot)
		b.StartTimer()
		ds := next(b, l, lot)
		os := make([]event.Outcome, lot)
		done := make([]uint64, lot)
		for i, d := range ds {
			os[i], done[i] = outcome(d.Event, "m", event.Delivered), d.Event.Sequence
		}
		if err := l.Commit(b.Context(), os, nil, done); err != nil {
			b.Fatal(err)
		}
		outcomes += lot
	}
	b.ReportMetric(float64(outcomes)/b.Elapsed().Seconds(), "outcomes/s")
}

// BenchmarkOpen starts over 100,000 events.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	j := open(b, journal.Options{Dir: dir})
	fill(b, j, 0, 100_000)
	closeJournal(b, j)
	for b.Loop() {
		j := open(b, journal.Options{Dir: dir})
		b.StopTimer()
		closeJournal(b, j)
		b.StartTimer()
	}
}

// BenchmarkMark is what a call to the sink costs beside, where its operation must
// not be repeated: one at a time, and 16 that share what the disk takes.
func BenchmarkMark(b *testing.B) {
	for _, callers := range []int{1, 16} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			j := open(b, journal.Options{Dir: b.TempDir()})
			l := openLane(b, j)
			if err := l.Guard(b.Context(), []string{"m"}); err != nil {
				b.Fatal(err)
			}
			var at atomic.Uint64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range callers {
				wg.Go(func() {
					for n := at.Add(1); n <= uint64(b.N); n = at.Add(1) {
						if err := l.Mark(b.Context(), "m", []uint64{n}); err != nil {
							b.Error(err)
							return
						}
						l.Unmark("m", []uint64{n})
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "marks/s")
		})
	}
}
