package main

import (
	"context"
	_ "embed" // the schemas

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/shape"
)

// version is the connector's own; the build sets it.
var version = "dev"

const (
	newOrder     = "new_order"
	changedOrder = "changed_order"
)

// The schemas are parts of the binary and never written to.
var (
	//go:embed schema/config.json
	configSchema []byte
	// orderSchema is both events': they have the same fields.
	//go:embed schema/order.json
	orderSchema []byte
)

func spec() sdk.Spec {
	return sdk.Spec{
		Name: "retailcrm", Version: version, Title: "RetailCRM",
		Config: configSchema,
		Contract: sdk.Contract{Events: []sdk.EventSpec{
			{Name: newOrder, Title: "Новый заказ", Description: "A trigger for a new order sent its fields.", Schema: orderSchema},
			{Name: changedOrder, Title: "Изменённый заказ", Description: "A trigger for a changed order sent its fields.", Schema: orderSchema},
		}},
		Open: open,
	}
}

type config struct {
	Event string `json:"event"`
	Site  string `json:"site"`
}

func open(_ context.Context, c sdk.Config) (*sdk.Connection, error) {
	var cfg config
	if err := c.Decode(&cfg); err != nil {
		return nil, err
	}
	s, err := shape.Compile(orderSchema)
	if err != nil {
		return nil, err
	}
	return &sdk.Connection{Source: &source{config: cfg, shape: s}}, nil
}
