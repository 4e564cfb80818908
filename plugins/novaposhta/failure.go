package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/outbound"
)

// Codes of the vendor's list of errors. It is not said anywhere which of them a
// directory answers; these name what is no record's fault.
var (
	keyCodes   = []string{"20000200068", "20000200069"}                // "API auth fail", "apiKey is empty"
	againCodes = []string{"20000100002", "20000100008", "20000100016"} // "General error", "An unknown error occurred. Try again later.", "Service Unavailable"
)

// envelope is what stands around every answer.
type envelope struct {
	Success    *bool           `json:"success"`
	Data       json.RawMessage `json:"data"`
	Errors     texts           `json:"errors"`
	ErrorCodes texts           `json:"errorCodes"`
	Info       json.RawMessage `json:"info"` // {"totalCount": 2}, or [] where there is nothing to say
}

// total is the number of rows on all pages, 0 where it is not said.
func (e envelope) total() int {
	var info struct {
		TotalCount text `json:"totalCount"`
	}
	if json.Unmarshal(e.Info, &info) != nil {
		return 0
	}
	n, err := strconv.Atoi(string(info.TotalCount))
	if err != nil {
		return 0
	}
	return n
}

// read makes data or a failure of a response. A refusal comes as HTTP 200 with
// success false; other statuses come from what stands before the API.
func (c *client) read(resp *http.Response, raw []byte) (envelope, error) {
	var e envelope
	err := json.Unmarshal(raw, &e)
	if err == nil && e.Success == nil {
		err = errors.New(`it has no "success"`)
	}
	says := c.says(resp.StatusCode, e)
	switch status := resp.StatusCode; {
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable || e.rateLimited():
		return e, sdk.RateLimited(outbound.RetryAfter(resp.Header, time.Now()), "rate_limited", "Nova Poshta asks to be asked less often: %s", says)
	case status == http.StatusUnauthorized || status == http.StatusForbidden || e.aboutKey():
		return e, sdk.Unauthorized("wrong_key", "Nova Poshta refuses the API key: %s", says)
	case status >= 500 || status == http.StatusRequestTimeout:
		return e, sdk.Transient("server_error", "Nova Poshta failed: %s", says)
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status/100 == 3:
		return e, sdk.Transient("wrong_url", "Nova Poshta's API does not answer at the connection's url: %s", says)
	case status/100 == 2 && err != nil:
		return e, sdk.Transient("unreadable_answer", "Nova Poshta's answer is not its API's: %s", c.redact(err.Error()))
	case status/100 == 2 && *e.Success:
		return e, nil
	case e.passing():
		return e, sdk.Transient("server_error", "Nova Poshta failed: %s", says)
	}
	return e, sdk.Invalid("", "refused", "Nova Poshta does not take the question: %s", says)
}

// says is the status where it tells something, and the vendor's errors.
func (c *client) says(status int, e envelope) string {
	var parts []string
	if status != http.StatusOK {
		parts = append(parts, fmt.Sprintf("HTTP %d %s", status, http.StatusText(status)))
	}
	parts = append(parts, e.Errors...)
	if len(e.ErrorCodes) > 0 {
		parts = append(parts, "code "+strings.Join(e.ErrorCodes, ", "))
	}
	if len(parts) == 0 {
		return "it does not say why"
	}
	return outbound.Shorten(c.redact(strings.Join(parts, ": ")))
}

// rateLimited tells a refusal for asking too often: "To many requests", as the
// vendor spells it.
func (e envelope) rateLimited() bool {
	return e.refusedWith("to many requests", "too many requests")
}

// aboutKey tells a refusal of the key, by its code or by its text.
func (e envelope) aboutKey() bool {
	return e.coded(keyCodes) || e.refusedWith("api auth fail", "api key", "apikey")
}

// passing tells a refusal that has nothing to do with the question.
func (e envelope) passing() bool {
	return len(e.Errors) == 0 && len(e.ErrorCodes) == 0 || e.coded(againCodes) ||
		e.refusedWith("try again later", "service unavailable", "service is unavailable", "general error")
}

func (e envelope) coded(codes []string) bool {
	return slices.ContainsFunc(e.ErrorCodes, func(c string) bool { return slices.Contains(codes, c) })
}

func (e envelope) refusedWith(phrases ...string) bool {
	return slices.ContainsFunc(e.Errors, func(s string) bool {
		s = strings.ToLower(s)
		return slices.ContainsFunc(phrases, func(p string) bool { return strings.Contains(s, p) })
	})
}

// text is a JSON scalar as text: the API writes most numbers and booleans as
// strings, and not always the same ones. null is "".
type text string

// UnmarshalJSON takes any scalar.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	switch raw = bytes.TrimSpace(raw); {
	case string(raw) == "null":
		*t = ""
	case raw[0] == '"':
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		*t = text(s)
	case raw[0] == '{' || raw[0] == '[':
		return fmt.Errorf("want a text, got %s", outbound.Shorten(string(raw)))
	default:
		*t = text(raw)
	}
	return nil
}

// texts is a list of texts; an object gives its values, for PHP makes one of a list
// with gaps.
type texts []string

// UnmarshalJSON takes a list or an object of scalars; what is none is kept as JSON.
func (t *texts) UnmarshalJSON(raw []byte) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(raw, &object); err != nil {
			list = []json.RawMessage{raw}
		}
		for _, v := range object {
			list = append(list, v)
		}
	}
	*t = nil
	for _, v := range list {
		var s text
		if s.UnmarshalJSON(v) != nil {
			s = text(v)
		}
		if s != "" {
			*t = append(*t, string(s))
		}
	}
	slices.Sort(*t)
	return nil
}
