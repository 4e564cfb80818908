package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

const formType = "application/x-www-form-urlencoded"

func TestMain(m *testing.M) { sdktest.Main(m, spec()) }

func TestSpec(t *testing.T) {
	if err := spec().Validate(); err != nil {
		t.Fatal(err)
	}
	sdktest.Labels(t, orderSchema, "testdata/fields.txt", 276)
}

// request makes a webhook with a query; a method, a type and a body.
func request(method, query, contentType, body string) wire.Request {
	r := sdktest.Request(method, contentType, body)
	r.Query = query
	return r
}

func TestDecodeJSON(t *testing.T) {
	c := sdktest.Open(t, spec(), `{"site":"shop-ua"}`)
	e := c.Events(request("POST", "event=new_order", "application/json", sdktest.Sample(t, "new_order.json")))[0]
	if e.Type != "new_order" || e.Key != "3871" || e.ID != "" || e.Version != 0 || !e.UpdatedAt.IsZero() {
		t.Errorf("event %s, key %s, id %s, version %d, updated %s", e.Type, e.Key, e.ID, e.Version, e.UpdatedAt)
	}
	sdktest.Valid(t, orderSchema, e.Record)
	sdktest.Values(t, e.Record, map[string]string{
		"totalSumm":             `1653.25`,
		"items.0.discountTotal": `43.375`,
		"customer.customFields": `{}`, // []
		"items.0.properties":    `{}`, // []
		"customer.tags":         `[]`,
		"managerComment":        ``, // null
		"payments":              `[{"id":4410,"type":"cash-on-delivery","amount":1738.75,"status":"not-paid"}]`,
		"customFields":          `{"gift_wrap": true, "courier_note": ""}`,
		"event":                 ``, // the URL's, none of the order's
	})
}

func TestDecodeForm(t *testing.T) {
	c := sdktest.Open(t, spec(), `{}`)
	e := c.Events(request("POST", "", formType, sdktest.Sample(t, "changed_order.form")))[0]
	if e.Type != "changed_order" || e.Key != "3871" {
		t.Errorf("event %s, key %s", e.Type, e.Key)
	}
	sdktest.Values(t, e.Record, map[string]string{
		"phone":                       `"+380671112200"`,
		"firstName":                   `"Мар'яна"`,
		"totalSumm":                   `"1653.25"`,
		"managerId":                   ``, // no number
		"call":                        ``, // neither true nor false
		"customer.phones.0.number":    `"+380671112200"`,
		"delivery.address.city":       `"Стрий"`,
		"items.0.offer.externalId":    `"LIZH-2"`,
		"payments":                    `[{"type":"cash-on-delivery","amount":"1738.75"}]`,
		"customFields":                `{"gift_wrap":true}`,
		"delivery":                    `{"code":"nova-poshta","address":{"city":"Стрий"}}`,
		"customer.phones.0.extension": ``,
	})
}

