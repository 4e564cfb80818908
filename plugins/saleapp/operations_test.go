package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/plugins/saleapp/saleapptest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func TestUpsertCreatesThenUpdates(t *testing.T) {
	api, conn := sandbox(t, saleapptest.Options{})
	record := order("A-1", map[string]any{"funnel": "2", "custom_fields": map[string]any{"source": "сайт", "level": 3}, "type": "8,3"})
	action, id := conn.must(opUpsert, record)
	if action != "created" || id != "1" {
		t.Fatalf("first: %s %s, want created 1", action, id)
	}
	got := api.Orders()[0]
	want := map[string]string{
		"external_id": got.ExternalID, "client_id": got.ClientID, "curency_id": got.CurencyID, "warehouse_id": got.WarehouseID,
		"receiver_name": got.ReceiverName, "receiver_phone": got.ReceiverPhone, "city": got.City, "city_ref": got.CityRef,
		"addres": got.Addres, "branch_ref": got.BranchRef, "insurance_amount": got.InsuranceAmount,
		"delivery_amount": got.DeliveryAmount, "type_ids": got.TypeIDs, "funnel": got.Funnel, "custom_fields": string(got.CustomFields),
		"qty": got.Products[0].Qty, "cost": got.Products[0].Cost, "sku": got.Products[0].SKU,
	}
	for name, value := range map[string]string{
		"external_id": "A-1", "client_id": "50", "curency_id": "6", "warehouse_id": "7",
		"receiver_name": "Ганна Їжакевич", "receiver_phone": "380671112233", "city": "Львів", "city_ref": "c-ref-lviv",
		"addres": "Відділення №7: вул. Ґонти, 1", "branch_ref": "b-ref-7", "insurance_amount": "300",
		"delivery_amount": "0", "type_ids": "8,3", "funnel": "2", "custom_fields": `{"level":"3","source":"сайт"}`,
		"qty": "2", "cost": "49.79", "sku": "UA25",
	} {
		if want[name] != value {
			t.Errorf("%s: %q, want %q", name, want[name], value)
		}
	}

	action, id = conn.must(opUpsert, order("A-1", map[string]any{"receiver_name": "Ганна Їжак", "funnel": "3"}))
	if action != "updated" || id != "1" {
		t.Fatalf("second: %s %s, want updated 1", action, id)
	}
	all := api.Orders()
	if len(all) != 1 || all[0].ReceiverName != "Ганна Їжак" || all[0].Writes != 2 || all[0].Funnel != "2" {
		t.Fatalf("after the update: %+v", all)
	}
}

// The connection's currency and warehouse are for new orders: an update leaves
// what staff has chosen since.
func TestUpdateLeavesCurrencyAndWarehouse(t *testing.T) {
	api, conn := sandbox(t, saleapptest.Options{})
	conn.must(opUpsert, order("A-1", map[string]any{"curency_id": "9", "warehouse_id": "8"}))
	conn.must(opUpsert, order("A-1", nil))
	if o := api.Orders()[0]; o.CurencyID != "9" || o.WarehouseID != "8" {
		t.Fatalf("currency %s, warehouse %s, want 9 and 8", o.CurencyID, o.WarehouseID)
	}
	conn.must(opUpsert, order("A-1", map[string]any{"warehouse_id": "4"}))
	if o := api.Orders()[0]; o.CurencyID != "9" || o.WarehouseID != "4" {
		t.Fatalf("currency %s, warehouse %s, want 9 and 4", o.CurencyID, o.WarehouseID)
	}
}

// D5: an answer that is lost after SaleApp has done the work makes no second order.
func TestUpsertAfterLostAnswers(t *testing.T) {
	api, conn := sandbox(t, saleapptest.Options{Faults: saleapptest.Faults{Lose: 0.3, Fail: 0.1}, Seed: 7})
	const n = 60
	unknown := 0
	pending := make([]any, n)
	for i := range pending {
		pending[i] = order(fmt.Sprintf("L-%d", i), nil)
	}
	for round := 0; len(pending) > 0; round++ {
		if round == 50 {
			t.Fatalf("%d records are still not written", len(pending))
		}
		var again []any
		for i, r := range conn.writeAll(opUpsert, pending) {
			if r.Failure == nil {
				continue
			}
			switch r.Failure.Class {
			case wire.Unknown:
				unknown++
			case wire.Transient:
			default:
				t.Fatalf("record %d: %v", i, r.Failure)
			}
			again = append(again, pending[i])
		}
		pending = again
	}
	seen := map[string]int{}
	for _, o := range api.Orders() {
		seen[o.ExternalID]++
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%s is there %d times", id, times)
		}
	}
	if len(seen) != n || unknown == 0 {
		t.Fatalf("%d orders, %d lost answers; want %d orders and some lost", len(seen), unknown, n)
	}
}

