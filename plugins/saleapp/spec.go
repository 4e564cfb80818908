package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"time"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
)

// version is the connector's own; the build sets it.
var version = "dev"

// configSchema is the JSON Schema of a connection's configuration.
//
//go:embed config.schema.json
var configSchema []byte

// spec is what the connector says of itself.
func spec() sdk.Spec {
	return sdk.Spec{
		Name:     "saleapp",
		Version:  version,
		Title:    "SaleApp",
		Config:   configSchema,
		Contract: contract(anyKey, defaultTimeout),
		Under:    under,
		Open:     open,
	}
}

// under gives the contract under a connection's kind of key and settle time. The
// configuration may still hold references to secrets or the environment, so what
// cannot be read yet counts as not given; open refuses it where it is wrong.
func under(config json.RawMessage) (sdk.Contract, error) {
	if !gjson.ValidBytes(config) {
		return sdk.Contract{}, errors.New("the configuration is not JSON")
	}
	c := configuration{
		RequestTimeout: gjson.GetBytes(config, "request_timeout").String(),
		Settle:         gjson.GetBytes(config, "settle").String(),
	}
	settle, err := c.settle()
	if err != nil {
		settle = defaultTimeout
	}
	kind := keyKind(gjson.GetBytes(config, "key").String())
	if kind != organizationKey && kind != counterpartyKey {
		kind = anyKey
	}
	return contract(kind, settle), nil
}

// contract is what the connector offers under a kind of key.
func contract(kind keyKind, settle time.Duration) sdk.Contract {
	return sdk.Contract{
		Operations: []sdk.OperationSpec{
			{
				Name: opUpsert, Title: "Create or update an order",
				Description: "Finds the order by external_id; creates it if there is none, else updates it. funnel and custom_fields count at creation only.",
				Schema:      createSchema(kind), Repeat: sdk.RepeatFindFirst, Settle: settle,
			},
			{
				Name: opCreate, Title: "Create an order",
				Description: "Creates an order without looking for one: written twice it is two orders.",
				Schema:      createSchema(kind), Repeat: sdk.RepeatUnsafe, Settle: settle,
			},
			{
				Name: opUpdate, Title: "Update an order",
				Description: "Changes the fields given of the order with this id or external_id.",
				Schema:      updateSchema(kind), Repeat: sdk.RepeatSafe, Settle: settle,
			},
			{
				Name: opDelete, Title: "Delete an order",
				Description: "Deletes the order with this id or external_id, in the statuses 0, 1 and 2 only. One that is not there counts as deleted.",
				Schema:      deleteSchema(kind), Repeat: sdk.RepeatSafe, Settle: settle,
			},
		},
		Lookups: []sdk.LookupSpec{{
			Name: lookupOrder, Title: "Order",
			Description:  "The order with this id, number or external_id, sought by the first of them that is given.",
			ArgsSchema:   argsSchema(kind),
			AnswerSchema: orderSchema(),
		}},
	}
}

// open makes a connection. It asks SaleApp nothing.
func open(_ context.Context, c sdk.Config) (*sdk.Connection, error) {
	s, err := readSettings(c)
	if err != nil {
		return nil, err
	}
	o, err := newOrders(s, c.Log)
	if err != nil {
		return nil, err
	}
	return &sdk.Connection{Sink: o, Lookup: o, Check: o.check, Concurrency: s.concurrency}, nil
}
