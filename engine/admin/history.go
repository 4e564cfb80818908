package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// History is asked for what came and what became of it.
type History interface {
	// Events gives at most limit events that f picks.
	Events(ctx context.Context, f EventFilter, limit int) (EventPage, error)
	// Event gives one event with everything that is known of it; a *NotFoundError if
	// it is not kept, an *UnreadableError if it is and the disk does not give it.
	Event(ctx context.Context, sequence uint64) (EventDetail, error)
	// Plan tells what a replay would do.
	Plan(ctx context.Context, r ReplayRequest) (ReplayPlan, error)
	// Replay puts the next events of a replay on their way again.
	Replay(ctx context.Context, r ReplayRequest) (ReplayDone, error)
}

// NotFoundError says that what is asked for is not there.
type NotFoundError struct{ Message string }

// Error gives the message.
func (e *NotFoundError) Error() string { return e.Message }

// UnreadableError says that what is asked for is there, and cannot be read from the disk.
type UnreadableError struct{ Message string }

// Error gives the message.
func (e *UnreadableError) Error() string { return e.Message }

// RequestError says what is wrong with a request, in words for people.
type RequestError struct{ Message string }

// Error gives the message.
func (e *RequestError) Error() string { return e.Message }

// UnavailableError says that it cannot be done now, and when to ask again.
type UnavailableError struct {
	Message    string
	RetryAfter time.Duration
}

// Error gives the message.
func (e *UnavailableError) Error() string { return e.Message }

// EventFilter picks events; what is empty picks all.
type EventFilter struct {
	Connection string `json:"connection,omitempty"`
	Type       string `json:"event,omitempty"`
	Key        string `json:"key,omitempty"`
	ID         string `json:"id,omitempty"`
	Mapping    string `json:"mapping,omitempty"`
	// Outcome is a kind of outcome, or waiting.
	Outcome string `json:"outcome,omitempty"`
	// Since and Until bound when the event was accepted: not before, and before.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Before and After bound the sequence, both exclusive.
	Before uint64 `json:"before,omitempty"`
	After  uint64 `json:"after,omitempty"`
	// Oldest has the oldest come first.
	Oldest bool `json:"oldest,omitempty"`
}

// EventPage is a part of what a filter picks.
type EventPage struct {
	Events []EventSummary `json:"events"`
	// Next is where to go on, as before, or as after where the oldest come first; 0
	// at the end. A part may be short, or empty, without being the last.
	Next uint64 `json:"next,omitempty"`
}

// EventSummary is an event with what became of it, without its record.
type EventSummary struct {
	EventHead
	// StoredAt is when it was stored: for a replay, when that was asked for.
	StoredAt time.Time `json:"stored_at"`
	// Bytes is the length of its record.
	Bytes int `json:"bytes"`
	// Replay says what it repeats, and Replays what repeats it.
	Replay  *event.Replay `json:"replay,omitempty"`
	Replays []uint64      `json:"replays,omitempty"`
	// State is waiting while a lane has not come to an end with it, done when it has
	// outcomes, and unwanted when no mapping wants it.
	State    string          `json:"state"`
	Outcomes []event.Outcome `json:"outcomes"`
}

// EventDetail is everything that is known of an event.
type EventDetail struct {
	EventSummary
	Record json.RawMessage `json:"record"`
	// Body is the request's body as it came; BodyBase64 if it is no UTF-8 text;
	// both are empty if it is the record itself.
	Body       string `json:"body,omitempty"`
	BodyBase64 []byte `json:"body_base64,omitempty"`
	// Waits say what it waits for, of each lane that has not come to an end with it and
	// each mapping that is paused.
	Waits []Wait `json:"waits,omitempty"`
	// Acts are what was done with its dead letters.
	Acts []event.Act `json:"acts,omitempty"`
	// Explanations say how each mapping that runs now, or made an outcome, comes to its
	// result.
	Explanations []Explanation `json:"explanations,omitempty"`
}

// What an event waits for, as Wait.For, beside what delivery tells of where it is.
const (
	// WaitUnread: the lane has not come to it.
	WaitUnread = "unread"
	// WaitGone: its mapping, which the configuration has no more.
	WaitGone = "gone"
	// WaitElsewhere: the lane does not run in this engine.
	WaitElsewhere = "elsewhere"
)

// Wait is what an event waits for, in one lane.
type Wait struct {
	Source string `json:"source"`
	Sink   string `json:"sink"`
	// For is unread (the lane has not come to it), behind (another event of its key),
	// retrying (its next attempt), queued, mapping, asking, ready, sending or storing (on
	// its way), gone (its mapping, which the configuration has no more), or elsewhere
	// (the lane does not run in this engine).
	For string `json:"for"`
	// Mapping is the one at hand, or that is gone.
	Mapping string `json:"mapping,omitempty"`
	// Behind is the event of its key that is on its way before it.
	Behind uint64 `json:"behind,omitempty"`
	// Backlog is how many events the lane has that are not done, where it is unread.
	Backlog uint64 `json:"backlog,omitempty"`
	// Attempt is what is known of its attempts, nil where there was none.
	Attempt *Waiting `json:"attempt,omitempty"`
	// Paused says why nothing goes to the sink at all, nil if that is not so.
	Paused *Pause `json:"paused,omitempty"`
}

// Explanation is how a mapping comes to its result, as `crosswalk map --explain
// --format json` gives it.
type Explanation struct {
	Mapping string `json:"mapping"`
	// SHA256 is the digest of the mapping that explains, Made tells that it made an
	// outcome of the event, and Runs that it runs now.
	SHA256 string `json:"sha256"`
	Made   bool   `json:"made"`
	Runs   bool   `json:"runs"`
	// Explanation is empty where Problem says why the mapping explains nothing.
	Explanation json.RawMessage `json:"explanation,omitempty"`
	Problem     string          `json:"problem,omitempty"`
}

// brief is an outcome as lists show it.
func brief(o event.Outcome) event.Outcome {
	o.Trail = event.Trail{}
	return o
}

func (a *api) events(w http.ResponseWriter, r *http.Request) {
	q, ok := a.query(w, r, "connection", "event", "key", "id", "mapping", "outcome", "since", "until", "before", "after", "order", "limit")
	if !ok {
		return
	}
	f := EventFilter{
		Connection: q.text("connection"), Type: q.text("event"), Key: q.text("key"), ID: q.text("id"),
		Mapping: q.text("mapping"), Outcome: q.word("outcome", outcomeWords...),
		Since: q.time("since"), Until: q.time("until"), Before: q.number("before"), After: q.number("after"),
		Oldest: q.word("order", "newest", "oldest") == "oldest",
	}
	limit := q.limit()
	if !q.valid(a, w) {
		return
	}
	respond(a, w, r, func(ctx context.Context) (EventPage, error) { return a.engine.Events(ctx, f, limit) })
}

func (p *EventPage) tidy() {
	p.Events = listed(p.Events)
	for i := range p.Events {
		p.Events[i].tidy()
		for k, o := range p.Events[i].Outcomes {
			p.Events[i].Outcomes[k] = brief(o)
		}
	}
}

var outcomeWords = []string{"delivered", "skipped", "duplicate", "superseded", "dead", "waiting"}

func (s *EventSummary) tidy() { s.Outcomes = listed(s.Outcomes) }

func (a *api) event(w http.ResponseWriter, r *http.Request) {
	numbered(a, w, r, "an event", a.engine.Event)
}
