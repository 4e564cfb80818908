package journal_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// natsServer runs a NATS server with JetStream on a TCP port of its own.
func natsServer(t testing.TB, change ...func(*server.Options)) *server.Server {
	t.Helper()
	o := &server.Options{
		ServerName: "alone", Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, MaxPayload: 9 << 20, MaxPending: 64 << 20,
	}
	for _, f := range change {
		f(o)
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the NATS server does not start")
	}
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s
}

// onCluster opens an engine's journal on a server.
func onCluster(t testing.TB, s *server.Server, change ...func(*journal.Options)) *journal.Journal {
	t.Helper()
	o := journal.Options{
		Cluster:       &journal.Cluster{URLs: []string{s.ClientURL()}, Replicas: 1, Lease: 6 * time.Second},
		MaxEventBytes: 64 << 20, MaxOutcomeBytes: 64 << 20, MaxDeadBytes: 64 << 20, AcceptWait: time.Minute,
	}
	for _, f := range change {
		f(&o)
	}
	return open(t, o)
}

// hold takes the partition of a lane that a key belongs to, or fails the test.
func hold(t testing.TB, j *journal.Journal, partition int) *journal.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l, err := j.Hold(ctx, lane, partition)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func openPartition(t testing.TB, j *journal.Journal, n int, l *journal.Lease) *journal.Lane {
	t.Helper()
	out, err := j.OpenLane(t.Context(), lane, journal.LaneOptions{Partition: n, Lease: l, FromStart: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(out.Close)
	return out
}

func TestEnginesShareDuplicates(t *testing.T) {
	s := natsServer(t)
	a, b := onCluster(t, s), onCluster(t, s)
	first := accept(t, a, order("1", "v1", `{"n":1}`))
	if r := accept(t, b, order("1", "v1", `{"n":1}`)); !r.Duplicate || r.Sequence != first.Sequence {
		t.Errorf("the same id at another engine: %+v", r)
	}
	// Without an id, a record is a duplicate of its key's latest event only, whichever
	// engine took that.
	var last journal.Receipt
	for i, step := range []struct {
		by        *journal.Journal
		record    string
		duplicate bool
	}{
		{a, "A", false},
		{b, "A", true},
		{b, "B", false},
		{a, "A", false},
		{b, "A", true},
		{a, "A", true},
		{b, "B", false},
		{a, "A", false},
		{b, "B", false},
		{a, "A", false},
	} {
		r := accept(t, step.by, order("2", "", fmt.Sprintf(`{"r":%q}`, step.record)))
		if r.Duplicate != step.duplicate || r.Duplicate && r.Sequence != last.Sequence {
			t.Fatalf("step %d: %+v after %+v", i, r, last)
		}
		last = r
	}
}

func TestPartitionsAreShared(t *testing.T) {
	s := natsServer(t)
	a := onCluster(t, s)
	if a.Partitions() != journal.DefaultPartitions {
		t.Fatalf("%d partitions", a.Partitions())
	}
	held := make([]*journal.Lease, a.Partitions())
	for n := range held {
		held[n] = hold(t, a, n)
	}
	b := onCluster(t, s)
	got := make(chan *journal.Lease, len(held))
	for n := range held {
		go func() {
			if l, err := b.Hold(t.Context(), lane, n); err == nil {
				got <- l
			}
		}()
	}
	for range len(held) / 2 {
		asked := -1
		for asked < 0 {
			for n, l := range held {
				if l == nil {
					continue
				}
				select {
				case <-l.Wanted():
					asked = n
				case <-time.After(10 * time.Millisecond):
				}
			}
		}
		held[asked].Release()
		held[asked] = nil
		select {
		case <-got:
		case <-time.After(time.Minute):
			t.Fatal("the other engine does not take what was given back")
		}
	}
	for _, l := range held {
		if l == nil {
			continue
		}
		select {
		case <-l.Wanted():
			t.Error("more than the half is wanted")
		default:
		}
	}
	// An engine that ends in order leaves all at once.
	closeJournal(t, a)
	for range len(held) / 2 {
		select {
		case <-got:
		case <-time.After(time.Minute):
			t.Fatal("what an engine left is not taken over")
		}
	}
}

// A reader that was stopped in the middle and goes on after another one took over
// stores nothing any more (D2, D3).
func TestStoppedReaderIsFenced(t *testing.T) {
	s := natsServer(t)
	one := func(o *journal.Options) { o.Cluster.Partitions = 1 }
	a := onCluster(t, s, one)
	old := hold(t, a, 0)
	la := openPartition(t, a, 0, old)
	for _, key := range []string{"1", "2"} {
		accept(t, a, order(key, "v1", "{}"))
	}
	got := next(t, la, 2)
	if err := la.Commit(t.Context(), []event.Outcome{outcome(got[0].Event, "order", event.Delivered)}, nil, sequences(got[:1])); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(journal.StopSigns(a)) // as where the process is stopped: it does not know that it has lost
	b := onCluster(t, s, one)
	fresh := hold(t, b, 0)
	lb := openPartition(t, b, 0, fresh)
	again := next(t, lb, 1)
	if again[0].Event.Key != "2" || !again[0].PossiblySent {
		t.Errorf("taken over: %+v", again[0])
	}
	err := la.Commit(t.Context(), []event.Outcome{outcome(got[1].Event, "order", event.Delivered)}, nil, sequences(got[1:]))
	if !errors.Is(err, journal.ErrLeaseLost) {
		t.Errorf("the old reader stores: %v", err)
	}
	journal.BelieveLease(a) // its clock tells it nothing: the stream refuses
	err = la.Commit(t.Context(), []event.Outcome{outcome(got[1].Event, "order", event.Delivered)}, nil, sequences(got[1:]))
	if !errors.Is(err, journal.ErrLeaseLost) {
		t.Errorf("the old reader stores behind the fence: %v", err)
	}
	if err := la.Leave(t.Context(), nil); err == nil {
		t.Log("the old reader leaves a word that nobody reads")
	}
	if err := lb.Commit(t.Context(), []event.Outcome{outcome(again[0].Event, "order", event.Delivered)}, nil, sequences(again)); err != nil {
		t.Fatal(err)
	}
	outcomes := 0
	all, err := b.Outcomes(t.Context(), 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if o.Sequence == got[1].Event.Sequence {
			outcomes++
		}
	}
	if outcomes != 1 {
		t.Errorf("%d outcomes of the event", outcomes)
	}
}
