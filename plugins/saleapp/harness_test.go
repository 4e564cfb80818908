package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/crosswalk-etl/crosswalk/plugins/saleapp/saleapptest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// connection is a connector as the engine sees it, less the process.
type connection struct {
	t       *testing.T
	handler wire.Handler
	logged  *sdktest.Log
}

// config is a connection's configuration.
type config map[string]any

// organization is a whole configuration with the sandbox's organization key.
func organization(base string, changes config) config {
	c := config{
		"url": base, "secret_key": saleapptest.DefaultKey, "key": "organization",
		"client_id": "50", "curency_id": 6, "warehouse_id": "7",
	}
	for k, v := range changes {
		c[k] = v
	}
	return c
}

// counterparty is a whole configuration with the sandbox's counterparty key.
func counterparty(base string) config {
	return config{"url": base, "secret_key": saleapptest.DefaultCounterpartyKey, "key": "counterparty"}
}

// connect opens a connection and fails the test on a diagnostic.
func connect(t *testing.T, c config) *connection {
	t.Helper()
	conn, ds := configure(t, c)
	if len(ds) > 0 {
		t.Fatalf("configure: %+v", ds)
	}
	return conn
}

func configure(t *testing.T, c config) (*connection, []wire.Diagnostic) {
	t.Helper()
	logged := &sdktest.Log{}
	h, err := sdk.NewHandler(spec(), logged.Logger())
	if err != nil {
		t.Fatal(err)
	}
	ds, err := h.Configure(t.Context(), "saleapp", toJSON(t, c))
	if err != nil {
		t.Fatal(err)
	}
	return &connection{t: t, handler: h, logged: logged}, ds
}

// sandbox starts a SaleApp and connects to it with the organization's key.
func sandbox(t *testing.T, o saleapptest.Options) (*saleapptest.Server, *connection) {
	t.Helper()
	api := saleapptest.New(o)
	return api, connect(t, organization(serve(t, api)+saleapptest.APIPath, nil))
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// write writes one record and gives its result.
func (c *connection) write(operation string, record any) wire.WriteResult {
	c.t.Helper()
	results := c.writeAll(operation, []any{record})
	if len(results) != 1 {
		c.t.Fatalf("%s: %d results, want 1", operation, len(results))
	}
	return results[0]
}

// writeAll writes a batch and gives the results in the records' order.
func (c *connection) writeAll(operation string, records []any) []wire.WriteResult {
	c.t.Helper()
	batch := make([]wire.Record, len(records))
	for i, r := range records {
		batch[i] = wire.Record{Index: uint32(i), Key: fmt.Sprint(i), Data: toJSON(c.t, r)}
	}
	var mu sync.Mutex
	out := make([]wire.WriteResult, len(records))
	emitted := 0
	err := c.handler.Write(c.t.Context(), operation, batch, func(r wire.WriteResult) {
		mu.Lock()
		defer mu.Unlock()
		out[r.Index] = r
		emitted++
	})
	if err != nil || emitted != len(records) {
		c.t.Fatalf("%s: %d of %d results, error %v", operation, emitted, len(records), err)
	}
	return out
}

// must writes one record, wants it done, and gives the action and the order's id.
func (c *connection) must(operation string, record any) (action, id string) {
	c.t.Helper()
	r := c.write(operation, record)
	if r.Failure != nil {
		c.t.Fatalf("%s: %v", operation, r.Failure)
	}
	var told struct{ ID string }
	if r.Answer != nil {
		if err := json.Unmarshal(r.Answer, &told); err != nil {
			c.t.Fatalf("%s: answer %s: %v", operation, r.Answer, err)
		}
	}
	return r.Action, told.ID
}

// fails writes one record and wants it to fail in this way.
func (c *connection) fails(operation string, record any, class wire.Class, code string) wire.Failure {
	c.t.Helper()
	r := c.write(operation, record)
	if r.Failure == nil {
		c.t.Fatalf("%s: done (%s), want %s %s", operation, r.Action, class, code)
	}
	if r.Failure.Class != class || r.Failure.Code != code {
		c.t.Fatalf("%s: %v, want %s %s", operation, r.Failure, class, code)
	}
	return *r.Failure
}

// order is a record for create_order and upsert_order. changes of nil remove.
func order(externalID string, changes map[string]any) map[string]any {
	o := map[string]any{
		"external_id":    externalID,
		"delivery_types": 3,
		"receiver_name":  "Ганна Їжакевич",
		"receiver_phone": "+38 (067) 111-22-33",
		"city":           "Львів", "city_ref": "c-ref-lviv",
		"addres": "Відділення №7: вул. Ґонти, 1", "branch_ref": "b-ref-7",
		"insurance_amount": 300, "delivery_amount": 0,
		"products": []any{map[string]any{"sku": "UA25", "qty": 2, "cost": json.Number("49.79")}},
	}
	for k, v := range changes {
		if v == nil {
			delete(o, k)
			continue
		}
		o[k] = v
	}
	return o
}

func toJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	if raw, ok := v.(json.RawMessage); ok {
		return raw
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
