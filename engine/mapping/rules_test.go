package mapping_test

import (
	"strings"
	"testing"
)

const order = `{
	"order_id": 115, "delivery_name": "Олена", "delivery_phone": "+38 (067) 123-45-67", "delivery_city": "Київ", "delivery_address": "",
	"delivery_type": {"id": 3, "title": "Нова Пошта"}, "payment_type": {"id": 15}, "payed": 1, "total_sum": 540.50, "total_quantity": "2",
	"coupon_code": null, "stat_status": 1, "stat_created": "2025-09-18 12:44:44", "order_without_callback": "1",
	"products": [
		{"title": "Чашка \"Ранок\"", "article": "CUP-1", "price": 149.50, "quantity": 2},
		{"title": "Тарілка", "article": "PLATE", "price": "241.5", "quantity": 1},
		{"title": "Листівка", "article": "", "price": 0, "quantity": 0}
	]
}`

// TestRules maps the order above with one rule, from the typed shop to a sink that
// has one field v of the type given.
func TestRules(t *testing.T) {
	for _, c := range []struct{ name, rule, want string }{
		{"a path", `v: order_id`, `{"v":115}`},
		{"a nested path", `v: delivery_type.title`, `{"v":"Нова Пошта"}`},
		{"bracket notation", `v: products[1][article]`, `{"v":"PLATE"}`},
		{"mixed notation", `v: products[0].title`, `{"v":"Чашка \"Ранок\""}`},
		{"a query", `v: 'products.#(article=="PLATE").quantity'`, `{"v":1}`},
		{"all of a field", `v: products.#.article`, `{"v":["CUP-1","PLATE",""]}`},
		{"a number keeps its digits", `v: 2.50`, `{"v":2.50}`},
		{"a long number keeps its digits", `v: 12345678901234567890.10`, `{"v":12345678901234567890.10}`},
		{"true", `v: true`, `{"v":true}`},
		{"a text", `v: {value: new}`, `{"v":"new"}`},
		{"a text by expression", `v: = "new"`, `{"v":"new"}`},
		{"leading zeros stay", `v: {value: 007}`, `{"v":"007"}`},
		{"yes stays", `v: {value: yes}`, `{"v":"yes"}`},
		{"a text of digits", `v: {value: "15"}`, `{"v":"15"}`},
		{"a constant list", `v: {value: [1, a, {b: null}]}`, `{"v":[1,"a",{"b":null}]}`},
		{"null", `v: {value: null}`, `{"v":null}`},
		{"null in the source is missing", `v: coupon_code`, `{}`},
		{"an absent path is missing", `v: delivery_email`, `{}`},
		{"empty text is a value", `v: delivery_address`, `{"v":""}`},
		{"a default for what is missing", `v: {path: delivery_email, default: {value: none}}`, `{"v":"none"}`},
		{"a default that is a path", `v: {path: delivery_email, default: delivery_name}`, `{"v":"Олена"}`},
		{"no default for what is there", `v: {path: order_id, default: 1}`, `{"v":115}`},
		{"default after an expression", `v: {expr: 'match(delivery_address, "(\\d+)")', default: 0}`, `{"v":0}`},
		{"required and there", `v: {path: order_id, required: true}`, `{"v":115}`},
		{"required and missing", `v: {path: delivery_email, required: true}`, "CW304 `v` is required, and is missing in this event: `delivery_email` is not there"},
		{"when true", `v: {path: order_id, when: = stat_status == 1}`, `{"v":115}`},
		{"when false beats default", `v: {path: delivery_email, default: 1, when: = stat_status == 2}`, `{}`},
		{"when is a path", `v: {path: order_id, when: order_without_callback}`, `{"v":115}`},
		{"when is missing", `v: {path: order_id, when: = delivery_email == "x"}`, `{}`},
		{"when needs a value", `v: {path: order_id, when: = delivery_email contains "x"}`, "CW301 `delivery_email` is missing in this event"},
		{"a form's text is read as its schema says", `v: total_quantity`, `{"v":2}`},
		{"and in an expression", `v: = total_quantity + 1`, `{"v":3}`},
		{"type string", `v: {path: order_id, type: string}`, `{"v":"115"}`},
		{"type integer", `v: {path: total_sum, type: integer}`, `CW303`},
		{"type boolean", `v: {path: payed, type: boolean}`, `{"v":true}`},
		{"type json", `v: {path: delivery_type, type: json}`, `{"v":"{\"id\":3,\"title\":\"Нова Пошта\"}"}`},
		{"an inline table", `v: {path: delivery_type.id, table: {3: 30, 8: 80}}`, `{"v":30}`},
		{"a table's texts", `v: {path: delivery_type.id, table: {3: branch, 8: courier}}`, `{"v":"branch"}`},
		{"a named table", `v: {path: delivery_type.id, table: kinds}`, `{"v":300}`},
		{"a table in an expression", `v: = table("kinds", delivery_type.id) + 1`, `{"v":301}`},
		{"no row", `v: {path: payment_type.id, table: kinds}`, "CW305 table `kinds` has no row for \"15\" of `payment_type.id`"},
		{"no row and a default", `v: {path: payment_type.id, table: kinds, default: 9}`, `{"v":9}`},
		{"an empty key is missing", `v: {path: delivery_address, table: kinds}`, `{}`},
		{"on_error omit", `v: {path: payment_type.id, table: kinds, on_error: omit}`, `{}`},
		{"on_error default", `v: {expr: 1 / (payed - 1), default: 7, on_error: default}`, `{"v":7}`},
		{"a nested object", `v: {fields: {a: order_id, b: {fields: {c: delivery_name}}}}`, `{"v":{"a":115,"b":{"c":"Олена"}}}`},
		{"an object without fields is left out", `v: {fields: {a: delivery_email, b: {fields: {c: coupon_code}}}}`, `{}`},
		{"dotted names", "v.a.b: order_id\n  v.a.c: delivery_name\n  v.d: payed", `{"v":{"a":{"b":115,"c":"Олена"},"d":1}}`},
		{"a literal dot", `v\.a: order_id`, `{"v.a":115}`},
		{"a list", `v: [order_id, delivery_email, = payed + 1, {value: x}]`, `{"v":[115,2,"x"]}`},
		{"each", `v: {each: products, as: p, where: = p.quantity > 0, fields: {sku: p.article, cost: p.price}}`, `{"v":[{"sku":"CUP-1","cost":149.50},{"sku":"PLATE","cost":241.5}]}`},
		{"each with value", `v: {each: products, value: item.article}`, `{"v":["CUP-1","PLATE",""]}`},
		{"each with values", `v: {each: products, as: p, values: [p.article, {when: = p.quantity > 1, path: p.quantity}]}`, `{"v":["CUP-1",2,"PLATE",""]}`},
		{"each over a filter", `v: {each: '= filter(products, .quantity > 1)', as: p, value: p.article}`, `{"v":["CUP-1"]}`},
		{"each with let", `v: {each: products, as: p, let: {line: = p.price * p.quantity}, value: line}`, `{"v":[299,241.5,0]}`},
		{"each sees names around it", `v: {each: products, as: p, value: '= text(order_id) + "-" + p.article'}`, `{"v":["115-CUP-1","115-PLATE","115-"]}`},
		{"each over what is missing", `v: {each: '= if payed == 1 { nil } else { products }', value: item}`, `{}`},
		{"each spread in a list", `v: [{value: first}, {each: products, as: p, when: = payed == 1, value: p.article}, {value: last}]`, `{"v":["first","CUP-1","PLATE","","last"]}`},
		{"an element that fails is named", `v: {each: products, as: p, fields: {n: {path: p.article, table: {CUP-1: 1}}}}`, "CW305 the table has no row for \"PLATE\" of `products.1.article`"},
		{"a name", `v: cod`, `{"v":true}`},
		{"a name that is a path", `v: kind.title`, `{"v":"Нова Пошта"}`},
		{"a name that needs another", `v: = later + 1`, `{"v":117}`},
		{"a name that fails is not asked", `v: = if cod { 1 } else { broken }`, `{"v":1}`},
		{"a name that fails", `v: broken`, `CW307`},
		{"meta", `v: _meta.key`, `{"v":"115"}`},
		{"a block scalar", "v: |\n    = if cod {\n        total_sum\n      } else { 0 }", `{"v":540.50}`},
		{"choose", "v:\n    choose:\n      - {when: = payed == 0, fields: {a: 1}}\n      - {when: = payed == 1, fields: {a: 2, b: order_id}}\n      - fields: {a: 3}", `{"v":{"a":2,"b":115}}`},
		{"choose's last", "v:\n    choose:\n      - {when: = payed == 0, fields: {a: 1}}\n      - fields: {a: 3}", `{"v":{"a":3}}`},
		{"choose without a true one", "v:\n    choose:\n      - {when: = payed == 0, fields: {a: 1}}", `CW309`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, `mapping: m
from: shop.order_created
to: any.operation
let:
  cod: = payment_type.id == 15
  kind: delivery_type
  later: = earlier + 1
  earlier: order_id
  broken: = order_id / (payed - 1)
tables:
  kinds: {3: 300, 8: 800}
fields:
  `+c.rule+"\n")
			check(t, p, strings.ReplaceAll(order, "\n", ""), c.want, c.want)
		})
	}
}

