package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// postOrder makes a Horoshop order_created by Nova Poshta.
func postOrder(id int, city, address string) string {
	return fmt.Sprintf(`{"order_id":%d,"delivery_name":"Покупець %d","delivery_phone":"+38067%07d","delivery_city":%q,"delivery_address":%q,"delivery_type":{"id":3,"title":"Новою поштою"},"delivery_price":-1,"payment_type":{"id":15,"title":"Накладений платіж"},"payed":0,"total_sum":499.5,"stat_status":1,"products":[{"article":"LT-1","price":249.75,"quantity":2}]}`,
		id, id, id, city, address)
}

// asked gives how many requests the sandbox's Nova Poshta has had, and how many of
// them it turned away.
func (s *sandbox) asked(t testing.TB) (requests, down int) {
	t.Helper()
	var c struct{ Requests, Down int }
	getJSON(t, s.root+"/novaposhta/_counts", &c)
	return c.Requests, c.Down
}

// delivered waits until so many events are delivered and so many dead.
func (e *engine) delivered(t testing.TB, delivered, dead uint64) {
	t.Helper()
	eventually(t, "the deliveries", func() error {
		if _, d, x := e.counters(t); d != delivered || x != dead {
			return fmt.Errorf("%d delivered, %d dead, want %d and %d", d, x, delivered, dead)
		}
		return nil
	})
}

func (s *sandbox) order(t testing.TB, externalID string) order {
	t.Helper()
	for _, o := range s.orders(t) {
		if o.ExternalID == externalID {
			return o
		}
	}
	t.Fatalf("SaleApp has no order %s", externalID)
	return order{}
}

// TestNovaPoshtaReferences: the texts of a shop's order, Ukrainian or Russian, become
// the references of Nova Poshta, through its own plugin; what is known is not asked
// again; what is ambiguous becomes a dead letter that names the candidates.
func TestNovaPoshtaReferences(t *testing.T) {
	const (
		kyiv   = "8d5a980d-391c-11dd-90d9-001a92567626"
		kyiv25 = "16922859-e1c2-11e3-8c4a-0050568002cf"
	)
	sb := startSandbox(t)
	e := newSite(t, sb).start(t)
	accept := func(id int, city, address string) {
		t.Helper()
		if err := insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, postOrder(id, city, address)); err != nil {
			t.Fatal(err)
		}
	}
	accept(1, "Київ", "Відділення №25: вул. М. Тимошенка, 9")
	e.delivered(t, 1, 0)
	first, _ := sb.asked(t)
	if first == 0 {
		t.Error("Nova Poshta was not asked")
	}
	accept(2, "Київ", "Відділення №25: вул. М. Тимошенка, 9")
	e.delivered(t, 2, 0)
	if again, _ := sb.asked(t); again != first {
		t.Errorf("the same city and branch were asked again: %d requests, then %d", first, again)
	}
	accept(3, "Киев", "Отделение №25 (до 30 кг на одно место): ул. М. Тимошенко, 9")
	accept(4, "м. Київ", `Поштомат "Нова Пошта" №43952: просп. Свободи, 86`)
	accept(5, "Київ", "вул. Хрещатик, 1, кв. 5")
	e.delivered(t, 5, 0)
	for id, want := range map[string]order{
		"1": {Delivery: "3", CityRef: kyiv, BranchRef: kyiv25},
		"2": {Delivery: "3", CityRef: kyiv, BranchRef: kyiv25},
		"3": {Delivery: "3", CityRef: kyiv, BranchRef: kyiv25},
		"5": {Delivery: "5", CityRef: kyiv},
	} {
		if o := sb.order(t, id); o.Delivery != want.Delivery || o.CityRef != want.CityRef || o.BranchRef != want.BranchRef {
			t.Errorf("order %s: delivery_types %s, city_ref %q, branch_ref %q; want %+v", id, o.Delivery, o.CityRef, o.BranchRef, want)
		}
	}
	if o := sb.order(t, "4"); o.Delivery != "3" || o.BranchRef == "" || o.BranchRef == kyiv25 {
		t.Errorf("the order to a parcel locker: %+v", o)
	}

	accept(6, "Іванівка", "Відділення №1")
	accept(7, "Київ", "Відділення №999")
	e.delivered(t, 5, 2)
	for key, want := range map[string][]string{
		"6": {"CW314", `{"name":"Іванівка"}`, "Одеська", "Богуславський"},
		"7": {"CW304", "`branch_ref`", "lookup `branch` (novaposhta.branch) found nothing for", "№999"},
	} {
		said := e.dead(t, key)
		for _, part := range want {
			if !strings.Contains(said, part) {
				t.Errorf("the dead letter %s does not say %s: %s", key, part, said)
			}
		}
	}
}

// dead gives why the event of a key was given up.
func (e *engine) dead(t testing.TB, key string) string {
	t.Helper()
	var letters []struct {
		Event  struct{ Key string }
		Reason struct{ Code, Message string }
	}
	getJSON(t, e.admin+"/api/v1/dead", &letters)
	for _, l := range letters {
		if l.Event.Key == key {
			return l.Reason.Code + " " + l.Reason.Message
		}
	}
	t.Fatalf("there is no dead letter of %s", key)
	return ""
}

// TestD4_NovaPoshtaDown: while Nova Poshta answers 503 its orders wait, and are sent
// when it is back; orders that need nothing of it go on.
func TestD4_NovaPoshtaDown(t *testing.T) {
	sb := startSandbox(t)
	e := newSite(t, sb).start(t)
	sb.fault(t, "novaposhta", `{"down":true}`)
	accept := func(body string) {
		t.Helper()
		if err := insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, body); err != nil {
			t.Fatal(err)
		}
	}
	for id := 1; id <= 3; id++ {
		accept(postOrder(id, "Київ", "Відділення №25"))
	}
	accept(shopOrder(4, "вул. Руська, 8"))
	e.delivered(t, 1, 0)
	eventually(t, "orders that wait for Nova Poshta", func() error {
		waiting := map[string]bool{}
		for _, l := range e.status(t).Lanes {
			for _, w := range l.Waiting {
				waiting[w.Key] = true
			}
		}
		if !waiting["1"] || waiting["4"] {
			return fmt.Errorf("those that wait are %v", waiting)
		}
		if requests, down := sb.asked(t); requests < 2 || requests != down {
			return fmt.Errorf("Nova Poshta was asked %d times and turned away %d of them", requests, down)
		}
		return nil
	})
	if n := len(sb.orders(t)); n != 1 {
		t.Errorf("SaleApp has %d orders while Nova Poshta is down", n)
	}
	sb.fault(t, "novaposhta", `{"down":false}`)
	e.delivered(t, 4, 0)
	if err := exactlyOnce(sb.orders(t), 1, 4); err != nil {
		t.Error(err)
	}
	if o := sb.order(t, "3"); o.CityRef == "" || o.BranchRef == "" {
		t.Errorf("an order that waited has no references: %+v", o)
	}
}
