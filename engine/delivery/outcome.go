package delivery

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// Classes of a dead letter's reason.
const (
	classInvalid = "INVALID"
	classInDoubt = "IN_DOUBT"
	classMapping = "MAPPING"
	// classSuperseded is that of a replay which something newer overtook.
	classSuperseded = "SUPERSEDED"
)

// Codes of reasons that delivery itself finds.
const (
	codeInDoubt  = "in_doubt"
	codePanic    = "panic"
	codeInternal = "internal"
)

// outcomeOf makes the outcome of an item, whose event is at hand, under mapping m.
func outcomeOf(lane event.Lane, it *item, m *Mapping, kind event.Kind) event.Outcome {
	received := it.ev.ReceivedAt
	if r := it.ev.Replay; r != nil {
		received = r.At // how long it took counts from when it was asked for
	}
	return event.Outcome{
		Sequence: it.sequence, EventID: it.ev.ID, Type: it.eventType, Key: it.key, Lane: lane,
		Mapping: m.Name, MappingSHA256: m.SHA256, Operation: m.Operation,
		Kind: kind, ReceivedAt: received, At: time.Now().UTC(),
	}
}

// answerOf gives a sink's answer as it can be stored: what is no JSON becomes a
// JSON string, so that a connector's mistake keeps no outcome from being stored.
func answerOf(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	if json.Valid(raw) {
		return raw
	}
	s, err := json.Marshal(string(raw))
	if err != nil {
		return nil
	}
	return s
}

// maxAction bounds the sink's word for what it did, in bytes.
const maxAction = 64

// reasonOfFailure says why a record will never pass; doubt tells that an earlier
// attempt for it may have.
func reasonOfFailure(f *wire.Failure, doubt bool) *event.Reason {
	r := &event.Reason{Class: classInvalid, Code: f.Code, Message: f.Message, Path: f.Path}
	if r.Code == "" {
		r.Code = strings.ToLower(f.Class.String())
	}
	if r.Message == "" {
		r.Message = "the sink refuses the record and does not say why"
	}
	if doubt {
		r.Hint = "the answer to an earlier attempt was lost: see in the far system whether that one took effect"
	}
	return r
}

// reasonInDoubt says why a record that was possibly sent is not sent again. f is
// the failure that lost the answer, nil if an earlier run of the engine may have
// sent it.
func reasonInDoubt(m *Mapping, f *wire.Failure) *event.Reason {
	how := "an earlier run of the engine may have sent this record"
	if f != nil {
		how = "the record was sent and the answer lost"
		if f.Message != "" {
			how += " (" + f.Message + ")"
		}
	}
	return &event.Reason{
		Class: classInDoubt, Code: codeInDoubt,
		Message: fmt.Sprintf("%s, and %s must not be repeated", how, m.Operation),
		Hint: "see in the far system whether the record is there before sending it again; " +
			"an operation that finds before it creates is repeated by itself",
	}
}

// reasonOfMapping says why an event cannot be mapped.
func reasonOfMapping(err error) *event.Reason {
	if p, ok := errors.AsType[*panicError](err); ok {
		return &event.Reason{
			Class: classMapping, Code: codePanic,
			Message: fmt.Sprintf("the mapping panicked on this event: %v", p.value),
			Hint:    "this is a fault of the engine and not of the event; the stack is in the log",
		}
	}
	e, ok := errors.AsType[*mapping.Error](err)
	if !ok {
		return &event.Reason{Class: classMapping, Code: codeInternal, Message: err.Error()}
	}
	r := reasonOfError(e)
	if n := len(e.More); n > 0 {
		r.Message += fmt.Sprintf(" (and %d more)", n)
	}
	for _, other := range e.More[:min(len(e.More), maxReasons)] {
		r.More = append(r.More, reasonOfError(other))
	}
	return &r
}

// maxReasons bounds the reasons of one outcome beside its first.
const maxReasons = 50

func reasonOfError(e *mapping.Error) event.Reason {
	d := e.Diagnostic
	return event.Reason{
		Class: classMapping, Code: d.Rule, Message: d.Message, Path: cmp.Or(e.Path, e.Field), Hint: d.Hint,
		File: d.Position.File, Line: d.Position.Line, Column: d.Position.Column,
	}
}
