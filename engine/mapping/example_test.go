package mapping_test

import (
	"fmt"
	"os"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

func Example() {
	program, found := mapping.Compile("mapping.yaml", []byte(`
mapping: horoshop-order
from: shop.order_created
to: saleapp.upsert_order
when: = stat_status != 4
let:
  cod: = payment_type.id == 15
tables:
  delivery: {2: 2, 8: 1}
fields:
  external_id: order_id
  delivery_types: {path: delivery_type.id, table: delivery}
  receiver_name: delivery_name
  receiver_phone: = phone(delivery_phone, "UA")
  delivery_amount: = if cod { round(total_sum) } else { 0 }
  products:
    each: products
    as: item
    where: = item.quantity > 0
    fields:
      sku: item.article
      qty: item.quantity
      cost: item.price
`), catalog{})
	if program == nil {
		_ = found.WriteText(os.Stdout)
		return
	}
	for _, record := range []string{
		`{"order_id": 115, "stat_status": 1, "delivery_type": {"id": 8}, "payment_type": {"id": 15}, "total_sum": 299.50,
		  "delivery_name": "Олена", "delivery_phone": "+38 (067) 123-45-67",
		  "products": [{"article": "CUP", "price": 149.75, "quantity": 2}, {"article": "GIFT", "price": 0, "quantity": 0}]}`,
		`{"order_id": 116, "stat_status": 4}`,
		`{"order_id": 117, "stat_status": 1, "delivery_type": {"id": 42}, "payment_type": {"id": 13},
		  "delivery_name": "Іван", "delivery_phone": "0501234567", "products": []}`,
	} {
		result, err := program.Map(&mapping.Event{Record: []byte(record)}, nil)
		switch {
		case err != nil:
			fmt.Println(err)
		case result.Skipped:
			fmt.Println("skipped")
		default:
			fmt.Println(string(result.Record))
		}
	}
	// Output:
	// {"external_id":"115","delivery_types":1,"receiver_name":"Олена","receiver_phone":"380671234567","delivery_amount":300,"products":[{"sku":"CUP","qty":2,"cost":149.75}]}
	// skipped
	// mapping.yaml:12:26: error CW305: table `delivery` has no row for "42" of `delivery_type.id`
}
