package admin_test

import (
	"context"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/event"
)

func (e *engine) Degraded(context.Context) []string { return e.degraded }

func (e *engine) Resume(_ context.Context, r admin.SinkRequest) (admin.Sending, error) {
	e.asked.request = r
	if r.Connection == "nobody" {
		return admin.Sending{}, &admin.NotFoundError{Message: "there is no connection nobody"}
	}
	return admin.Sending{State: "paused", Since: &at, Until: &at, AtSink: 2, Reason: &event.Reason{Class: "AUTH", Code: "key", Message: "no"}}, e.err
}

func (e *engine) Pause(ctx context.Context, r admin.SinkRequest) (admin.Sending, error) {
	return e.Resume(ctx, r)
}

func TestPausedConnection(t *testing.T) {
	e := &engine{degraded: []string{"connection saleapp: paused: AUTH key: no"}}
	code, got := get(t, e, "/readyz")
	if want := `{"ready":true,"degraded":["connection saleapp: paused: AUTH key: no"]}` + "\n"; code != 200 || got != want {
		t.Errorf("%d %s, want 200 %s", code, got, want)
	}
	w := ask(t, admin.New(e, admin.Options{}), "POST", "/api/v1/connections/resume", `{"connection":"saleapp","by":"olena"}`)
	want := `{"state":"paused","since":"2026-04-05T06:07:08Z","until":"2026-04-05T06:07:08Z","at_sink":2,"reason":{"class":"AUTH","code":"key","message":"no"}}` + "\n"
	if w.Code != 200 || w.Body.String() != want || e.asked.request != (admin.SinkRequest{Connection: "saleapp", By: "olena"}) {
		t.Errorf("%d %s, asked %+v", w.Code, w.Body, e.asked.request)
	}
	// Who has no token learns nothing of it.
	w = ask(t, admin.New(e, admin.Options{Token: "0123456789abcdef"}), "GET", "/readyz", "")
	if w.Code != 200 || w.Body.String() != `{"ready":true}`+"\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
