package saleapptest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/saleapp/saleapptest"
)

// TestPHPCurl sends the very bytes that PHP's curl puts on the wire, which waits for
// 100 Continue, and compares the whole body of the answer.
func TestPHPCurl(t *testing.T) {
	_, base := serve(t, saleapptest.Options{})
	host := strings.TrimPrefix(base, "http://")
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }() // nothing is left to be written
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	body := phpBody(order("external_id=A-1", "receiver_name=Олена \"Приклад\"\r\nдругий рядок"))
	head := fmt.Sprintf("POST %s/Orders?secret_key=%s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\nContent-Length: %d\r\n"+
		"Content-Type: %s\r\nExpect: 100-continue\r\n\r\n", saleapptest.APIPath, saleapptest.DefaultKey, host, len(body), phpContentType)
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("expected 100 Continue, got %q, %v", line, err)
	}
	if _, err := r.ReadString('\n'); err != nil { // the empty line
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"error":"false","error_description":"Документ успішно створено!","create_id":1}`
	if string(got) != want || resp.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("got %s as %s\nwant %s", got, resp.Header.Get("Content-Type"), want)
	}
}

// TestModel holds the answer's fields to those of the document's sample answer, in
// its order.
func TestModel(t *testing.T) {
	_, base := serve(t, saleapptest.Options{})
	mustPost(t, base, order("external_id=A-1", "type=8"))
	_, body, err := post(t, base, saleapptest.DefaultKey, fields("method_type=GET", "id=1"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile(`"(\w+)":`).FindAllStringSubmatch(body, -1) {
		names = append(names, m[1])
	}
	want := strings.Fields(`error error_description response
		id number external_id status_id delivery_type_name delivery_types receiver_name receiver_phone city city_ref
		addres branch_ref insurance_amount delivery_amount type_ids date_entered date_update
		type id name
		products id name sku external_id qty allocated_qty cost discount_percent supplier_ids
		status_name`)
	if !slices.Equal(names, want) {
		t.Errorf("got  %q\nwant %q", names, want)
	}
	if m := regexp.MustCompile(`":[0-9tfn]`).FindString(body); m != "" {
		t.Errorf("a scalar is not a string: %q in %s", m, body)
	}
}

func TestBodies(t *testing.T) {
	get := func(pairs ...string) string { return phpBody(append(fields("method_type=GET"), fields(pairs...)...)) }
	whole := get("id=1")
	for _, tt := range []struct {
		name, contentType, body string
		status                  int
		want                    string // begins the answer
	}{
		{"the last of several counts", phpContentType, get("id=x", "id=1"), 200, `{"error":"false"`},
		{"files are no fields", phpContentType, strings.Replace(get("id=1", "id=x"), `name="id"`+"\r\n\r\nx", `name="id"; filename="x"`+"\r\n\r\nx", 1), 200, `{"error":"false"`},
		{"urlencoded", "application/x-www-form-urlencoded; charset=UTF-8", "method_type=GET&id=x&id=1", 200, `{"error":"false"`},
		{"urlencoded broken", "application/x-www-form-urlencoded", "method_type=GET&id=%zz", 200, `{"error":"true","error_description":"Не вдалося прочитати поля запиту`},
		{"no content type", "", whole, 200, `{"error":"true","error_description":"Content-Type запиту`},
		{"content type broken", "multipart/form-data; boundary", whole, 200, `{"error":"true","error_description":"Content-Type запиту`},
		{"no boundary", "multipart/form-data", whole, 200, `{"error":"true","error_description":"Не вдалося прочитати поля запиту`},
		{"another boundary", "multipart/form-data; boundary=x", whole, 200, `{"error":"true","error_description":"Не заповнено поле method_type`},
		{"cut off", phpContentType, whole[:len(whole)-10], 200, `{"error":"true","error_description":"Не вдалося прочитати поля запиту`},
		{"empty", phpContentType, "", 200, `{"error":"true","error_description":"Не заповнено поле method_type`},
		{"not UTF-8", phpContentType, get("external_id=\xc0\xe1\xe2"), 200, `{"error":"true","error_description":"Поле \"external_id\" не в кодуванні UTF-8"`},
		{"largest", phpContentType, get("id=1", "x="+strings.Repeat("x", saleapptest.MaxBody-1000)), 200, `{"error":"false"`},
		{"too large", phpContentType, get("id=1", "x="+strings.Repeat("x", saleapptest.MaxBody)), 413, `{"error":"true","error_description":"Запит завеликий: дозволено 8388608 байтів"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, base := serve(t, saleapptest.Options{})
			status, body, err := do(t, http.MethodPost, ordersURL(base, saleapptest.DefaultKey), tt.contentType, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			if status != tt.status || !strings.HasPrefix(body, tt.want) {
				t.Errorf("got %d %s\nwant %d %s…", status, body, tt.status, tt.want)
			}
		})
	}
}

// TestKeys gives a server keys and a counterparty of its own.
func TestKeys(t *testing.T) {
	api, base := serve(t, saleapptest.Options{
		Key: "o&k", CounterpartyKey: "c=k", Counterparty: saleapptest.Counterparty{ClientID: "11", CurencyID: "12"},
	})
	for key, want := range map[string]string{"o&k": "false", "c=k": "false", "": "true", saleapptest.DefaultKey: "true"} {
		_, body, err := post(t, base, key, order())
		if err != nil || !strings.HasPrefix(body, `{"error":"`+want+`"`) {
			t.Errorf("key %q: %s, %v", key, body, err)
		}
	}
	clients := map[string]string{}
	for _, o := range api.Orders() {
		clients[o.ClientID] = o.CurencyID + " " + o.WarehouseID
	}
	if len(clients) != 2 || clients["50"] != "6 7" || clients["11"] != "12 "+saleapptest.DefaultCounterpartyWarehouse {
		t.Errorf("clients: %v", clients)
	}
}
