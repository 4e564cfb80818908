package main

import (
	"testing"

	"github.com/tidwall/gjson"
)

// BenchmarkRecord is what the connector itself does with one order: the check
// against the schema and the body of the request. go test -bench Record
func BenchmarkRecord(b *testing.B) {
	check, err := newChecker(createSchema(organizationKey))
	if err != nil {
		b.Fatal(err)
	}
	record := []byte(`{"external_id":"A-1","delivery_types":3,"receiver_name":"Ганна Їжакевич","receiver_phone":"380671112233","city":"Львів",` +
		`"city_ref":"c-ref","addres":"Відділення №7","branch_ref":"b-ref","insurance_amount":300,"delivery_amount":0,` +
		`"products":[{"sku":"UA25","qty":2,"cost":49.79},{"sku":"UA26","qty":1,"cost":12.98}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if f := check.check(record); f != nil {
			b.Fatal(f)
		}
		var f form
		f.addRecord(gjson.ParseBytes(record), func(string) bool { return false })
		if _, body := f.encode(verbPost); len(body) == 0 {
			b.Fatal("no body")
		}
	}
}
