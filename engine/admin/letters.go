package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Letters is asked for dead letters, and does with them what an operator wants.
type Letters interface {
	// Letters gives at most limit letters that f picks.
	Letters(ctx context.Context, f LetterFilter, limit int) (LetterPage, error)
	// Retry puts letters on their way again, Edit one with another record, and Drop
	// gives them up.
	Retry(ctx context.Context, r LettersRequest) (LettersDone, error)
	Edit(ctx context.Context, r EditRequest) (LettersDone, error)
	Drop(ctx context.Context, r LettersRequest) (LettersDone, error)
}

// LetterFilter picks dead letters; what is empty picks all that are open.
type LetterFilter struct {
	Source, Sink, Mapping, Type, Key string
	// Class and Code are the reason's, Field what it is about.
	Class, Code, Field string
	// Sequence is the event's, 0 for all.
	Sequence uint64
	// Since and Until bound when it was given up.
	Since, Until time.Time
	// All picks those as well that something was done with.
	All bool
	// Before goes on with a list, the newest first. With Walk the oldest come first,
	// behind After, and nothing is counted.
	Before, After uint64
	Walk          bool
}

// LetterPage is a part of the letters that a filter picks.
type LetterPage struct {
	Letters []Letter `json:"letters"`
	// Next is where to go on, as before, or as after where the oldest come first; 0
	// at the end.
	Next uint64 `json:"next,omitempty"`
	// Total is how many there are, and Reasons how many of which kind, the most
	// frequent first; only where the newest come first.
	Total   int      `json:"total"`
	Reasons []Reason `json:"reasons"`
}

// Reason counts letters with the same one.
type Reason struct {
	Mapping string `json:"mapping"`
	Class   string `json:"class"`
	Code    string `json:"code"`
	Field   string `json:"field,omitempty"`
	Count   int    `json:"count"`
}

// Letter is a dead letter with what was done with it.
type Letter struct {
	LetterID
	// State is open, on_its_way, delivered, skipped, superseded, dead_again or
	// dropped.
	State string `json:"state"`
	// Event is the event as it came.
	Event Event `json:"event"`
	// Outcome says why it is dead.
	Outcome event.Outcome `json:"outcome"`
	Acts    []event.Act   `json:"acts,omitempty"`
}

// LetterID names a dead letter: one event under one mapping of one lane.
type LetterID struct {
	Source   string `json:"source"`
	Sink     string `json:"sink"`
	Mapping  string `json:"mapping"`
	Sequence uint64 `json:"sequence"`
}

// By says who does something, and why. ID tells the same request made again from
// another one.
type By struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
	ID     string `json:"id,omitempty"`
}

// LettersRequest is what is to be done with letters, at most 500.
type LettersRequest struct {
	Letters []LetterID `json:"letters"`
	By
}

// EditRequest is a letter and its record to be, a JSON object.
type EditRequest struct {
	Letter LetterID        `json:"letter"`
	Record json.RawMessage `json:"record"`
	By
}

// LettersDone is what was done.
type LettersDone struct {
	Results []LetterDone `json:"results"`
}

// LetterDone is what was done with one letter.
type LetterDone struct {
	LetterID
	// As is the event that it is on its way again as.
	As uint64 `json:"as,omitempty"`
	// Problem says why nothing was done.
	Problem string `json:"problem,omitempty"`
}

// maxLetters bounds the letters of one request.
const maxLetters = 500

func (a *api) letters(w http.ResponseWriter, r *http.Request) {
	q, ok := a.query(w, r, "source", "sink", "mapping", "event", "key", "class", "code", "field", "sequence", "since", "until", "all", "before", "after", "order", "limit")
	if !ok {
		return
	}
	f := LetterFilter{
		Source: q.text("source"), Sink: q.text("sink"), Mapping: q.text("mapping"), Type: q.text("event"), Key: q.text("key"),
		Class: q.text("class"), Code: q.text("code"), Field: q.text("field"), Sequence: q.number("sequence"),
		Since: q.time("since"), Until: q.time("until"), All: q.flag("all"),
		Before: q.number("before"), After: q.number("after"), Walk: q.word("order", "newest", "oldest") == "oldest",
	}
	limit := q.limit()
	if !q.valid(a, w) {
		return
	}
	respond(a, w, r, func(ctx context.Context) (LetterPage, error) { return a.engine.Letters(ctx, f, limit) })
}

func (p *LetterPage) tidy() { p.Letters, p.Reasons = listed(p.Letters), listed(p.Reasons) }

func (a *api) retry(w http.ResponseWriter, r *http.Request) { a.actOn(w, r, a.engine.Retry) }

func (a *api) drop(w http.ResponseWriter, r *http.Request) { a.actOn(w, r, a.engine.Drop) }

func (a *api) actOn(w http.ResponseWriter, r *http.Request, do func(context.Context, LettersRequest) (LettersDone, error)) {
	var req LettersRequest
	if !a.read(w, r, &req) {
		return
	}
	if n := len(req.Letters); n == 0 || n > maxLetters {
		a.fail(w, http.StatusBadRequest, "bad_request", fmt.Sprintf("letters: name 1 to %d of them", maxLetters))
		return
	}
	respond(a, w, r, func(ctx context.Context) (LettersDone, error) { return do(ctx, req) })
}

func (a *api) edit(w http.ResponseWriter, r *http.Request) { answer(a, w, r, a.engine.Edit) }
