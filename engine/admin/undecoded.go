package admin

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Webhooks is asked for webhooks that were taken but could not be decoded when they
// came.
type Webhooks interface {
	// Undecoded says what waits, and gives at most limit of those that were refused
	// when they were decoded: of a connection, or of all where that is "", behind
	// after, the oldest first.
	Undecoded(ctx context.Context, connection string, after uint64, limit int) (UndecodedPage, error)
	// Webhook gives one that was refused.
	Webhook(ctx context.Context, sequence uint64) (Webhook, error)
	// RetryWebhooks has refused ones decoded again, behind what waits; DropWebhooks
	// gives them up.
	RetryWebhooks(ctx context.Context, r WebhooksRequest) (WebhooksDone, error)
	DropWebhooks(ctx context.Context, r WebhooksRequest) (WebhooksDone, error)
}

// Undecoded is what is kept of a connection whose plugin could not decode webhooks
// when they came.
type Undecoded struct {
	Connection string `json:"connection"`
	// Waiting is how many wait to be decoded, Bytes what they take, and Oldest when
	// the first of them came.
	Waiting int        `json:"waiting"`
	Bytes   int64      `json:"bytes"`
	Oldest  *time.Time `json:"oldest,omitempty"`
	// Refused is how many were refused when they were decoded and nobody has resolved.
	Refused int `json:"refused"`
	// Stranded tells that the configuration has no such connection with a token any
	// more, so that nothing decodes what waits.
	Stranded bool `json:"stranded,omitempty"`
}

// UndecodedPage is what waits, and a part of what was refused.
type UndecodedPage struct {
	Connections []Undecoded `json:"connections"`
	Refused     []Webhook   `json:"refused"`
	// Next is where to go on, as after; 0 at the end.
	Next uint64 `json:"next,omitempty"`
}

// Webhook is a request that was kept as it came, and refused when it was decoded.
type Webhook struct {
	// Sequence names it. ID is the same when it was decoded again and refused again,
	// which gives it another number.
	Sequence   uint64    `json:"sequence"`
	ID         string    `json:"id"`
	Connection string    `json:"connection"`
	ReceivedAt time.Time `json:"received_at"`
	RefusedAt  time.Time `json:"refused_at"`
	Bytes      int       `json:"bytes"`
	// Reason says why it was refused.
	Reason event.Reason `json:"reason"`
	// Method, Path, Query, Header and the body are what came, without headers that
	// hold secrets; only where one webhook is asked for. Body is in Body where it is
	// UTF-8, else in BodyBase64.
	Method     string      `json:"method,omitempty"`
	Path       string      `json:"path,omitempty"`
	Query      string      `json:"query,omitempty"`
	Header     [][2]string `json:"header,omitempty"`
	Body       string      `json:"body,omitempty"`
	BodyBase64 []byte      `json:"body_base64,omitempty"`
}

// WebhooksRequest is what is to be done with refused webhooks, at most 500.
type WebhooksRequest struct {
	Webhooks []uint64 `json:"webhooks"`
	By
}

// WebhooksDone is what was done.
type WebhooksDone struct {
	Results []WebhookDone `json:"results"`
}

// WebhookDone is what was done with one.
type WebhookDone struct {
	Sequence uint64 `json:"sequence"`
	// Problem says why nothing was done.
	Problem string `json:"problem,omitempty"`
}

// maxWebhooks bounds the webhooks of one request.
const maxWebhooks = 500

func (a *api) undecoded(w http.ResponseWriter, r *http.Request) {
	q, ok := a.query(w, r, "connection", "after", "limit")
	if !ok {
		return
	}
	connection, after, limit := q.text("connection"), q.number("after"), q.limit()
	if !q.valid(a, w) {
		return
	}
	respond(a, w, r, func(ctx context.Context) (UndecodedPage, error) {
		return a.engine.Undecoded(ctx, connection, after, limit)
	})
}

func (p *UndecodedPage) tidy() { p.Connections, p.Refused = listed(p.Connections), listed(p.Refused) }

func (a *api) webhook(w http.ResponseWriter, r *http.Request) {
	numbered(a, w, r, "a webhook", a.engine.Webhook)
}

func (a *api) retryWebhooks(w http.ResponseWriter, r *http.Request) {
	a.onWebhooks(w, r, a.engine.RetryWebhooks)
}

func (a *api) dropWebhooks(w http.ResponseWriter, r *http.Request) {
	a.onWebhooks(w, r, a.engine.DropWebhooks)
}

func (a *api) onWebhooks(w http.ResponseWriter, r *http.Request, do func(context.Context, WebhooksRequest) (WebhooksDone, error)) {
	var req WebhooksRequest
	if !a.read(w, r, &req) {
		return
	}
	if n := len(req.Webhooks); n == 0 || n > maxWebhooks {
		a.fail(w, http.StatusBadRequest, "bad_request", fmt.Sprintf("webhooks: name 1 to %d of them", maxWebhooks))
		return
	}
	respond(a, w, r, func(ctx context.Context) (WebhooksDone, error) { return do(ctx, req) })
}
