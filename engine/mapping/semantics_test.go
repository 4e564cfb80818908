package mapping_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// TestExpressions computes each expression as the one field of a mapping whose
// schemas know nothing. A want that begins with CW is a diagnostic.
func TestExpressions(t *testing.T) {
	const record = `{
		"a": 1, "b": 2, "big": 9223372036854775807, "huge": 12345678901234567890123, "price": 49.79, "zero": 0, "t": true, "f": false,
		"s": "Hello", "empty": "", "nothing": null, "num": "12", "phone": "+38 (067) 123-45-67", "address": "Відділення №13 (до 30 кг): просп. Перемоги, 98",
		"o": {"id": 3, "name": "x", "0": "zero"}, "list": [3, 1, 2], "names": ["b", "", null, "a"], "utm-source": "ad",
		"products": [{"sku": "A", "qty": 2, "price": 0.1}, {"sku": "B", "qty": 1, "price": 0.2}, {"sku": "C", "qty": 3, "price": 49.79}],
		"when": "2025-09-18 12:44:44"
	}`
	for _, c := range []struct{ expr, want string }{
		// arithmetic
		{`0.1 + 0.2`, `0.3`},
		{`price * 3`, `149.37`},
		{`49.79 * 3`, `149.37`},
		{`round(1.005, 2)`, `1.01`},
		{`round(-1.5)`, `-2`},
		{`round(2.5)`, `3`},
		{`round(price)`, `50`},
		{`round(1234, -2)`, `1200`},
		{`10 / 4`, `2.5`},
		{`10 / 5`, `2`},
		{`1 / 3`, `0.3333333333333333333333333333333333`},
		{`7 % 3`, `1`},
		{`2 ** 10`, `1024`},
		{`-a`, `-1`},
		{`big`, `9223372036854775807`},
		{`big - 1`, `9223372036854775806`},
		{`big + 1`, `CW307`},
		{`big * 2`, `CW307`},
		{`-big - 2`, `CW307`},
		{`huge`, `12345678901234567890123`},
		{`a / zero`, `CW307`},
		{`a % zero`, `CW307`},
		{`price / zero`, `CW307`},
		{`2 ** price`, `CW307`},
		{`sum(products, .price * .qty)`, `149.77`},
		{`sum(map(products, .price))`, `50.09`},
		{`sum([0.1, 0.2])`, `0.3`},
		{`money(5)`, `5.00`},
		{`money(1.005)`, `1.01`},
		{`min(3, 1.5, 2)`, `1.5`},
		{`max(list)`, `3`},
		{`mean(list)`, `2`},
		{`median(list)`, `2`},
		{`floor(price)`, `49`},
		{`ceil(price)`, `50`},
		{`floor(-1.5)`, `-2`},
		{`abs(-3)`, `3`},
		{`int(num) + 1`, `13`},
		{`int(s)`, `CW311`},
		{`int(price)`, `CW311`},
		{`1_000 + 0x10`, `1016`},
		// comparison and logic
		{`a == 1`, `true`},
		{`a == 1.0`, `true`},
		{`a < b and b < 3`, `true`},
		{`1 < b < 3`, `true`},
		{`s == "Hello"`, `true`},
		{`num == 12`, `CW308`},
		{`"2025-01-02" < "2025-01-10"`, `true`},
		{`not t`, `false`},
		{`t and f or t`, `true`},
		{`a and t`, `CW308`},
		{`if t { 1 } else { 2 }`, `1`},
		{`f ? 1 : 2`, `2`},
		{`a in [1, 2]`, `true`},
		{`3 not in list`, `false`},
		{`"id" in o`, `true`},
		{`s contains "ell"`, `true`},
		{`s matches "^H"`, `true`},
		{`list == [3, 1, 2]`, `true`},
		{`o == {id: 3, name: "x", "0": "zero"}`, `true`},
		// missing
		{`missing == nil`, `true`},
		{`missing != 1`, `true`},
		{`missing.deep.er == nil`, `true`},
		{`nothing == nil`, `true`},
		{`missing ?? "x"`, `"x"`},
		{`products[9].sku ?? "none"`, `"none"`},
		{`list[7] == nil`, `true`},
		{`list[-1]`, `2`},
		{`missing in [1]`, `false`},
		{`1 in missing`, `false`},
		{`missing`, ``},
		{`nil`, ``},
		{`missing + 1`, `CW301`},
		{`1 - missing`, `CW301`},
		{`missing and t`, `CW301`},
		{`missing < 1`, `CW301`},
		{`upper(missing)`, `CW301`},
		{`if missing { 1 } else { 2 }`, `CW301`},
		{`f and missing`, `false`},
		{`s[0]`, ``}, // a path of the record that is not there
		{`a.b`, ``},
		// texts
		{`"x" + s`, `"xHello"`},
		{`s + a`, `CW308`},
		{`s + text(a)`, `"Hello1"`},
		{`text(price)`, `"49.79"`},
		{`s[1:3]`, `"el"`},
		{`s[:100]`, `"Hello"`},
		{`address[0:10]`, `"Відділення"`},
		{`len(address[0:10])`, `10`},
		{`upper(s)`, `"HELLO"`},
		{`trim("  x ")`, `"x"`},
		{`split("a,b", ",")`, `["a","b"]`},
		{`replace(s, "l", "L")`, `"HeLLo"`},
		{`repeat("ab", 3)`, `"ababab"`},
		{`repeat("ab", a * 10000000)`, `CW311`},
		{`indexOf("абв", "в")`, `2`},
		{`hasPrefix(s, "He")`, `true`},
		{`s | upper() | lower()`, `"hello"`},
		{`toJSON(o)`, `"{\"id\":3,\"name\":\"x\",\"0\":\"zero\"}"`},
		{`fromJSON("[1,2]")[1]`, `2`},
		{`toBase64("a")`, `"YQ=="`},
		{`fromBase64("YQ==")`, `"a"`},
		// ours
		{`digits(phone)`, `"380671234567"`},
		{`phone(phone, "UA")`, `"380671234567"`},
		{`phone("0671234567", "UA")`, `"380671234567"`},
		{`phone("380671234567", "UA")`, `"380671234567"`},
		{`phone("12", "UA")`, ``},
		{`phone("call me", "UA")`, ``},
		{`phone(missing, "UA")`, ``},
		{"match(address, `№\\s*(\\d+)`)", `"13"`},
		{"match(s, `l+`)", `"ll"`},
		{"match(s, `z`)", ``},
		{`coalesce(missing, empty, s)`, `"Hello"`},
		{`coalesce(missing, empty)`, ``},
		{`join(names, ", ")`, `"b, a"`},
		{`join([s, a, missing], "-")`, `"Hello-1"`},
		{`has("o.id")`, `true`},
		{`has("o.x")`, `false`},
		{`has("nothing")`, `false`},
		{`get("utm-source")`, `"ad"`},
		{`get("products.#(sku==\"B\").price")`, `0.2`},
		{`get("products.#")`, `3`},
		{`datetime(when, "Y-m-d H:i:s", "d.m.Y H:i")`, `"18.09.2025 12:44"`},
		{`datetime(when, "Y-m-d H:i:s", "c", "Europe/Kyiv", "UTC")`, `"2025-09-18T09:44:44+00:00"`},
		{`datetime(1758188684, "U", "Y-m-d\\TH:i:sP", "UTC", "Europe/Kyiv")`, `"2025-09-18T12:44:44+03:00"`},
		{`datetime("2025-09-18 12:44:44.123456", "Y-m-d H:i:s.u", "H:i:s.v")`, `"12:44:44.123"`},
		{`datetime(s, "Y-m-d", "c")`, `CW311`},
		{`datetime(missing, "Y-m-d", "c")`, ``},
		// lists and objects
		{`len(products)`, `3`},
		{`filter(products, .qty > 1)[0].sku`, `"A"`},
		{`map(products, .sku)`, `["A","B","C"]`},
		{`find(products, .sku == "B").qty`, `1`},
		{`find(products, .sku == "Z").qty == nil`, `true`},
		{`findIndex(products, .sku == "B")`, `1`},
		{`count(products, .qty > 1)`, `2`},
		{`any(products, .qty == 3)`, `true`},
		{`all(products, .price > 0)`, `true`},
		{`none(products, .price > 50)`, `true`},
		{`one(products, .sku == "A")`, `true`},
		{`sortBy(products, .price, "desc")[0].sku`, `"C"`},
		{`keys(groupBy(products, .qty))`, `["1","2","3"]`},
		{`reduce(list, #acc + #, 0)`, `6`},
		{`reduce(products, #acc + .price, 0.5)`, `50.59`},
		{`price ?? 0`, `49.79`},
		{`find(products, .sku == "A").price ?? 0`, `0.1`},
		{`find(products, .sku == "Z").price ?? 2.50`, `2.50`},
		{`map(products, .price ?? 0)`, `[0.1,0.2,49.79]`},
		{`map(products, .none ?? .price)`, `[0.1,0.2,49.79]`},
		{`let x = price; x + 0.01`, `49.8`},
		{`if t { price } else { 0.5 }`, `49.79`},
		{`[price, 0.5][0]`, `49.79`},
		{`{p: price}.p`, `49.79`},
		{`map(list, #index)`, `[0,1,2]`},
		{`filter(products, .nope > 1)`, `CW301`},
		{`filter(missing, .qty > 1)`, `CW301`},
		{`sort(list)`, `[1,2,3]`},
		{`sort(list, "desc")`, `[3,2,1]`},
		{`reverse(list)`, `[2,1,3]`},
		{`uniq([1, 1.0, "1"])`, `[1,"1"]`},
		{`first(list)`, `3`},
		{`last(list)`, `2`},
		{`first([])`, ``},
		{`take(list, 2)`, `[3,1]`},
		{`flatten([1, [2, [3]]])`, `[1,2,3]`},
		{`concat(list, [4])`, `[3,1,2,4]`},
		{`keys(o)`, `["id","name","0"]`},
		{`values({b: 1, a: 2})`, `[2,1]`},
		{`toPairs({a: 1})`, `[["a",1]]`},
		{`fromPairs([["a", 1]])`, `{"a":1}`},
		{`1..3`, `[1,2,3]`},
		{`1..(a * 100000)`, `CW307`},
		{`let x = a + 1; x * 2`, `4`},
		{`let p = products[0]; p.sku`, `"A"`},
		{`{x: a, "y": [b]}`, `{"x":1,"y":[2]}`},
		{`products[0]`, `{"sku":"A","qty":2,"price":0.1}`},
		{`o?.id`, `3`},
		{`o["name"]`, `"x"`},
		{`o[s]`, ``},
		{`products[a].sku`, `"B"`},
		{`_meta.key + "/" + _meta.connection`, `"115/shop"`},
		{`_meta.received_at`, ``},
	} {
		t.Run(c.expr, func(t *testing.T) {
			text, err := json.Marshal("= " + c.expr)
			if err != nil {
				t.Fatal(err)
			}
			p := compile(t, "mapping: m\nfrom: any.event\nto: any.operation\nfields:\n  v: "+string(text)+"\n")
			want := `{}`
			if c.want != "" {
				want = `{"v":` + c.want + `}`
			}
			check(t, p, record, want, c.want)
		})
	}
}

