package main

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
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
	endpoint *outbound.Endpoint // its address holds the key: never to be shown
	secrets  *strings.Replacer  // the key, however it is written
	log      *slog.Logger
}

func newClient(s settings, log *slog.Logger) *client {
	address := s.base.JoinPath("Orders")
	address.RawQuery = url.Values{"secret_key": {s.secret}}.Encode()
	const shown = "[secret_key]"
	return &client{
		log:     log,
		secrets: strings.NewReplacer(s.secret, shown, url.QueryEscape(s.secret), shown, url.PathEscape(s.secret), shown),
		endpoint: outbound.NewEndpoint(outbound.EndpointOptions{
			URL: address, UserAgent: "crosswalk-saleapp/" + version, Accept: "application/json",
			Timeout: s.timeout, DialTimeout: dialTimeout, IdleTimeout: idleTimeout, MaxAnswer: maxAnswer, Concurrency: s.concurrency,
		}),
	}
}

// call sends one request and reads its answer. A refusal by SaleApp is an answer;
// the error is always a *sdk.Failure. Nothing is sent twice; see outbound.Endpoint.
func (c *client) call(ctx context.Context, v verb, f form) (answer, error) {
	start := time.Now()
	contentType, body := f.encode(v)
	a, err := c.endpoint.Post(ctx, contentType, body)
	if err != nil {
		var none *outbound.NoAnswerError
		switch {
		case errors.Is(err, outbound.ErrTooLong):
			return answer{}, noAnswer(v, "unreadable_answer", "the answer is longer than 16 MiB")
		case errors.As(err, &none) && !none.Sent:
			return answer{}, sdk.Transient("unreachable", "SaleApp cannot be reached: %s", c.clean(err))
		}
		return answer{}, noAnswer(v, "answer_lost", c.clean(err))
	}
	if c.log.Enabled(ctx, slog.LevelDebug) {
		c.log.DebugContext(ctx, "asked SaleApp", "method_type", string(v), "status", a.Status, "bytes", len(a.Body), "took", time.Since(start))
	}
	return c.read(v, a)
}

// clean is an error's text without the address, which holds the key.
func (c *client) clean(err error) string {
	return c.redact(outbound.Reason(err))
}

// redact takes the key out of a text that comes from outside.
func (c *client) redact(text string) string { return c.secrets.Replace(text) }
