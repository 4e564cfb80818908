package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// openCatalog knows nothing of what the connections hold.
type openCatalog struct{}

func (openCatalog) Event(string, string) (*schema.Schema, error) { return schema.Parse([]byte(`{}`)) }

func (openCatalog) Operation(string, string) (*schema.Schema, error) {
	return schema.Parse([]byte(`{}`))
}

// FuzzPath checks that a path that compiles gives what gjson.Get gives, for any
// document: the scanner and gjson never differ.
func FuzzPath(f *testing.F) {
	docs := []string{
		`{"a":1,"b":{"c":[1,{"d":"x"}],"c":2},"b":{"e":null},"0":"zero","a.b":{"c":3},"\u0061":4,"":5,"x y":6}`,
		`{"data":{"contacts":[{"fName":"Оля","phone":["380"]},[1,[2]]],"01":1,"1":{"1":2}},"n":-1.5e3,"t":true,"s":"a\"b\\","o":{},"l":[ ]}`,
		`{ "a" : [ { "b" : 1 } , { "b" : 2 } ] , "a" : { "0" : { "b" : 9 } } }`,
	}
	for _, p := range []string{
		"a", "b.c", "b.c.1.d", "b.c[1][d]", "b.e", `a\.b.c`, "0", "a.0.b", "a[1].b", "a.#.b", "a.#", `a.#(b==2).b`, "a.#(b>0)#", "data.contacts.0.fName",
		"data.contacts.1.1.0", "data.01", "data.1.1", "data[contacts][0][phone][0]", "*", "d*.c?ntacts", "a|0|b", "@this", "a.@reverse.0", "s", "o", "l.0", `x\ y`, "@keys",
		`b.c.\1`, "a.00.b", "data.contacts.#.phone.0", "{a,b}", "[a,b.c]", `a.#(b==1)#|0`, "@pretty", "b.c.@flatten", `a.#(b%"1*")`,
	} {
		for _, d := range docs {
			f.Add(d, p)
		}
	}
	f.Fuzz(func(t *testing.T, doc, text string) {
		if !json.Valid([]byte(doc)) || strings.TrimLeft(doc, " \t\r\n")[0] != '{' || !strings.HasPrefix(doc, "{") {
			return
		}
		p, perr := parsePath(text)
		if perr != nil || len(p.segments) > 0 && p.segments[0].text == "_meta" {
			return
		}
		quoted, err := json.Marshal(text)
		if err != nil || bytes.Contains(quoted, []byte(`\ufffd`)) {
			return
		}
		program, found := Compile("m.yaml", []byte("mapping: m\nfrom: a.b\nto: c.d\nfields:\n  before: n\n  v: {path: "+string(quoted)+"}\n  after: b.c\n"), openCatalog{})
		if program == nil {
			switch found[0].Rule {
			case "CW101": // YAML has characters that it does not take at all
				return
			case "CW121", "CW123", "CW133": // by its steps alone the path finds nothing, but for what a modifier makes of that
				if raw := gjson.Get(doc, p.text).Raw; raw != "" && !strings.ContainsAny(text, "@{[") && !strings.Contains(doc, `"#`) {
					t.Fatalf("%q is refused, and gjson finds %s: %v", text, raw, found)
				}
				return
			}
			t.Fatalf("%q is a path and does not compile: %v", text, found)
		}
		want := gjson.Get(doc, p.text)
		r, err := program.Map(&Event{Record: []byte(doc)}, nil)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got := gjson.GetBytes(r.Record, "v").Raw
		wanted := string(compactJSON([]byte(" "))[:0])
		if want.Raw != "" && want.Raw != "null" {
			wanted = string(compactJSON([]byte(strings.TrimSpace(want.Raw))))
		}
		if got != wanted {
			t.Fatalf("path %q (gjson %q) of %s\ngot  %s\nwant %s", text, p.text, doc, got, wanted)
		}
	})
}

// FuzzCompile checks that no file makes the compiler panic or hang, that errors and
// a program exclude each other, and that every finding has a place in the file.
func FuzzCompile(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "diagnostics", "*.txtar"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		_, text, _ = bytes.Cut(text, []byte("-- mapping.yaml --\n"))
		text, _, _ = bytes.Cut(text, []byte("\n-- "))
		f.Add(text)
	}
	cat := shopCatalog(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		p, found := Compile("m.yaml", text, cat)
		if (p == nil) != found.HasErrors() {
			t.Fatalf("program %v, found %v", p != nil, found)
		}
		lines := len(diag.Lines(string(text)))
		for _, d := range found {
			if d.Rule == "" || d.Message == "" || d.Position.Line > lines || d.Position.File != "m.yaml" {
				t.Fatalf("%+v", d)
			}
			if strings.Contains(d.Message+d.Hint, "interface conversion") || strings.Contains(d.Message, "runtime error") {
				t.Fatalf("a message of Go's: %s", d.Message)
			}
		}
		if p == nil {
			return
		}
		checkMap(t, p, []byte(`{"order_id":1,"products":[{"article":"A","quantity":2,"price":1.5}],"delivery_type":{"id":3}}`))
	})
}

