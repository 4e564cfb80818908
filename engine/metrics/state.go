package metrics

import (
	"context"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/ingress"
	"github.com/crosswalk-etl/crosswalk/engine/tracing"
)

// Source is the engine that metrics are read from.
type Source interface {
	// State gives how the engine is now. It is called concurrently.
	State(ctx context.Context) (State, error)
}

// State is how an engine is at a scrape.
type State struct {
	// Ready tells that webhooks are accepted and every connection works.
	Ready bool
	// Ingress counts webhooks since the start.
	Ingress ingress.Stats
	// Lanes are in any order.
	Lanes []Lane
	// Connections are in any order.
	Connections []Connection
	// DeadLetters is how many stand unresolved.
	DeadLetters uint64
	// Paused are mappings that the configuration has no more, and that nobody has
	// dropped or renamed.
	Paused []PausedMapping
	// Undecoded are the connections of which webhooks are kept that wait for their
	// plugin, or were refused when it decoded them.
	Undecoded []Undecoded
	// Traces counts what was told to a collector.
	Traces tracing.Stats
	// Alarms is how many things somebody has to look at before events are refused.
	Alarms int
	// Configuration is what became of the configurations that the engine was given.
	Configuration Configuration
}

// Configuration is how the files of the configuration stand.
type Configuration struct {
	// Valid tells that they were not refused when they were read last.
	Valid bool
	// AppliedAt is when what runs was put in place.
	AppliedAt time.Time
	// Applied, Unchanged and Refused count the times that they were read since the start.
	Applied, Unchanged, Refused uint64
}

// Lane is how a lane stands.
type Lane struct {
	event.Lane
	// Backlog counts the events without all of their outcomes, and OldestAt is when
	// the first of them was accepted; zero if there is none or it is not known.
	Backlog  uint64
	OldestAt time.Time
	// Uncounted tells that both are not known now, and not told.
	Uncounted bool
	// Delivery is what the lane's runner says; nil while it has none.
	Delivery *delivery.Stats
}

// PausedMapping is a mapping that does not run any more, and what waits for it.
type PausedMapping struct {
	event.Lane
	Mapping string
	// Backlog counts the events that wait, and OldestAt is when the first of them was
	// accepted; zero if there is none or it is not known.
	Backlog  uint64
	OldestAt time.Time
}

// Undecoded is what is kept of a connection.
type Undecoded struct {
	Connection string
	// Waiting and Bytes are what waits, and OldestAt when the first of it came; zero
	// if there is none or it is not known.
	Waiting  int
	Bytes    int64
	OldestAt time.Time
	// Refused is how many were refused and nobody has resolved.
	Refused int
}

// Connection is how a connection's process is.
type Connection struct {
	Name, Plugin string
	Up           bool
	Restarts     uint64
	// Gate says how records go to it, as delivery's GateState; "" where none do.
	Gate string
	// Since is when Gate began to be that, zero where it is open or that is not known.
	Since time.Time
	// AtSink counts the records that are there now.
	AtSink int
}
