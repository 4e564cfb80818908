package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/shape"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/webhook"
)

type source struct {
	shape *shape.Shape
	log   *slog.Logger
}

// Decode takes an order_created: PUT, as the document has it, or POST. A DELETE,
// which the shop sends when its subscription is removed, is taken and holds no
// event.
func (s *source) Decode(_ context.Context, r *sdk.Request) (sdk.Decoded, error) {
	if r.Method == http.MethodDelete {
		s.log.Warn("the shop has removed its subscription: no orders will come until it subscribes again")
		return sdk.Decoded{}, nil
	}
	err := webhook.Method(r, "register this URL in Horoshop for the event order_created, which sends PUT", http.MethodPut, http.MethodPost)
	if err != nil {
		return sdk.Decoded{}, err
	}
	if err := checkEvent(r.Query); err != nil {
		return sdk.Decoded{}, err
	}
	body, err := webhook.Object(r)
	if err != nil {
		return sdk.Decoded{}, err
	}
	record := s.shape.Apply(body)
	key, err := webhook.Key(record, "order_id", "every order_created carries it; is this URL registered for another event?")
	if err != nil {
		return sdk.Decoded{}, err
	}
	return sdk.Decoded{Events: []sdk.Event{{Type: orderCreated, Key: key, Record: record}}}, nil
}

// checkEvent refuses a URL that says it is for another event. A body does not
// say which event it is of, so a shop that registers several may tell them apart
// in their URLs.
func checkEvent(query string) error {
	// What else is wrong with a query is no reason not to take an order.
	values, _ := url.ParseQuery(query)
	if event := values.Get("event"); event != "" && event != orderCreated {
		return sdk.Refuse(http.StatusUnprocessableEntity, "unknown_event", "", "this connector takes the event %s only, and the URL says another: register it for that, with ?event=%s or without", orderCreated, orderCreated)
	}
	return nil
}
