// Package outbound is what connectors that call an HTTP API have in common: POSTs
// to one address over kept connections, one caller at a time for a key, why a request
// failed, how long a far side asks to wait, and how much of its text goes into a
// message.
package outbound

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// MaxText bounds how much of a vendor's text goes into a message, in runes.
	MaxText = 500
	// MaxRetryAfter bounds how long a far side may ask to wait.
	MaxRetryAfter = time.Hour
)

// RetryAfter reads the header Retry-After (RFC 9110, 10.2.3), seconds or a date,
// as a duration from now, at most MaxRetryAfter; 0 where it says nothing of use.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	var d time.Duration
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		d = time.Duration(min(seconds, int64(MaxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), MaxRetryAfter)
}

// Shorten gives at most MaxText runes of a text, with an ellipsis where something
// was cut off.
func Shorten(text string) string {
	if len(text) <= MaxText {
		return text // there are no more runes than bytes
	}
	if r := []rune(text); len(r) > MaxText {
		return string(r[:MaxText]) + "…"
	}
	return text
}

// Reason is why a request got no answer, without its address, which may hold a
// credential. What the text itself may repeat of one is the caller's to take out.
func Reason(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		if u.Timeout() {
			return "no answer in time"
		}
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return err.Error()
}
