package journal_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// wants has an engine wait for each partition of a lane, as one that runs does, and
// give back what is wanted of it.
func wants(t testing.TB, j *journal.Journal, l event.Lane) {
	t.Helper()
	for n := range j.Partitions() {
		go func() {
			for {
				lease, err := j.Hold(t.Context(), l, n)
				if err != nil {
					return
				}
				select {
				case <-lease.Wanted():
				case <-lease.Lost():
				case <-t.Context().Done():
				}
				lease.Release()
			}
		}()
	}
}

// Engines know of each other what each reads, and share what goes to a connection.
func TestEnginesShareLimits(t *testing.T) {
	s := natsServer(t)
	four := func(o *journal.Options) { o.Cluster.Partitions = 4 }
	a := onCluster(t, s, four)
	var told atomic.Int64
	a.TellEngines(func() { told.Add(1) })
	wants(t, a, lane)
	until(t, "the first engine reads all", func() bool {
		all := a.Engines()
		return len(all) == 1 && all[0].Self && all[0].Partitions == 4
	})
	until(t, "one alone has all", func() bool { return a.Share(lane.Sink) == journal.Whole() })
	before := told.Load()
	b, c := onCluster(t, s, four), onCluster(t, s, four)
	wants(t, b, lane)
	wants(t, c, event.Lane{Source: lane.Source, Sink: "other"})
	engines := []*journal.Journal{a, b, c}
	until(t, "they read the same number", func() bool {
		var read []int
		for _, e := range a.Engines() {
			read = append(read, e.Partitions)
		}
		if len(read) != 3 {
			return false
		}
		return read[0]+read[1]+read[2] == 8 && min(read[0], read[1], read[2]) == 2
	})
	// Two engines share the one sink, one has the other, and all of them a connection
	// that is asked for lookups alone.
	until(t, "they share", func() bool {
		ranks := map[int]bool{}
		for _, j := range engines {
			got := j.Share("lookups")
			if got.Of != 3 {
				return false
			}
			ranks[got.Rank] = true
		}
		x, y := a.Share(lane.Sink), b.Share(lane.Sink)
		return len(ranks) == 3 && x.Of == 2 && y.Of == 2 && x.Rank+y.Rank == 1 && c.Share("other") == journal.Whole()
	})
	if told.Load() == before {
		t.Error("nobody was told of the new engines")
	}
	closeJournal(t, b)
	until(t, "one is alone again", func() bool { return a.Share(lane.Sink) == journal.Whole() })
}

// The shares of all engines are the whole, as far as there is enough for all.
func TestShareCounts(t *testing.T) {
	for total, want := range map[int][]int{1: {1, 1, 1}, 3: {1, 1, 1}, 8: {3, 3, 2}, 256: {86, 85, 85}} {
		for rank, n := range want {
			if got := (journal.Share{Rank: rank, Of: 3}).Count(total); got != n {
				t.Errorf("%d of 3, of %d: %d, want %d", rank, total, got, n)
			}
		}
	}
}

// No more engines share than there are partitions to read.
func TestIdleEnginesTakeNoShare(t *testing.T) {
	s := natsServer(t)
	one := func(o *journal.Options) { o.Cluster.Partitions = 1 }
	a, b := onCluster(t, s, one), onCluster(t, s, one)
	wants(t, a, lane)
	wants(t, b, lane)
	for _, j := range []*journal.Journal{a, b} {
		until(t, "both are on the board", func() bool {
			all := j.Engines()
			return len(all) == 2 && all[0].Partitions+all[1].Partitions == 1
		})
		if got := j.Share(lane.Sink); got != (journal.Share{Of: 1}) {
			t.Errorf("of one partition the share is %+v", got)
		}
	}
}

// A refusal that one engine meets is known to the others until it ends.
func TestRefusalsAreShared(t *testing.T) {
	s := natsServer(t)
	a, b := onCluster(t, s), onCluster(t, s)
	since := time.Now()
	refused := func() []journal.Refusal {
		for _, e := range b.Engines() {
			if !e.Self {
				return e.Refused
			}
		}
		return nil
	}
	a.SetRefusals([]journal.Refusal{
		{Connection: "saleapp", Code: "wrong_key", Message: strings.Repeat("ї", 1000), Since: since},
		{Connection: "crm", Code: "http_401", Since: since},
	})
	until(t, "the other engine knows", func() bool { return len(refused()) == 2 })
	r := refused()
	if r[0].Connection != "crm" || r[1].Code != "wrong_key" || !r[1].Since.Equal(since) || r[1].Message != strings.Repeat("ї", 150) {
		t.Errorf("the other engine knows %+v", r)
	}
	a.SetRefusals(nil)
	until(t, "the other engine knows that it is over", func() bool { return refused() == nil })
}