func TestUpsertOfOneOrderAtOnce(t *testing.T) {
	api, conn := sandbox(t, saleapptest.Options{Faults: saleapptest.Faults{Latency: 2_000_000}})
	records := make([]any, 24)
	for i := range records {
		records[i] = order("same", map[string]any{"receiver_name": fmt.Sprint("Отримувач ", i)})
	}
	created := 0
	for _, r := range conn.writeAll(opUpsert, records) {
		if r.Failure != nil {
			t.Fatal(r.Failure)
		}
		if r.Action == "created" {
			created++
		}
	}
	if len(api.Orders()) != 1 || created != 1 {
		t.Fatalf("%d orders, %d created, want one", len(api.Orders()), created)
	}
}

func TestUpsertNeverGuesses(t *testing.T) {
	api, conn := sandbox(t, saleapptest.Options{})
	conn.must(opCreate, order("twin", nil))
	conn.must(opCreate, order("twin", nil))
	for _, op := range []string{opUpsert, opUpdate, opDelete} {
		record := order("twin", nil)
		if op == opDelete {
			record = map[string]any{"external_id": "twin"}
		}
		f := conn.fails(op, record, wire.Ambiguous, "several_orders")
		if f.Path != "external_id" || !strings.Contains(f.Message, "id 1, id 2") {
			t.Errorf("%s: %v, want the ids 1 and 2", op, f)
		}
	}
	if got := len(api.Writes()); got != 2 {
		t.Fatalf("%d writes, want the two creations alone", got)
	}
}

// Different clients may use one external_id.
func TestOtherClientsOrdersAreLeftAlone(t *testing.T) {
	api, conn := sandbox(t, saleapptest.Options{})
	conn.must(opCreate, order("shared", map[string]any{"client_id": "77"}))
	if action, _ := conn.must(opUpsert, order("shared", nil)); action != "created" {
		t.Fatalf("client 50's order: %s, want created", action)
	}
	if action, id := conn.must(opUpsert, order("shared", map[string]any{"client_id": "77", "city": "Суми"})); action != "updated" || id != "1" {
		t.Fatalf("client 77's order: %s %s, want updated 1", action, id)
	}
	if action, _ := conn.must(opDelete, map[string]any{"external_id": "shared"}); action != "deleted" {
		t.Fatalf("delete: %s", action)
	}
	left := api.Orders()
	if len(left) != 1 || left[0].ClientID != "77" || left[0].City != "Суми" {
		t.Fatalf("left: %+v, want client 77's alone", left)
	}
}

func TestCreateDoublesWhatIsWrittenTwice(t *testing.T) {
	api, conn := sandbox(t, saleapptest.Options{})
	conn.must(opCreate, order("A-1", nil))
	conn.must(opCreate, order("A-1", nil))
	if got := len(api.Orders()); got != 2 {
		t.Fatalf("%d orders, want 2: create_order does not look first", got)
	}
}

func TestUpdate(t *testing.T) {
	api, conn := sandbox(t, saleapptest.Options{})
	conn.must(opCreate, order("A-1", nil))
	if action, id := conn.must(opUpdate, map[string]any{"external_id": "A-1", "receiver_name": ""}); action != "updated" || id != "1" {
		t.Fatalf("by external_id: %s %s", action, id)
	}
	if o := api.Orders()[0]; o.ReceiverName != "" || o.City != "Львів" {
		t.Fatalf("an empty text must empty its field and no other: %+v", o)
	}
	conn.must(opUpdate, json.RawMessage(`{"id": 1, "delivery_amount": 410.0}`))
	if o := api.Orders()[0]; o.DeliveryAmount != "410" {
		t.Fatalf("delivery_amount %q, want 410", o.DeliveryAmount)
	}
	conn.fails(opUpdate, map[string]any{"external_id": "nobody", "city": "Суми", "delivery_types": 1}, wire.NotFound, "not_found")
	conn.fails(opUpdate, map[string]any{"id": 99, "receiver_name": "Остап"}, wire.NotFound, "not_found")
}

func TestDelete(t *testing.T) {
	api, conn := sandbox(t, saleapptest.Options{})
	conn.must(opCreate, order("A-1", nil))
	conn.must(opCreate, order("A-2", nil))
	conn.must(opCreate, order("A-3", nil))
	for _, step := range []struct {
		record map[string]any
		action string
	}{
		{map[string]any{"external_id": "A-1"}, "deleted"},
		{map[string]any{"external_id": "A-1"}, "absent"},
		{map[string]any{"id": 2}, "deleted"},
		{map[string]any{"id": 2, "external_id": "A-3"}, "absent"},
	} {
		if action, _ := conn.must(opDelete, step.record); action != step.action {
			t.Errorf("%v: %s, want %s", step.record, action, step.action)
		}
	}
	sent := 5
	api.Process(3, saleapptest.Progress{StatusID: &sent})
	f := conn.fails(opDelete, map[string]any{"external_id": "A-3"}, wire.Invalid, "refused")
	if !strings.Contains(f.Message, "видалення дозволено лише у статусах 0, 1, 2") {
		t.Errorf("the vendor's text is missing: %v", f)
	}
	if left := api.Orders(); len(left) != 1 || left[0].ID != "3" {
		t.Fatalf("left: %+v", left)
	}
}

