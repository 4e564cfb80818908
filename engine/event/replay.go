package event

import (
	"encoding/json"
	"time"
)

// ActKind is what an operator had done with events that were accepted before.
type ActKind string

// The kinds of act.
const (
	// Retry puts a dead letter on its way again as it was.
	Retry ActKind = "retry"
	// Edit puts a dead letter on its way again with another record.
	Edit ActKind = "edit"
	// Drop gives a dead letter up for good.
	Drop ActKind = "drop"
	// Repeat puts an event on its way again, whatever had become of it.
	Repeat ActKind = "replay"
	// DropMapping gives up a mapping that is gone from the configuration, and has
	// skipped what waits for it.
	DropMapping ActKind = "drop_mapping"
	// RenameMapping has another mapping take its state over.
	RenameMapping ActKind = "rename_mapping"
)

// Act is what was done with a dead letter, or, where Sequence is 0, with a mapping, or,
// where Mapping is "" too, a replay of events. It is kept for good.
type Act struct {
	Kind ActKind   `json:"act"`
	At   time.Time `json:"at"`
	// By is who did it, and Reason why, where that was said.
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
	// Lane, Mapping and Sequence name the dead letter, Lane and Mapping the mapping.
	Lane     Lane   `json:"lane,omitzero"`
	Mapping  string `json:"mapping,omitempty"`
	Sequence uint64 `json:"sequence,omitempty"`
	// As is the event that the letter went on its way as, 0 for a drop.
	As uint64 `json:"as,omitempty"`
	// To is the mapping that took the state over.
	To string `json:"to,omitempty"`
	// Events is how many events the act put on their way, skipped or carried over.
	Events uint64 `json:"events,omitempty"`
}

// Replay says of an event that it repeats another one, and for whom. It is nil for
// an event that came from its source.
type Replay struct {
	// Of is the sequence of the event that is repeated, and Origin that of the one
	// that came from the source: the same, unless Of is a replay itself.
	Of     uint64 `json:"of"`
	Origin uint64 `json:"origin"`
	// Sink and Mapping bound the replay to one sink connection and to one mapping;
	// "" for all.
	Sink    string `json:"sink,omitempty"`
	Mapping string `json:"mapping,omitempty"`
	// Kind is Retry, Edit or Repeat.
	Kind ActKind `json:"act"`
	// By is who asked for it, At when, and Reason why, where that was said.
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

// Wants tells whether the replay is for a mapping of the lane to sink; a nil
// Replay is for all.
func (r *Replay) Wants(sink, mapping string) bool {
	return r == nil || (r.Sink == "" || r.Sink == sink) && (r.Mapping == "" || r.Mapping == mapping)
}

// Trail is what was sent under an outcome, and how it went.
type Trail struct {
	// Sent is the record that was sent last, nil if none was.
	Sent json.RawMessage `json:"sent,omitempty"`
	// Tries are the failed attempts, the last ones if there were many.
	Tries []Try `json:"tries,omitempty"`
}

// Try is one attempt to send a record that failed.
type Try struct {
	At      time.Time `json:"at"`
	Class   string    `json:"class"`
	Code    string    `json:"code,omitempty"`
	Message string    `json:"message,omitempty"`
}