// check maps a record and compares the result, or the rule of the error if code begins with CW.
func check(t *testing.T, p *mapping.Program, record, want, code string) {
	t.Helper()
	got, err := mapRecord(t, p, record)
	checkOutcome(t, got, err, want, code)
}

// checkOutcome is check for what Map gave.
func checkOutcome(t *testing.T, got mapping.Result, err error, want, code string) {
	t.Helper()
	if strings.HasPrefix(code, "CW") {
		var e *mapping.Error
		if !errors.As(err, &e) {
			t.Fatalf("got %s and error %v, want %s", got.Record, err, code)
		}
		rule, rest, _ := strings.Cut(code, " ")
		if e.Diagnostic.Rule != rule || !strings.Contains(e.Diagnostic.Message, rest) {
			t.Fatalf("got %v, want %s", err, code)
		}
		if e.Diagnostic.Position.Line == 0 || e.Diagnostic.Source == "" {
			t.Errorf("the error has no place: %+v", e.Diagnostic)
		}
		if len(got.Record) != 0 {
			t.Errorf("part of a record was written: %s", got.Record)
		}
		return
	}
	if err != nil {
		t.Fatalf("got error %v, want %s", err, want)
	}
	if string(got.Record) != want {
		t.Errorf("got  %s\nwant %s", got.Record, want)
	}
	if !json.Valid(got.Record) {
		t.Errorf("not JSON: %s", got.Record)
	}
}
