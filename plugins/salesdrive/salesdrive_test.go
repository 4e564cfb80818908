package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func TestMain(m *testing.M) { sdktest.Main(m, spec()) }

func TestSpec(t *testing.T) {
	if err := spec().Validate(); err != nil {
		t.Fatal(err)
	}
	sdktest.Labels(t, orderSchema, "testdata/fields.txt", 149)
}

func sample(t testing.TB) string { return sdktest.Sample(t, "new_order.json") }

func post(body string) wire.Request { return sdktest.Request("POST", "application/json", body) }

// order is a webhook with these fields in data.
func order(event, fields string) wire.Request {
	return post(`{"info":{"webhookType":"order","webhookEvent":"` + event + `","account":"vyshyvanka"},"data":{` + fields + `},"meta":[]}`)
}

func TestDecodeNewOrder(t *testing.T) {
	c := sdktest.Open(t, spec(), `{"account":"vyshyvanka"}`)
	e := c.Events(post(sample(t)))[0]
	if e.Type != "new_order" || e.Key != "8152" || e.ID != "new_order:8152:1" || e.Version != 1 {
		t.Errorf("event %s, key %s, id %s, version %d", e.Type, e.Key, e.ID, e.Version)
	}
	// Kyiv keeps winter time, UTC+2, until 30 March.
	if want := time.Date(2025, 3, 14, 18, 58, 4, 0, time.UTC); !e.UpdatedAt.Equal(want) {
		t.Errorf("updated at %s, want %s", e.UpdatedAt, want)
	}
	sdktest.Valid(t, orderSchema, e.Record)
	sdktest.Values(t, e.Record, map[string]string{
		"data.paymentAmount":             `2149.5`,
		"data.typeId":                    ``, // null
		"data.rejectionReason":           ``, // ""
		"data.ord_ukrposhta":             ``, // []
		"data.contacts.0.counterparty":   ``, // []
		"data.contacts.0.phone":          `"380670001122"`,
		"data.contacts.0.phones":         `["380670001122","380500001133"]`,
		"data.contacts.0.email":          `"s.hnatiuk@example.com"`,
		"data.contacts.0.company":        `""`,
		"data.contacts.0.birthday":       `"1990-05-17"`, // the account's own fields
		"data.podarunkova_upakovka":      `"так"`,
		"data.products.1.preSale":        `1`,
		"data.products.1.upsell":         `1`,
		"data.ord_novaposhta.typeSend":   `"Parcel"`,
		"data.ord_novaposhta.typePay":    `"Recipient"`,
		"data.ord_novaposhta.methodPay":  `"Cash"`,
		"data.ord_novaposhta.manualEN":   `0`,
		"data.ord_novaposhta.branchName": `"Відділення №7 (до 30 кг): вул. Руська, 19"`,
		"meta.fields.statusId.options.0": `{"value":1,"text":"Нова"}`,
	})
}

// TestOldNames tells that a mapping which uses either name of a renamed field
// works with webhooks of either age.
func TestOldNames(t *testing.T) {
	c := sdktest.Open(t, spec(), `{}`)
	e := c.Events(order("new_order", `"id":1,"products":[{"preSale":1}],"ord_novaposhta":{"typeSend":"Cargo","typePay":"Sender","methodPay":"NonCash","backDeliveryType":"Sender","backDeliverySum":100.50,"manualEN":1},"ord_ukrposhta":{"typePay":"Sender","backDeliveryType":"Account"}`))[0]
	sdktest.Values(t, e.Record, map[string]string{
		"data.products.0.upsell":            `1`,
		"data.ord_novaposhta.cargoType":     `"Cargo"`,
		"data.ord_novaposhta.payer":         `"Sender"`,
		"data.ord_novaposhta.paymentMethod": `"NonCash"`,
		"data.ord_novaposhta.postpayPayer":  `"Sender"`,
		"data.ord_novaposhta.postpaySum":    `100.50`,
		"data.ord_novaposhta.manual":        `1`,
		"data.ord_ukrposhta.payer":          `"Sender"`,
		"data.ord_ukrposhta.postpayPayer":   ``, // there backDeliveryType is how the money is paid out
	})
}

