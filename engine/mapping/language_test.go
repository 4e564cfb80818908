package mapping_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// languageRecord is what TestLanguage reads: numbers and texts written in ways that
// a careless reader would change, and things that are missing in every way.
const languageRecord = `{"id":12345678901234567890,"price":0.10,"thousand":1e3,"minus":-0.0,"long":0.1234567890123456789012345678901234567890123,"many":1e400,` +
	`"n":2,"yes":true,"name":"Оля","empty":"","nothing":null,"wild":"\ud83d\ude00 \u0000 \ud800 \/ \u0416\t","doubled":{"a":1,"a":2,"b":{"c":1},"b":{"c":2}},"k\u0416":5,` +
	`"o":{"x":1,"y":{"z":"deep"},"none":null},"list":[3,1,2],"none":[],"holes":[1,null,"",{}],"a.b":"dotted","0":"zero",` +
	`"sets":[{"sku":"S","parts":[{"sku":"S1","count":2},{"sku":"S2","count":3}],"amount":2,"set":true},{"sku":"P","amount":1,"set":false}]}`

// TestLanguage maps the record above by one rule each. A want that begins with CW is
// a diagnostic.
func TestLanguage(t *testing.T) {
	for _, c := range []struct{ rule, want string }{
		// Numbers keep their digits.
		{`v: id`, `{"v":12345678901234567890}`},
		{`v: [id, price, thousand, minus, long, many]`, `{"v":[12345678901234567890,0.10,1e3,-0.0,0.1234567890123456789012345678901234567890123,1e400]}`},
		{`v: '= [id, price, thousand, minus, long, many]'`, `{"v":[12345678901234567890,0.10,1e3,-0.0,0.1234567890123456789012345678901234567890123,1e400]}`},
		{`v: = if yes { id } else { 0 }`, `{"v":12345678901234567890}`},
		{`v: = coalesce(nothing, price)`, `{"v":0.10}`},
		{`v: = nothing ?? price`, `{"v":0.10}`},
		{`v: '= {a: price, b: id}'`, `{"v":{"a":0.10,"b":12345678901234567890}}`},
		{`v: '= let x = price; x'`, `{"v":0.10}`},
		{`v: '= map([id, price], #)'`, `{"v":[12345678901234567890,0.10]}`},
		{`v: = text(id) + "/" + text(price) + "/" + text(thousand)`, `{"v":"12345678901234567890/0.10/1e3"}`},
		{`v: {path: price, type: string}`, `{"v":"0.10"}`},
		{`v: {path: price, type: number}`, `{"v":0.10}`},
		{`v: {path: o, type: json}`, `{"v":"{\"x\":1,\"y\":{\"z\":\"deep\"},\"none\":null}"}`},
		{`v: {path: n, table: {2: 12345678901234567890}}`, `{"v":12345678901234567890}`},
		{`v: {path: n, table: {2: 0.10}}`, `{"v":0.10}`},
		{`v: {path: n, table: {2: 1e3}}`, `{"v":1e3}`},
		{`v: {path: id, table: {12345678901234567890: found}}`, `{"v":"found"}`},
		{`v: {path: price, table: {"0.10": found}}`, `{"v":"found"}`},
		{`v: 12345678901234567890`, `{"v":12345678901234567890}`},
		{`v: 0.10`, `{"v":0.10}`},
		{`v: 1e3`, `{"v":1e3}`},
		{`v: {value: [0.10, 1e3, {a: 2.50}]}`, `{"v":[0.10,1e3,{"a":2.50}]}`},
		{`v: = 2.50`, `{"v":2.50}`},
		{`v: 0x10`, `{}`}, // no number of JSON: a path
		{`v: = id + 1`, `{"v":12345678901234567891}`},
		{`v: = id == 12345678901234567890.0`, `{"v":true}`},
		{`v: = id == 12345678901234567891.0`, `{"v":false}`},
		{`v: = 9223372036854775807 - 1`, `{"v":9223372036854775806}`},
		{`v: = n * 3037000500 * 3037000500`, `CW307`},
		{`v: = 1 == 1.0 and 1.0 in list and 0.1 + 0.2 == 0.3 and price < 1 and 2 > 1.5`, `{"v":true}`},
		{`v: = 7 % -3 + 5.5 % 2`, `{"v":2.5}`},
		{`v: = 1.1 ** 2`, `{"v":1.21}`},
		{`v: = n ** 63`, `CW307`},
		{`v: = n % (n - n)`, `CW307 division by zero`},
		{`v: = round(2.675, 2) + round(-2.5)`, `{"v":-0.32}`},
		{`v: = sum([0.1, 0.2, 0.3])`, `{"v":0.6}`},
		{`v: = sum([])`, `{"v":0}`},
		{`v: = mean([]) ?? max([]) ?? "none"`, `{"v":"none"}`},

		// Unicode and escapes are exact, doubled keys are gjson's.
		{`v: wild`, `{"v":"\ud83d\ude00 \u0000 \ud800 \/ \u0416\t"}`},
		{`v: = wild`, `{"v":"\ud83d\ude00 \u0000 \ud800 \/ \u0416\t"}`},
		{`v: '= [wild][0]'`, `{"v":"😀 \u0000 ` + "\uFFFD" + ` / Ж\t"}`}, // half of a pair is no character
		{`v: {fields: {a: wild}}`, `{"v":{"a":"\ud83d\ude00 \u0000 \ud800 \/ \u0416\t"}}`},
		{`v: {value: "\0\t\"\\ \u0416"}`, `{"v":"\u0000\t\"\\ Ж"}`},
		{`v: kЖ`, `{"v":5}`},
		{`v: doubled.a`, `{"v":1}`},
		{`v: '= [doubled.b.c, doubled["a"], values(doubled)[0], len(doubled)]'`, `{"v":[1,1,1,2]}`},

		// Paths, brackets, constants, expressions.
		{`v: o[y][z]`, `{"v":"deep"}`},
		{`v: sets[0].parts.1[sku]`, `{"v":"S2"}`},
		{`v: sets.#(sku=="P").amount`, `{"v":1}`},
		{`v: '= sets[0].parts[1].sku'`, `{"v":"S2"}`},
		{`v: '= get("sets.#(sku==\"P\").amount")'`, `{"v":1}`},
		{`v: a\.b`, `{"v":"dotted"}`},
		{`v: "0"`, `{"v":"zero"}`},
		{`v: o.y.z.more`, `{}`},

		// Lists and arrays.
		{`v: []`, `{"v":[]}`},
		{`v: [nothing, gone, n]`, `{"v":[2]}`},
		{`v: [[n], {fields: {a: gone}}, {value: null}]`, `{"v":[[2],null]}`},
		{`v: '= [nothing, gone, n]'`, `{"v":[2]}`}, // null is sent by {value: null} alone
		{`v: '= {a: nothing, b: n}'`, `{"v":{"b":2}}`},
		{`v: '= toJSON([nothing])'`, `{"v":"[null]"}`},
		{
			`v: {each: sets, as: s, values: [{when: = not s.set, fields: {sku: s.sku, qty: s.amount}}, {each: s.parts, as: p, fields: {sku: p.sku, qty: = p.count * s.amount}}]}`,
			`{"v":[{"sku":"S1","qty":4},{"sku":"S2","qty":6},{"sku":"P","qty":1}]}`,
		},
		{`v: {each: sets, values: []}`, `{"v":[]}`},
		{`v: {each: sets, as: s, value: {each: s.parts, as: p, value: p.count}}`, `{"v":[[2,3]]}`},
		{`v: {each: sets, as: s, value: [s.sku, {each: s.parts, as: p, value: p.count}]}`, `{"v":[["S",2,3],["P"]]}`},
		{`v: [{value: 0}, {each: list, value: item}, {each: list, where: = item > 1, value: item}]`, `{"v":[0,3,1,2,3,2]}`},
		{`v: [{each: gone, value: item, default: [7, 8]}, 9]`, `{"v":[7,8,9]}`},
		{`v: [{each: list, value: = 1 / (item - 1), on_error: omit}, 9]`, `{"v":[9]}`},
		{`v: [9, {each: list, value: = 1 / (item - 1), on_error: default, default: [7]}]`, `{"v":[9,7]}`},
		{`v: [{each: list, value: item, when: = n == 3}, 9]`, `{"v":[9]}`},
		{`v: [{each: gone, value: item, required: true}, 9]`, "CW304 `v` is required, and is missing in this event: `gone` is not there"},
		{`v: {each: none, value: item}`, `{"v":[]}`},
		{`v: {each: nothing, value: item}`, `{}`},
		{`v: {each: gone, value: item}`, `{}`},
		{`v: {each: '= gone ?? []', value: item}`, `{"v":[]}`},
		{`v: {each: o, value: item}`, "CW306 `each` needs an array, and this event gives {\"x\":1"},
		{`v: {each: name, value: item}`, `CW306`},
		{`v: {each: n, value: item}`, `CW306`},
		{`v: {each: holes, value: item}`, `{"v":[1,"",{}]}`},
		{`v: {each: holes, fields: {a: item.x}}`, `{"v":[]}`},
		{`v: {each: list, let: {double: = item * 2}, where: = double > 2, value: double}`, `{"v":[6,4]}`},
		{`v: '= [list[9], list[9].x.y == nil, list[-1]]'`, `{"v":[true,2]}`},

		// choose, when, required, on_error, default around objects and arrays.
		{`v: {fields: {a: n}, choose: [{when: = n == 1, fields: {b: 1}}, {fields: {c: 2}}]}`, `{"v":{"a":2,"c":2}}`},
		{
			`v: {each: sets, as: s, fields: {sku: s.sku}, choose: [{when: s.set, fields: {parts: {each: s.parts, as: p, value: p.sku}}}, {fields: {qty: s.amount}}]}`,
			`{"v":[{"sku":"S","parts":["S1","S2"]},{"sku":"P","qty":1}]}`,
		},
		{`v: {each: sets, as: s, choose: [{when: s.set, fields: {a: 1}}]}`, "CW309 no `when` of this `choose` is true"},
		{`v: {fields: {a: {fields: {b: gone}}, c: {each: gone, value: item}}}`, `{}`},
		{`v: {fields: {a: n}, when: = n == 3, default: {value: x}}`, `{}`},
		{`v: {fields: {a: gone}, default: {value: x}}`, `{"v":"x"}`},
		{`v: {fields: {a: gone}, required: true}`, `CW304`},
		{`v: {fields: {a: = 1 / (n - 2)}, on_error: omit}`, `{}`},
		{`v: {fields: {a: = 1 / (n - 2)}, on_error: default, default: {fields: {b: n}}}`, `{"v":{"b":2}}`},
		{`v: {fields: {a: = 1 / (n - 2)}, on_error: fail}`, `CW307`},
		{`v: {each: list, value: item, when: = n == 3, default: [1]}`, `{}`},
		{`v: {each: gone, value: item, default: [1]}`, `{"v":[1]}`},
		{`v: {each: gone, value: item, required: true}`, `CW304`},
		{`v: {expr: = 1 / 2, when: = n == 3, default: 9}`, `{}`},
		{`v: {value: 5, when: = n == 3, default: 9}`, `{}`},
		{`v: [{path: n, when: = n == 3, default: 9}, {path: n, when: = n == 2}]`, `{"v":[2]}`},
		{`v: {path: gone, required: true, when: = n == 3}`, `{}`},
		{`v: {path: gone, required: false}`, `{}`},
		{`v: {path: gone, required: true, default: 1}`, `{"v":1}`},
		{`v: {path: n, default: n, table: {2: 3}}`, `{"v":3}`},
		{`v: {path: gone, default: n, table: {2: 3}}`, `{"v":2}`}, // not looked up again
		{`v: {path: name, type: integer, on_error: omit}`, `{}`},
		{`v: {path: name, type: integer, on_error: default, default: 0}`, `{"v":0}`},
		{`v: {path: name, type: integer}`, `CW303`},
		{`v: {path: n, table: {2: "7"}, type: integer}`, `{"v":7}`},
		{`v: {path: gone, type: integer, default: {value: "x"}}`, `{"v":"x"}`},
		{`v: {path: empty, type: integer, default: 4}`, `{"v":4}`},
		{`v: {path: empty, table: {2: 3}}`, `{}`},
		{`v: {path: empty, table: {2: 3}, default: 4}`, `{"v":4}`},
		{`v: {path: empty, table: {"": 3}}`, `{"v":3}`},
		{`v: {value: null, default: 3}`, `{"v":null}`},
		{`v: {expr: nil, default: 3}`, `{"v":3}`},
		{`v: {value: {a: 1}, type: json}`, `{"v":"{\"a\":1}"}`},
		{`v: {path: empty, type: json}`, `{"v":"\"\""}`},
		{`v: {path: gone, type: json}`, `{}`},

		// Names.
		{`v.a: n
  v.b.c\.d: n
  w\.x: n`, `{"v":{"a":2,"b":{"c.d":2}},"w.x":2}`},
		{`v: '= [_meta.id, _meta.connection, _meta.event, _meta.key, _meta.received_at]'`, `{"v":["e1","shop","order_created","115","2025-09-18T09:44:44.5Z"]}`},
		{`v: {fields: {a: _meta.id, b: _meta.received_at}}`, `{"v":{"a":"e1","b":"2025-09-18T09:44:44.5Z"}}`},
		{`v: {each: list, value: '= text(item) + _meta.key'}`, `{"v":["3115","1115","2115"]}`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p := compile(t, "mapping: m\nfrom: any.event\nto: any.operation\nfields:\n  "+c.rule+"\n")
			ev := &mapping.Event{
				ID: "e1", Connection: "shop", Type: "order_created", Key: "115", Record: []byte(languageRecord),
				ReceivedAt: time.Date(2025, 9, 18, 12, 44, 44, 500e6, time.FixedZone("Kyiv", 3*3600)),
			}
			r, err := p.Map(ev, nil)
			checkOutcome(t, r, err, c.want, c.want)
		})
	}
}

