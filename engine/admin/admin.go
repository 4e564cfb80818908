// Package admin is the HTTP interface of a running engine, which the operator's
// commands use and nothing else bypasses. openapi.yaml describes it, and is served
// at /api/v1/openapi.yaml; the tests hold every answer against it.
//
// On loopback and on a socket it needs no credential; anywhere else a bearer token
// keeps others out. Web pages are kept out as well: on loopback the Host header
// must name this machine (DNS rebinding), what changes something must come as
// application/json and from no other origin, and no answer allows another origin
// to read it. Errors have one shape:
//
//	{"error":{"code":"bad_parameter","message":"limit: want a whole number from 1 to 1000"}}
package admin

import (
	"context"
	"encoding/json"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Engine is what is asked. Its methods may be called concurrently.
type Engine interface {
	// Unready gives the reasons, in words for people, why the engine is not ready:
	// the journal is not open, a connection does not run. None: it is ready.
	Unready(ctx context.Context) []string
	// Status gives the state now.
	Status(ctx context.Context) (Status, error)
	// Outcomes gives at most limit outcomes from the place from on, counted from
	// 1; fewer only at the end.
	Outcomes(ctx context.Context, from uint64, limit int) ([]event.Outcome, error)
	// Dead gives at most limit dead letters, likewise.
	Dead(ctx context.Context, from uint64, limit int) ([]event.DeadLetter, error)
	History
	Letters
	Sinks
	Webhooks
	Reloads
	Mappings
}

// Status is the state of a running engine.
type Status struct {
	// Version is the engine's own.
	Version string `json:"version"`
	// StartedAt is when it started, in UTC.
	StartedAt time.Time `json:"started_at"`
	// Connections are in the order of their names.
	Connections []Connection `json:"connections"`
	Lanes       []Lane       `json:"lanes"`
	// Mappings are those that run, in the order of their names.
	Mappings []Mapping `json:"mappings"`
	Counters Counters  `json:"counters"`
	Ingress  Ingress   `json:"ingress"`
	// Engines are those of the cluster, in the order of their names; none where the
	// engine is alone.
	Engines []ClusterEngine `json:"engines,omitempty"`
	// Undecoded are the connections with webhooks that their plugin has not decoded,
	// or refused when it did.
	Undecoded []Undecoded `json:"undecoded,omitempty"`
	// Alarms are what somebody has to look at, in words: a backlog that nears the
	// retention, or fills the journal.
	Alarms []string `json:"alarms,omitempty"`
	// Configuration is what became of the configurations that it was given.
	Configuration *Configuration `json:"configuration,omitempty"`
	// Paused are mappings that the configuration has no more, while events wait for
	// them.
	Paused []MappingLife `json:"paused,omitempty"`
}

// Connection is the state of a connection's process.
type Connection struct {
	Name   string `json:"name"`
	Plugin string `json:"plugin"`
	// Version is what the plugin that runs calls its own, "" while none was up.
	Version string `json:"version,omitempty"`
	// State is a word, such as starting, running, restarting, failed, stopped.
	State string `json:"state"`
	// PID is the process, 0 if there is none.
	PID int `json:"pid,omitempty"`
	// Restarts counts how often the process was started again.
	Restarts uint64 `json:"restarts"`
	// Since is when State began, where that is known.
	Since *time.Time `json:"since,omitempty"`
	// Reason says why the connection does not run, "" if it does.
	Reason string `json:"reason,omitempty"`
	// Sending is how records go to it, nil where no lane ends there.
	Sending *Sending `json:"sending,omitempty"`
	// Unread tells that it takes webhooks and no mapping reads from it: its events are
	// kept, and go nowhere.
	Unread bool `json:"unread,omitempty"`
}

// Mapping is a mapping that runs.
type Mapping struct {
	Name string `json:"name"`
	// SHA256 is the hex digest of its text and its tables'.
	SHA256 string `json:"sha256"`
	// From and To are CONNECTION.EVENT and CONNECTION.OPERATION.
	From []string `json:"from"`
	To   string   `json:"to"`
}

// Lane is what waits between a source and a sink.
type Lane struct {
	Source string `json:"source"`
	Sink   string `json:"sink"`
	// Backlog is how many events have no outcome yet, Held how many of them are
	// being delivered or wait to be tried again.
	Backlog uint64 `json:"backlog"`
	Held    uint64 `json:"held"`
	// Uncounted tells that more may wait than Backlog says: servers of a NATS cluster do
	// not answer just now.
	Uncounted bool `json:"uncounted,omitempty"`
	// Oldest is when the oldest of the backlog was accepted, nil if there is none.
	Oldest *time.Time `json:"oldest,omitempty"`
	// Paused says why nothing is sent to the sink at all, nil if that is not so. It is
	// the same for all lanes that end there.
	Paused *Pause `json:"paused,omitempty"`
	// Waiting are events that wait for their next attempt, the next first. There
	// may be more than are shown.
	Waiting []Waiting `json:"waiting,omitempty"`
}

// Pause is why a lane sends nothing: a failure, and until when, or a person, and
// since when; or both.
type Pause struct {
	Until  *time.Time    `json:"until,omitempty"`
	Reason *event.Reason `json:"reason,omitempty"`
	By     string        `json:"by,omitempty"`
	Since  *time.Time    `json:"since,omitempty"`
}

// Waiting is an event that waits for its next attempt.
type Waiting struct {
	Sequence uint64 `json:"sequence"`
	Key      string `json:"key"`
	Mapping  string `json:"mapping,omitempty"`
	// Attempts counts how often the record was sent; 0 if it waits because an
	// earlier run of the engine may have sent it.
	Attempts int       `json:"attempts"`
	Next     time.Time `json:"next"`
	// PossiblySent tells that an attempt may have taken effect.
	PossiblySent bool `json:"possibly_sent,omitempty"`
	// Reason is the last attempt's failure, nil if there was none.
	Reason *event.Reason `json:"reason,omitempty"`
}

// Counters count events and outcomes over all that the journal keeps.
type Counters struct {
	// Accepted counts events, without duplicates.
	Accepted   uint64 `json:"accepted"`
	Duplicates uint64 `json:"duplicates"`
	// The others count outcomes, one for each event and mapping.
	Delivered  uint64 `json:"delivered"`
	Skipped    uint64 `json:"skipped"`
	Superseded uint64 `json:"superseded"`
	Dead       uint64 `json:"dead"`
	// DeadOpen is how many dead letters nothing was done with yet, and Replayed how
	// many events were put on their way again.
	DeadOpen uint64 `json:"dead_open"`
	Replayed uint64 `json:"replayed"`
}

// Ingress counts webhooks since the engine started.
type Ingress struct {
	Requests uint64 `json:"requests"`
	// Refused counts by the reason's code.
	Refused map[string]uint64 `json:"refused"`
}

// DeadLetter is an event whose delivery was given up.
type DeadLetter struct {
	// Place is its number among the dead letters, from 1.
	Place uint64     `json:"place"`
	Event Event      `json:"event"`
	Lane  event.Lane `json:"lane"`
	// Mapping is the mapping that the event went through, and MappingSHA256 the
	// digest of its text.
	Mapping       string `json:"mapping,omitempty"`
	MappingSHA256 string `json:"mapping_sha256,omitempty"`
	Operation     string `json:"operation,omitempty"`
	Attempts      int    `json:"attempts"`
	// Reason says why, with file, line and column of the rule where it is a
	// mapping's.
	Reason *event.Reason `json:"reason,omitempty"`
	// Answer is the far system's last answer.
	Answer json.RawMessage `json:"answer,omitempty"`
	At     time.Time       `json:"at"`
}

// EventHead is what an accepted event is known by.
type EventHead struct {
	Sequence   uint64     `json:"sequence"`
	ID         string     `json:"id,omitempty"`
	Connection string     `json:"connection"`
	Type       string     `json:"type"`
	Key        string     `json:"key"`
	Version    uint64     `json:"version,omitempty"`
	UpdatedAt  *time.Time `json:"updated_at,omitempty"`
	ReceivedAt time.Time  `json:"received_at"`
}

// Event is an accepted event.
type Event struct {
	EventHead
	// Record is the event's JSON object.
	Record json.RawMessage `json:"record"`
}

// HeadOf is what the event is known by.
func HeadOf(e *event.Event) EventHead {
	h := EventHead{
		Sequence: e.Sequence, ID: e.ID, Connection: e.Connection, Type: e.Type, Key: e.Key, Version: e.Version, ReceivedAt: e.ReceivedAt,
	}
	if !e.UpdatedAt.IsZero() {
		h.UpdatedAt = &e.UpdatedAt
	}
	return h
}
