package run

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
	"github.com/crosswalk-etl/crosswalk/engine/project"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// clustered is an engine of a cluster without plugins: its journal, its gates, and
// what they follow.
type clustered struct {
	*engine
	// refused has the far system refuse this engine's credentials.
	refused atomic.Bool
}

// inCluster starts one on a NATS server.
func inCluster(t *testing.T, url string) *clustered {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	j, err := journal.Open(t.Context(), journal.Options{
		Cluster:       &journal.Cluster{URLs: []string{url}, Replicas: 1, Partitions: 4, Lease: 6 * time.Second},
		MaxEventBytes: 64 << 20, MaxOutcomeBytes: 64 << 20, MaxDeadBytes: 64 << 20, MinFreeDisk: 1, Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	saleapp := &config.Connection{Name: "saleapp", Limits: config.Limits{Rate: config.Rate{PerSecond: 30, Burst: 40}, Concurrency: 9}}
	cfg := &config.Config{Connections: []*config.Connection{saleapp}}
	cfg.Storage.NATS = &config.NATS{}
	c := &clustered{}
	c.engine = &engine{
		Project: &project.Project{Config: cfg}, running: &running{journal: j, log: log},
		lanes: []*lane{{Lane: event.Lane{Source: "salesdrive", Sink: "saleapp"}, laneRun: &laneRun{}}},
	}
	options := c.gateOptions(saleapp)
	options.Backoff = delivery.Backoff{Initial: 10 * time.Millisecond, Max: time.Hour}
	options.Probe = func(context.Context) error {
		if c.refused.Load() {
			return &wire.Failure{Class: wire.Auth, Code: "wrong_key", Message: "the key is refused"}
		}
		return nil
	}
	g, err := delivery.NewGate(options)
	if err != nil {
		t.Fatal(err)
	}
	c.gates = map[string]*delivery.Gate{"saleapp": g}
	c.put(c.engine)
	ctx, cancel := context.WithCancel(t.Context())
	for n := range j.Partitions() {
		c.background.Go(func() { readsWhat(ctx, j, c.lanes[0].Lane, n) })
	}
	c.followStops(c.running.engine)
	c.followEngines(ctx)
	t.Cleanup(func() {
		cancel()
		c.background.Wait()
		if err := bounded(j.Close); err != nil {
			t.Error(err)
		}
	})
	return c
}

// readsWhat takes a partition whenever it can be had, and gives it back when it is wanted.
func readsWhat(ctx context.Context, j *journal.Journal, l event.Lane, n int) {
	for {
		lease, err := j.Hold(ctx, l, n)
		if err != nil {
			return
		}
		select {
		case <-lease.Wanted():
		case <-lease.Lost():
		case <-ctx.Done():
		}
		lease.Release()
	}
}

func (c *clustered) gate() delivery.GateStats { return c.gates["saleapp"].Stats() }

func natsURL(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		ServerName: "alone", Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, MaxPayload: 9 << 20, MaxPending: 64 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the NATS server does not start")
	}
	return s.ClientURL()
}

func comes(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// The engines of a cluster share what a connection bears, and a refusal that one
// meets: the others ask before they send, show it, and go on when it is over.
func TestEnginesShareWaysToConnections(t *testing.T) {
	url := natsURL(t)
	a, b := inCluster(t, url), inCluster(t, url)
	sum := func() config.Limits {
		x, y := a.shared(a.Config.Connections[0]), b.shared(b.Config.Connections[0])
		x.Rate.PerSecond += y.Rate.PerSecond
		x.Rate.Burst += y.Rate.Burst
		x.Concurrency += y.Concurrency
		return x
	}
	comes(t, "the two have the limits together", func() bool { return sum() == a.Config.Connections[0].Limits })
	comes(t, "the gates have their shares", func() bool {
		x, y := a.gate(), b.gate()
		return x.Rate == 15 && y.Rate == 15 && x.Concurrency+y.Concurrency == 9
	})

	refusedAt := func(by *clustered) int {
		n := 0
		for _, e := range by.clusterEngines() {
			for _, r := range e.Refused {
				if r.Connection == "saleapp" && r.Code == "wrong_key" {
					n++
				}
			}
		}
		return n
	}
	// One of them has a key that is refused; the other one's is taken.
	a.refused.Store(true)
	a.gates["saleapp"].Doubt("test", &wire.Failure{Class: wire.Auth, Code: "wrong_key"})
	comes(t, "the other engine shows it", func() bool { return refusedAt(b) == 1 })
	comes(t, "the other engine is not refused", func() bool { return b.gate().State == delivery.GateOpen })
	if s := a.gate(); s.State != delivery.GatePaused || s.Hearsay {
		t.Errorf("the one that is refused: %+v", s)
	}
	a.refused.Store(false)
	a.gates["saleapp"].Trust() // as a new key would
	comes(t, "it is over", func() bool { return refusedAt(a)+refusedAt(b) == 0 && a.gate().Probed })
	a.gates["saleapp"].Resume()

	// Both are refused; what ends it for one, ends it for the other, long before it
	// would ask by itself.
	c := inCluster(t, url)
	c.refused.Store(true)
	b.refused.Store(true)
	c.gates["saleapp"].Doubt("test", &wire.Failure{Class: wire.Auth, Code: "wrong_key"})
	comes(t, "both are refused", func() bool { return refusedAt(b) == 2 && refusedAt(c) == 2 && b.gate().State == delivery.GatePaused })
	b.refused.Store(false)
	c.refused.Store(false)
	c.gates["saleapp"].Trust()
	comes(t, "both are taken again", func() bool { return c.gate().Probed && b.gate().Probed && refusedAt(b) == 0 })
}

// A pause by hand holds at all engines, also at one that comes later, and ends at all.
func TestPauseHoldsAtAllEngines(t *testing.T) {
	url := natsURL(t)
	a, b := inCluster(t, url), inCluster(t, url)
	state := func(all ...*clustered) func(delivery.GateState) bool {
		return func(want delivery.GateState) bool {
			for _, c := range all {
				if c.gate().State != want {
					return false
				}
			}
			return true
		}
	}
	sent, err := view{a.engine}.Pause(t.Context(), admin.SinkRequest{Connection: "saleapp", By: "olena"})
	if err != nil || sent.State != string(delivery.GateStopped) {
		t.Fatalf("%+v %v", sent, err)
	}
	comes(t, "the other one stops", func() bool { return state(a, b)(delivery.GateStopped) })
	if s := b.sending("saleapp"); s.By != "olena" || s.Since == nil {
		t.Errorf("the other one shows %+v", s)
	}
	c := inCluster(t, url)
	if s := c.gate(); s.State != delivery.GateStopped {
		t.Errorf("one that comes later: %+v", s)
	}
	if _, err := (view{c.engine}).Resume(t.Context(), admin.SinkRequest{Connection: "saleapp", By: "taras"}); err != nil {
		t.Fatal(err)
	}
	comes(t, "all go on", func() bool { return state(a, b, c)(delivery.GateOpen) })
}
