package delivery

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/tracing"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// Options are what a Runner needs. Zero numbers and durations mean the default.
type Options struct {
	// Lane names the lane, in outcomes and in the log.
	Lane event.Lane
	// Mappings are the lane's; they run for each event in turn by name.
	Mappings []Mapping
	// Sink is where records go, and Journal where events come from and outcomes go.
	Sink    Sink
	Journal Lane
	Logger  *slog.Logger
	// Newer finds what replays would overwrite; nil: they never do.
	Newer Newer
	// Lookups answers the mappings' questions; needed where one has lookups. Answers
	// keeps what may be kept, and can be shared: one of its own for 10,000 answers.
	Lookups Lookups
	Answers *AnswerCache
	// Gate is the way to the sink, shared with the other lanes that end there: one of
	// the lane's own for MaxInFlight records at once.
	Gate *Gate

	// Tracer tells the way of events that have a trace; nil tells of none.
	Tracer *tracing.Tracer

	// Lease is the right to read the lane, where others may come to have it; nil: it is
	// never lost.
	Lease Lease

	// MaxBatch bounds the records of one call to the sink: 256, at most 1024.
	MaxBatch int
	// MaxInFlight bounds the records that are at the sink at once: 512.
	MaxInFlight int
	// Concurrency bounds the calls to the sink at once that began within the last
	// two seconds: 32. One that takes longer keeps no other waiting.
	Concurrency int
	// Workers is how many events are mapped at once: as many as there are processors.
	Workers int
	// MaxHeld bounds the events at hand, waiting ones included: 100,000. No more
	// are read while so many are there.
	MaxHeld int
	// BodyBudget bounds, in bytes, the events that wait with their bodies in
	// memory, and likewise those that do not wait: 16 MiB.
	BodyBudget int
	// Backoff is how long to wait between the attempts for a record.
	Backoff Backoff
	// CallTimeout is how long a call to the sink may go without a result of it or of
	// any other call there: 2 min, and without one of its own ten times as long. It is
	// then broken off, and its records count as possibly sent.
	CallTimeout time.Duration
	// DrainTimeout is how long Run waits at its end for what is in flight: 30 s.
	DrainTimeout time.Duration
}

const (
	// maxCommit bounds the outcomes, dead letters and acknowledgements of one commit.
	maxCommit = 500
	// maxRead bounds the events of one reading.
	maxRead = 512
	// maxWait is the longest wait that a sink is granted when it asks for one.
	maxWait = 24 * time.Hour
	// grace is how long work may take to return after its context has ended.
	grace = 5 * time.Second
)

func (o *Options) fill() error {
	var errs []error
	if o.Lane.Source == "" || o.Lane.Sink == "" {
		errs = append(errs, errors.New("the lane's source and sink must be named"))
	}
	if o.Journal == nil {
		errs = append(errs, errors.New("a journal is needed"))
	}
	if o.Sink == nil {
		errs = append(errs, errors.New("a sink is needed"))
	}
	if o.Answers == nil {
		o.Answers = NewAnswerCache(10_000)
	}
	if o.Lookups == nil && slices.ContainsFunc(o.Mappings, func(m Mapping) bool { return m.Lookups > 0 }) {
		errs = append(errs, errors.New("a mapping has lookups, and there is nobody to ask"))
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	for _, n := range []struct {
		name     string
		value    *int
		standard int
		limit    int
	}{
		{"MaxBatch", &o.MaxBatch, 256, wire.MaxBatch},
		{"MaxInFlight", &o.MaxInFlight, 512, 1 << 20},
		{"Concurrency", &o.Concurrency, 32, 1 << 10},
		{"Workers", &o.Workers, runtime.GOMAXPROCS(0), 1 << 10},
		{"MaxHeld", &o.MaxHeld, 100_000, 10_000_000},
		{"BodyBudget", &o.BodyBudget, 16 << 20, 1 << 40},
	} {
		*n.value = cmp.Or(*n.value, n.standard)
		if *n.value < 1 || *n.value > n.limit {
			errs = append(errs, fmt.Errorf("%s is %d, and must be 1 to %d", n.name, *n.value, n.limit))
		}
	}
	for _, d := range []struct {
		name     string
		value    *time.Duration
		standard time.Duration
	}{
		{"Backoff.Initial", &o.Backoff.Initial, time.Second},
		{"Backoff.Max", &o.Backoff.Max, 5 * time.Minute},
		{"CallTimeout", &o.CallTimeout, 2 * time.Minute},
		{"DrainTimeout", &o.DrainTimeout, 30 * time.Second},
	} {
		*d.value = cmp.Or(*d.value, d.standard)
		if *d.value < 0 {
			errs = append(errs, fmt.Errorf("%s is %s, and must not be negative", d.name, *d.value))
		}
	}
	if o.Backoff.Max < o.Backoff.Initial {
		errs = append(errs, fmt.Errorf("Backoff.Max %s is less than Backoff.Initial %s", o.Backoff.Max, o.Backoff.Initial))
	}
	return errors.Join(errs...)
}

// window bounds the items that are live, so that what is mapped waits neither for
// the sink nor for the journal longer than it must.
func (o *Options) window() int { return min(2*o.MaxInFlight+2*maxCommit, o.MaxHeld) }
