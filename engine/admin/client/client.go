// Package client asks a running engine over its admin API. The commands of the
// command line use it, and nothing beside it.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
)

const (
	unixPrefix = "unix:"
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 256 << 20
	// patience is how long an answer may take.
	patience = 2 * time.Minute
)

// Client asks one engine. It may be used concurrently.
type Client struct {
	addr, root, token string
	http              *http.Client
}

// New makes a client for an engine at host:port or unix:PATH; token is "" where it
// wants none.
func New(addr, token string) *Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 4, Proxy: nil}
	c := &Client{addr: addr, root: "http://" + addr, token: token, http: &http.Client{
		Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if path, socket := strings.CutPrefix(addr, unixPrefix); socket {
		c.root = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}
	} else if host, port, err := net.SplitHostPort(addr); err == nil {
		// An address to listen on everywhere is reached on this machine.
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			c.root = "http://" + net.JoinHostPort("localhost", port)
		}
	}
	return c
}

// Addr is the engine's address.
func (c *Client) Addr() string { return c.addr }

// Close ends the connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// DownError says that no engine answers.
type DownError struct {
	Addr string
	Err  error
}

// Error names the address and what to do.
func (e *DownError) Error() string {
	return fmt.Sprintf("no engine answers at %s (%v): start it with `crosswalk run`, or name another address with --admin", e.Addr, e.Err)
}

// Unwrap gives what lies beneath.
func (e *DownError) Unwrap() error { return e.Err }

// Error is an engine's refusal.
type Error struct {
	// Status is HTTP's, Code for programs, Message for people.
	Status  int
	Code    string
	Message string
	// RetryAfter is when to ask again, 0 where that is not said.
	RetryAfter time.Duration
}

// Error gives the message.
func (e *Error) Error() string {
	if e.Status == http.StatusUnauthorized {
		return "the engine wants its token: set CROSSWALK_ADMIN_TOKEN, or let admin.token in the configuration name it"
	}
	return "the engine answers: " + e.Message
}

// Status gives the engine's state.
func (c *Client) Status(ctx context.Context) (admin.Status, error) {
	return got[admin.Status](ctx, c, "/api/v1/status", nil)
}

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

