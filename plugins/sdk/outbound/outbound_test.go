package outbound_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/outbound"
)

func TestKeyLocks(t *testing.T) {
	var k outbound.KeyLocks
	unlock, err := k.Lock(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	other, err := k.Lock(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	other()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Lock(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Fatalf("a held key: %v", err)
	}
	unlock()
	if unlock, err = k.Lock(t.Context(), "a"); err != nil {
		t.Fatalf("a key that was unlocked: %v", err)
	}
	unlock()
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                              0,
		"soon":                          0,
		"-5":                            0,
		" 30 ":                          30 * time.Second,
		"99999999999":                   outbound.MaxRetryAfter,
		"Wed, 04 Mar 2026 05:07:07 GMT": time.Minute,
		"Wed, 04 Mar 2026 05:00:00 GMT": 0,
	} {
		if got := outbound.RetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	if got := outbound.Shorten("Київ"); got != "Київ" {
		t.Errorf("a short text became %q", got)
	}
	got := outbound.Shorten(strings.Repeat("ї", outbound.MaxText+1))
	if utf8.RuneCountInString(got) != outbound.MaxText+1 || !strings.HasSuffix(got, "…") {
		t.Errorf("a long text became %d runes", utf8.RuneCountInString(got))
	}
}

func TestReason(t *testing.T) {
	at := func(err error) error {
		return &url.Error{Op: "Post", URL: "https://api.example/x?key=geheim", Err: err}
	}
	for want, err := range map[string]error{
		"no answer in time":  at(context.DeadlineExceeded),
		"connection refused": at(errors.New("connection refused")),
		"broken":             errors.New("broken"),
	} {
		if got := outbound.Reason(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
