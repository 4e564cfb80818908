package main

import (
	"context"
	_ "embed" // the schemas
	"time"
	_ "time/tzdata" // the zones, for machines that have none

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/shape"
)

// version is the connector's own; the build sets it.
var version = "dev"

const (
	newOrder     = "new_order"
	statusChange = "status_change"

	defaultZone = "Europe/Kyiv"
)

// The schemas are parts of the binary and never written to.
var (
	//go:embed schema/config.json
	configSchema []byte
	// orderSchema is both events': they carry the same order.
	//go:embed schema/order.json
	orderSchema []byte
)

func spec() sdk.Spec {
	return sdk.Spec{
		Name: "salesdrive", Version: version, Title: "SalesDrive",
		Config: configSchema,
		Contract: sdk.Contract{Events: []sdk.EventSpec{
			{Name: newOrder, Title: "Нова заявка", Description: "An order was created.", Schema: orderSchema},
			{Name: statusChange, Title: "Зміна статусу", Description: "An order's status changed; the event carries the whole order.", Schema: orderSchema},
		}},
		Open: open,
	}
}

type config struct {
	Account  string `json:"account"`
	Timezone string `json:"timezone"`
}

func open(_ context.Context, c sdk.Config) (*sdk.Connection, error) {
	cfg := config{Timezone: defaultZone}
	if err := c.Decode(&cfg); err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(cfg.Timezone)
	if err != nil {
		return nil, &sdk.ConfigError{Diagnostics: []sdk.Diagnostic{{
			Path: "timezone", Message: "there is no time zone of this name", Hint: "use an IANA name such as " + defaultZone,
		}}}
	}
	s, err := shape.Compile(orderSchema)
	if err != nil {
		return nil, err
	}
	return &sdk.Connection{Source: &source{account: cfg.Account, zone: zone, shape: s, log: c.Log}}, nil
}
