package wire

import (
	"encoding/json"

	pluginv1 "github.com/crosswalk-etl/crosswalk/proto/crosswalk/plugin/v1"
)

// Question is one set of a lookup's arguments.
type Question struct {
	// Index names the question in its answer; unique in its batch.
	Index uint32
	// Args are the arguments, a JSON object.
	Args json.RawMessage
	// Traceparent names the trace that this is a part of (W3C Trace Context); "" where
	// it is not traced. A question that several wait for has the first one's.
	Traceparent string
}

// Answer is what was found for one question.
type Answer struct {
	// Index names the question.
	Index uint32
	// Found is the answer, a JSON object; nil where there is a failure.
	Found json.RawMessage
	// Failure is why there is no answer. NotFound and Ambiguous are ordinary
	// answers, not faults.
	Failure *Failure
	// Candidates are what fitted an ambiguous question, JSON objects.
	Candidates []json.RawMessage
}

func questionToProto(q Question) *pluginv1.Question {
	return &pluginv1.Question{Index: q.Index, Args: q.Args, Traceparent: valid(q.Traceparent)}
}

func questionFromProto(q *pluginv1.Question) Question {
	return Question{Index: q.GetIndex(), Args: q.GetArgs(), Traceparent: q.GetTraceparent()}
}

func answerToProto(a Answer) *pluginv1.Answer {
	out := &pluginv1.Answer{Index: a.Index, Found: a.Found, Failure: failureToProto(a.Failure)}
	for _, c := range a.Candidates {
		out.Candidates = append(out.Candidates, c)
	}
	return out
}

func answerFromProto(a *pluginv1.Answer) Answer {
	out := Answer{Index: a.GetIndex(), Found: a.GetFound(), Failure: failureFromProto(a.GetFailure())}
	for _, c := range a.GetCandidates() {
		out.Candidates = append(out.Candidates, c)
	}
	return out
}
