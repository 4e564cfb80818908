package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/outbound"
)

const (
	// maxAnswer bounds an answer's body in bytes.
	maxAnswer = 16 << 20
	// idleTimeout closes an unused connection before Apache does by default (5 s), so
	// that a request does not meet a connection that is being closed.
	idleTimeout = 4 * time.Second
	dialTimeout = 10 * time.Second
)

// client sends requests to one SaleApp with one key.
type client struct {
	endpoint string // with the key: never to be shown
	secret   string
	timeout  time.Duration
	http     *http.Client
	log      *slog.Logger
}

func newClient(s settings, log *slog.Logger) *client {
	endpoint := s.base.JoinPath("Orders")
	endpoint.RawQuery = url.Values{"secret_key": {s.secret}}.Encode()
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: dialTimeout}
	return &client{
		endpoint: endpoint.String(), secret: s.secret, timeout: s.timeout, log: log,
		http: &http.Client{
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				DialContext:         dialer.DialContext,
				TLSHandshakeTimeout: dialTimeout,
				MaxConnsPerHost:     s.concurrency,
				MaxIdleConns:        s.concurrency,
				MaxIdleConnsPerHost: s.concurrency,
				IdleConnTimeout:     idleTimeout,
			},
			// A redirect of a POST becomes a GET or sends it again: neither is wanted.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// call sends one request and reads its answer. A refusal by SaleApp is an answer;
// the error is always a *sdk.Failure. Nothing is sent twice: net/http repeats a
// POST only where it could not write a byte of it to a connection that had been
// closed meanwhile.
func (c *client) call(ctx context.Context, v verb, f form) (answer, error) {
	contentType, body := f.encode(v)
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { connected.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return answer{}, sdk.Transient("wrong_url", "%s", c.clean(err))
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "crosswalk-saleapp/"+version)

	start := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		if !connected.Load() {
			return answer{}, sdk.Transient("unreachable", "SaleApp cannot be reached: %s", c.clean(err))
		}
		return answer{}, noAnswer(v, "answer_lost", c.clean(err))
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	c.log.DebugContext(ctx, "asked SaleApp", "method_type", string(v), "status", resp.StatusCode, "bytes", len(raw), "took", time.Since(start))
	if err != nil {
		return answer{}, noAnswer(v, "answer_lost", c.clean(err))
	}
	if len(raw) > maxAnswer {
		return answer{}, noAnswer(v, "unreadable_answer", "the answer is longer than 16 MiB")
	}
	return c.read(v, resp, raw)
}

// clean is an error's text without the address, which holds the key.
func (c *client) clean(err error) string {
	return c.redact(outbound.Reason(err))
}

// redact takes the key out of a text that comes from outside.
func (c *client) redact(text string) string {
	for _, s := range []string{c.secret, url.QueryEscape(c.secret), url.PathEscape(c.secret)} {
		text = strings.ReplaceAll(text, s, "[secret_key]")
	}
	return text
}