func TestCounterpartyKey(t *testing.T) {
	catalog, err := saleapptest.ParseCatalog("catalog", []byte(`{"products":[{"id":40,"sku":"UA23","name":"Термос","supplier_ids":[{"code":"232334","supplier_id":"39"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	api := saleapptest.New(saleapptest.Options{Catalog: catalog})
	conn := connect(t, counterparty(serve(t, api)+saleapptest.APIPath))
	bySupplier := []any{map[string]any{"supplier_id": "232334", "qty": 1}}
	conn.must(opUpsert, order("A-1", map[string]any{"products": bySupplier}))
	conn.must(opUpsert, order("A-1", map[string]any{"products": bySupplier}))
	all := api.Orders()
	if len(all) != 1 || all[0].ClientID != saleapptest.DefaultCounterpartyClient || all[0].Products[0].ID != "40" || all[0].Writes != 2 {
		t.Fatalf("orders: %+v", all)
	}
	for field, record := range map[string]map[string]any{
		"client_id":              order("A-2", map[string]any{"client_id": "50", "products": bySupplier}),
		"products.0.external_id": order("A-2", map[string]any{"products": []any{map[string]any{"sku": "UA23", "external_id": "1", "qty": 1}}}),
	} {
		if f := conn.fails(opUpsert, record, wire.Invalid, "invalid_record"); f.Path != field {
			t.Errorf("path %q, want %q", f.Path, field)
		}
	}
	if action, _ := conn.must(opDelete, map[string]any{"external_id": "A-1"}); action != "deleted" {
		t.Errorf("delete: %s", action)
	}
}

// Numbers never pass through a float, and what is text stays the text it was.
func TestDigitsArriveAsWritten(t *testing.T) {
	api, conn := sandbox(t, saleapptest.Options{})
	conn.must(opCreate, json.RawMessage(`{
		"external_id": "00012345678901234567890", "delivery_types": 1, "insurance_amount": 123456789012345678901234567890,
		"products": [{"id": 98765432109876543210, "qty": 0.1000, "cost": 0.30000000000000000004}],
		"custom_fields": {"знижка": 12345678901234567.89, "вкладене": {"а": [1.10]}}
	}`))
	o := api.Orders()[0]
	p := o.Products[0]
	for name, pair := range map[string][2]string{
		"external_id": {o.ExternalID, "00012345678901234567890"}, "insurance_amount": {o.InsuranceAmount, "123456789012345678901234567890"},
		"id": {p.ID, "98765432109876543210"}, "qty": {p.Qty, "0.1000"}, "cost": {p.Cost, "0.30000000000000000004"},
		"custom_fields": {string(o.CustomFields), `{"знижка":"12345678901234567.89","вкладене":{"а":[1.10]}}`},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %s, want %s", name, pair[0], pair[1])
		}
	}
	if action, _ := conn.must(opUpsert, order("00012345678901234567890", nil)); action != "updated" {
		t.Errorf("%s, want updated: leading zeros belong to an external_id", action)
	}
}

func TestAwkwardTexts(t *testing.T) {
	api, conn := sandbox(t, saleapptest.Options{})
	for i, text := range []string{
		"Рядок\r\nдругий --boundary\r\n\r\n", `"лапки" \ & <тег> ; name="products"`, "Ґалаґан 🐝 ʼ’`", "\u2028\u0000 кінець", "  пробіли  ",
	} {
		id := fmt.Sprintf("%d-%s", i, "Ї/№?&=#%")
		conn.must(opUpsert, order(id, map[string]any{"receiver_name": text, "addres": text}))
		if action, _ := conn.must(opUpsert, order(id, map[string]any{"receiver_name": text, "addres": text})); action != "updated" {
			t.Errorf("%q: %s the second time, want updated", id, action)
		}
		if o := api.Orders()[i]; o.ReceiverName != text || o.Addres != text || o.ExternalID != id {
			t.Errorf("%q arrived as %q", text, o.ReceiverName)
		}
	}
}

func TestHugeRecords(t *testing.T) {
	api, conn := sandbox(t, saleapptest.Options{})
	lines := make([]any, 20_000)
	for i := range lines {
		lines[i] = map[string]any{"sku": fmt.Sprintf("SKU-%d", i), "qty": 1}
	}
	conn.must(opUpsert, order("big", map[string]any{"products": lines}))
	conn.must(opUpsert, order("big", map[string]any{"products": lines}))
	if o := api.Orders()[0]; len(o.Products) != len(lines) || o.Writes != 2 {
		t.Fatalf("%d lines, %d writes", len(o.Products), o.Writes)
	}
	f := conn.fails(opCreate, order("too big", map[string]any{"addres": strings.Repeat("є", saleapptest.MaxBody)}), wire.Invalid, "too_large")
	if len(f.Message) > 1000 {
		t.Errorf("a message of %d bytes", len(f.Message))
	}
}