func TestContacts(t *testing.T) {
	c := sdktest.Open(t, spec(), `{}`)
	for _, tc := range []struct{ send, want string }{
		{`"phone":"380670001122"`, `{"phone":"380670001122","phones":["380670001122"]}`},
		{`"phone":["","380670001122"]`, `{"phone":"380670001122","phones":["380670001122"]}`},
		{`"phone":[]`, `{"phones":[]}`},
		{`"phone":null`, `{"phones":[]}`},
		{`"phone":""`, `{"phone":"","phones":[]}`},
		{`"phone":380670001122`, `{"phone":380670001122,"phones":[380670001122]}`},
		{`"fName":"Орися"`, `{"fName":"Орися"}`},
	} {
		e := c.Events(order("new_order", `"id":1,"contacts":[{`+tc.send+`}]`))[0]
		if got := gjson.GetBytes(e.Record, "data.contacts.0").Raw; got != tc.want {
			t.Errorf("%s became %s, want %s", tc.send, got, tc.want)
		}
	}
}

func TestIdentity(t *testing.T) {
	c := sdktest.Open(t, spec(), `{"timezone":"UTC"}`)
	for _, tc := range []struct {
		name, fields, key, id string
		version               uint64
		updated               string
	}{
		{"numbers", `"id":7,"version":12,"updateAt":"2025-07-01 10:00:00"`, "7", "status_change:7:12", 12, "2025-07-01T10:00:00Z"},
		{"texts", `"id":"7","version":"12"`, "7", "status_change:7:12", 12, ""},
		{"no version", `"id":7,"version":null`, "7", "", 0, ""},
		{"an id of 20 digits", `"id":98765432109876543210,"version":1`, "98765432109876543210", "status_change:98765432109876543210:1", 1, ""},
		{"a time with a zone", `"id":7,"version":1,"updateAt":"2025-07-01T10:00:00+03:00"`, "7", "status_change:7:1", 1, "2025-07-01T07:00:00Z"},
		{"a time that is none", `"id":7,"version":1,"updateAt":"вчора"`, "7", "status_change:7:1", 1, ""},
		{"MySQL's zero time", `"id":7,"version":1,"updateAt":"0000-00-00 00:00:00"`, "7", "status_change:7:1", 1, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := c.Events(order("status_change", tc.fields))[0]
			updated := ""
			if !e.UpdatedAt.IsZero() {
				updated = e.UpdatedAt.Format(time.RFC3339)
			}
			if e.Type != "status_change" || e.Key != tc.key || e.ID != tc.id || e.Version != tc.version || updated != tc.updated {
				t.Errorf("%s key %s id %s version %d updated %s", e.Type, e.Key, e.ID, e.Version, updated)
			}
		})
	}
	if got := strings.Count(c.Log(), "level=WARN"); got != 1 {
		t.Errorf("%d warnings, want 1, about the time that is none:\n%s", got, c.Log())
	}
}

// TestForm takes the bracketed names that the document writes.
func TestForm(t *testing.T) {
	c := sdktest.Open(t, spec(), `{}`)
	e := c.Events(sdktest.Request("POST", "application/x-www-form-urlencoded",
		"info[webhookEvent]=new_order&data[id]=15&data[version]=3&data[contacts][0][fName]=%D0%AE%D1%80%D1%96%D0%B9&data[contacts][0][phone][]=380670001122&data[typeId]="))[0]
	want := `{"info":{"webhookEvent":"new_order"},"data":{"id":"15","version":"3","contacts":[{"fName":"Юрій","phone":"380670001122","phones":["380670001122"]}]}}`
	if e.Key != "15" || e.Version != 3 || string(e.Record) != want {
		t.Errorf("key %s version %d record\n%s\nwant\n%s", e.Key, e.Version, e.Record, want)
	}
}

