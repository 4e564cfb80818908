package client

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
)

// Events gives at most limit events that f picks.
func (c *Client) Events(ctx context.Context, f admin.EventFilter, limit int) (admin.EventPage, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	text(q, "connection", f.Connection, "event", f.Type, "key", f.Key, "id", f.ID, "mapping", f.Mapping, "outcome", f.Outcome,
		"since", when(f.Since), "until", when(f.Until), "before", number(f.Before), "after", number(f.After))
	if f.Oldest {
		q.Set("order", "oldest")
	}
	return got[admin.EventPage](ctx, c, "/api/v1/events", q)
}

// Letters gives at most limit dead letters that f picks.
func (c *Client) Letters(ctx context.Context, f admin.LetterFilter, limit int) (admin.LetterPage, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	text(q, "source", f.Source, "sink", f.Sink, "mapping", f.Mapping, "event", f.Type, "key", f.Key, "class", f.Class,
		"code", f.Code, "field", f.Field, "sequence", number(f.Sequence), "since", when(f.Since), "until", when(f.Until),
		"before", number(f.Before), "after", number(f.After))
	if f.All {
		q.Set("all", "true")
	}
	if f.Walk {
		q.Set("order", "oldest")
	}
	return got[admin.LetterPage](ctx, c, "/api/v1/letters", q)
}

// Undecoded says what waits for its plugin, and gives at most limit webhooks that
// were refused when it decoded them.
func (c *Client) Undecoded(ctx context.Context, connection string, after uint64, limit int) (admin.UndecodedPage, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	text(q, "connection", connection, "after", number(after))
	return got[admin.UndecodedPage](ctx, c, "/api/v1/undecoded", q)
}

func text(q url.Values, pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
}

func number(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
