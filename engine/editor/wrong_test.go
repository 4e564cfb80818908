package editor_test

import (
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/editor/editortest"
)

// TestWrong holds mistakes at every level against the schema: beside each stands
// the same without it.
func TestWrong(t *testing.T) {
	k := &editortest.Checker{}
	for _, c := range []struct{ name, wrong, right string }{
		{"a key of the mapping", "feilds: {}", "tables: {}"},
		{"the name", "mapping: an order", "mapping: an-order"},
		{"an event", "from: shop.order_updated", "from: [shop.order_created, drive.new_order]"},
		{"an operation", "to: saleapp.upsert", "to: saleapp.upsert_order"},
		{"a when that is a number", "when: 5", "when: true"},
		{"a when that is an object", "when: {fields: {a: order_id}}", "when: {expr: payed == 1, default: false}"},
		{"a name of let", "let: {full-name: delivery_name}", "let: {full_name: delivery_name}"},
		{"a reserved name of let", "let: {_meta: delivery_name}", "let: {meta: delivery_name}"},
		{"a text that is no path", "let: {a: some text}", "let: {a: {value: some text}}"},
		{"a value in a let", "let: {a: {pth: order_id}}", "let: {a: {path: order_id, type: string}}"},
		{"a lookup", "lookups: {c: {from: np.town, args: {name: delivery_city}}}", "lookups: {c: {from: np.city, args: {name: delivery_city}}}"},
		{"a key of a lookup", "lookups: {c: {from: np.city, arg: {name: delivery_city}}}", "lookups: {c: {from: np.city, when: = payed == 1, args: {name: delivery_city}}}"},
		{"an argument", "lookups: {c: {from: np.city, args: {nam: delivery_city}}}", "lookups: {c: {from: np.city, args: {name: delivery_city, area: delivery_city}}}"},
		{"a missing argument", "lookups: {c: {from: np.city, args: {area: delivery_city}}}", "lookups: {c: {from: np.branch, args: {city: delivery_city}}}"},
		{"a table's row", "tables: {a: {1: [2]}}", "tables: {a: {1: 2, 3: null}}"},
		{"an empty table", "tables: {a: {}}", "tables: {a: codes.csv}"},
		{"a table's file", "tables: {a: codes.txt}", "tables: {a: ../tables/codes.yml}"},
		{"a field", "fields: {adres: delivery_city}", "fields: {addres: delivery_city}"},
		{"a dotted name that leads nowhere", "fields: {city.name: delivery_city}", "fields: {delivery.address.city: delivery_city}"},
		{"an index that is none", "fields: {products.first.sku: order_id}", "fields: {products.0.sku: order_id}"},
		{"an empty step", "fields: {delivery..city: order_id}", "fields: {delivery.address: {fields: {city: order_id}}}"},
		{"no value", "fields: {city: }", "fields: {city: delivery_city}"},
		{"a list for a text", "fields: {city: [delivery_city]}", "fields: {tags: [delivery_city]}"},
		{"an each for a text", "fields: {city: {each: products, value: item.title}}", "fields: {tags: {each: products, value: item.title}}"},
		{"an object for a text", "fields: {city: {fields: {name: delivery_city}}}", "fields: {delivery: {fields: {address: {fields: {city: delivery_city}}}}}"},
		{"true for a number", "fields: {weight: true}", "fields: {paid: true}"},
		{"a number outside the list", "fields: {delivery_types: 9}", "fields: {delivery_types: 3}"},
		{"a constant outside the list", "fields: {delivery_types: {value: 9}}", `fields: {delivery_types: {value: "3"}}`},
		{"a constant of another type", "fields: {paid: {value: [1]}}", "fields: {paid: {value: 1}}"},
		{"no kind", "fields: {city: {default: {value: Київ}}}", "fields: {city: {path: delivery_city, default: {value: Київ}}}"},
		{"two kinds", "fields: {city: {path: delivery_city, expr: upper(delivery_city)}}", "fields: {city: {expr: upper(delivery_city)}}"},
		{"a path that is none", "fields: {city: {path: = delivery_city}}", `fields: {city: {path: 'products.#(article=="A b").title'}}`},
		{"a key of an each beside a path", "fields: {city: {path: delivery_city, as: x}}", "fields: {tags: {each: products, as: x, value: x.title}}"},
		{"a modifier", "fields: {city: {path: delivery_city, tabel: {a: b}}}", "fields: {city: {path: delivery_city, table: {a: b}}}"},
		{"a type", "fields: {city: {path: delivery_city, type: text}}", "fields: {city: {path: delivery_city, type: string}}"},
		{"required", "fields: {city: {path: delivery_city, required: yes}}", "fields: {city: {path: delivery_city, required: true}}"},
		{"on_error", "fields: {city: {path: delivery_city, on_error: ignore}}", "fields: {city: {path: delivery_city, on_error: omit}}"},
		{"on_error without default", "fields: {city: {path: delivery_city, on_error: default}}", "fields: {city: {path: delivery_city, on_error: default, default: delivery_address}}"},
		{"a table beside an each", "fields: {tags: {each: products, value: item.title, table: {a: b}}}", "fields: {tags: {each: products, value: {path: item.title, table: {a: b}}}}"},
		{"an each that makes nothing", "fields: {tags: {each: products}}", "fields: {tags: {each: products, values: [item.title]}}"},
		{"an each that makes two things", "fields: {tags: {each: products, value: item.title, values: [item.title]}}", "fields: {tags: {each: products, where: = item.quantity > 0, value: item.title}}"},
		{"a field of an element", "fields: {products: {each: products, fields: {sku: item.article, qty: 1, skuu: 1}}}", "fields: {products: {each: products, fields: {sku: item.article, qty: 1}}}"},
		{"a required field of an element", "fields: {products: {each: products, fields: {sku: item.article}}}", "fields: {products: [{each: products, fields: {sku: item.article, qty: 1}}, {fields: {sku: {value: x}, qty: 1}}]}"},
		{"a key of an entry of a list", "fields: {tags: [{paht: order_id}]}", "fields: {tags: [{path: order_id, when: = payed == 1}, comment]}"},
		{"a let of an each", "fields: {tags: {each: products, let: {a: {b: c}}, value: item.title}}", "fields: {tags: {each: products, let: {a: item.title}, value: a}}"},
		{"a choose that is no list", "choose: {fields: {paid: true}}", "choose: [{when: = payed == 1, fields: {paid: true}}, {fields: {paid: false}}]"},
		{"a key of a choose", "choose: [{if: = payed == 1, fields: {paid: true}}]", "choose: [{when: = payed == 1, fields: {paid: true}}]"},
		{"a field of a choose", "choose: [{fields: {payd: true}}]", "choose: [{fields: {paid: true}}]"},
		{"an entry of choose without fields", "choose: [{when: = payed == 1}]", "choose: [{when: = payed == 1, fields: {}}]"},
		{"a key of accept", "accept: [{rule: CW305, why: so}]", "accept: [{rule: CW305, reason: so, path: delivery_type.id, unnamed: true}]"},
		{"a rule of accept", "accept: [{rule: CW140, reason: so}]", "accept: [{rule: CW304, reason: so, field: city}]"},
		{"unnamed without a path", "accept: [{rule: CW305, reason: so, unnamed: true}]", "accept: [{rule: CW305, reason: so}]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			// The schema is that of the right one, as an editor's is older than the text.
			right := around(c.right)
			schema := schemaOf(t, around("fields: {}"))
			if err := k.Check(schema, []byte(right)); err != nil {
				t.Errorf("the right one: %s\n%s", whole(err), right)
			}
			if wrong := around(c.wrong); k.Check(schema, []byte(wrong)) == nil {
				t.Errorf("nothing is wrong with\n%s", wrong)
			}
		})
	}
}

// around makes a mapping of one of its keys.
func around(piece string) string {
	for _, head := range []string{"to: saleapp.upsert_order", "from: shop.order_created", "mapping: example"} {
		if key, _, _ := strings.Cut(head, ":"); !strings.HasPrefix(piece, key+":") {
			piece = head + "\n" + piece
		}
	}
	if !strings.Contains(piece, "\nfields: {") {
		piece += "\nfields: {}"
	}
	given := piece
	for _, required := range []string{"external_id: order_id", "receiver_name: delivery_name", "receiver_phone: delivery_phone", "delivery_types: 1", "products: products"} {
		if name, _, _ := strings.Cut(required, ":"); !strings.Contains(given, "\nfields: {"+name) {
			piece = strings.Replace(piece, "\nfields: {", "\nfields: {\n  "+required+",\n  ", 1)
		}
	}
	return piece + "\n"
}
