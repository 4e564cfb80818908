package saleapptest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/saleapp/saleapptest"
)

// boundary is one that curl made.
const boundary = "------------------------3f1c0a9be77d21c4"

// field is one field of a form, in the order in which a PHP array has it.
type field struct{ name, value string }

// phpBody is what PHP's curl sends for CURLOPT_POSTFIELDS with an array.
func phpBody(fields []field) string {
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", boundary, f.name, f.value)
	}
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	return b.String()
}

const phpContentType = "multipart/form-data; boundary=" + boundary

// fields makes a form of "name=value" strings.
func fields(pairs ...string) []field {
	out := make([]field, len(pairs))
	for i, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		out[i] = field{name, value}
	}
	return out
}

// order is a POST that nothing is wrong with, and what differs in it.
func order(pairs ...string) []field {
	all := fields("method_type=POST", "client_id=50", "curency_id=6", "warehouse_id=7",
		"delivery_types=1", `products=[{"sku":"MUG-1","qty":1,"cost":149.50}]`)
	return append(all, fields(pairs...)...)
}

func ordersURL(base, key string) string {
	return base + saleapptest.APIPath + "/Orders?secret_key=" + url.QueryEscape(key)
}

// post sends a form as PHP's curl does. It may be called from any goroutine.
func post(t *testing.T, base, key string, form []field) (status int, body string, err error) {
	t.Helper()
	return do(t, http.MethodPost, ordersURL(base, key), phpContentType, phpBody(form))
}

func do(t *testing.T, method, target, contentType, body string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	got, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(got), err
}

// mustPost is post for what must succeed.
func mustPost(t *testing.T, base string, form []field) {
	t.Helper()
	status, body, err := post(t, base, saleapptest.DefaultKey, form)
	if err != nil || status != http.StatusOK || !strings.HasPrefix(body, `{"error":"false"`) {
		t.Fatalf("post: %d %s %v", status, body, err)
	}
}

func serve(t *testing.T, o saleapptest.Options) (*saleapptest.Server, string) {
	t.Helper()
	api := saleapptest.New(o)
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	return api, srv.URL
}

// minutes is a clock that goes on by a minute whenever it is read.
func minutes() func() time.Time {
	var mu sync.Mutex
	at := time.Date(2026, 3, 2, 9, 59, 30, 0, time.UTC)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(time.Minute)
		return at
	}
}
