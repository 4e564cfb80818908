// Package event holds the values that pass between ingress, journal and
// delivery: an accepted event, and what became of it. It is a leaf: it knows
// neither how events are stored nor how they are delivered.
package event

import (
	"encoding/json"
	"time"
)

// Event is one accepted thing from a source.
type Event struct {
	// Sequence is the event's place in the journal, from 1; 0 before it is accepted.
	Sequence uint64
	// ID is what the source calls this very occurrence (SalesDrive: event, order
	// and version), unique within its connection; "" where the source has no such
	// thing, and then Record tells a repeat from a change.
	ID string
	// Connection is the name of the source connection.
	Connection string
	// Type is the event's name in its source's spec, such as order_created.
	Type string
	// Key orders events among themselves: an order's id in its source. Events of
	// one connection and one key are delivered in the order they were accepted.
	Key string
	// Version grows with each change of the same key where the source counts
	// versions; 0 where it does not.
	Version uint64
	// UpdatedAt is when the source says that the key last changed; zero where it
	// does not say.
	UpdatedAt time.Time
	// ReceivedAt is when ingress had read the whole request, in UTC.
	ReceivedAt time.Time
	// Record is the event's JSON object, as mappings see it.
	Record []byte
	// Body is the request's body as it came, nil where it is Record itself.
	Body []byte
	// Replay says whom it is for, where it repeats an event; nil where it does not.
	Replay *Replay
	// Part is Request.Part of the request that it comes from, where that was kept
	// before it was decoded; "" where it was not. A part is stored once.
	Part string
	// Trace names the trace that what becomes of it is a part of, as a traceparent of W3C
	// Trace Context; "" where it is not traced.
	Trace string
}

// Kind says what became of an event under one mapping.
type Kind string

// The kinds of outcome. Each event ends in exactly one for each mapping that
// wants it.
const (
	// Delivered means that the sink took the record, or that what was to be
	// deleted was absent.
	Delivered Kind = "delivered"
	// Skipped means that the mapping's when was false.
	Skipped Kind = "skipped"
	// Duplicate means that the same event had been accepted before.
	Duplicate Kind = "duplicate"
	// Superseded means that a newer event of the same key was delivered before.
	Superseded Kind = "superseded"
	// Dead means that delivery was given up; a dead letter holds the reason.
	Dead Kind = "dead"
)

// Lane names the way from one source connection to one sink connection.
type Lane struct {
	Source string `json:"source"`
	Sink   string `json:"sink"`
}

// Outcome is what became of one event under one mapping.
type Outcome struct {
	// Sequence is the event's place in the journal.
	Sequence uint64 `json:"sequence"`
	// EventID, Type and Key are the event's own.
	EventID string `json:"event_id,omitempty"`
	Type    string `json:"event"`
	Key     string `json:"key"`
	Lane    Lane   `json:"lane"`
	// Mapping is the mapping's name and MappingSHA256 the hex digest of its text;
	// both are empty for a duplicate, which no mapping saw.
	Mapping       string `json:"mapping,omitempty"`
	MappingSHA256 string `json:"mapping_sha256,omitempty"`
	Kind          Kind   `json:"outcome"`
	// Operation is the sink's operation that the record went to.
	Operation string `json:"operation,omitempty"`
	// Attempts counts how often the record was sent; 0 if it never was.
	Attempts int `json:"attempts,omitempty"`
	// Action is what the sink did, in its own word: created, updated, deleted, absent.
	Action string `json:"action,omitempty"`
	// Answer is the far system's answer, without secrets.
	Answer json.RawMessage `json:"answer,omitempty"`
	// Reason says why an event is dead, or a replay superseded.
	Reason *Reason `json:"reason,omitempty"`
	Trail
	// ReceivedAt is the event's own, zero where it is not known.
	ReceivedAt time.Time `json:"received_at,omitzero"`
	// At is when the outcome was decided, in UTC.
	At time.Time `json:"at"`
}

// Reason says why delivery of an event was given up.
type Reason struct {
	// Class is the failure's class: INVALID, IN_DOUBT or MAPPING.
	Class string `json:"class"`
	// Code is stable and for programs: a rule id such as CW301, or a sink's code.
	Code string `json:"code"`
	// Message is for people.
	Message string `json:"message"`
	// Path is the field that the reason is about, in the record it concerns.
	Path string `json:"path,omitempty"`
	// File, Line and Column, from 1, place the rule in its mapping file.
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// Hint says what to do about it.
	Hint string `json:"hint,omitempty"`
	// More are the others, where there are several; none of them has more.
	More []Reason `json:"more,omitempty"`
}

// DeadLetter is an event whose delivery was given up, kept with its reason until
// somebody resolves it.
type DeadLetter struct {
	Event   Event
	Outcome Outcome
}

// Pending is an accepted event on its way along a lane.
type Pending struct {
	Event Event
	// PossiblySent tells that the event was in the journal before this reader
	// began: an earlier reader may have sent it.
	PossiblySent bool
	// Unsent are mappings under which it was surely not sent all the same: their
	// operations must not be repeated, and what is sent by such is recorded before.
	Unsent []string
	// Late tells that the lane had been further, and went back for mappings that were
	// not in it then: something newer of the key may have been delivered.
	Late bool
	// Done holds the mappings that an earlier reader stored an outcome for; mostly
	// nil.
	Done map[string]Kind
}
