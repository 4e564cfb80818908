package main

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/outbound"
)

// noAnswer is the failure of a request that was sent and whose answer does not say
// what became of it. A search changes nothing, so that it may simply be repeated.
func noAnswer(v verb, code, reason string) *sdk.Failure {
	if v == verbGet {
		return sdk.Transient(code, "SaleApp did not answer the search: %s", reason)
	}
	return sdk.Lost(code, "%s was sent, and whether SaleApp did it is not known: %s", v, reason)
}

// read makes an answer or a failure of a response. The vendor's document knows only
// HTTP 200 with a JSON body; other statuses come from what stands before it.
func (c *client) read(v verb, got *outbound.Answer) (answer, error) {
	a, err := parseAnswer(got.Body)
	a.description = outbound.Shorten(c.redact(a.description))
	status := got.Status
	if status == http.StatusOK && err == nil && !a.refused {
		return a, nil
	}
	says := statusText(status, a.description)
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return a, sdk.Unauthorized("wrong_key", "SaleApp refuses the key: %s", says)
	case status == http.StatusTooManyRequests:
		return a, sdk.RateLimited(outbound.RetryAfter(got.Header(), time.Now()), "rate_limited", "SaleApp asks to be asked less often: %s", says)
	case status == http.StatusServiceUnavailable:
		// "Currently unable to handle the request" (RFC 9110, 15.6.4): it was turned away.
		f := sdk.Transient("unavailable", "SaleApp turns requests away: %s", says)
		f.RetryAfter = outbound.RetryAfter(got.Header(), time.Now())
		return a, f
	case status >= 500 || status == http.StatusRequestTimeout:
		return a, noAnswer(v, "server_error", says)
	case err == nil && a.aboutKey():
		return a, sdk.Unauthorized("wrong_key", "SaleApp refuses the key: %s", a.description)
	case status/100 == 2:
		if err != nil {
			return a, noAnswer(v, "unreadable_answer", err.Error())
		}
		return a, nil
	case err == nil && v == verbGet && a.refused && a.foundNone():
		return a, nil
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status < 400:
		return a, sdk.Transient("wrong_url", "SaleApp's API does not answer at the connection's url: %s", says)
	case status == http.StatusRequestEntityTooLarge:
		return a, sdk.Invalid("", "too_large", "the record is too large for SaleApp: %s", says)
	case err == nil && a.refused:
		return a, nil
	}
	return a, sdk.Invalid("", "http_"+strconv.Itoa(status), "SaleApp does not take the request: %s", says)
}

// statusText names a status, with the vendor's text if there is one.
func statusText(status int, description string) string {
	text := fmt.Sprintf("HTTP %d %s", status, http.StatusText(status))
	if description != "" {
		text += ": " + description
	}
	return text
}
