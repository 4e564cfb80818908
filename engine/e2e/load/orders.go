package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// idMark is where an order's id goes: as many digits as every id has.
const (
	idMark  = "1234567890"
	firstID = 1_000_000_000
)

// order makes an order of a Horoshop shop of about so many bytes: a head, and as
// many lines as fit.
func order(size int) string {
	head := `{"order_id":` + idMark + `,"user":17,"delivery_name":"Олена Шевчук","delivery_email":"olena@poshta.example","delivery_phone":"+380671234567",` +
		`"delivery_city":"Полтава","delivery_address":"вул. Садова, 12, кв. 4","delivery_type":{"id":2,"title":"Кур'єр"},"delivery_price":60,` +
		`"comment":%q,"payment_type":{"id":15,"title":"Накладений платіж"},"payed":0,"total_default":%d,"total_sum":%d,"total_quantity":%d,` +
		`"stat_status":1,"stat_created":"2026-11-02 20:41:13","currency":"UAH","order_without_callback":false,"products":[%s]}`
	var lines []string
	text := func(comment string) string {
		n := len(lines)
		return fmt.Sprintf(head, comment, 250*n, 250*n, n, strings.Join(lines, ","))
	}
	for {
		lines = append(lines, fmt.Sprintf(
			`{"title":"Ліхтар налобний, акумуляторний, %d лм","article":"LT-%04d","price":250,"quantity":1,"discount_marker":"NONE","total_price":250}`,
			100+len(lines), len(lines)))
		if n := len(text("")); n > size-200 {
			return text(strings.Repeat("x", max(0, size-n)))
		}
	}
}

// requests gives what writes the HTTP request for an order's id.
func requests(host, path string, size int) func(into []byte, id int) []byte {
	body := order(size)
	whole := []byte("PUT " + path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: shop/1.0\r\nContent-Type: application/json\r\n" +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	at := bytes.LastIndex(whole[:len(whole)-len(body)+64], []byte(idMark))
	return func(into []byte, id int) []byte {
		into = append(into, whole...)
		strconv.AppendInt(into[at:at:at+len(idMark)], int64(firstID+id), 10)
		return into
	}
}
