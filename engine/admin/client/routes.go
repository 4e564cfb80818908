package client

import (
	"context"
	"net/url"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
)

// Asked is a path that gives an A.
type Asked[A any] string

// Get asks an engine for it.
func (p Asked[A]) Get(ctx context.Context, c *Client) (A, error) {
	return got[A](ctx, c, string(p), nil)
}

// Named is a path beneath which each A has a name.
type Named[A any] string

// Get asks an engine for the one with a name.
func (p Named[A]) Get(ctx context.Context, c *Client, name string) (A, error) {
	return got[A](ctx, c, string(p)+"/"+url.PathEscape(name), nil)
}

// Done is a path that has what a Q says be done, and answers with an A.
type Done[Q, A any] string

// Post has an engine do it.
func (p Done[Q, A]) Post(ctx context.Context, c *Client, request Q) (A, error) {
	return posted[A](ctx, c, string(p), request)
}

// What can be asked for. Lists, which are asked for with a filter, are methods of
// [Client].
const (
	// Status is the engine's state.
	Status Asked[admin.Status] = "/api/v1/status"
	// Mappings is how each mapping stands, and whose texts are kept.
	Mappings Asked[admin.MappingList] = "/api/v1/mappings"
	// MappingText is a mapping as it was written, by its digest.
	MappingText Named[admin.MappingText] = "/api/v1/mappings"
	// Event is everything that is known of an event, by its sequence.
	Event Named[admin.EventDetail] = "/api/v1/events"
	// Webhook is a refused webhook as it came, by its sequence.
	Webhook Named[admin.Webhook] = "/api/v1/undecoded"
)

// What can be done.
const (
	// Retry puts dead letters on their way again, Edit one with another record, and
	// Drop gives them up.
	Retry Done[admin.LettersRequest, admin.LettersDone] = "/api/v1/letters/retry"
	Edit  Done[admin.EditRequest, admin.LettersDone]    = "/api/v1/letters/edit"
	Drop  Done[admin.LettersRequest, admin.LettersDone] = "/api/v1/letters/drop"
	// Pause has no records go to a connection until Resume ends that, and whatever
	// else keeps them from going.
	Pause  Done[admin.SinkRequest, admin.Sending] = "/api/v1/connections/pause"
	Resume Done[admin.SinkRequest, admin.Sending] = "/api/v1/connections/resume"
	// Reload has the engine read its configuration again, and tells what became of it.
	Reload Done[admin.ReloadRequest, admin.Reload] = "/api/v1/reload"
	// RetryWebhooks has refused webhooks decoded again, DropWebhooks gives them up.
	RetryWebhooks Done[admin.WebhooksRequest, admin.WebhooksDone] = "/api/v1/undecoded/retry"
	DropWebhooks  Done[admin.WebhooksRequest, admin.WebhooksDone] = "/api/v1/undecoded/drop" //nolint:gosec // a path
	// Plan tells what a replay would do, and Replay puts its next events on their way
	// again.
	Plan   Done[admin.ReplayRequest, admin.ReplayPlan] = "/api/v1/replay/plan"
	Replay Done[admin.ReplayRequest, admin.ReplayDone] = "/api/v1/replay"
	// DropMapping gives a paused mapping up and skips the next events that wait for it;
	// RenameMapping has a mapping that runs take over its state.
	DropMapping   Done[admin.MappingRequest, admin.MappingDropped] = "/api/v1/mappings/drop"
	RenameMapping Done[admin.RenameRequest, admin.MappingRenamed]  = "/api/v1/mappings/rename"
)