type fixedCatalog struct{ event, operation *schema.Schema }

func (c fixedCatalog) Event(string, string) (*schema.Schema, error) { return c.event, nil }
func (openCatalog) Lookup(string, string) (LookupSchema, error)     { return LookupSchema{}, nil }

func (c fixedCatalog) Lookup(string, string) (LookupSchema, error)      { return LookupSchema{}, nil }
func (c fixedCatalog) Operation(string, string) (*schema.Schema, error) { return c.operation, nil }

func shopCatalog(t testing.TB) Catalog {
	t.Helper()
	read := func(name string) *schema.Schema {
		text, err := os.ReadFile(filepath.Join("testdata", "schemas", name))
		if err != nil {
			t.Fatal(err)
		}
		s, err := schema.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return fixedCatalog{read("shop.order_created.json"), read("saleapp.upsert_order.json")}
}

// checkMap maps a record twice: never a panic, the same both times, valid JSON or an *Error.
func checkMap(t *testing.T, p *Program, record []byte) {
	t.Helper()
	before := bytes.Clone(record)
	prefix := []byte("kept")
	sameExplained(t, p, string(record))
	a, errA := p.Map(&Event{Record: record}, prefix)
	b, errB := p.Map(&Event{Record: record}, nil)
	if !bytes.Equal(before, record) {
		t.Fatal("the event was changed")
	}
	if (errA == nil) != (errB == nil) || errA != nil && errA.Error() != errB.Error() {
		t.Fatalf("not the same twice: %v, %v", errA, errB)
	}
	var e *Error
	if errA != nil && (!errors.As(errA, &e) || e.Diagnostic.Message == "" || strings.Contains(errA.Error(), "runtime error") || string(a.Record) != "kept") {
		t.Fatalf("a bad error: %#v %s", errA, a.Record)
	}
	if errA == nil && !a.Skipped {
		if string(a.Record) != "kept"+string(b.Record) {
			t.Fatalf("not the same twice:\n%s\n%s", a.Record, b.Record)
		}
		if !json.Valid(b.Record) || b.Record[0] != '{' {
			t.Fatalf("not a JSON object: %s", b.Record)
		}
	}
}

const richMapping = `mapping: rich
from: shop.order_created
to: saleapp.upsert_order
when: = (stat_status ?? 0) != 4
let:
  cod: = payment_type.id == 15
  branch: = match(delivery_address, "№\\s*(\\d+)")
  first: products[0]
tables:
  delivery: {3: 3, 8: 1, 2: 2}
fields:
  external_id: order_id
  delivery_types: {path: delivery_type.id, table: delivery, default: 1}
  receiver_name: delivery_name
  receiver_phone: = phone(delivery_phone, "UA") ?? digits(delivery_phone ?? "0")
  city: delivery_city
  city_ref: {path: delivery_email, on_error: omit}
  branch_ref: = branch ?? "1"
  addres: = join([delivery_city, delivery_address, first.title], ", ")
  comment: {path: comment, default: {value: null}}
  paid: payed
  weight: = sum(products ?? [], (.price ?? 0) * (.quantity ?? 0))
  insurance_amount: = round(total_sum)
  delivery_amount: = if cod { round(total_sum) } else { 0 }
  tags: [currency, {each: '= filter(products ?? [], has("order_id"))', as: p, value: p.article}]
  delivery.address.city: delivery_city
  products:
    each: products
    as: item
    where: = (item.quantity ?? 0) > 0
    fields:
      sku: item.article
      qty: item.quantity
      cost: = (item.price ?? 0) * 1.2
`

// FuzzMap checks that no record makes a rich mapping panic, hang, or write what is
// not JSON.
func FuzzMap(f *testing.F) {
	p, found := Compile("rich.yaml", []byte(richMapping), shopCatalog(f))
	if p == nil {
		f.Fatal(found)
	}
	open, found := Compile("rich.yaml", []byte(richMapping), openCatalog{})
	if open == nil {
		f.Fatal(found)
	}
	f.Add([]byte(`{"order_id":1,"stat_status":1,"delivery_type":{"id":3},"delivery_name":"Іван","delivery_phone":"0671234567","total_sum":10.4,"products":[{"article":"A","quantity":1,"price":1e2}]}`))
	f.Add([]byte(`{"order_id":"1","delivery_type":[],"products":{"0":{}},"total_sum":1e999,"payed":"yes"}`))
	f.Add([]byte(`{"products":[[],{},"x",null,{"price":99999999999999999999,"quantity":-1}],"total_sum":"9223372036854775807"}`))
	f.Add([]byte(`{"\u006frder_id":true,"delivery_address":"№ 5 \ud83d\ude00 \ud83d","currency":"\u0000"}`))
	f.Fuzz(func(t *testing.T, record []byte) {
		record = bytes.TrimSpace(record)
		if !gjson.ValidBytes(record) || record[0] != '{' {
			return
		}
		checkMap(t, p, record)
		checkMap(t, open, record)
	})
}