// TestConversion sends each source value to each type that a sink can have.
func TestConversion(t *testing.T) {
	for _, c := range []struct{ value, field, want string }{
		{`115`, "external_id", `"115"`},
		{`12345678901234567890`, "external_id", `"12345678901234567890"`},
		{`49.790`, "external_id", `"49.790"`},
		{`"115"`, "external_id", `"115"`},
		{`true`, "external_id", `CW303`},
		{`{"a":1}`, "external_id", `CW303`},
		{`["a"]`, "external_id", `CW303`},
		{`null`, "external_id", ``},
		{`""`, "external_id", `""`},
		{`"49.79"`, "weight", `49.79`},
		{`" 49.79"`, "weight", `CW303`},
		{`"1e400"`, "weight", `1e400`},
		{`""`, "weight", ``},
		{`"049"`, "weight", `CW303`},
		{`49.79`, "insurance_amount", `CW303`},
		{`49.00`, "insurance_amount", `49`},
		{`1.5e3`, "insurance_amount", `1500`},
		{`"49"`, "insurance_amount", `49`},
		{`"49.0"`, "insurance_amount", `49`},
		{`""`, "insurance_amount", ``},
		{`"many"`, "insurance_amount", `CW303`},
		{`1`, "paid", `true`},
		{`0`, "paid", `false`},
		{`"1"`, "paid", `true`},
		{`"false"`, "paid", `false`},
		{`2`, "paid", `CW303`},
		{`"yes"`, "paid", `CW303`},
		{`["a", 1, null, ""]`, "tags", `["a","1",""]`},
		{`[{}]`, "tags", `CW303 "tags.0"`},
		{`"a"`, "tags", `CW303`},
		{`{"address":{"city":"Львів", "street": null}}`, "delivery", `{"address":{"city":"Львів"}}`},
		{`{"address":{"town":"Львів"}}`, "delivery", `CW303`},
		{`3`, "delivery_types", `3`},
		{`"3"`, "delivery_types", `3`},
		{`7`, "delivery_types", `CW310`},
		{"\"\\u0041\\n\"", "city", `"\u0041\n"`},
	} {
		t.Run(c.value+" to "+c.field, func(t *testing.T) {
			fields := "  external_id: {value: x}\n  delivery_types: 1\n  receiver_name: {value: x}\n  receiver_phone: {value: x}\n  products: {value: []}\n"
			var kept []string
			for line := range strings.Lines(fields) {
				if !strings.HasPrefix(strings.TrimSpace(line), c.field+":") {
					kept = append(kept, line)
				}
			}
			p := compile(t, "mapping: m\nfrom: any.event\nto: saleapp.upsert_order\nfields:\n"+strings.Join(kept, "")+"  "+c.field+": v\n  city_ref: {value: c}\n  branch_ref: {value: b}\n")
			got, err := mapRecord(t, p, `{"v":`+c.value+`}`)
			rule, _, _ := strings.Cut(c.want, " ")
			if strings.HasPrefix(c.want, "CW") || c.want == "" && (c.field == "external_id") {
				if err == nil || rule != "" && !strings.Contains(err.Error(), rule) {
					t.Fatalf("got %s, %v; want %s", got.Record, err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			there := strings.Contains(string(got.Record), `"`+c.field+`":`)
			if c.want == "" && there || c.want != "" && !strings.Contains(string(got.Record), `"`+c.field+`":`+c.want) {
				t.Errorf("got %s, want %s", got.Record, c.want)
			}
		})
	}
}
