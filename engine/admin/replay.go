package admin

import (
	"context"
	"net/http"
)

// ReplayRequest is which events are to go on their way again, and for whom. The
// events are those that the filter picks up to the sequence Through, which the plan
// tells, so that what comes meanwhile is not among them.
type ReplayRequest struct {
	Filter EventFilter `json:"filter"`
	// Sink and Mapping bound the replay to one sink connection or one mapping.
	Sink    string `json:"sink,omitempty"`
	Mapping string `json:"mapping,omitempty"`
	// Through is the last sequence that counts, and Limit how many events go with
	// this request, 1 to 500; a plan needs neither.
	Through uint64 `json:"through,omitempty"`
	Limit   int    `json:"limit,omitempty"`
	By
}

// ReplayPlan is what a replay would do. The filter's events are either sent or left
// out.
type ReplayPlan struct {
	// Events is how many the filter picks, Through the last of them.
	Events  uint64 `json:"events"`
	Through uint64 `json:"through"`
	// Send is how many would go on their way again; of them Delivered were delivered
	// before, Dead are dead letters, and Others were neither.
	Send      uint64 `json:"send"`
	Delivered uint64 `json:"delivered"`
	Dead      uint64 `json:"dead"`
	Others    uint64 `json:"others"`
	// Superseded are left out because something newer of their key was delivered,
	// Waiting because they are on their way still, and Replays because they repeat
	// others, which the filter is held against instead.
	Superseded uint64 `json:"superseded"`
	Waiting    uint64 `json:"waiting"`
	Replays    uint64 `json:"replays"`
	// Unwanted are left out because no mapping that runs now wants them.
	Unwanted uint64 `json:"unwanted"`
	// Resolved are left out because they were to be dead letters, and a retry has
	// resolved them.
	Resolved uint64 `json:"resolved"`
	// Next is the filter's After for the rest of the plan, whose numbers are to be
	// added to these; 0 at the end.
	Next uint64 `json:"next,omitempty"`
}

// Add adds the rest of a plan.
func (p *ReplayPlan) Add(rest ReplayPlan) {
	p.Events += rest.Events
	p.Through = max(p.Through, rest.Through)
	p.Send += rest.Send
	p.Delivered += rest.Delivered
	p.Dead += rest.Dead
	p.Others += rest.Others
	p.Superseded += rest.Superseded
	p.Waiting += rest.Waiting
	p.Replays += rest.Replays
	p.Unwanted += rest.Unwanted
	p.Resolved += rest.Resolved
	p.Next = rest.Next
}

// ReplayDone is what went on its way with one request.
type ReplayDone struct {
	// Sent is how many went, Left how many were left out.
	Sent uint64 `json:"sent"`
	Left uint64 `json:"left"`
	// Next is the filter's After for the next request, 0 at the end.
	Next uint64 `json:"next,omitempty"`
}

func (a *api) plan(w http.ResponseWriter, r *http.Request) { answer(a, w, r, a.engine.Plan) }

func (a *api) replay(w http.ResponseWriter, r *http.Request) {
	var req ReplayRequest
	if !a.read(w, r, &req) {
		return
	}
	if req.Limit < 1 || req.Limit > maxLetters || req.Through == 0 {
		a.fail(w, http.StatusBadRequest, "bad_request", "limit: 1 to 500, and through: the last sequence, as the plan tells it")
		return
	}
	respond(a, w, r, func(ctx context.Context) (ReplayDone, error) { return a.engine.Replay(ctx, req) })
}
