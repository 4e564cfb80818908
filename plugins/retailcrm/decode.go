package main

import (
	"context"
	"net/http"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/shape"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/webhook"
)

type source struct {
	config config
	shape  *shape.Shape
}

// Decode takes what a trigger sends: a JSON or a form body, or a query alone.
// The event has no id and no version: a trigger carries nothing that counts
// changes, and statusUpdatedAt only tells when the status changed.
func (s *source) Decode(_ context.Context, r *sdk.Request) (sdk.Decoded, error) {
	err := webhook.Method(r, "let the trigger send POST", http.MethodPost, http.MethodPut, http.MethodGet)
	if err != nil {
		return sdk.Decoded{}, err
	}
	body, named, err := read(r)
	if err != nil {
		return sdk.Decoded{}, err
	}
	event, err := s.event(named)
	if err != nil {
		return sdk.Decoded{}, err
	}
	record := s.shape.Apply(body)
	key, err := webhook.Key(record, "id", "let the trigger send the order's id in a field named id")
	if err != nil {
		return sdk.Decoded{}, err
	}
	if site := gjson.GetBytes(record, "site").String(); s.config.Site != "" && site != "" && site != s.config.Site {
		return sdk.Decoded{}, refuse("other_site", "site", "the order is of the shop %s, and this connection is for another one", webhook.Quote(site))
	}
	return sdk.Decoded{Events: []sdk.Event{{Type: event, Key: key, Record: record}}}, nil
}

// event gives the event that a request is of: what it names, or else the
// configuration's.
func (s *source) event(named string) (string, error) {
	switch named {
	case newOrder, changedOrder:
		return named, nil
	case "":
		if s.config.Event != "" {
			return s.config.Event, nil
		}
		return "", refuse("no_event", "event", "the request does not say which event it is: add ?event=%s or ?event=%s to the trigger's URL (to a body in a file, --query event=%s), or set event in the connection's configuration", newOrder, changedOrder, newOrder)
	}
	return "", refuse("unknown_event", "event", "the request says event %s: want %s or %s", webhook.Quote(named), newOrder, changedOrder)
}

func refuse(code, path, format string, args ...any) error {
	return sdk.Refuse(http.StatusUnprocessableEntity, code, path, format, args...)
}
