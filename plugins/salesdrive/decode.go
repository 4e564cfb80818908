package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/shape"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/webhook"
)

type source struct {
	account string // "": any
	zone    *time.Location
	shape   *shape.Shape
	log     *slog.Logger
}

// Decode takes a webhook of an order. What it does not know is refused with 422,
// never passed over in silence: SalesDrive shows the refusal in its history of
// webhooks and sends again.
func (s *source) Decode(_ context.Context, r *sdk.Request) (sdk.Decoded, error) {
	if err := webhook.Method(r, "SalesDrive posts its webhooks; set this URL under Установки, Інші сервіси, Webhook", http.MethodPost); err != nil {
		return sdk.Decoded{}, err
	}
	body, err := webhook.Object(r)
	if err != nil {
		return sdk.Decoded{}, err
	}
	record := s.shape.Apply(body)
	event, err := s.event(record)
	if err != nil {
		return sdk.Decoded{}, err
	}
	key, err := webhook.Key(record, "data.id", "every webhook of SalesDrive about an order carries it")
	if err != nil {
		return sdk.Decoded{}, err
	}
	e := sdk.Event{Type: event, Key: key, UpdatedAt: s.updatedAt(record), Record: record}
	if e.Version, err = orderVersion(record); err != nil {
		return sdk.Decoded{}, err
	}
	if e.Version > 0 {
		e.ID = fmt.Sprintf("%s:%s:%d", event, key, e.Version)
	}
	return sdk.Decoded{Events: []sdk.Event{e}}, nil
}

// event gives the name of the event, of a webhook that is about an order of the
// configured account.
func (s *source) event(record []byte) (string, error) {
	refuse := func(code, path, format string, args ...any) error {
		return sdk.Refuse(http.StatusUnprocessableEntity, code, path, format, args...)
	}
	info := gjson.GetBytes(record, "info")
	if !info.IsObject() {
		return "", refuse("no_info", "info", "info is missing: the body is not a webhook of SalesDrive, which has info, data and meta")
	}
	if kind := info.Get("webhookType").String(); kind != "" && kind != "order" {
		return "", refuse("unknown_type", "info.webhookType", "info.webhookType is %s, and this connector takes order only", webhook.Quote(kind))
	}
	if got := info.Get("account").String(); s.account != "" && !strings.EqualFold(got, s.account) {
		return "", refuse("other_account", "info.account", "the webhook is of the account %s, and this connection is for another one", webhook.Quote(got))
	}
	switch event := info.Get("webhookEvent").String(); event {
	case newOrder, statusChange:
		return event, nil
	case "":
		return "", refuse("no_event", "info.webhookEvent", "info.webhookEvent is missing: want %s or %s", newOrder, statusChange)
	default:
		return "", refuse("unknown_event", "info.webhookEvent", "info.webhookEvent is %s, and this connector takes %s and %s only", webhook.Quote(event), newOrder, statusChange)
	}
}

// orderVersion gives the order's version, 0 where the webhook names none.
func orderVersion(record []byte) (uint64, error) {
	v := gjson.GetBytes(record, "data.version")
	if v.Type == gjson.Null {
		return 0, nil
	}
	digits := v.Raw
	if v.Type == gjson.String {
		digits = strings.TrimSpace(v.Str)
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, sdk.Refuse(http.StatusUnprocessableEntity, "version", "data.version", "data.version is not a whole number from 0: changes of the order could not be put in order")
	}
	return n, nil
}

// updatedAt gives data.updateAt, or zero. It only serves to recognise what is
// stale, so that an order with a time that cannot be read is taken all the same.
func (s *source) updatedAt(record []byte) time.Time {
	text := strings.TrimSpace(gjson.GetBytes(record, "data.updateAt").String())
	if text == "" || strings.HasPrefix(text, "0000-00-00") {
		return time.Time{}
	}
	for _, layout := range []string{time.DateTime, time.RFC3339} {
		if t, err := time.ParseInLocation(layout, text, s.zone); err == nil {
			return t.UTC()
		}
	}
	s.log.Warn("data.updateAt is no time of the form 2025-09-18 13:46:35 and is not used")
	return time.Time{}
}
