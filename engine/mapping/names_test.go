package mapping_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// TestCircles needs names of `let` and `lookups` in circles: each is told once, with
// the way around.
func TestCircles(t *testing.T) {
	for names, want := range map[string]string{
		"let: {a: = a + 1}":                        "`a` needs itself: a → a",
		"let: {a: = b, b: '= c ?? 1', c: '= [a]'}": "`a` needs itself: a → b → c → a",
		"let: {z: x.ref}\nlookups: {x: {from: np.city, args: {name: y.ref}}, y: {from: np.city, args: {name: z}}}":                    "`z` needs itself: z → x → y → z",
		"lookups: {a: {from: np.city, when: = a.ref != nil, args: {name: delivery_city}}}":                                            "`a` needs itself: a → a",
		"let: {a: {path: order_id, default: b}, b: {path: order_id, when: = c == 1}, c: {path: order_id, table: {1: 2}, default: a}}": "`a` needs itself: a → b → c → a",
	} {
		first := "z"
		if !strings.Contains(names, "z:") {
			first = "a"
		}
		_, found := mapping.Compile("m.yaml", []byte("mapping: m\nfrom: shop.order_created\nto: any.operation\n"+names+"\nfields: {v: "+first+"}\n"), catalog{})
		circles := 0
		for _, d := range found {
			if d.Rule == "CW150" {
				if circles++; d.Message != want {
					t.Errorf("%s: %s", names, d.Message)
				}
			}
		}
		if circles != 1 {
			t.Errorf("%s: %d circles in %v", names, circles, found)
		}
	}
}

// TestNamesOnce computes a name once for all that read it: it fails once.
func TestNamesOnce(t *testing.T) {
	p := compile(t, "mapping: m\nfrom: any.event\nto: any.operation\nlet: {bad: = 1 / n, worse: = bad + 1}\nfields: {a: bad, b: = bad + 1, c: worse, d: {path: bad, on_error: omit}}\n")
	_, err := mapRecord(t, p, `{"n":0}`)
	var e *mapping.Error
	if !errors.As(err, &e) || len(e.List()) != 1 {
		t.Errorf("%v", err)
	}
	if r, err := mapRecord(t, p, `{"n":2}`); err != nil || string(r.Record) != `{"a":0.5,"b":1.5,"c":1.5,"d":0.5}` {
		t.Errorf("%s, %v", r.Record, err)
	}
}

// TestDottedNames goes by dotted names into the sink's objects and arrays.
func TestDottedNames(t *testing.T) {
	head := "mapping: m\nfrom: any.event\nto: saleapp.upsert_order\nfields:\n  external_id: id\n  delivery_types: 1\n  receiver_name: id\n  receiver_phone: id\n"
	p := compile(t, head+"  delivery.address.city: city\n  delivery.address.street: street\n  products.0.sku: sku\n  products.0.qty: 1\n  products.1: {fields: {sku: {value: B}, qty: 2}}\n")
	r, err := mapRecord(t, p, `{"id":1,"sku":"A","street":"Садова"}`)
	want := `{"external_id":"1","delivery_types":1,"receiver_name":"1","receiver_phone":"1","delivery":{"address":{"street":"Садова"}},"products":[{"sku":"A","qty":1},{"sku":"B","qty":2}]}`
	if err != nil || string(r.Record) != want {
		t.Errorf("%s, %v", r.Record, err)
	}
	if r, err = mapRecord(t, p, `{"id":1,"sku":"A"}`); err != nil || strings.Contains(string(r.Record), "delivery\"") {
		t.Errorf("an object without fields: %s, %v", r.Record, err)
	}
}

// TestLookupsOfElements asks for some elements of an array only, all in one round.
func TestLookupsOfElements(t *testing.T) {
	p := compile(t, `mapping: m
from: any.event
to: any.operation
fields:
  v:
    each: lines
    lookups:
      city: {from: np.city, when: = item.kind == 3, args: {name: item.city}}
      branch: {from: np.branch, args: {city: city.ref, number: item.n}}
    fields: {city: city.ref, branch: {path: branch.ref, default: {value: none}}}
`)
	found := func(s string) mapping.Answer { return mapping.Answer{Found: []byte(s)} }
	got, asked := answered(t, p, `{"lines":[{"kind":3,"city":"Київ","n":1},{"kind":2,"city":"Львів"},{"kind":3,"city":"Одеса"},{"kind":3},{"kind":3,"city":"Київ","n":2}]}`, map[string]mapping.Answer{
		`city {"name":"Київ"}`: found(`{"ref":"k"}`), `city {"name":"Одеса"}`: found(`{"ref":"o"}`), `branch {"city":"k","number":1}`: found(`{"ref":"k1"}`),
	})
	want := `{"v":[{"city":"k","branch":"k1"},{"branch":"none"},{"city":"o","branch":"none"},{"branch":"none"},{"city":"k","branch":"none"}]}`
	rounds := `city {"name":"Київ"}; city {"name":"Одеса"}` + "\n" + `branch {"city":"k","number":1}; branch {"city":"k","number":2}` + "\n"
	if got != want || asked != rounds {
		t.Errorf("got %s\nwant %s\nasked:\n%swant:\n%s", got, want, asked, rounds)
	}
}
