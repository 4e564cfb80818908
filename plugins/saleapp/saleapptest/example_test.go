package saleapptest_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"

	"github.com/crosswalk-etl/crosswalk/plugins/saleapp/saleapptest"
)

// A test lets a connector write to the fake, then looks at what arrived.
func ExampleNew() {
	api := saleapptest.New(saleapptest.Options{})
	srv := httptest.NewServer(api)
	defer srv.Close()

	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, field := range [][2]string{
		{"method_type", "POST"},
		{"client_id", "50"},
		{"curency_id", "6"},
		{"warehouse_id", "7"},
		{"external_id", "A-1"},
		{"delivery_types", "1"},
		{"receiver_phone", "+38 (050) 000-00-01"},
		{"products", `[{"sku":"MUG-1","qty":2,"cost":149.50}]`},
	} {
		if err := form.WriteField(field[0], field[1]); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := form.Close(); err != nil {
		fmt.Println(err)
		return
	}
	url := srv.URL + saleapptest.APIPath + "/Orders?secret_key=" + saleapptest.DefaultKey
	resp, err := http.Post(url, form.FormDataContentType(), &body)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(answer))
	for _, o := range api.Orders() {
		fmt.Println(o.ExternalID, o.ReceiverPhone, o.Products[0].Cost, o.Writes)
	}
	// Output:
	// {"error":"false","error_description":"Документ успішно створено!","create_id":1}
	// A-1 380500000001 149.50 1
}
