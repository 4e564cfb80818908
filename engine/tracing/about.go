package tracing

import (
	"regexp"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// About is what a span tells. What is empty is left out.
type About struct {
	// Connection is the source connection's name, Sink the sink connection's.
	Connection, Sink string
	// Event is the event's type, EventID what the source calls it, Sequence its place in
	// the journal.
	Event, EventID string
	Sequence       uint64
	// Mapping, Operation and Lookup are names from the configuration and of connectors.
	Mapping, Operation, Lookup string
	// Attempt counts from 1.
	Attempt int
	// Outcome is what became of the event, and Action what the sink did.
	Outcome, Action string
	// Duplicate tells that the event had been accepted before, Replay that it repeats
	// one, Kept that the webhook is kept as it came, and Skipped that the mapping does
	// not want it. Questions are what the mapping has to know first.
	Duplicate, Replay, Kept, Skipped bool
	Questions                        int
	// Method and Status are HTTP's.
	Method string
	Status int
	// Class and Code say what went wrong, in words for programs. A span with a Code is
	// one that failed.
	Class, Code string
}

// maxWord bounds a name or an id, in bytes.
const maxWord = 256

// word is what connectors' codes and actions have to look like to be told: such a word
// has no room for what a person wrote.
var word = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// unnamed stands for a code that does not look like one.
const unnamed = "other"

func (a *About) tell(s trace.Span) {
	if a == nil {
		return
	}
	attrs := make([]attribute.KeyValue, 0, 16)
	text := func(key, value string) {
		if value != "" && len(value) <= maxWord {
			attrs = append(attrs, attribute.String(key, value))
		}
	}
	term := func(key, value string) {
		if value != "" && !word.MatchString(value) {
			value = unnamed
		}
		text(key, value)
	}
	number := func(key string, n int64) {
		if n != 0 {
			attrs = append(attrs, attribute.Int64(key, n))
		}
	}
	yes := func(key string, is bool) {
		if is {
			attrs = append(attrs, attribute.Bool(key, true))
		}
	}
	text("crosswalk.connection", a.Connection)
	text("crosswalk.sink", a.Sink)
	text("crosswalk.event", a.Event)
	text("crosswalk.event_id", a.EventID)
	number("crosswalk.sequence", int64(a.Sequence)) //nolint:gosec // a sequence of the journal does not come near it
	text("crosswalk.mapping", a.Mapping)
	text("crosswalk.operation", a.Operation)
	text("crosswalk.lookup", a.Lookup)
	number("crosswalk.attempt", int64(a.Attempt))
	number("crosswalk.questions", int64(a.Questions))
	term("crosswalk.outcome", a.Outcome)
	term("crosswalk.action", a.Action)
	yes("crosswalk.duplicate", a.Duplicate)
	yes("crosswalk.replay", a.Replay)
	yes("crosswalk.kept", a.Kept)
	yes("crosswalk.skipped", a.Skipped)
	term("http.request.method", a.Method)
	number("http.response.status_code", int64(a.Status))
	term("error.type", a.Class)
	term("crosswalk.code", a.Code)
	s.SetAttributes(attrs...)
	if a.Code != "" {
		s.SetStatus(codes.Error, "")
	}
}