func TestRefusals(t *testing.T) {
	c := sdktest.Open(t, spec(), `{"account":"vyshyvanka"}`)
	for _, tc := range []struct {
		name string
		r    wire.Request
		want string
	}{
		{"GET", sdktest.Request("GET", "", ""), "405 method: GET is not taken here, only POST: SalesDrive posts its webhooks"},
		{"another system's body", post(`{"order_id":1}`), "422 no_info: info is missing: the body is not a webhook of SalesDrive"},
		{"an event that is new", order("order_delete", `"id":1`), `422 unknown_event: info.webhookEvent is "order_delete", and this connector takes new_order and status_change only`},
		{"no event", order("", `"id":1`), "422 no_event: info.webhookEvent is missing"},
		{"another type", post(`{"info":{"webhookType":"contact","webhookEvent":"new_order"},"data":{"id":1}}`), `422 unknown_type: info.webhookType is "contact"`},
		{"another account", post(`{"info":{"webhookEvent":"new_order","account":"inshyi"},"data":{"id":1}}`), `422 other_account: the webhook is of the account "inshyi"`},
		{"no account", post(`{"info":{"webhookEvent":"new_order"},"data":{"id":1}}`), `422 other_account: the webhook is of the account ""`},
		{"no id", order("new_order", `"version":1`), "422 no_key: data.id is missing"},
		{"data is a list", post(`{"info":{"webhookEvent":"new_order","account":"vyshyvanka"},"data":[{"id":1}]}`), "422 no_key: data.id is missing"},
		{"a version that is none", order("new_order", `"id":1,"version":-1`), "422 version: data.version is not a whole number from 0"},
		{"a broken version", order("new_order", `"id":1,"version":1.5`), "422 version: data.version is not a whole number from 0"},
		{"not JSON", post(`{"info":{"webhookEvent":new_order}}`), "400 json: the body is not JSON: invalid character 'e' in literal null (expecting 'u') (line 1, column 26)"},
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
		{`{"timezone":"Europe/Kiyv"}`, "timezone: there is no time zone of this name: use an IANA name such as Europe/Kyiv"},
		{`{"acount":"x"}`, ": unknown: acount: "},
		{`{"account":5}`, "account: is a number, and a text is wanted: "},
	} {
		if got := sdktest.Diagnostics(t, spec(), tc.config); !slices.Equal(got, []string{tc.want}) {
			t.Errorf("%s: diagnostics %q, want %q", tc.config, got, tc.want)
		}
	}
}

func TestProcess(t *testing.T) {
	bad := order("status_change", ``)
	good := post(sample(t))
	good.ID, bad.ID = 1, 2
	s, out := sdktest.Served(t, `{"timezone":"Europe/Kyiv"}`, good, bad)
	if s.Name != "salesdrive" || len(s.Events) != 2 {
		t.Errorf("spec %s with %d events", s.Name, len(s.Events))
	}
	if out[0].Refusal != nil || out[0].Events[0].ID != "new_order:8152:1" || out[1].Refusal == nil || out[1].Refusal.Path != "data.id" {
		t.Errorf("decoded %+v", out)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("POST", "application/json", sample(f))
	f.Add("POST", "application/json", `{"info":{"webhookEvent":"new_order"},"data":{"id":1,"contacts":{"1":{"phone":[null]},"2":{"phone":{}}},"ord_novaposhta":"[]"}}`)
	f.Add("POST", "application/x-www-form-urlencoded", "info[webhookEvent]=new_order&data[id]=15")
	c := sdktest.Open(f, spec(), `{}`)
	f.Fuzz(func(t *testing.T, method, contentType, body string) {
		c.Decoded(t, sdktest.Request(method, contentType, body))
	})
}

func BenchmarkDecode(b *testing.B) {
	c := sdktest.Open(b, spec(), `{}`)
	r := post(sample(b))
	b.SetBytes(int64(len(r.Body)))
	for b.Loop() {
		c.Decode(r)
	}
}