// TestComposed goes through the ways in which a trigger may be composed.
func TestComposed(t *testing.T) {
	multipart := "--x\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n5\r\n--x\r\nContent-Disposition: form-data; name=\"delivery[address][city]\"\r\n\r\nКременець\r\n--x--\r\n"
	c := sdktest.Open(t, spec(), `{"event":"changed_order"}`)
	for _, tc := range []struct {
		name          string
		r             wire.Request
		event, record string
	}{
		{"JSON untouched", request("POST", "", "application/json", ` {"id": 5, "own" : [1.50, {"б": null}]} `), "changed_order", `{"id":5,"own":[1.50, {"б": null}]}`},
		{"JSON under a form's type", request("POST", "", formType, `{"id":5}`), "changed_order", `{"id":5}`},
		{"JSON without a type", request("PUT", "", "", `{"id":5}`), "changed_order", `{"id":5}`},
		{"the event in the URL", request("POST", "event=new_order", "application/json", `{"id":5}`), "new_order", `{"id":5}`},
		{"the event in the body", request("POST", "", "application/json", `{"id":5,"event":"new_order"}`), "new_order", `{"id":5,"event":"new_order"}`},
		{"the event in both", request("POST", "event=new_order", "application/json", `{"id":5,"event":"new_order"}`), "new_order", `{"id":5,"event":"new_order"}`},
		{"fields in the URL", request("POST", "event=new_order&site=shop-ua&id=5", "application/json", `{"id":5}`), "new_order", `{"id":5,"site":"shop-ua"}`},
		{"GET", request("GET", "id=5&firstName=%D0%AF%D1%80%D0%B8%D0%BD%D0%B0", "", ""), "changed_order", `{"id":"5","firstName":"Ярина"}`},
		{"POST without a body", request("POST", "id=5", formType, ""), "changed_order", `{"id":"5"}`},
		{"multipart", request("POST", "", "multipart/form-data; boundary=x", multipart), "changed_order", `{"id":"5","delivery":{"address":{"city":"Кременець"}}}`},
		{"the order as JSON in a field", request("POST", "", formType, `event=new_order&order=`+`%7B%22id%22%3A5%2C%22totalSumm%22%3A10.10%7D`), "new_order", `{"id":5,"totalSumm":10.10,"event":"new_order"}`},
		{"the order in brackets", request("POST", "", formType, `order[id]=5&site=a`), "changed_order", `{"id":"5","site":"a"}`},
		{"the order in an object", request("POST", "", "application/json", `{"order":{"id":5,"site":"a"},"site":"a"}`), "changed_order", `{"id":5,"site":"a"}`},
		{"an order beside an id", request("POST", "", "application/json", `{"id":5,"order":{"id":6}}`), "changed_order", `{"id":5,"order":{"id":6}}`},
		{"items as JSON in a field", request("POST", "", formType, `id=5&items=%5B%7B%22quantity%22%3A1.5%7D%5D&customFields=%5B%5D&comment=%5B%5D`), "changed_order", `{"id":"5","items":[{"quantity":1.5}],"customFields":{},"comment":"[]"}`},
		{"a list with a gap", request("POST", "", formType, `id=5&items[0][id]=1&items[2][id]=3`), "changed_order", `{"id":"5","items":[{"id":"1"},{"id":"3"}]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := c.Events(tc.r)[0]
			if e.Type != tc.event || e.Key != "5" || string(e.Record) != tc.record {
				t.Errorf("%s, key %s, record\n%s\nwant %s\n%s", e.Type, e.Key, e.Record, tc.event, tc.record)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	c := sdktest.Open(t, spec(), `{"site":"shop-ua"}`)
	for _, tc := range []struct {
		name string
		r    wire.Request
		want string
	}{
		{"DELETE", request("DELETE", "event=new_order", "", ""), "405 method: DELETE is not taken here, only POST, PUT, GET: let the trigger send POST"},
		{"nothing", request("POST", "event=new_order", "", ""), "400 empty: the request carries no fields"},
		{"no event", request("POST", "", "application/json", `{"id":5}`), "422 no_event: the request does not say which event it is: add ?event=new_order or ?event=changed_order"},
		{"an unknown event", request("POST", "event=order", "application/json", `{"id":5}`), `422 unknown_event: the request says event "order": want new_order or changed_order`},
		{"two events", request("POST", "event=new_order", "application/json", `{"id":5,"event":"changed_order"}`), `422 two_events: the URL says event "new_order", and the body "changed_order"`},
		{"two values", request("POST", "event=new_order&status=a", "application/json", `{"id":5,"status":"b"}`), `422 conflict: the field "status" is there twice with different values`},
		{"two values in a form", request("POST", "event=new_order", formType, `id=5&status=a&status=b`), "422 form_conflict: field `status`: it is there twice with different values"},
		{"no id", request("POST", "event=new_order", "application/json", `{"number":"5C"}`), "422 no_key: id is missing: let the trigger send the order's id in a field named id"},
		{"an empty id", request("POST", "event=new_order", formType, `id=&number=5C`), "422 no_key: id is missing"},
		{"another shop", request("POST", "event=new_order", "application/json", `{"id":5,"site":"shop-pl"}`), `422 other_site: the order is of the shop "shop-pl"`},
		{"a template that broke", request("POST", "event=new_order", "application/json", "{\"id\":5,\n\"firstName\":\"Мар\"яна\"}"), "400 json: the body is not JSON: invalid character 'я' after object key:value pair (line 2, column 18)"},
		{"windows-1251", request("POST", "event=new_order", formType, "id=5&firstName=%CC%E0%F0"), "415 form_charset: field `firstName`: the value is not UTF-8"},
		{"a broken query", request("GET", "event=new_order&id=%zz", "", ""), "400 form_encoding: field `id`: the value holds a %"},
		{"deep JSON in a field", request("POST", "event=new_order", formType, "order=%7B%22id%22:"+strings.Repeat("[", 100)+strings.Repeat("]", 100)+"%7D"), "422 no_key: id is missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := c.Refusal(tc.r); !strings.HasPrefix(got, tc.want) {
				t.Errorf("refusal\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	for _, tc := range []struct{ config, want string }{
		{`{"event":"order"}`, "event: is not one of new_order, changed_order: "},
		{`{"sites":"a"}`, ": unknown: sites: "},
	} {
		if got := sdktest.Diagnostics(t, spec(), tc.config); !slices.Equal(got, []string{tc.want}) {
			t.Errorf("%s: diagnostics %q, want %q", tc.config, got, tc.want)
		}
	}
}

func TestProcess(t *testing.T) {
	s, out := sdktest.Served(t, `{"event":"new_order"}`,
		request("POST", "", formType, sdktest.Sample(t, "changed_order.form")),
		request("POST", "", "application/json", sdktest.Sample(t, "new_order.json")))
	if s.Name != "retailcrm" || len(s.Events) != 2 {
		t.Errorf("spec %s with %d events", s.Name, len(s.Events))
	}
	if out[0].Events[0].Type != "changed_order" || out[1].Events[0].Type != "new_order" || out[1].Events[0].Key != "3871" {
		t.Errorf("decoded %+v", out)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("POST", "event=new_order", "application/json", sdktest.Sample(f, "new_order.json"))
	f.Add("POST", "", formType, sdktest.Sample(f, "changed_order.form"))
	f.Add("GET", "id=5&order[id]=6", "", "")
	f.Add("POST", "", formType, "order=%7B%22id%22%3A5%7D&items=%5B%22%7B%7D%22%5D")
	f.Add("POST", "a%0A[=1", formType, "")
	c := sdktest.Open(f, spec(), `{"event":"new_order"}`)
	f.Fuzz(func(t *testing.T, method, query, contentType, body string) {
		c.Decoded(t, request(method, query, contentType, body))
	})
}
