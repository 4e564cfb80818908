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
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
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
	if errors.Is(e.Err, fs.ErrPermission) {
		return fmt.Sprintf("this user may not ask the engine at %s (%v): run the command as the user that the engine runs as, as with sudo -u", e.Addr, e.Err)
	}
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
	// Token tells that a token was given.
	Token bool
}

// Error gives the message.
func (e *Error) Error() string {
	if e.Status == http.StatusUnauthorized && e.Token {
		return "the engine refuses the token that CROSSWALK_ADMIN_TOKEN or admin.token in the configuration names: it must be the one that the engine was started with"
	}
	if e.Status == http.StatusUnauthorized {
		return "the engine wants its token: set CROSSWALK_ADMIN_TOKEN, or let admin.token in the configuration name it"
	}
	return "the engine answers: " + e.Message
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
		return c.refusal(resp, data)
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("the answer of %s is none of an engine: %w; %s", c.addr, err, nameIt)
	}
	return nil
}

// nameIt says how the admin API is found.
const nameIt = "the admin API is where admin.listen in crosswalk.yaml says (127.0.0.1:9090 where it says nothing): give that with --admin"

func (c *Client) refusal(resp *http.Response, data []byte) error {
	var body struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal(data, &body); err != nil || body.Error.Code == "" {
		return fmt.Errorf("the answer of %s is none of an engine: %s; %s", c.addr, resp.Status, nameIt)
	}
	// Both listeners refuse a path in the same shape; only the admin API's answers are
	// never to be stored.
	if resp.StatusCode == http.StatusNotFound && resp.Header.Get("Cache-Control") == "" {
		return fmt.Errorf("%s is where the engine takes webhooks; %s", c.addr, nameIt)
	}
	e := &Error{Status: resp.StatusCode, Code: body.Error.Code, Message: body.Error.Message, Token: c.token != ""}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}