// TestMissing puts something missing wherever an expression can have it: it may
// stand in ==, !=, ?? and in, and anywhere else the diagnostic names it and the way out.
func TestMissing(t *testing.T) {
	for expression, want := range map[string]string{
		`gone == nil`: `true`, `gone == 1`: `false`, `gone == gone`: `true`, `gone != nil`: `false`, `gone != "x"`: `true`, `gone ?? 1`: `1`, `(gone ?? other) ?? 2`: `2`,
		`gone in [1]`: `false`, `1 in gone`: `false`, `gone not in [1]`: `true`, `gone.a.b`: ``, `gone?.a`: ``, `gone[0]`: ``, `gone["a"]`: ``, `list[gone]`: ``, `list[7].x`: ``,
		`has("gone")`: `false`, `coalesce(gone, "x")`: `"x"`, `join([gone, "x"])`: `"x"`, `phone(gone, "UA")`: ``, `match(gone, "x")`: ``, `datetime(gone, "Y", "Y")`: ``, `gone`: ``,
	} {
		p := compile(t, exprMapping(expression))
		wanted := `{}`
		if want != "" {
			wanted = `{"v":` + want + `}`
		}
		check(t, p, `{"list":[{}]}`, wanted, want)
	}
	for _, form := range []string{
		"%s + 1", "1 + %s", `"a" + %s`, "%s - 1", "1 - %s", "%s * 2", "2 * %s", "%s / 2", "2 / %s", "%s %% 2", "2 %% %s", "%s ** 2", "2 ** %s", "-%s", "+%s",
		"%s < 1", "%s <= 1", "1 > %s", "1 >= %s", `%s < "a"`, "%s and true", "true and %s", "%s or true", "false or %s", "not %s", "!%s", "%s ? 1 : 2", "if %s { 1 } else { 2 }",
		`%s contains "a"`, `"a" contains %s`, `%s matches "a"`, `"a" matches %s`, `%s startsWith "a"`, `%s endsWith "a"`, "%s..3", "1..%s", "%s[0:1]", "%s[:1]",
		"upper(%s)", "lower(%s)", "trim(%s)", `trim("a", %s)`, `trimPrefix(%s, "a")`, `hasPrefix(%s, "a")`, `split(%s, ",")`, `split("a", %s)`, `replace(%s, "a", "b")`, `repeat("a", %s)`,
		`indexOf(%s, "a")`, "len(%s)", "abs(%s)", "ceil(%s)", "floor(%s)", "round(%s)", "round(1, %s)", "money(%s)", "int(%s)", "text(%s)", "digits(%s)", "min(%s, 1)", "max(%s)", "mean(%s)",
		"median(%s)", "sum(%s)", "first(%s)", "last(%s)", "take(%s, 1)", "take([1], %s)", "reverse(%s)", "uniq(%s)", "flatten(%s)", "concat(%s)", "sort(%s)", "keys(%s)", "values(%s)",
		"toPairs(%s)", "fromPairs(%s)", "toJSON(%s)", "fromJSON(%s)", "toBase64(%s)", "fromBase64(%s)", "filter(%s, true)", "map(%s, 1)", "count(%s, true)", "all(%s, true)",
		"any(%s, true)", "none(%s, true)", "one(%s, true)", "find(%s, true)", "findIndex(%s, true)", "findLast(%s, true)", "findLastIndex(%s, true)", "groupBy(%s, 1)", "sortBy(%s, 1)",
		"reduce(%s, #acc, 0)", "filter([1], %s)", "any([1], %s)", `table("t", %s)`, "{(%s): 1}", `join(["a"], %s)`,
	} {
		for _, missing := range []string{"gone", "o.gone", "nothing"} {
			p := compile(t, exprMapping(fmt.Sprintf(form, missing)))
			_, err := mapRecord(t, p, `{"o":{},"nothing":null}`)
			if err == nil || !strings.Contains(err.Error(), "CW301: `"+missing+"` is missing in this event") || !strings.Contains(hintOf(err), "`??`") {
				t.Errorf(form+": %v", missing, err)
			}
		}
	}
}

func hintOf(err error) string {
	var b bytes.Buffer
	if e, ok := err.(*mapping.Error); ok { //nolint:errorlint // Map's own
		_ = e.List().WriteText(&b)
	}
	return b.String()
}

func exprMapping(expression string) string {
	return "mapping: m\nfrom: any.event\nto: any.operation\ntables: {t: {1: 2}}\nfields:\n  v: |-\n    = " + expression + "\n  unused: '= if has(\"never\") { table(\"t\", 1) } else { nil }'\n"
}

// TestBytesStay maps texts that are no Unicode: a path copies them.
func TestBytesStay(t *testing.T) {
	p := compile(t, "mapping: m\nfrom: any.event\nto: any.operation\nfields: {a: s, b: = s, c: '= upper(s)'}\n")
	r, err := mapRecord(t, p, "{\"s\":\"a\xff\xed\xa0\x80z\"}")
	want := "{\"a\":\"a\xff\xed\xa0\x80z\",\"b\":\"a\xff\xed\xa0\x80z\",\"c\":\"A\uFFFD\uFFFD\uFFFD\uFFFDZ\"}"
	if err != nil || string(r.Record) != want {
		t.Errorf("%q, %v", r.Record, err)
	}
}
