package main

import (
	"errors"
	"fmt"
	"strings"
)

// expected are the orders that must be in SaleApp in the end.
func expected() []order {
	product := func(o order, sku, qty, cost string) order {
		o.Products = append(o.Products, struct {
			SKU  string `json:"sku"`
			Qty  string `json:"qty"`
			Cost string `json:"cost"`
		}{sku, qty, cost})
		return o
	}
	return []order{
		product(order{
			ExternalID: "115", ReceiverName: "sdbgdasgdasg", ReceiverPhone: "380124214214", Delivery: "1", City: "Kyiv",
			Addres: "Local pickup", Insurance: "31799", OnDelivery: "0", Writes: 1,
		}, "MJVM2UAA", "1", "31799"),
		product(product(order{
			ExternalID: "116", ReceiverName: "Ткачук Оксана Петрівна", ReceiverPhone: "380672134409", Delivery: "3",
			City: "Полтава", CityRef: "c1500a95-1743-87f3-beff-4115dc6f9b3b", BranchRef: "28cbc374-9ce3-8950-8ef8-1774aa086f60", Addres: "Новою поштою: Відділення №7: вул. Європейська, 146", Insurance: "1200",
			OnDelivery: "1200", Writes: 1,
		}, "LT-350", "1", "399.5"), "AK-18650", "2", "400"),
		product(order{
			ExternalID: "117", ReceiverName: "Гнатюк Роман", ReceiverPhone: "380931107755", Delivery: "2", City: "Луцьк",
			Addres:    "УкрПошта: Волинська обл., Луцьк, 43000, вул. Лесі Українки, 12, 4",
			Insurance: "560", OnDelivery: "0", Writes: 1,
		}, "TR-075", "1", "560"),
		product(order{
			ExternalID: "70311", ReceiverName: "Шульга Ірина Олегівна", ReceiverPhone: "380671239901", Delivery: "3",
			City: "Львів", CityRef: "db5c88f5-391c-11dd-90d9-001a92567626", BranchRef: "1ec09d8a-e1c2-11e3-8c4a-0050568002cf", Addres: "Відділення №2: вул. Пластова, 7",
			Insurance: "4901", OnDelivery: "4901", Writes: 2,
		}, "KV-200", "2", "2722.67"),
		product(order{
			ExternalID: "9034A", ReceiverName: "Мельник Тарас", ReceiverPhone: "380635550122", Delivery: "2", City: "Київ",
			Addres: "вул. Саксаганського, 40, кв. 12", Insurance: "1830", OnDelivery: "0", Writes: 2,
		}, "RB-15", "2", "915"),
	}
}

// expect compares what there is with what must be, all of it. Webhooks that had to be
// sent again may have made as many duplicates more.
func expect(orders []order, s seen, again int) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	byID := map[string][]order{}
	for _, o := range orders {
		byID[o.ExternalID] = append(byID[o.ExternalID], o)
	}
	want := expected()
	if len(orders) != len(want) {
		bad("SaleApp has %d orders, want %d", len(orders), len(want))
	}
	for _, w := range want {
		got := byID[w.ExternalID]
		if len(got) != 1 {
			bad("SaleApp has order %s %d times, want once", w.ExternalID, len(got))
			continue
		}
		g := got[0]
		g.ID = ""
		if gs, ws := fmt.Sprintf("%+v", g), fmt.Sprintf("%+v", w); gs != ws {
			bad("order %s is not as expected:\n  is   %s\n  want %s", w.ExternalID, gs, ws)
		}
	}
	counts := counters{Accepted: 8, Delivered: 7, Duplicates: min(max(s.status.Duplicates, 1), 1+again), Dead: 1}
	if s.status != counts {
		bad("the engine counts %+v, want %+v", s.status, counts)
	}
	switch {
	case len(s.dead) != 1:
		bad("there are %d dead letters, want 1", len(s.dead))
	case s.dead[0].Event.Key != "118" || s.dead[0].Reason.Line == 0 || !strings.Contains(s.dead[0].Reason.Message, "77"):
		bad("the dead letter is not as expected: %+v", s.dead[0])
	}
	return errors.Join(errs...)
}
