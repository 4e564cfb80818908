package ingress_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/ingress"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func TestRequestReachesConnector(t *testing.T) {
	var got wire.Request
	r := start(t, func(_ context.Context, r wire.Request) (wire.Decoded, error) {
		got = r
		got.Body = append([]byte(nil), r.Body...)
		return wire.Decoded{}, nil
	}, nil)
	answer := r.send(t, "PUT", "/in/shop/"+token+"/orders%20new/7?b=2&a=%D0%B0", strings.NewReader(gzipped(t, []byte(`{"a": 1}`))),
		"Content-Type", "application/json", "Content-Encoding", "gzip", "X-Shop", "2", "X-Shop", "1",
		"Authorization", "Bearer x", "Cookie", "a=b", "User-Agent", "Shop/1", "Accept-Encoding", "identity")
	if answer.StatusCode != 200 || answer.text != "{\"accepted\":0}\n" {
		t.Errorf("no events: %d %q", answer.StatusCode, answer.text)
	}
	want := wire.Request{
		Method: "PUT", Path: "/orders new/7", Query: "b=2&a=%D0%B0", Body: []byte(`{"a": 1}`),
		Header: []wire.Header{
			{Name: "Accept-Encoding", Value: "identity"},
			{Name: "Content-Type", Value: "application/json"},
			{Name: "User-Agent", Value: "Shop/1"},
			{Name: "X-Shop", Value: "2"},
			{Name: "X-Shop", Value: "1"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEventsAreStoredInOrder(t *testing.T) {
	updated := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	body := `{"id":1}`
	r := start(t, func(_ context.Context, r wire.Request) (wire.Decoded, error) {
		return wire.Decoded{Events: []wire.Event{
			{Type: "new_order", ID: "e1", Key: "k", Version: 3, UpdatedAt: updated, Record: r.Body},
			{Type: "status_change", ID: "e2", Key: "k", Record: []byte(`{"id":1,"status":2}`)},
			{Type: "status_change", ID: "e3", Key: "l", Record: []byte(`{}`)},
		}}, nil
	}, nil)
	r.journal.accept = func(_ context.Context, e *event.Event) (ingress.Receipt, error) {
		return ingress.Receipt{Duplicate: e.ID == "e2" && len(r.journal.all()) > 1}, nil
	}
	before := time.Now()
	if got := r.post(t, body); got.text != "{\"accepted\":3,\"duplicates\":0}\n" {
		t.Errorf("got %d %s", got.StatusCode, got.text)
	}
	events := r.journal.all()
	for i, e := range events {
		if e.ReceivedAt.Before(before) || e.ReceivedAt.After(time.Now()) || e.ReceivedAt.Location() != time.UTC {
			t.Errorf("event %d was received at %s", i, e.ReceivedAt)
		}
		events[i].ReceivedAt = time.Time{}
	}
	want := []event.Event{
		{ID: "e1", Connection: "shop", Type: "new_order", Key: "k", Version: 3, UpdatedAt: updated, Record: []byte(body)},
		{ID: "e2", Connection: "shop", Type: "status_change", Key: "k", Record: []byte(`{"id":1,"status":2}`), Body: []byte(body)},
		{ID: "e3", Connection: "shop", Type: "status_change", Key: "l", Record: []byte(`{}`), Body: []byte(body)},
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Error(diff)
	}
	if got := r.post(t, body); got.text != "{\"accepted\":2,\"duplicates\":1}\n" {
		t.Errorf("with a duplicate: %d %s", got.StatusCode, got.text)
	}
}

// TestNoAnswerBeforeStored keeps promise D1 on ingress's side: while the journal
// has not stored an event there is no answer.
func TestNoAnswerBeforeStored(t *testing.T) {
	stored := make(chan struct{})
	var answered atomic.Bool
	var early atomic.Bool
	r := start(t, nil, nil)
	entered := make(chan struct{})
	r.journal.accept = func(context.Context, *event.Event) (ingress.Receipt, error) {
		close(entered)
		<-stored
		early.Store(answered.Load())
		return ingress.Receipt{}, nil
	}
	done := make(chan reply, 1)
	go func() {
		got := r.post(t, "{}")
		answered.Store(true)
		done <- got
	}()
	<-entered
	time.Sleep(20 * time.Millisecond) // gives an answer that comes too early the time to come
	close(stored)
	if got := <-done; got.StatusCode != 200 || early.Load() {
		t.Errorf("got %d; answered before it was stored: %v", got.StatusCode, early.Load())
	}
}

func TestConnectorAnswers(t *testing.T) {
	record := func(s string) wire.Decoded {
		return wire.Decoded{Events: []wire.Event{{Type: "t", Key: "k", Record: []byte(s)}}}
	}
	for _, c := range []struct {
		name        string
		decoded     wire.Decoded
		err         error
		status      int
		text        string
		contentType string
		stored      int
		retryAfter  string
	}{
		{name: "reply", decoded: wire.Decoded{Reply: &wire.Reply{Status: 201, ContentType: "text/plain; charset=utf-8", Body: []byte("ok")}, Events: record("{}").Events}, status: 201, text: "ok", contentType: "text/plain; charset=utf-8", stored: 1},
		{name: "reply without content", decoded: wire.Decoded{Reply: &wire.Reply{Status: 204, Body: []byte("x")}}, status: 204},
		{name: "reply without a type", decoded: wire.Decoded{Reply: &wire.Reply{Status: 202, Body: []byte("<b>")}}, status: 202, text: "<b>"},
		{name: "reply of a wrong status", decoded: wire.Decoded{Reply: &wire.Reply{Status: 500, Body: []byte("x")}}, status: 200, text: "x"},
		{name: "reply with a split header", decoded: wire.Decoded{Reply: &wire.Reply{Status: 200, ContentType: "a/b\r\nX-Evil: 1"}}, status: 200, contentType: "a/b  X-Evil: 1"},
		{name: "refusal", decoded: wire.Decoded{Refusal: &wire.Refusal{Status: 409, Code: "no_such_shop", Message: "two\nlines", Path: "order.id"}, Events: record("{}").Events}, status: 409, text: `{"error":{"code":"no_such_shop","message":"two lines","field":"order.id"}}` + "\n", contentType: "application/json"},
		{name: "refusal of a wrong status", decoded: wire.Decoded{Refusal: &wire.Refusal{Status: 200}}, status: 422, text: `{"error":{"code":"refused","message":"the connector refuses this request"}}` + "\n", contentType: "application/json"},
		{name: "record no JSON", decoded: record("{"), status: 500, text: "internal_error", contentType: "application/json"},
		{name: "record no object", decoded: record("[1]"), status: 500, text: "internal_error", contentType: "application/json"},
		{name: "no record", decoded: record(""), status: 500, text: "internal_error", contentType: "application/json"},
		{name: "no key", decoded: wire.Decoded{Events: []wire.Event{{Type: "t", Record: []byte("{}")}}}, status: 500, text: "internal_error", contentType: "application/json"},
		{name: "second event bad", decoded: wire.Decoded{Events: append(record("{}").Events, record("x").Events...)}, status: 500, text: "internal_error", contentType: "application/json"},
		{name: "too many events", decoded: wire.Decoded{Events: make([]wire.Event, 2000)}, status: 500, text: "internal_error", contentType: "application/json"},
		{name: "not there", err: errors.New("the process restarts: panic at main.go:1"), status: 503, text: "connector_unavailable", contentType: "application/json", retryAfter: "5"},
		{name: "not there for a while", err: fmt.Errorf("decode: %w", &ingress.UnavailableError{RetryAfter: 1500 * time.Millisecond, Err: errors.New("x")}), status: 503, text: "connector_unavailable", contentType: "application/json", retryAfter: "2"},
		{name: "never", err: &ingress.UnacceptableError{Field: "a", Message: "it crashes the connector"}, status: 422, text: `{"error":{"code":"unacceptable","message":"it crashes the connector","field":"a"}}`, contentType: "application/json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, func(context.Context, wire.Request) (wire.Decoded, error) { return c.decoded, c.err }, nil)
			got := r.post(t, "{}")
			if got.StatusCode != c.status || !strings.Contains(got.text, c.text) || c.text == "" && got.text != "" {
				t.Errorf("got %d %q, want %d %q", got.StatusCode, got.text, c.status, c.text)
			}
			if ct := got.Header.Get("Content-Type"); ct != c.contentType {
				t.Errorf("content type %q, want %q", ct, c.contentType)
			}
			if got.Header.Get("Retry-After") != c.retryAfter || got.Header.Get("X-Evil") != "" || strings.Contains(got.text, "main.go") {
				t.Errorf("headers %v, text %s", got.Header, got.text)
			}
			if n := len(r.journal.all()); n != c.stored {
				t.Errorf("%d events are stored, want %d", n, c.stored)
			}
		})
	}
}

func TestConnectorHangs(t *testing.T) {
	r := start(t, func(ctx context.Context, _ wire.Request) (wire.Decoded, error) {
		<-ctx.Done()
		return wire.Decoded{}, ctx.Err()
	}, func(o *ingress.Options) { o.Limits.DecodeTimeout = 50 * time.Millisecond })
	got := r.post(t, "{}")
	if got.StatusCode != 503 || got.code() != ingress.CodeConnector || got.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %s", got.StatusCode, got.text)
	}
}

func TestPanic(t *testing.T) {
	r := start(t, func(context.Context, wire.Request) (wire.Decoded, error) { panic("geheim") }, nil)
	got := r.post(t, "{}")
	if got.StatusCode != 500 || got.code() != ingress.CodeBroken || strings.Contains(got.text, "geheim") || strings.Contains(got.text, ".go") {
		t.Errorf("got %d %s", got.StatusCode, got.text)
	}
	if !strings.Contains(r.log.String(), "geheim") || !strings.Contains(r.log.String(), "flow_test.go") {
		t.Error("the panic is not logged with its stack")
	}
}

func TestJournalFails(t *testing.T) {
	for _, c := range []struct {
		name       string
		err        error
		status     int
		code       string
		retryAfter string
	}{
		{"unavailable", &ingress.UnavailableError{RetryAfter: 30 * time.Second, Err: errors.New("disk full")}, 503, ingress.CodeJournal, "30"},
		{"unknown", errors.New("disk /var/lib on fire"), 503, ingress.CodeJournal, "5"},
		{"unacceptable", &ingress.UnacceptableError{Field: "record", Message: "larger than 8 MiB"}, 422, ingress.CodeUnacceptable, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, nil, nil)
			r.journal.accept = func(context.Context, *event.Event) (ingress.Receipt, error) { return ingress.Receipt{}, c.err }
			got := r.post(t, "{}")
			if got.StatusCode != c.status || got.code() != c.code || got.Header.Get("Retry-After") != c.retryAfter || strings.Contains(got.text, "disk") {
				t.Errorf("got %d %s, Retry-After %q", got.StatusCode, got.text, got.Header.Get("Retry-After"))
			}
		})
	}
}

