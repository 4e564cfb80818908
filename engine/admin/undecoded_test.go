package admin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/event"
)

func waitingWebhooks() admin.Undecoded {
	return admin.Undecoded{Connection: "shop", Waiting: 2, Bytes: 900, Oldest: &at, Refused: 1, Stranded: true}
}

func refusedWebhook(sequence uint64) admin.Webhook {
	return admin.Webhook{
		Sequence: sequence, Connection: "shop", ReceivedAt: at, RefusedAt: at, Bytes: 2,
		Reason: event.Reason{Class: "INVALID", Code: "no_order", Message: "there is no order", Path: "data.id"},
	}
}

func (e *engine) Undecoded(_ context.Context, connection string, after uint64, limit int) (admin.UndecodedPage, error) {
	e.asked.limit, e.asked.request = limit, fmt.Sprint(connection, " ", after)
	return admin.UndecodedPage{Connections: []admin.Undecoded{waitingWebhooks()}, Refused: []admin.Webhook{refusedWebhook(5)}, Next: 5}, e.err
}

func (e *engine) Webhook(_ context.Context, sequence uint64) (admin.Webhook, error) {
	if sequence == 404 {
		return admin.Webhook{}, &admin.NotFoundError{Message: "there is no refused webhook 404"}
	}
	w := refusedWebhook(sequence)
	w.Method, w.Path, w.Query, w.Header = "POST", "/orders", "a=1", [][2]string{{"Content-Type", "application/json"}}
	w.Body, w.BodyBase64 = "{}", []byte{0xff}
	return w, e.err
}

func (e *engine) RetryWebhooks(_ context.Context, r admin.WebhooksRequest) (admin.WebhooksDone, error) {
	e.asked.request = r
	return admin.WebhooksDone{Results: []admin.WebhookDone{{Sequence: r.Webhooks[0]}}}, e.err
}

func (e *engine) DropWebhooks(_ context.Context, r admin.WebhooksRequest) (admin.WebhooksDone, error) {
	e.asked.request = r
	return admin.WebhooksDone{Results: []admin.WebhookDone{{Sequence: r.Webhooks[0], Problem: "there is no such refused webhook"}}}, e.err
}

func TestUndecoded(t *testing.T) {
	e := full()
	h := admin.New(e, admin.Options{})
	w := ask(t, h, "GET", "/api/v1/undecoded?connection=shop&after=4&limit=7", "")
	want := `{"connections":[{"connection":"shop","waiting":2,"bytes":900,"oldest":"2026-04-05T06:07:08Z","refused":1,"stranded":true}],` +
		`"refused":[{"sequence":5,"id":"","connection":"shop","received_at":"2026-04-05T06:07:08Z","refused_at":"2026-04-05T06:07:08Z","bytes":2,` +
		`"reason":{"class":"INVALID","code":"no_order","message":"there is no order","path":"data.id"}}],"next":5}` + "\n"
	if w.Code != 200 || w.Body.String() != want || e.asked.limit != 7 || e.asked.request != "shop 4" {
		t.Errorf("%d %s, asked %v %d", w.Code, w.Body, e.asked.request, e.asked.limit)
	}
	for _, path := range []string{"retry", "drop"} {
		w := ask(t, h, "POST", "/api/v1/undecoded/"+path, `{"webhooks":[5,6],"by":"olena","reason":"mended"}`)
		asked := admin.WebhooksRequest{Webhooks: []uint64{5, 6}, By: admin.By{By: "olena", Reason: "mended"}}
		if diff := cmp.Diff(any(asked), e.asked.request); w.Code != 200 || diff != "" {
			t.Errorf("%s: %d %s %s", path, w.Code, w.Body, diff)
		}
		for _, body := range []string{`{"webhooks":[]}`, `{"webhooks":[1` + strings.Repeat(",1", 500) + `]}`, `{"webhooks":[-1]}`} {
			if w := ask(t, h, "POST", "/api/v1/undecoded/"+path, body); w.Code != 400 {
				t.Errorf("%s %.40s: %d", path, body, w.Code)
			}
		}
	}
}
