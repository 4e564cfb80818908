package delivery

import (
	"context"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// Lane is the journal's side of a lane: one reader of a source connection's
// events, and the store of what became of them.
type Lane interface {
	// Next waits until at least one event is there and gives up to limit, in
	// sequence; a replay may come earlier than what is not of its key. An event is given
	// once. After an error other than the context's the lane has to be opened again, and
	// a new Runner made for it.
	Next(ctx context.Context, limit int) ([]event.Pending, error)
	// Load reads an event again that Next gave before.
	Load(ctx context.Context, sequence uint64) (event.Event, error)
	// Newest gives the version and the time of change of the newest event of a key
	// that the lane delivered, in whichever run; zero where they are not known. It is
	// called concurrently, for the first event of a key that a run meets.
	Newest(ctx context.Context, key string) (version uint64, updated time.Time, err error)
	// Guard is called once before Next, with the mappings whose operations must not be
	// repeated: their records are sent only after Mark, so that a later run knows of
	// what is not marked that it was not sent. Unmark says that the sink did not take
	// them; it neither waits nor fails. Mark may be called concurrently.
	Guard(ctx context.Context, mappings []string) error
	Mark(ctx context.Context, mapping string, sequences []uint64) error
	Unmark(mapping string, sequences []uint64)
	// Commit stores outcomes and dead letters durably, all or none, and then
	// acknowledges the events whose sequences are in done. Each dead letter's
	// outcome is among outcomes too. There are at most 500 of each. The slices are
	// the caller's again when Commit returns. After an error the same call is made
	// again, however often it takes, and what it stored at first must not count
	// twice.
	Commit(ctx context.Context, outcomes []event.Outcome, dead []event.DeadLetter, done []uint64) error
}

// Sink is a connection that records are written to. It is called concurrently.
type Sink interface {
	// Write does one operation for 1 to MaxBatch records, of different keys, and
	// calls each with every record's result as it comes. It returns when all have
	// come, or ctx has ended. A record that each was not called for counts as
	// possibly written.
	Write(ctx context.Context, operation string, records []wire.Record, each func(wire.WriteResult)) error
}

// Lookups asks other systems while an event is mapped. It is called concurrently.
type Lookups interface {
	// Find asks a connection's lookup 1 to MaxBatch questions and calls each with
	// every answer as it comes. It returns when all have come, or ctx has ended. A
	// question that each was not called for is asked again later.
	Find(ctx context.Context, connection, lookup string, questions []wire.Question, each func(wire.Answer)) error
}
