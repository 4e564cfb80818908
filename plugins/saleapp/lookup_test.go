package main

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/plugins/saleapp/saleapptest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func (c *connection) find(args string) wire.Answer {
	c.t.Helper()
	var out wire.Answer
	err := c.handler.Find(c.t.Context(), lookupOrder, []wire.Question{{Args: json.RawMessage(args)}}, func(a wire.Answer) { out = a })
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func TestLookup(t *testing.T) {
	api, conn := sandbox(t, saleapptest.Options{})
	conn.must(opCreate, order("A-1", map[string]any{"type": "8", "custom_fields": map[string]any{"source": "сайт"}}))
	conn.must(opCreate, order("twin", nil))
	conn.must(opCreate, order("twin", nil))
	conn.must(opCreate, order("A-1", map[string]any{"client_id": "77"}))
	made := api.Orders()[0]
	want := map[string]any{
		"id": 1., "number": 1001., "external_id": "A-1", "status_id": 0., "status_name": "Новий",
		"delivery_type_name": "Нова Пошта відділення", "delivery_types": 3., "receiver_name": "Ганна Їжакевич",
		"receiver_phone": "380671112233", "city": "Львів", "city_ref": "c-ref-lviv", "addres": "Відділення №7: вул. Ґонти, 1",
		"branch_ref": "b-ref-7", "insurance_amount": 300., "delivery_amount": 0., "type_ids": "8",
		"date_entered": made.DateEntered, "date_update": made.DateUpdate,
		"type":          []any{map[string]any{"id": 8., "name": "Тег 8"}},
		"custom_fields": map[string]any{"source": "сайт"},
		"products": []any{map[string]any{
			"id": json.Number(made.Products[0].ID), "name": "Товар UA25", "sku": "UA25", "external_id": "0", "qty": 2.,
			"allocated_qty": 0., "cost": 49.79, "discount_percent": 0., "supplier_ids": []any{},
		}},
	}
	wantJSON, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{`{"external_id":"A-1"}`, `{"id":1}`, `{"number":1001}`, `{"id":1,"external_id":"twin"}`} {
		a := conn.find(args)
		if a.Failure != nil {
			t.Errorf("%s: %v", args, a.Failure)
			continue
		}
		if diff := cmp.Diff(generic(t, wantJSON), generic(t, a.Found)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", args, diff)
		}
	}
	if a := conn.find(`{"external_id":"A-1","client_id":"77"}`); a.Failure != nil || generic(t, a.Found)["id"] != 4. {
		t.Errorf("client 77's: %s %v", a.Found, a.Failure)
	}
	if a := conn.find(`{"external_id":"twin"}`); a.Failure == nil || a.Failure.Class != wire.Ambiguous || len(a.Candidates) != 2 {
		t.Errorf("twins: %+v", a)
	}
	if a := conn.find(`{"external_id":"nobody"}`); a.Failure == nil || a.Failure.Class != wire.NotFound {
		t.Errorf("nobody: %+v", a)
	}
	if a := conn.find(`{}`); a.Failure == nil || a.Failure.Class != wire.Invalid {
		t.Errorf("nothing asked: %+v", a)
	}
}

func generic(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}
