package journal_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// retried puts a letter on its way again and gives the event that it is then.
func retried(t testing.TB, j *journal.Journal, id journal.LetterID) uint64 {
	t.Helper()
	done, err := j.Retry(t.Context(), []journal.LetterID{id}, operator)
	if err != nil || done[0].As == 0 {
		t.Fatalf("%+v %v", done, err)
	}
	return done[0].As
}

// TestRetryGoesAhead retries letters behind a backlog: one waits for nothing that is
// not of its key (D3), comes once, and holds nothing back; one with something of its
// key in the backlog waits for that.
func TestRetryGoesAhead(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		dir := t.TempDir()
		retriesGoAhead(t, func() (*journal.Journal, *journal.Lane) {
			j := open(t, journal.Options{Dir: dir})
			return j, openLane(t, j)
		})
	})
	t.Run("on a cluster", func(t *testing.T) {
		s := natsServer(t)
		retriesGoAhead(t, func() (*journal.Journal, *journal.Lane) {
			j := onCluster(t, s, calm, func(o *journal.Options) { o.Cluster.Partitions = 1 })
			return j, openPartition(t, j, 0, hold(t, j, 0))
		})
	})
}

// calm has an engine keep its leases on a machine that is busy.
func calm(o *journal.Options) { o.Cluster.Lease = 30 * time.Second }

func retriesGoAhead(t *testing.T, start func() (*journal.Journal, *journal.Lane)) {
	const backlog = 600
	j, l := start()
	var letters []journal.LetterID
	for _, key := range []string{"free", "behind", "later", "soon"} {
		accept(t, j, order(key, "id-"+key, `{"id":7}`))
		letters = append(letters, dies(t, l, next(t, l, 1)[0].Event, "CW305"))
	}
	for i := range backlog {
		key := fmt.Sprint("live", i)
		if i == backlog-1 {
			key = "behind"
		}
		accept(t, j, order(key, fmt.Sprint("live-", i), `{"id":8}`))
	}
	first := uint64(5) // of the backlog
	early, held := retried(t, j, letters[0]), retried(t, j, letters[1])

	// until reads, and ends what is not seq, until that comes: long before the backlog
	// is through.
	rest := []uint64{}
	until := func(seq uint64) journal.Delivery {
		t.Helper()
		for len(rest) < backlog/2 {
			ds, err := l.Next(t.Context(), 2)
			if err != nil {
				t.Fatal(err)
			}
			found := -1
			for i, d := range ds {
				if d.Event.Sequence == seq {
					found = i
					continue
				}
				rest = append(rest, d.Event.Sequence)
				ends(t, l, d.Event, event.Delivered)
			}
			if found >= 0 {
				return ds[found]
			}
		}
		t.Fatalf("the retry %d does not come before %v", seq, rest)
		return journal.Delivery{}
	}
	ends(t, l, until(early).Event, event.Delivered)
	if s := state(t, j, letters[0]); s != journal.LetterState(event.Delivered) {
		t.Errorf("the retry is %s", s)
	}
	if s := state(t, j, letters[1]); s != journal.LetterOnItsWay {
		t.Errorf("the retry behind its key is %s", s)
	}

	// One goes ahead and is at hand when the lane is closed: it does so again afterwards.
	again := retried(t, j, letters[2])
	until(again)
	l.Close()
	closeJournal(t, j)
	j, l = start()
	last := until(again)
	if !last.PossiblySent {
		t.Error("after a restart it counts as not sent")
	}

	// One is done long before the consumer comes to it.
	ends(t, l, until(retried(t, j, letters[3])).Event, event.Delivered)

	// The rest comes in its order, each once, without what came before; then nothing is left.
	for seq := uint64(0); seq != held; {
		d := next(t, l, 1)[0]
		if seq = d.Event.Sequence; len(d.Done) > 0 {
			if err := l.Commit(t.Context(), nil, nil, []uint64{seq}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		rest = append(rest, seq)
		ends(t, l, d.Event, event.Delivered)
	}
	want := []uint64{}
	for seq := first; seq < first+backlog; seq++ {
		want = append(want, seq)
	}
	if want = append(want, held); !slices.Equal(rest, want) {
		t.Errorf("it reads %v", rest)
	}
	none(t, l)
	ends(t, l, last.Event, event.Delivered) // after the consumer has come to it
	waitFor(t, func() bool { n, err := l.Pending(t.Context()); return err == nil && n == 0 })
	for i, id := range letters {
		if s := state(t, j, id); s != journal.LetterState(event.Delivered) {
			t.Errorf("letter %d is %s", i, s)
		}
	}
}

// Whichever engine of a cluster puts an event on its way again, the one that reads
// its partition goes for it ahead of the backlog, and the readers of others do not.
func TestRetryOfAnotherEngineGoesAhead(t *testing.T) {
	s := natsServer(t)
	two := func(o *journal.Options) { o.Cluster.Partitions = 2 }
	a, b := onCluster(t, s, calm, two), onCluster(t, s, calm, two)
	lanes := make([]*journal.Lane, 2)
	for n := range lanes {
		lanes[n] = openPartition(t, a, n, hold(t, a, n))
	}
	var letters [2]journal.LetterID // one in each partition
	for i := 0; letters[0].Sequence == 0 || letters[1].Sequence == 0; i++ {
		key := fmt.Sprint("early", i)
		n := journal.PartitionOf(b, key)
		if letters[n].Sequence != 0 {
			continue
		}
		accept(t, b, order(key, "id-"+key, `{"id":7}`))
		letters[n] = dies(t, lanes[n], next(t, lanes[n], 1)[0].Event, "CW305")
	}
	const backlog = 1200
	for i := range backlog {
		accept(t, b, order(fmt.Sprint("live", i), fmt.Sprint("live-", i), `{"id":8}`))
	}
	for n, l := range lanes {
		next(t, l, 1) // it reads the backlog
		again := retried(t, b, letters[n])
		read := 0
		for came := false; !came; {
			ds, err := l.Next(t.Context(), 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range ds {
				read++
				came = came || d.Event.Sequence == again
			}
			if read > backlog/4 {
				t.Fatalf("partition %d: the retry %d does not come ahead of the backlog", n, again)
			}
		}
	}
	// Neither has the other one's.
	for n, l := range lanes {
		for range backlog / 8 {
			if d := next(t, l, 1)[0]; d.Event.Replay != nil {
				t.Errorf("partition %d is given event %d, a retry of another partition", n, d.Event.Sequence)
			}
		}
	}
}
