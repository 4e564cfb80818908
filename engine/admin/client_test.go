package admin_test

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
)

// TestClient checks that what is asked for arrives as it was asked, and what is
// answered as it was answered.
func TestClient(t *testing.T) {
	e := full()
	srv := httptest.NewServer(admin.New(e, admin.Options{Token: "0123456789abcdef"}))
	defer srv.Close()
	addr := strings.TrimPrefix(srv.URL, "http://")
	c := client.New(addr, "0123456789abcdef")
	defer c.Close()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	same := func(want, got any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	f := admin.EventFilter{
		Connection: "shop", Type: "order_created", Key: "a/b&c", ID: "i d", Mapping: "m", Outcome: "dead",
		Since: at, Until: at.Add(time.Hour), Before: 9, After: 2, Oldest: true,
	}
	page, err := c.Events(ctx, f, 7)
	must(err)
	same(f, e.asked.events)
	if len(page.Events) != 1 || page.Next != 4 || e.asked.limit != 7 || page.Events[0].Outcomes[0].Sent != nil {
		t.Errorf("%+v", page)
	}
	detail, err := client.Event.Get(ctx, c, "5")
	must(err)
	if string(detail.Record) != `{"id":7}` || string(detail.Outcomes[0].Sent) != `{"a":1}` || string(detail.Explanations[0].Explanation) != `{"steps":[]}` {
		t.Errorf("%+v", detail)
	}
	lf := admin.LetterFilter{
		Source: "s", Sink: "k", Mapping: "m", Type: "t", Key: "й", Class: "c", Code: "d", Field: "f.g", Sequence: 3,
		Since: at, Until: at.Add(time.Hour), All: true, Before: 4, After: 5, Walk: true,
	}
	letters, err := c.Letters(ctx, lf, 1000)
	must(err)
	same(lf, e.asked.letters)
	same(full().letters[0].LetterID, letters.Letters[0].LetterID)
	id := letters.Letters[0].LetterID
	by := admin.By{By: "olena", Reason: "r", ID: "i"}
	req := admin.LettersRequest{Letters: []admin.LetterID{id}, By: by}
	done, err := client.Retry.Post(ctx, c, req)
	must(err)
	same(req, e.asked.request)
	same(admin.LettersDone{Results: []admin.LetterDone{{LetterID: id, As: 9}}}, done)
	done, err = client.Drop.Post(ctx, c, req)
	must(err)
	same("it is not open", done.Results[0].Problem)
	edit := admin.EditRequest{Letter: id, Record: json.RawMessage(`{"a":[1,2]}`), By: by}
	_, err = client.Edit.Post(ctx, c, edit)
	must(err)
	same(edit, e.asked.request)
	rr := admin.ReplayRequest{Filter: f, Sink: "k", Mapping: "m", Through: 9, Limit: 3, By: by}
	plan, err := client.Plan.Post(ctx, c, rr)
	must(err)
	same(rr, e.asked.request)
	same(admin.ReplayPlan{Events: 3, Through: 9, Send: 2, Delivered: 1, Dead: 1, Waiting: 1}, plan)
	sent, err := client.Replay.Post(ctx, c, rr)
	must(err)
	same(admin.ReplayDone{Sent: 2, Left: 1, Next: 9}, sent)

	_, err = client.Event.Get(ctx, c, "404")
	if refusal, ok := errors.AsType[*client.Error](err); !ok || refusal.Status != 404 || refusal.Code != "not_found" {
		t.Errorf("%v", err)
	}
	e.err = &admin.UnreadableError{Message: "event 5 cannot be read"}
	_, err = client.Event.Get(ctx, c, "5")
	if refusal, ok := errors.AsType[*client.Error](err); !ok || refusal.Status != 500 || refusal.Code != "unreadable" || refusal.Error() != "the engine answers: event 5 cannot be read" {
		t.Errorf("%v", err)
	}
	e.err = &admin.UnavailableError{Message: "the disk is full", RetryAfter: 3 * time.Second}
	_, err = client.Retry.Post(ctx, c, req)
	if refusal, ok := errors.AsType[*client.Error](err); !ok || refusal.RetryAfter != 3*time.Second {
		t.Errorf("%v", err)
	}
	if _, err := client.Status.Get(ctx, client.New(addr, "")); err == nil || !strings.Contains(err.Error(), "CROSSWALK_ADMIN_TOKEN") {
		t.Errorf("without a token: %v", err)
	}
}

// TestClientWithoutEngine checks what is said where no engine answers.
func TestClientWithoutEngine(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{addr, "unix:/nowhere/a.sock"} {
		_, err := client.Status.Get(t.Context(), client.New(where, ""))
		if _, down := errors.AsType[*client.DownError](err); !down || !strings.Contains(err.Error(), "crosswalk run") {
			t.Errorf("%s: %v", where, err)
		}
	}
}

// The webhooks' listener refuses a path in the shape of the admin API's refusals, and
// something else in any shape.
func TestClientAtAnotherAddress(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":{"code":"not_found","message":"there is nothing here"}}`: " is where the engine takes webhooks; the admin API is where admin.listen in crosswalk.yaml says",
		`<html>`: "is none of an engine: 404 Not Found; the admin API is where admin.listen",
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(body))
		}))
		_, err := client.Status.Get(t.Context(), client.New(strings.TrimPrefix(srv.URL, "http://"), ""))
		srv.Close()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// A socket that this user may not use is not one without an engine.
func TestClientWithoutPermission(t *testing.T) {
	err := &client.DownError{Addr: "unix:/run/crosswalk/admin.sock", Err: &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EACCES)}}
	if text := err.Error(); !strings.HasPrefix(text, "this user may not ask the engine at unix:/run/crosswalk/admin.sock") || strings.Contains(text, "crosswalk run") {
		t.Error(text)
	}
}
