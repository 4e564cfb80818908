// Package saleapptest is a faithful fake of SaleApp's Orders API, for tests and
// for trying things out: an http.Handler that keeps orders in memory and is as
// strict as the vendor's document, "Замовлення" (Orders), says.
//
// A test of a connector starts it like this:
//
//	api := saleapptest.New(saleapptest.Options{})
//	srv := httptest.NewServer(api)
//	defer srv.Close()
//	base := srv.URL + saleapptest.APIPath // what a connection calls its base URL
//	// ... let the connector write with saleapptest.DefaultKey ...
//	for _, o := range api.Orders() {
//		fmt.Println(o.ExternalID, o.ReceiverName, o.Writes)
//	}
//
// # What it answers
//
// Requests are POSTs to APIPath + "/Orders?secret_key=KEY", in
// multipart/form-data (what PHP's curl makes of an array) or
// application/x-www-form-urlencoded. The verb is the form field method_type:
// GET, POST, PUT or DELETE.
//
// From the document: the two kinds of keys and what each may send; which fields
// are required when; how orders and products are searched for; what PUT does not
// process (funnel, and custom_fields, which it does not list); that DELETE takes
// neither number nor client_id, so that it removes every order of that
// external_id, whichever client's it is; the statuses that may be deleted; the
// shapes of the answers, in which every scalar but create_id is a string.
//
// The document leaves the following open, and these are the answers of this
// package, each on the side that finds more mistakes:
//
//   - A refusal is HTTP 200 with "error":"true", a wrong key's too. Only what never
//     reached the API's own code has another status: 405 for another HTTP
//     method, 404 for another path, 413 for a body above MaxBody.
//   - All problems of a request are told at once, separated by "; ".
//   - POST under the organization's key requires client_id, curency_id and
//     warehouse_id. Under the counterparty's key they are ignored in every verb, and
//     other clients' orders are not found.
//   - POST requires delivery_types. PUT with delivery_types requires city_ref and
//     branch_ref as POST does, whatever the order holds already.
//   - A field that PUT does not get keeps its value; a text that it gets empty is
//     emptied; a number, date or id that is empty counts as not sent.
//   - Only the first given of id, number and external_id is searched by. A GET that
//     finds nothing succeeds with no orders; a PUT or DELETE is refused.
//   - client_id narrows GET's and PUT's search whatever it goes by. Where several
//     orders remain, PUT changes the oldest.
//   - Nothing is idempotent: a POST repeated is a second order.
//   - A line of products needs qty above 0; cost and discount_percent are "0" if
//     not sent. Products are an array and custom_fields an object; the empty array
//     that PHP makes of no custom fields is allowed.
//   - ttn, ttn_ref, seats_number, custom_fields, funnel and funnel_name are in the
//     document's model but not in its sample answer: they are answered when they have a
//     value.
//   - Times are UTC.
//
// # Looking inside
//
// Beside the API, and untouched by faults:
//
//	GET  /saleapp/_orders       every order, oldest first, with client_id, curency_id, warehouse_id, writes
//	POST /saleapp/_orders/{id}  what staff does in SaleApp: {"status_id":3,"ttn":"…","ttn_ref":"…","seats_number":1}
//	GET  /saleapp/_deleted      every deleted order, in order of deletion
//	GET  /saleapp/_writes       every write, in order: sequence, verb, id, external_id, client_id, addres
//	GET  /saleapp/_counts       requests, and what faults did to them
//	GET  /saleapp/_faults       the faults; POST changes those that it names (also at /_faults)
//
// State is kept until the process ends and grows with what is written.
package saleapptest
