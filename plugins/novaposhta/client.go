package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/outbound"
)

const (
	// maxAnswer bounds an answer's body in bytes. A page of 500 branches has 1.5 MB.
	maxAnswer   = 16 << 20
	dialTimeout = 10 * time.Second
)

// client asks one Nova Poshta with one key.
type client struct {
	url     string
	key     string
	timeout time.Duration
	http    *http.Client
	log     *slog.Logger
}

func newClient(s settings, log *slog.Logger) *client {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: dialTimeout}
	return &client{
		url: s.url, key: s.key, timeout: s.timeout, log: log,
		http: &http.Client{
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				DialContext:         dialer.DialContext,
				TLSHandshakeTimeout: dialTimeout,
				MaxConnsPerHost:     s.concurrency,
				MaxIdleConnsPerHost: s.concurrency,
				IdleConnTimeout:     30 * time.Second,
			},
			// A redirect would take the key to somebody else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// request is the body of every request of the API.
type request struct {
	APIKey           string         `json:"apiKey"`
	ModelName        string         `json:"modelName"`
	CalledMethod     string         `json:"calledMethod"`
	MethodProperties map[string]any `json:"methodProperties"`
}

// call asks for one page of one method and reads its data into rows. Asking
// changes nothing, so that whatever fails may be repeated. The error is always a
// *sdk.Failure.
func (c *client) call(ctx context.Context, model, method string, properties map[string]any, rows any) (total int, err error) {
	body, err := json.Marshal(request{c.key, model, method, properties}) //nolint:gosec // the API wants its key in the body
	if err != nil {
		return 0, sdk.Invalid("", "unsendable", "the question makes no request: %s", c.redact(err.Error()))
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return 0, sdk.Transient("wrong_url", "%s", c.clean(err))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "crosswalk-novaposhta/"+version)

	start := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, sdk.Transient("unreachable", "Nova Poshta cannot be reached: %s", c.clean(err))
	}
	defer func() { _ = resp.Body.Close() }() // it was read, or is given up
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	c.log.DebugContext(ctx, "asked Nova Poshta", "method", model+"."+method, "status", resp.StatusCode, "bytes", len(raw), "took", time.Since(start))
	if err != nil {
		return 0, sdk.Transient("answer_lost", "Nova Poshta's answer broke off: %s", c.clean(err))
	}
	if len(raw) > maxAnswer {
		return 0, sdk.Transient("unreadable_answer", "Nova Poshta's answer is longer than 16 MiB")
	}
	e, err := c.read(resp, raw)
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(e.Data, rows); err != nil {
		return 0, sdk.Transient("unreadable_answer", "the data of Nova Poshta's answer to %s are not as expected: %s", method, c.redact(err.Error()))
	}
	return e.total(), nil
}

// check tells whether the key is taken. The directories of addresses are answered
// without a key, so it asks for one that is not.
func (c *client) check(ctx context.Context) error {
	var rows []json.RawMessage
	_, err := c.call(ctx, "Common", "getCargoTypes", map[string]any{}, &rows)
	return err
}

// clean is an error's text without addresses and the key.
func (c *client) clean(err error) string {
	return c.redact(outbound.Reason(err))
}

// redact takes the key, as it is and as addresses and JSON write it, out of a text
// that comes from outside.
func (c *client) redact(text string) string {
	forms := []string{c.key, url.QueryEscape(c.key), url.PathEscape(c.key)}
	if quoted, err := json.Marshal(c.key); err == nil {
		forms = append(forms, strings.Trim(string(quoted), `"`))
	}
	for _, s := range forms {
		text = strings.ReplaceAll(text, s, "[api_key]")
	}
	return text
}
