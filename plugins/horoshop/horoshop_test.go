package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func TestMain(m *testing.M) { sdktest.Main(m, spec()) }

func TestSpec(t *testing.T) {
	if err := spec().Validate(); err != nil {
		t.Fatal(err)
	}
	sdktest.Labels(t, orderSchema, "testdata/fields.txt", 36)
}

func TestDecodeOrder(t *testing.T) {
	c := sdktest.Open(t, spec(), `{}`)
	for _, method := range []string{"PUT", "POST"} {
		events := c.Events(sdktest.Request(method, "application/json", sdktest.Sample(t, "order.json")))
		if len(events) != 1 {
			t.Fatalf("%s: %d events, want 1", method, len(events))
		}
		e := events[0]
		if e.Type != "order_created" || e.Key != "20417" || e.ID != "" || e.Version != 0 || !e.UpdatedAt.IsZero() {
			t.Errorf("%s: event %+v", method, e)
		}
		sdktest.Valid(t, orderSchema, e.Record)
	}
}

// TestRecordKeeps tells what a mapping sees of values that shops send in more
// than one way.
func TestRecordKeeps(t *testing.T) {
	c := sdktest.Open(t, spec(), `{}`)
	for _, tc := range []struct{ name, send, want string }{
		{"digits", `{"order_id":1,"total_sum":1234567890123456789.10,"delivery_price":-1}`, `{"order_id":1,"total_sum":1234567890123456789.10,"delivery_price":-1}`},
		{"a long id", `{"order_id":98765432109876543210}`, `{"order_id":98765432109876543210}`},
		{"fields of the shop's own", `{"order_id":1,"loyalty":{"card":"A-1"},"sizes":[1,[2]]}`, `{"order_id":1,"loyalty":{"card":"A-1"},"sizes":[1,[2]]}`},
		{"a campaign that is a number", `{"order_id":1,"utm_campaign":1899}`, `{"order_id":1,"utm_campaign":1899}`},
		{"no value", `{"order_id":1,"np_number":null,"delivery_type":[],"total_sum":"","comment":""}`, `{"order_id":1,"comment":""}`},
		{"letters", `{"order_id":1,"delivery_name":"Їжакевич Ґалина \"Ліс\""}`, `{"order_id":1,"delivery_name":"Їжакевич Ґалина \"Ліс\""}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := c.Events(sdktest.Request("PUT", "application/json", tc.send))
			if string(got[0].Record) != tc.want {
				t.Errorf("record\n%s\nwant\n%s", got[0].Record, tc.want)
			}
		})
	}
}

func TestSubscriptionRemoved(t *testing.T) {
	c := sdktest.Open(t, spec(), `{}`)
	d := c.Decode(sdktest.Request("DELETE", "", ""))
	if d.Refusal != nil || len(d.Events) != 0 {
		t.Errorf("answer %+v, want neither events nor a refusal", d)
	}
	if !strings.Contains(c.Log(), "level=WARN") || !strings.Contains(c.Log(), "subscription") {
		t.Errorf("log %q, want a warning about the subscription", c.Log())
	}
}

func TestRefusals(t *testing.T) {
	c := sdktest.Open(t, spec(), `{}`)
	put := func(body string) wire.Request { return sdktest.Request("PUT", "application/json", body) }
	other := put(`{"order_id":1}`)
	other.Query = "event=order_paid"
	for _, tc := range []struct {
		name string
		r    wire.Request
		want string
	}{
		{"GET", sdktest.Request("GET", "", ""), "405 method: GET is not taken here, only PUT, POST: register this URL"},
		{"empty", put(""), "400 empty: the body is empty"},
		{"truncated", put(`{"order_id":1,"products":[{"title":"Чай"`), "400 json: the body is not JSON: unexpected end of JSON input (line 1, column 41)"},
		{"a list", put(`[{"order_id":1}]`), "422 json: the body is JSON but no object"},
		{"windows-1251", put("{\"order_id\":1,\n\"delivery_city\":\"\xca\xe8\xbf\xe2\"}"), "415 charset: the body is not UTF-8 (line 2, column 18; Windows-1251, perhaps): send UTF-8"},
		{"charset", sdktest.Request("PUT", "application/json; charset=windows-1251", `{"order_id":1}`), "415 charset: the body's charset is \"windows-1251\": send UTF-8"},
		{"deep", put(`{"order_id":1,"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`), "400 too_deep: the body nests deeper than 64"},
		{"no order_id", put(`{"id":5,"title":"Ірина"}`), "422 no_key: order_id is missing: every order_created carries it; is this URL registered for another event?"},
		{"a broken order_id", put(`{"order_id":1.5}`), "422 no_key: order_id is not a whole number"},
		{"an order_id that is an object", put(`{"order_id":{"id":1}}`), "422 no_key: order_id is neither a number nor text"},
		{"another event", other, "422 unknown_event: this connector takes the event order_created only"},
		{"an image", sdktest.Request("PUT", "image/png", "\x89PNG"), "415 content_type: the body is neither JSON nor a form"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := c.Refusal(tc.r); !strings.HasPrefix(got, tc.want) {
				t.Errorf("refusal\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestExtraFields(t *testing.T) {
	c, err := spec().Under(json.RawMessage(`{"extra_fields":["loyalty","order_id","loyalty"]}`))
	if err != nil {
		t.Fatal(err)
	}
	props := gjson.GetBytes(c.Events[0].Schema, "properties")
	if !props.Get("loyalty").Exists() || props.Get("order_id.title").Str != "order number" {
		t.Errorf("properties %s", props.Raw)
	}
	added := 0
	props.ForEach(func(_, _ gjson.Result) bool { added++; return true })
	gjson.GetBytes(orderSchema, "properties").ForEach(func(_, _ gjson.Result) bool { added--; return true })
	if added != 1 {
		t.Errorf("%d names were added, want 1", added)
	}
	sdktest.Valid(t, c.Events[0].Schema, []byte(`{"order_id":1,"loyalty":{"card":"A-1"}}`))
	got := sdktest.Diagnostics(t, spec(), `{"extra_field":[]}`)
	if want := []string{": unknown: extra_field: "}; !slices.Equal(got, want) {
		t.Errorf("diagnostics %q, want %q", got, want)
	}
}

func TestProcess(t *testing.T) {
	r := sdktest.Request("PUT", "application/json", sdktest.Sample(t, "order.json"))
	r.ID = 7
	s, out := sdktest.Served(t, `{}`, r)
	if s.Name != "horoshop" || len(s.Events) != 1 || len(s.Operations)+len(s.Lookups) != 0 {
		t.Errorf("spec %s with %d events", s.Name, len(s.Events))
	}
	if out[0].ID != 7 || out[0].Refusal != nil || out[0].Events[0].Key != "20417" {
		t.Errorf("decoded %+v", out)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("PUT", "application/json", "", sdktest.Sample(f, "order.json"))
	f.Add("PUT", "application/json", "event=order_created", `{"order_id":"5","delivery_type":[],"products":{"1":{"title":null}}}`)
	f.Add("POST", "application/x-www-form-urlencoded", "", `order_id=5&products[0][title]=%D0%A7%D0%B0%D0%B9`)
	f.Add("DELETE", "", "", "")
	f.Add("A\n", "", "", "")
	c := sdktest.Open(f, spec(), `{}`)
	f.Fuzz(func(t *testing.T, method, contentType, query, body string) {
		r := sdktest.Request(method, contentType, body)
		r.Query = query
		c.Decoded(t, r)
	})
}
