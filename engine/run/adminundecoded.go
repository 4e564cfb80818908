package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// undecoded gives what is kept of each connection: requests that wait for their
// plugin, and those that were refused when it decoded them.
func (e *engine) undecoded(ctx context.Context) ([]admin.Undecoded, error) {
	stats, err := e.journal.Undecoded(ctx)
	if err != nil {
		return nil, err
	}
	var out []admin.Undecoded
	for _, s := range stats {
		if s.Waiting == 0 && s.Refused == 0 {
			continue
		}
		u := admin.Undecoded{Connection: s.Connection, Waiting: s.Waiting, Bytes: max(s.Bytes, 0), Refused: s.Refused}
		if !s.Oldest.IsZero() {
			oldest := s.Oldest
			u.Oldest = &oldest
		}
		if s.Waiting > 0 && !slices.ContainsFunc(e.Config.Connections, takesWebhooks(s.Connection)) {
			u.Stranded = true
		}
		out = append(out, u)
	}
	return out, nil
}

func takesWebhooks(name string) func(*config.Connection) bool {
	return func(c *config.Connection) bool { return c.Name == name && c.Token != "" }
}

// undecodedAlarms is what an operator has to look at, or to know of.
func (v view) undecodedAlarms(ctx context.Context) []string {
	all, err := v.undecoded(ctx)
	if err != nil {
		v.log.Warn("what waits undecoded is not known", "error", err)
	}
	var out []string
	for _, u := range all {
		for _, text := range u.Text(time.Now()) {
			out = append(out, "connection "+u.Connection+": "+text)
		}
	}
	return out
}

// Undecoded says what waits, and gives webhooks that were refused.
func (v view) Undecoded(ctx context.Context, connection string, after uint64, limit int) (admin.UndecodedPage, error) {
	var p admin.UndecodedPage
	all, err := v.undecoded(ctx)
	if err != nil {
		return p, err
	}
	for _, u := range all {
		if connection == "" || u.Connection == connection {
			p.Connections = append(p.Connections, u)
		}
	}
	refused, err := v.journal.Refused(ctx, connection, after, limit)
	if err != nil {
		return p, err
	}
	for i := range refused {
		p.Refused = append(p.Refused, webhookOf(&refused[i]))
	}
	if len(refused) == limit {
		p.Next = refused[limit-1].Sequence
	}
	return p, nil
}

func webhookOf(r *event.Request) admin.Webhook {
	w := admin.Webhook{Sequence: r.Sequence, ID: r.ID, Connection: r.Connection, ReceivedAt: r.ReceivedAt, RefusedAt: r.RefusedAt, Bytes: len(r.Body)}
	if r.Reason != nil {
		w.Reason = *r.Reason
	}
	return w
}

// Webhook gives a refused webhook as it came.
func (v view) Webhook(ctx context.Context, sequence uint64) (admin.Webhook, error) {
	r, err := v.journal.RefusedRequest(ctx, sequence)
	if err != nil {
		return admin.Webhook{}, webhookError(err, sequence)
	}
	w := webhookOf(&r)
	w.Method, w.Path, w.Query, w.Header = r.Method, r.Path, r.Query, r.Header
	if utf8.Valid(r.Body) {
		w.Body = string(r.Body)
	} else {
		w.BodyBase64 = r.Body
	}
	return w, nil
}

// RetryWebhooks has refused webhooks decoded again.
func (v view) RetryWebhooks(ctx context.Context, r admin.WebhooksRequest) (admin.WebhooksDone, error) {
	return v.onWebhooks(ctx, r, "a refused webhook is to be decoded again", v.journal.RetryRequest)
}

// DropWebhooks gives refused webhooks up.
func (v view) DropWebhooks(ctx context.Context, r admin.WebhooksRequest) (admin.WebhooksDone, error) {
	return v.onWebhooks(ctx, r, "a refused webhook is given up", v.journal.DropRequest)
}

// onWebhooks does something with each. What is done is logged, by whom and why: a
// webhook that is given up is not kept.
func (v view) onWebhooks(ctx context.Context, r admin.WebhooksRequest, what string, do func(context.Context, uint64) error) (admin.WebhooksDone, error) {
	out := admin.WebhooksDone{Results: make([]admin.WebhookDone, 0, len(r.Webhooks))}
	for _, sequence := range r.Webhooks {
		one := admin.WebhookDone{Sequence: sequence}
		err := do(ctx, sequence)
		switch {
		case errors.Is(err, journal.ErrNoRequest):
			one.Problem = journal.ErrNoRequest.Error()
		case err != nil && len(out.Results) == 0:
			return out, adminError(err)
		case err != nil: // what was done stands
			one.Problem = err.Error()
		default:
			v.log.Info(what, "webhook", sequence, "by", r.By.By, "reason", r.Reason)
		}
		out.Results = append(out.Results, one)
	}
	return out, nil
}

func webhookError(err error, sequence uint64) error {
	if errors.Is(err, journal.ErrNoRequest) {
		return &admin.NotFoundError{Message: fmt.Sprintf("there is no refused webhook %d: `crosswalk undecoded list` shows those that there are", sequence)}
	}
	return adminError(err)
}