func TestLogAndStats(t *testing.T) {
	r := start(t, nil, nil)
	began := time.Now()
	for range 200 {
		r.post(t, `{"private": "body"`)
		r.send(t, "GET", "/in/shop/wrong-secret?q=private", nil)
	}
	r.post(t, `{"private":"body"}`)
	r.send(t, "DELETE", "/in/shop/"+token+"/rest?q=private", nil)
	// A request is counted and logged after its answer.
	eventually(t, "a line and a count of each request", func() bool {
		log := r.log.String()
		return strings.Count(log, "webhook refused")+strings.Count(log, "webhook taken") >= 402 && r.Stats().Requests >= 402
	})
	log := r.log.String()
	for _, secret := range []string{token, "wrong-secret", "private"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	// Some at once, and one each second, of each of the two kinds.
	if n := strings.Count(log, "level=WARN"); n < 2 || n > 60+2*int(time.Since(began).Seconds()) {
		t.Errorf("%d warnings of 400 refusals", n)
	}
	if n := strings.Count(log, "webhook refused") + strings.Count(log, "webhook taken"); n != 402 {
		t.Errorf("%d lines of 402 requests", n)
	}
	s := r.Stats()
	c := s.Connections[0]
	if c.LastAccepted == nil || time.Since(*c.LastAccepted) > time.Minute {
		t.Errorf("last accepted %v", c.LastAccepted)
	}
	c.LastAccepted = nil
	s.Connections[0] = c
	want := ingress.Stats{
		Requests: 402, Refused: map[string]uint64{ingress.CodeJSON: 200, ingress.CodeNotFound: 200},
		Strangers:   map[string]uint64{ingress.CodeNotFound: 200},
		Connections: []ingress.ConnectionStats{{Name: "shop", Requests: 202, Accepted: 2, Refused: map[string]uint64{ingress.CodeJSON: 200}}},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
}

func TestWarningsSayHowManyAreUnsaid(t *testing.T) {
	r := start(t, nil, nil)
	for range 20 {
		r.send(t, "GET", "/nowhere", nil)
	}
	eventually(t, "a warning that counts the unsaid ones", func() bool {
		r.send(t, "GET", "/nowhere", nil)
		return strings.Contains(r.log.String(), "more_unsaid=")
	})
}

var _ http.Handler = (*ingress.Server)(nil)
