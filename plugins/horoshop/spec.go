package main

import (
	"bytes"
	"context"
	_ "embed" // the schemas
	"encoding/json"
	"fmt"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/shape"
)

// version is the connector's own; the build sets it.
var version = "dev"

const (
	orderCreated = "order_created"
)

// The schemas are parts of the binary and never written to.
var (
	//go:embed schema/config.json
	configSchema []byte
	//go:embed schema/order_created.json
	orderSchema []byte
)

func spec() sdk.Spec {
	return sdk.Spec{
		Name: "horoshop", Version: version, Title: "Horoshop",
		Config:   configSchema,
		Contract: contract(orderSchema),
		Under: func(config json.RawMessage) (sdk.Contract, error) {
			schema, err := withExtraFields(orderSchema, config)
			return contract(schema), err
		},
		Open: func(_ context.Context, c sdk.Config) (*sdk.Connection, error) {
			s, err := shape.Compile(orderSchema)
			if err != nil {
				return nil, err
			}
			return &sdk.Connection{Source: &source{shape: s, log: c.Log}}, nil
		},
	}
}

func contract(schema json.RawMessage) sdk.Contract {
	return sdk.Contract{Events: []sdk.EventSpec{{
		Name: orderCreated, Title: "Order placement",
		Description: "A visitor placed an order. Register the connection's URL for the event order_created only.",
		Schema:      schema,
	}}}
}

// withExtraFields adds the configuration's extra_fields to the schema, as fields
// that may hold anything.
func withExtraFields(schema, config json.RawMessage) (json.RawMessage, error) {
	names := gjson.GetBytes(config, "extra_fields").Array()
	if len(names) == 0 {
		return schema, nil
	}
	known := gjson.GetBytes(schema, "properties")
	var added bytes.Buffer
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name.Str] || known.Get(gjson.Escape(name.Str)).Exists() {
			continue
		}
		seen[name.Str] = true
		quoted, err := json.Marshal(name.Str)
		if err != nil {
			return nil, fmt.Errorf("extra_fields: %w", err)
		}
		fmt.Fprintf(&added, `%s:{"description":"A field of this shop."},`, quoted)
	}
	at := known.Index + 1 // behind the { of properties
	return bytes.Join([][]byte{schema[:at], added.Bytes(), schema[at:]}, nil), nil
}
