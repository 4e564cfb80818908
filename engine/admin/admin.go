// Package admin is the HTTP interface through which a running engine is asked
// about itself. It changes nothing and has no credential, so it listens on
// loopback alone, and refuses requests whose Host is no loopback name: those come
// from web pages that were made to point there (DNS rebinding).
//
//	GET /healthz                       the process lives: 200
//	GET /readyz                        200, or 503 with the reasons why not
//	GET /api/v1/status                 a Status
//	GET /api/v1/outcomes?from=&limit=  an array of event.Outcome, oldest first
//	GET /api/v1/dead?from=&limit=      an array of DeadLetter, oldest first
//
// from is the place of the first element, counted from 1 (default 1), and limit
// the most elements to give, 1 to 1000 (default 100); the next page's from is this
// one's plus the number of elements that came. An array that could not be finished
// is cut off: its connection breaks. Errors are one line of JSON:
//
//	{"error":{"code":"bad_parameter","message":"limit: want a whole number from 1 to 1000"}}
package admin

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
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
	Counters    Counters     `json:"counters"`
	Ingress     Ingress      `json:"ingress"`
}

// Connection is the state of a connection's process.
type Connection struct {
	Name   string `json:"name"`
	Plugin string `json:"plugin"`
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
}

// Lane is what waits between a source and a sink.
type Lane struct {
	Source string `json:"source"`
	Sink   string `json:"sink"`
	// Backlog is how many events have no outcome yet, Held how many of them are
	// being delivered or wait to be tried again.
	Backlog uint64 `json:"backlog"`
	Held    uint64 `json:"held"`
	// Paused says why nothing is sent to the sink at all, nil if that is not so.
	Paused *Pause `json:"paused,omitempty"`
	// Waiting are events that wait for their next attempt, the next first. There
	// may be more than are shown.
	Waiting []Waiting `json:"waiting,omitempty"`
}

// Pause is why a lane sends nothing, and until when.
type Pause struct {
	Until  time.Time    `json:"until"`
	Reason event.Reason `json:"reason"`
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

// Event is an accepted event.
type Event struct {
	Sequence   uint64     `json:"sequence"`
	ID         string     `json:"id,omitempty"`
	Connection string     `json:"connection"`
	Type       string     `json:"type"`
	Key        string     `json:"key"`
	Version    uint64     `json:"version,omitempty"`
	UpdatedAt  *time.Time `json:"updated_at,omitempty"`
	ReceivedAt time.Time  `json:"received_at"`
	// Record is the event's JSON object.
	Record json.RawMessage `json:"record"`
}

// New makes the handler; metrics answers /metrics. A nil logger drops what it says.
func New(e Engine, metrics http.Handler, log *slog.Logger) http.Handler {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	a := &api{engine: e, log: log}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", a.health)
	mux.HandleFunc("/readyz", a.ready)
	mux.Handle("/metrics", metrics)
	mux.HandleFunc("/api/v1/status", a.status)
	mux.HandleFunc("/api/v1/outcomes", a.outcomes)
	mux.HandleFunc("/api/v1/dead", a.dead)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		a.fail(w, http.StatusNotFound, "not_found", "there is nothing here: see /api/v1/status, /api/v1/outcomes, /api/v1/dead, /healthz, /readyz and /metrics")
	})
	return a.guard(mux)
}
