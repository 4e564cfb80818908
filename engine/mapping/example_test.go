package mapping_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// orders is a Catalog that needs neither plugin nor network: the schemas stand here.
type orders struct{}

func (orders) Event(connection, event string) (*schema.Schema, error) {
	if connection != "shop" || event != "order_created" {
		return nil, &mapping.NotFoundError{What: "event of " + connection, Name: event, Known: []string{"order_created"}}
	}
	return schema.Parse([]byte(`{
		"type": "object", "additionalProperties": false,
		"properties": {
			"order_id": {"type": "integer"}, "status": {"type": "integer"}, "phone": {"type": "string"}, "sum": {"type": "number"},
			"delivery": {"type": "object", "additionalProperties": false, "properties": {"id": {"type": "integer"}}},
			"lines": {"type": "array", "items": {"type": "object", "additionalProperties": false,
				"properties": {"article": {"type": "string"}, "quantity": {"type": "integer"}}}}
		}}`))
}

func (orders) Operation(connection, operation string) (*schema.Schema, error) {
	if connection != "crm" || operation != "upsert_order" {
		return nil, &mapping.NotFoundError{What: "operation of " + connection, Name: operation, Known: []string{"upsert_order"}}
	}
	return schema.Parse([]byte(`{
		"type": "object", "additionalProperties": false, "required": ["number", "delivery"],
		"properties": {
			"number": {"type": "string"}, "delivery": {"type": "integer"}, "phone": {"type": "string"}, "pays": {"type": "integer"},
			"items": {"type": "array", "items": {"type": "object", "additionalProperties": false,
				"properties": {"sku": {"type": "string"}, "qty": {"type": "integer"}}}}
		}}`))
}

func (orders) Lookup(string, string) (mapping.LookupSchema, error) {
	return mapping.LookupSchema{}, nil
}

// A mapping is compiled once and maps any number of events, also concurrently. What
// is wrong with it is found when it is compiled, what is wrong with an event when
// it is mapped.
func Example() {
	text := `
mapping: orders
from: shop.order_created
to: crm.upsert_order
when: = status != 4
tables:
  delivery: {2: 20, 8: 10}
fields:
  number: order_id
  delivery: {path: delivery.id, table: delivery}
  phone: = phone(phone, "UA")
  pays: = round(sum)
  items:
    each: lines
    where: = item.quantity > 0
    fields: {sku: item.article, qty: item.quantitty}
`
	program, found := mapping.Compile("orders.yaml", []byte(text), orders{})
	if err := found.WriteText(os.Stdout); err != nil {
		fmt.Println(err)
	}

	text = text[:len(text)-len("quantitty}\n")] + "quantity}\n"
	program, found = mapping.Compile("orders.yaml", []byte(text), orders{})
	if program == nil {
		fmt.Println(found)
		return
	}
	for _, record := range []string{
		`{"order_id": 115, "status": 1, "delivery": {"id": 8}, "phone": "+38 (067) 123-45-67", "sum": 299.50,
		  "lines": [{"article": "CUP", "quantity": 2}, {"article": "GIFT", "quantity": 0}]}`,
		`{"order_id": 116, "status": 4}`,
		`{"order_id": 117, "status": 1, "delivery": {"id": 42}, "sum": 10}`,
	} {
		result, err := program.Map(&mapping.Event{Record: []byte(record)}, nil)
		var failed *mapping.Error
		switch {
		case errors.As(err, &failed):
			fmt.Printf("field %s, path %s: %s\n", failed.Field, failed.Path, failed.Diagnostic.Message)
		case result.Skipped:
			fmt.Println("skipped")
		default:
			fmt.Println(string(result.Record))
		}
	}
	// Output:
	// orders.yaml:16:43: error CW121: `item` has no field `quantitty`
	//   16 |     fields: {sku: item.article, qty: item.quantitty}
	//      |                                           ^^^^^^^^^
	//   hint: did you mean `quantity`?
	// {"number":"115","delivery":10,"phone":"380671234567","pays":300,"items":[{"sku":"CUP","qty":2}]}
	// skipped
	// field delivery, path delivery.id: table `delivery` has no row for "42" of `delivery.id`
}
