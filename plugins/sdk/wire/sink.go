package wire

import (
	"encoding/json"

	pluginv1 "github.com/crosswalk-etl/crosswalk/proto/crosswalk/plugin/v1"
)

// Record is what an operation is done with.
type Record struct {
	// Index names the record in its result; unique in its batch.
	Index uint32
	// Key is the key of the event that the record was made of.
	Key string
	// Data is the record as JSON, made to the operation's schema.
	Data json.RawMessage
	// PossiblySent tells that an attempt whose answer was lost may have written
	// this record before.
	PossiblySent bool
	// Traceparent names the trace that this is a part of (W3C Trace Context); "" where
	// it is not traced.
	Traceparent string
}

// WriteResult is what became of one record.
type WriteResult struct {
	// Index names the record.
	Index uint32
	// Failure is why it was not written; nil if it was.
	Failure *Failure
	// Action is what was done: created, updated, deleted, absent.
	Action string
	// Answer is the far system's answer as JSON, without secrets; may be nil.
	Answer json.RawMessage
}

func recordToProto(r Record) *pluginv1.Record {
	return &pluginv1.Record{Index: r.Index, Key: valid(r.Key), Data: r.Data, PossiblySent: r.PossiblySent, Traceparent: valid(r.Traceparent)}
}

func recordFromProto(r *pluginv1.Record) Record {
	return Record{Index: r.GetIndex(), Key: r.GetKey(), Data: r.GetData(), PossiblySent: r.GetPossiblySent(), Traceparent: r.GetTraceparent()}
}

func writeResultToProto(r WriteResult) *pluginv1.WriteResult {
	return &pluginv1.WriteResult{
		Index: r.Index, Failure: failureToProto(r.Failure), Action: valid(r.Action), Answer: r.Answer,
	}
}

func writeResultFromProto(r *pluginv1.WriteResult) WriteResult {
	return WriteResult{
		Index: r.GetIndex(), Failure: failureFromProto(r.GetFailure()), Action: r.GetAction(), Answer: r.GetAnswer(),
	}
}
