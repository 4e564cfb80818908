package admin_test

import (
	"context"
	"encoding/json"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// asked is what the engine was asked last.
type asked struct {
	events  admin.EventFilter
	letters admin.LetterFilter
	limit   int
	request any
}

func summary() admin.EventSummary {
	return admin.EventSummary{
		EventHead: admin.EventHead{
			Sequence: 5, ID: "new_order:7:3", Connection: "shop", Type: "order_created", Key: "7", Version: 3, UpdatedAt: &at, ReceivedAt: at,
		},
		StoredAt: at, Bytes: 12, State: "done", Replays: []uint64{9},
		Replay: &event.Replay{Of: 4, Origin: 3, Sink: "saleapp", Mapping: "order", Kind: event.Edit, By: "olena", At: at, Reason: "typo"},
		Outcomes: []event.Outcome{{
			Sequence: 5, Type: "order_created", Key: "7", Lane: event.Lane{Source: "shop", Sink: "saleapp"}, Mapping: "order",
			MappingSHA256: "ab", Kind: event.Delivered, Operation: "upsert_order", Attempts: 2, Action: "created",
			Answer: json.RawMessage(`{"id":"1"}`), ReceivedAt: at, At: at,
			Trail: event.Trail{Sent: json.RawMessage(`{"a":1}`), Tries: []event.Try{{At: at, Class: "TRANSIENT", Code: "http_503", Message: "down"}}},
		}},
	}
}

func acts() []event.Act {
	return []event.Act{{
		Kind: event.Retry, At: at, By: "olena", Reason: "fixed", Lane: event.Lane{Source: "shop", Sink: "saleapp"},
		Mapping: "order", Sequence: 5, As: 9, Events: 1,
	}}
}

func (e *engine) Events(_ context.Context, f admin.EventFilter, limit int) (admin.EventPage, error) {
	e.asked.events, e.asked.limit = f, limit
	return admin.EventPage{Events: e.events, Next: 4}, e.err
}

func (e *engine) Event(_ context.Context, sequence uint64) (admin.EventDetail, error) {
	if sequence == 404 {
		return admin.EventDetail{}, &admin.NotFoundError{Message: "there is no event 404"}
	}
	return admin.EventDetail{
		EventSummary: summary(), Record: json.RawMessage(`{"id":7}`), Body: "id=7", BodyBase64: []byte{0xff}, Acts: acts(),
		Waits: []admin.Wait{
			{Source: "shop", Sink: "saleapp", For: "retrying", Mapping: "order", Attempt: &admin.Waiting{Sequence: 5, Key: "7", Attempts: 1, Next: at}, Paused: &admin.Pause{Until: &at, By: "olena", Since: &at}},
			{Source: "shop", Sink: "saleapp", For: "behind", Behind: 4},
			{Source: "shop", Sink: "saleapp", For: "unread", Backlog: 3},
		},
		Explanations: []admin.Explanation{{Mapping: "order", SHA256: "ab", Explanation: json.RawMessage(`{"steps":[]}`)}},
	}, e.err
}

func (e *engine) Letters(_ context.Context, f admin.LetterFilter, limit int) (admin.LetterPage, error) {
	e.asked.letters, e.asked.limit = f, limit
	return admin.LetterPage{Letters: e.letters, Next: 3, Total: 8, Reasons: []admin.Reason{{Mapping: "order", Class: "MAPPING", Code: "CW305", Field: "a", Count: 8}}}, e.err
}

func (e *engine) Retry(_ context.Context, r admin.LettersRequest) (admin.LettersDone, error) {
	e.asked.request = r
	return admin.LettersDone{Results: []admin.LetterDone{{LetterID: r.Letters[0], As: 9}}}, e.err
}

func (e *engine) Drop(_ context.Context, r admin.LettersRequest) (admin.LettersDone, error) {
	e.asked.request = r
	return admin.LettersDone{Results: []admin.LetterDone{{LetterID: r.Letters[0], Problem: "it is not open"}}}, e.err
}

func (e *engine) Edit(_ context.Context, r admin.EditRequest) (admin.LettersDone, error) {
	e.asked.request = r
	return admin.LettersDone{Results: []admin.LetterDone{{LetterID: r.Letter, As: 9}}}, e.err
}

func (e *engine) Plan(_ context.Context, r admin.ReplayRequest) (admin.ReplayPlan, error) {
	e.asked.request = r
	return admin.ReplayPlan{Events: 3, Through: 9, Send: 2, Delivered: 1, Dead: 1, Waiting: 1}, e.err
}

func (e *engine) Replay(_ context.Context, r admin.ReplayRequest) (admin.ReplayDone, error) {
	e.asked.request = r
	return admin.ReplayDone{Sent: 2, Left: 1, Next: 9}, e.err
}

// full is an engine with something of everything.
func full() *engine {
	id := admin.LetterID{Source: "shop", Sink: "saleapp", Mapping: "order", Sequence: 5}
	d := letter(5)
	return &engine{
		events: []admin.EventSummary{summary()},
		letters: []admin.Letter{{
			LetterID: id, State: "open", Outcome: d.Outcome, Acts: acts(),
			Event: admin.Event{
				EventHead: admin.EventHead{Sequence: 5, Connection: "shop", Type: "order_created", Key: "7", ReceivedAt: at}, Record: d.Event.Record,
			},
		}},
		outcomes: []event.Outcome{summary().Outcomes[0]}, dead: []event.DeadLetter{d},
		status: admin.Status{
			Version: "1.0", StartedAt: at, Mappings: []admin.Mapping{{Name: "order", SHA256: "ab", From: []string{"shop.order_created"}, To: "saleapp.upsert_order"}},
			Lanes:         []admin.Lane{{Source: "shop", Sink: "saleapp", Oldest: &at}},
			Connections:   []admin.Connection{{Name: "shop", Plugin: "horoshop", Version: "1.0", State: "running", Unread: true, Sending: &admin.Sending{State: "stopped", By: "olena", Since: &at}}},
			Undecoded:     []admin.Undecoded{waitingWebhooks()},
			Configuration: &admin.Configuration{AppliedAt: at, Last: reloaded()},
		},
	}
}

func reloaded() admin.Reload {
	return admin.Reload{
		Result: "refused", Cause: "request", By: "olena", At: at, Changes: []string{"mapping order changed"}, Problem: "the disk is full",
		Diagnostics: []admin.Diagnostic{{
			Severity: "error", Rule: "CW120", File: "order.yaml", Line: 3, Column: 2, EndColumn: 4, Message: "no", Hint: "yes", Source: "a: b",
		}},
	}
}

func (e *engine) Reload(_ context.Context, r admin.ReloadRequest) (admin.Reload, error) {
	e.asked.request = r
	return reloaded(), e.err
}