// Event gives one event with everything that is known of it.
func (c *Client) Event(ctx context.Context, sequence uint64) (admin.EventDetail, error) {
	return got[admin.EventDetail](ctx, c, "/api/v1/events/"+number(sequence), nil)
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

// Retry puts dead letters on their way again.
func (c *Client) Retry(ctx context.Context, r admin.LettersRequest) (admin.LettersDone, error) {
	return posted[admin.LettersDone](ctx, c, "/api/v1/letters/retry", r)
}

// Edit puts a dead letter on its way again with another record.
func (c *Client) Edit(ctx context.Context, r admin.EditRequest) (admin.LettersDone, error) {
	return posted[admin.LettersDone](ctx, c, "/api/v1/letters/edit", r)
}

// Resume ends what keeps records from going to a connection.
func (c *Client) Resume(ctx context.Context, r admin.SinkRequest) (admin.Sending, error) {
	return posted[admin.Sending](ctx, c, "/api/v1/connections/resume", r)
}

// Pause has no records go to a connection until it is resumed.
func (c *Client) Pause(ctx context.Context, r admin.SinkRequest) (admin.Sending, error) {
	return posted[admin.Sending](ctx, c, "/api/v1/connections/pause", r)
}

// Reload has the engine read its configuration again, and tells what became of it.
func (c *Client) Reload(ctx context.Context, r admin.ReloadRequest) (admin.Reload, error) {
	return posted[admin.Reload](ctx, c, "/api/v1/reload", r)
}

// Drop gives dead letters up.
func (c *Client) Drop(ctx context.Context, r admin.LettersRequest) (admin.LettersDone, error) {
	return posted[admin.LettersDone](ctx, c, "/api/v1/letters/drop", r)
}

// Undecoded says what waits for its plugin, and gives at most limit webhooks that
// were refused when it decoded them.
func (c *Client) Undecoded(ctx context.Context, connection string, after uint64, limit int) (admin.UndecodedPage, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	text(q, "connection", connection, "after", number(after))
	return got[admin.UndecodedPage](ctx, c, "/api/v1/undecoded", q)
}

// Webhook gives a refused webhook as it came.
func (c *Client) Webhook(ctx context.Context, sequence uint64) (admin.Webhook, error) {
	return got[admin.Webhook](ctx, c, "/api/v1/undecoded/"+number(sequence), nil)
}

// RetryWebhooks has refused webhooks decoded again.
func (c *Client) RetryWebhooks(ctx context.Context, r admin.WebhooksRequest) (admin.WebhooksDone, error) {
	return posted[admin.WebhooksDone](ctx, c, "/api/v1/undecoded/retry", r)
}

// DropWebhooks gives refused webhooks up.
func (c *Client) DropWebhooks(ctx context.Context, r admin.WebhooksRequest) (admin.WebhooksDone, error) {
	return posted[admin.WebhooksDone](ctx, c, "/api/v1/undecoded/drop", r)
}

// Plan tells what a replay would do.
func (c *Client) Plan(ctx context.Context, r admin.ReplayRequest) (admin.ReplayPlan, error) {
	return posted[admin.ReplayPlan](ctx, c, "/api/v1/replay/plan", r)
}

// Replay puts the next events of a replay on their way again.
func (c *Client) Replay(ctx context.Context, r admin.ReplayRequest) (admin.ReplayDone, error) {
	return posted[admin.ReplayDone](ctx, c, "/api/v1/replay", r)
}

// MappingLives gives how each mapping stands, and whose texts are kept.
func (c *Client) MappingLives(ctx context.Context) (admin.MappingList, error) {
	return got[admin.MappingList](ctx, c, "/api/v1/mappings", nil)
}

// MappingText gives a mapping as it was written, by its digest.
func (c *Client) MappingText(ctx context.Context, digest string) (admin.MappingText, error) {
	return got[admin.MappingText](ctx, c, "/api/v1/mappings/"+url.PathEscape(digest), nil)
}

// DropMapping gives a paused mapping up, and skips the next events that wait for it.
func (c *Client) DropMapping(ctx context.Context, r admin.MappingRequest) (admin.MappingDropped, error) {
	return posted[admin.MappingDropped](ctx, c, "/api/v1/mappings/drop", r)
}

// RenameMapping has a mapping that runs take over the state of a paused one.
func (c *Client) RenameMapping(ctx context.Context, r admin.RenameRequest) (admin.MappingRenamed, error) {
	return posted[admin.MappingRenamed](ctx, c, "/api/v1/mappings/rename", r)
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

// got asks for something.
func got[A any](ctx context.Context, c *Client, path string, q url.Values) (out A, err error) {
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	err = c.do(ctx, http.MethodGet, path, nil, &out)
	return out, err
}

// posted has something done.
func posted[A any](ctx context.Context, c *Client, path string, in any) (out A, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("ask the engine: %w", err)
	}
	err = c.do(ctx, http.MethodPost, path, body, &out)
	return out, err
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, out any) (err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.root+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the engine at %s: %w", c.addr, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		if _, down := errors.AsType[*net.OpError](err); down && ctx.Err() == nil {
			return &DownError{Addr: c.addr, Err: err}
		}
		return fmt.Errorf("ask the engine at %s: %w", c.addr, err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("the answer of the engine at %s: %w", c.addr, err)
	case len(data) > maxAnswer:
		return fmt.Errorf("the answer of the engine at %s is larger than %d MiB: ask for less", c.addr, maxAnswer>>20)
	case resp.StatusCode != http.StatusOK:
		return refusal(c.addr, resp, data)
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("the answer of %s is none of an engine: %w", c.addr, err)
	}
	return nil
}

func refusal(addr string, resp *http.Response, data []byte) error {
	var body struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal(data, &body); err != nil || body.Error.Code == "" {
		return fmt.Errorf("the answer of %s is none of an engine: %s", addr, resp.Status)
	}
	e := &Error{Status: resp.StatusCode, Code: body.Error.Code, Message: body.Error.Message}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}
