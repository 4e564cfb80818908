// Package sdk is what a connector's author imports. A connector is an
// executable whose main calls Serve with a Spec; the engine starts one process
// of it for each connection, hands it the connection's configuration, and then
// asks it to decode webhooks, write records or answer lookups.
//
// Batching, retries, rate limits, ordering and deduplication are the engine's
// work. A connector says of each failure what class it is (Transient, Invalid
// and so on) and does nothing about it.
package sdk

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// The values that pass between engine and connector.
type (
	// EventSpec describes one kind of event of a source.
	EventSpec = wire.EventSpec
	// OperationSpec describes one thing that a sink can do.
	OperationSpec = wire.OperationSpec
	// LookupSpec describes one question.
	LookupSpec = wire.LookupSpec
	// Repeat says what happens when a record is written twice.
	Repeat = wire.Repeat
	// Request is a webhook as it came.
	Request = wire.Request
	// Header is one line of an HTTP header.
	Header = wire.Header
	// Decoded is what a webhook holds.
	Decoded = wire.Decoded
	// Event is one thing that happened in a source.
	Event = wire.Event
	// Reply is an answer to a webhook's sender.
	Reply = wire.Reply
	// Refusal is why a webhook is not taken; return it as Decode's error.
	Refusal = wire.Refusal
	// ReadRequest asks a pull source for events from a cursor on.
	ReadRequest = wire.ReadRequest
	// ReadBatch is some events with the cursor after them.
	ReadBatch = wire.ReadBatch
	// Diagnostic is a problem in a connection's configuration.
	Diagnostic = wire.Diagnostic
	// Failure is why something did not happen; return it as an error.
	Failure = wire.Failure
)

// The ways an operation takes a repetition.
const (
	RepeatUnsafe    = wire.RepeatUnsafe
	RepeatSafe      = wire.RepeatSafe
	RepeatFindFirst = wire.RepeatFindFirst
)

// MaxBatch bounds the entries of one batch in either direction.
const MaxBatch = wire.MaxBatch

// Contract is what a connector offers: events, operations and lookups with their
// schemas.
type Contract struct {
	Events     []EventSpec
	Operations []OperationSpec
	Lookups    []LookupSpec
}

// Spec is a connector: what it says of itself and how a connection is opened.
type Spec struct {
	// Name is the connector's name: its folder's and its binary's, in lower case
	// letters, digits, - and _.
	Name string
	// Version is the connector's own, such as 1.4.0.
	Version string
	// Title is the far system's name as people write it.
	Title string
	// Config is the JSON Schema (2020-12) of a connection's configuration, an
	// object. Secrets are marked "writeOnly": true; they never reach Under, and
	// are kept out of logs. A configuration that does not pass never reaches Open.
	Config json.RawMessage
	// Contract is what the connector offers whatever its configuration.
	Contract
	// Under gives the contract as it is under a connection's configuration, which
	// comes without its secrets and may lack other parts too. It works offline.
	// nil: Contract always holds.
	Under func(config json.RawMessage) (Contract, error)
	// Open opens a connection. It is called once in a process, after the
	// configuration passed its schema, and should not ask the far system: an
	// outage is no reason not to start. An error is shown as a diagnostic of the
	// whole configuration; a *ConfigError names its parts.
	Open func(ctx context.Context, c Config) (*Connection, error)
}

// Config is what Open is given.
type Config struct {
	// Connection is the connection's name.
	Connection string
	// JSON is the configuration, secrets included, that passed the spec's schema.
	JSON json.RawMessage
	// Log reaches the engine's log with the connection's name. Never log a secret
	// or a person's data.
	Log *slog.Logger
}

// Decode fills v, a pointer to a struct, from the configuration.
func (c Config) Decode(v any) error { return json.Unmarshal(c.JSON, v) }

// Connection is an open connection: the roles that it plays and how it ends.
type Connection struct {
	// Source decodes webhooks; needed where the spec has events.
	Source Source
	// Puller reads events from a cursor; nil where there is nothing to poll.
	Puller Puller
	// Sink writes records; needed where the spec has operations.
	Sink Sink
	// Lookup answers questions; needed where the spec has lookups.
	Lookup Lookup
	// Check tells whether the far system can be reached with these credentials.
	// nil: always.
	Check func(ctx context.Context) error
	// Concurrency bounds the records and questions at hand at once, over all
	// calls; 0 means 16.
	Concurrency int
}

// Source turns webhooks into events.
type Source interface {
	// Decode turns one webhook into its events, in order. It is called
	// concurrently, works offline, and gives the same events for the same
	// request. A webhook that cannot be taken gives a *Refusal; any other error is
	// answered to the sender as 422 with the error's text. A webhook that is in
	// order and holds nothing of interest gives no events.
	Decode(ctx context.Context, r *Request) (Decoded, error)
}

// Puller reads events from a far system that has to be asked.
type Puller interface {
	// Read emits batches of events from r.Cursor on, oldest first, each with the
	// cursor after it, until there are no more. An error of emit ends it.
	Read(ctx context.Context, r ReadRequest, emit func(ReadBatch) error) error
}

// Record is what an operation is done with.
type Record struct {
	// Operation is the operation's name in the spec.
	Operation string
	// Key is the key of the event that the record was made of.
	Key string
	// Data is the record as JSON, made to the operation's schema.
	Data json.RawMessage
	// PossiblySent tells that an attempt whose answer was lost may have written
	// this record before; the operation's settle time has passed since.
	PossiblySent bool
}

// Written is what a sink did with a record.
type Written struct {
	// Action is what was done: created, updated, deleted, or absent for a deletion
	// of what is not there.
	Action string
	// Answer is the far system's answer as JSON, without secrets; may be nil.
	Answer json.RawMessage
}

// Sink writes records.
type Sink interface {
	// Write does r.Operation with r. It is called concurrently, at most
	// Connection.Concurrency times at once, never for two records of one key at a
	// time. An error that is no *Failure counts as class Unknown: the record may
	// have been written, and the engine will ask again with PossiblySent.
	Write(ctx context.Context, r Record) (Written, error)
}

// Question is one set of a lookup's arguments.
type Question struct {
	// Lookup is the lookup's name in the spec.
	Lookup string
	// Args are the arguments, a JSON object.
	Args json.RawMessage
}

// Lookup answers questions.
type Lookup interface {
	// Find gives the answer, a JSON object. It is called concurrently. NotFound
	// and AmbiguousError are ordinary answers.
	Find(ctx context.Context, q Question) (json.RawMessage, error)
}
