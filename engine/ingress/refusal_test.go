package ingress_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/ingress"
)

func gzipped(t *testing.T, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// unsized hides a body's length, so that it is sent in chunks.
type unsized struct{ io.Reader }

// TestRefusals keeps promise D8: bad input is answered by a clear 4xx.
func TestRefusals(t *testing.T) {
	r := start(t, nil, nil)
	const good = `{"order_id": 7}`
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	multi := func(parts string) string { return "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" + parts }
	const isJSON, isForm, isMulti = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
	for _, c := range []struct {
		name, method, path, contentType, body string
		status                                int
		code, message                         string
		header                                []string
		unsized                               bool
	}{
		{name: "wrong token", path: "/in/shop/wrong-token", body: good, status: 404, code: ingress.CodeNotFound, message: "nothing here"},
		{name: "unknown connection", path: "/in/other/" + token, body: good, status: 404, code: ingress.CodeNotFound},
		{name: "no token", path: "/in/shop", body: good, status: 404, code: ingress.CodeNotFound},
		{name: "empty token", path: "/in/shop/", body: good, status: 404, code: ingress.CodeNotFound},
		{name: "root", path: "/", body: good, status: 404, code: ingress.CodeNotFound},
		{name: "wrong method", method: "PATCH", body: good, status: 405, code: ingress.CodeMethod, message: "`PATCH`"},
		{name: "options", method: "OPTIONS", path: "/nowhere", status: 405, code: ingress.CodeMethod},
		{name: "not JSON", body: "hello", status: 400, code: ingress.CodeJSON, message: "line 1, column 1: unexpected 'h' where a value should begin"},
		{name: "truncated JSON", body: `{"order_id": 7, "total": 49.7`, status: 400, code: ingress.CodeJSON, message: "line 1, column 30: the body ends"},
		{name: "second line", body: "{\n  \"ім'я\": \"Олена\",,\n}", status: 400, code: ingress.CodeJSON, message: "line 2, column 19: unexpected ','"},
		{name: "two documents", body: "{}{}", status: 400, code: ingress.CodeJSON, message: "line 1, column 3: unexpected '{' behind the end"},
		{name: "not UTF-8", body: "{\"name\": \"\xce\xeb\xe5\xed\xe0\"}", status: 400, code: ingress.CodeJSON, message: "line 1, column 11: the byte 0xCE is not UTF-8"},
		{name: "too deep", body: nested(65), status: 400, code: ingress.CodeJSON, message: "nest deeper than 64"},
		{name: "far too deep", body: nested(400_000), status: 400, code: ingress.CodeJSON, message: "nest deeper than 64"},
		{name: "too deep in objects", body: strings.Repeat(`{"a":`, 100), status: 400, code: ingress.CodeJSON, message: "nest deeper than 64"},
		{name: "empty post", body: "", status: 400, code: ingress.CodeEmpty},
		{name: "empty put", method: "PUT", body: "", status: 400, code: ingress.CodeEmpty},
		{name: "empty in chunks", body: "", unsized: true, status: 400, code: ingress.CodeEmpty},
		{name: "only blanks", body: " \n", status: 400, code: ingress.CodeJSON, message: "there is no value"},
		{name: "bad body of a delete", method: "DELETE", body: "{", status: 400, code: ingress.CodeJSON},
		{name: "10 MB", body: strings.Repeat(" ", 10<<20), status: 413, code: ingress.CodeTooLarge, message: "larger than 1048576 bytes"},
		{name: "10 MB in chunks", body: strings.Repeat(" ", 10<<20), unsized: true, status: 413, code: ingress.CodeTooLarge},
		{name: "one byte too large in chunks", body: strings.Repeat(" ", 1<<20+1), unsized: true, status: 413, code: ingress.CodeTooLarge},
		{name: "wrong charset", contentType: "application/json; charset=windows-1251", body: good, status: 415, code: ingress.CodeCharset, message: "`windows-1251`"},
		{name: "wrong charset of a form", contentType: isForm + "; charset=koi8-u", body: "a=b", status: 415, code: ingress.CodeCharset, message: "`koi8-u`"},
		{name: "text", contentType: "text/plain", body: good, status: 415, code: ingress.CodeType, message: "`text/plain`"},
		{name: "xml", contentType: "application/xml", body: "<a/>", status: 415, code: ingress.CodeType},
		{name: "malformed content type", contentType: "application/json; charset", body: good, status: 415, code: ingress.CodeType, message: "malformed"},
		{name: "two content types", header: []string{"Content-Type", isForm}, contentType: isJSON, body: good, status: 415, code: ingress.CodeType, message: "more than one"},
		{name: "long content type", contentType: "text/" + strings.Repeat("x", 1000), body: good, status: 415, code: ingress.CodeType, message: "…"},
		{name: "brotli", header: []string{"Content-Encoding", "br"}, body: good, status: 415, code: ingress.CodeEncoding, message: "`br`"},
		{name: "gzip twice", header: []string{"Content-Encoding", "gzip, gzip"}, body: good, status: 415, code: ingress.CodeEncoding},
		{name: "no gzip", header: []string{"Content-Encoding", "gzip"}, body: good, status: 400, code: ingress.CodeGzip},
		{name: "gzip cut off", header: []string{"Content-Encoding", "gzip"}, body: gzipped(t, []byte(good))[:20], status: 400, code: ingress.CodeIncomplete},
		{name: "gzip bomb", header: []string{"Content-Encoding", "gzip"}, body: gzipped(t, make([]byte, 50<<20)), status: 413, code: ingress.CodeTooLarge},
		{name: "gzip of bad JSON", header: []string{"Content-Encoding", "gzip"}, body: gzipped(t, []byte("{")), status: 400, code: ingress.CodeJSON},
		{name: "form escape", contentType: isForm, body: "a=1&b=100%", status: 400, code: ingress.CodeForm, message: "byte 10 of the form"},
		{name: "form escape not hex", contentType: isForm, body: "a=%zz", status: 400, code: ingress.CodeForm, message: "byte 3"},
		{name: "form not UTF-8", contentType: isForm, body: "a=1&name=%CE%EB", status: 400, code: ingress.CodeForm, message: "byte 5 of the form: the field that begins here is not UTF-8"},
		{name: "form too deep", contentType: isForm, body: "a" + strings.Repeat("[b]", 65) + "=1", status: 400, code: ingress.CodeForm, message: "too deep"},
		{name: "form too deep escaped", contentType: isForm, body: "a" + strings.Repeat("%5Bb%5D", 65) + "=1", status: 400, code: ingress.CodeForm, message: "too deep"},
		{name: "form of many fields", contentType: isForm, body: strings.Repeat("a&", 10_000), status: 400, code: ingress.CodeForm, message: "more than 10000 fields"},
		{name: "bad JSON sent as a form", contentType: isForm, body: `{"a": 1`, status: 400, code: ingress.CodeJSON},
		{name: "multipart without boundary", contentType: "multipart/form-data", body: "x", status: 400, code: ingress.CodeForm, message: "boundary"},
		{name: "multipart cut off", contentType: isMulti, body: multi("1\r\n--b"), status: 400, code: ingress.CodeForm, message: "part 2 of the multipart form is malformed or cut off"},
		{name: "multipart without its end", contentType: isMulti, body: multi("1\r\n--b\r\n"), status: 400, code: ingress.CodeForm, message: "part 2"},
		{name: "multipart of nothing", contentType: isMulti, body: "hello", status: 400, code: ingress.CodeForm, message: "part 1"},
		{name: "multipart not UTF-8", contentType: isMulti, body: multi("\xce\xeb\r\n--b--\r\n"), status: 400, code: ingress.CodeForm, message: "not UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.method == "" {
				c.method = "POST"
			}
			if c.path == "" {
				c.path = "/in/shop/" + token
			}
			header := c.header
			if c.contentType != "" {
				header = append([]string{"Content-Type", c.contentType}, header...)
			}
			var body io.Reader = strings.NewReader(c.body)
			if c.unsized {
				body = unsized{body}
			}
			got := r.send(t, c.method, c.path, body, header...)
			if got.StatusCode != c.status || got.code() != c.code || !strings.Contains(got.message(), c.message) {
				t.Errorf("got %d %s\nwant %d %s, %q", got.StatusCode, got.text, c.status, c.code, c.message)
			}
			if got.Header.Get("Content-Type") != "application/json" || strings.Count(got.text, "\n") != 1 || len(got.text) > 700 {
				t.Errorf("not one line of JSON: %q %q", got.Header.Get("Content-Type"), got.text)
			}
			if c.status == 405 && got.Header.Get("Allow") != "POST, PUT, GET, DELETE" {
				t.Errorf("Allow: %q", got.Header.Get("Allow"))
			}
			if c.code == ingress.CodeEncoding && got.Header.Get("Accept-Encoding") != "gzip" {
				t.Errorf("Accept-Encoding: %q", got.Header.Get("Accept-Encoding"))
			}
		})
	}
	if events := r.journal.all(); len(events) > 0 {
		t.Errorf("%d refused requests were stored", len(events))
	}
}

func TestAccepted(t *testing.T) {
	r := start(t, nil, nil)
	const multi = "--b\r\nContent-Disposition: form-data; name=\"order[id]\"\r\n\r\n1\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n\xff\r\n--b--\r\n"
	for _, c := range []struct {
		name, method, contentType, body string
		header                          []string
	}{
		{name: "post", method: "POST", contentType: "application/json", body: `{"a":1}`},
		{name: "put", method: "PUT", contentType: "application/json; charset=\"UTF-8\"", body: `{"a":1}`},
		{name: "ascii", method: "PUT", contentType: "application/json; charset=us-ascii", body: `{"a":1}`},
		{name: "delete", method: "DELETE"},
		{name: "delete with any type", method: "DELETE", contentType: "text/plain"},
		{name: "get", method: "GET"},
		{name: "no content type", method: "POST", body: ` {"a":1} `},
		{name: "vendor's JSON", method: "POST", contentType: "application/vnd.shop+json", body: `[]`},
		{name: "names twice", method: "POST", body: `{"a":1,"a":2}`},
		{name: "byte order mark", method: "POST", body: "\xEF\xBB\xBF{}"},
		{name: "deep enough", method: "POST", body: strings.Repeat("[", 64) + strings.Repeat("]", 64)},
		{name: "largest", method: "POST", body: `"` + strings.Repeat("x", 1<<20-2) + `"`},
		{name: "form", method: "POST", contentType: "application/x-www-form-urlencoded", body: "order[id]=7&name=%D0%9E%D0%BB%D0%B5%D0%BD%D0%B0+x&json=[[[" + strings.Repeat("[", 100)},
		{name: "JSON sent as a form", method: "POST", contentType: "application/x-www-form-urlencoded", body: `{"a": "100%"}`},
		{name: "multipart", method: "POST", contentType: "multipart/form-data; boundary=b", body: multi},
		{name: "gzip", method: "POST", header: []string{"Content-Encoding", "gzip"}, body: gzipped(t, []byte(`{"a":1}`))},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := c.header
			if c.contentType != "" {
				header = append(header, "Content-Type", c.contentType)
			}
			before := len(r.journal.all())
			got := r.send(t, c.method, "/in/shop/"+token, strings.NewReader(c.body), header...)
			if got.StatusCode != 200 || got.text != `{"accepted":1,"duplicates":0}`+"\n" {
				t.Errorf("got %d %s", got.StatusCode, got.text)
			}
			if n := len(r.journal.all()); n != before+1 {
				t.Errorf("%d events are stored", n-before)
			}
		})
	}
}

// TestNotFoundIsOne checks that the answer does not tell a wrong token from an
// unknown connection, byte for byte but for the date.
func TestNotFoundIsOne(t *testing.T) {
	r := start(t, nil, func(o *ingress.Options) {
		o.Connections = append(o.Connections, ingress.Connection{Name: "sink"})
	})
	answers := map[string]bool{}
	for _, path := range []string{
		"/in/shop/wrong-token", "/in/other/" + token, "/in/sink/", "/in/sink/x", "/in/shop/", "/in/shop", "/in/", "/", "/in//" + token,
		"/healthz", "/in/shop/" + token[:5], "/in/shop/" + token + "x", "/in/shop/%2F" + token, "//in/shop/" + token, "/in/SHOP/" + token,
	} {
		for _, method := range []string{"GET", "POST"} {
			c := r.dial(t)
			put(t, c, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", method, path)
			head, body, _ := strings.Cut(rest(t, c), "\r\n\r\n")
			var lines []string
			for l := range strings.SplitSeq(head, "\r\n") {
				if !strings.HasPrefix(l, "Date:") {
					lines = append(lines, l)
				}
			}
			answers[strings.Join(lines, "\n")+"\n\n"+body] = true
		}
	}
	if len(answers) != 1 {
		t.Errorf("the answers differ: %v", answers)
	}
	for a := range answers {
		if !strings.HasPrefix(a, "HTTP/1.1 404 ") {
			t.Errorf("got %s", a)
		}
	}
}

// TestStrangersAreExplainedInTheLog checks that the operator reads what the sender
// is not told, and nothing that stood in the address.
func TestStrangersAreExplainedInTheLog(t *testing.T) {
	for path, want := range map[string]string{
		"/in/shop/wrong-token": "the token is not that of connection shop",
		"/in/" + token:         "no connection of this name takes webhooks; those that do are crm, shop",
		"/in/sink/" + token:    "no connection of this name takes webhooks; those that do are crm, shop",
		"/shop/" + token:       "the address is not of the form /in/{connection}/{token}",
	} {
		r := start(t, nil, func(o *ingress.Options) {
			o.Connections = append(o.Connections, ingress.Connection{Name: "crm", Token: token + "2", Decoder: decoder(nil)}, ingress.Connection{Name: "sink"})
		})
		if got := r.send(t, "POST", path, strings.NewReader("{}")); strings.Contains(got.text, want) {
			t.Errorf("%s: the sender is told %s", path, got.text)
		}
		// The line is written after the answer.
		eventually(t, "why="+want+" in the log", func() bool { return strings.Contains(r.log.String(), `why="`+want+`"`) })
		if log := r.log.String(); strings.Contains(log, token) || strings.Contains(log, "wrong-token") {
			t.Errorf("%s: logged %s", path, log)
		}
	}
}

func TestRate(t *testing.T) {
	r := start(t, nil, func(o *ingress.Options) {
		o.Connections[0].RatePerSecond, o.Connections[0].Burst = 0.001, 3
		o.Connections = append(o.Connections, ingress.Connection{Name: "other", Token: token, Decoder: decoder(nil)})
	})
	for range 20 { // does not count, for the token is wrong
		r.send(t, "GET", "/in/shop/wrong", nil)
	}
	for i := range 3 {
		if got := r.post(t, "{}"); got.StatusCode != 200 {
			t.Fatalf("request %d: %d %s", i, got.StatusCode, got.text)
		}
	}
	got := r.post(t, "{}")
	if got.StatusCode != 429 || got.code() != ingress.CodeRate || got.Header.Get("Retry-After") == "" || got.Header.Get("Retry-After") == "0" {
		t.Errorf("got %d %s, Retry-After %q", got.StatusCode, got.text, got.Header.Get("Retry-After"))
	}
	if got := r.send(t, "GET", "/in/other/"+token, nil); got.StatusCode != 200 {
		t.Errorf("another connection is bounded too: %d", got.StatusCode)
	}
}

// The digests of {"a":1} under the key "key", as
// printf '{"a":1}' | openssl dgst -sha256 -hmac key gives them.
const (
	sha256Hex  = "88a67f24bbcdaed0e6c997404bb79a743baf44c6bab2f4c27328e3009d22e342"
	sha1Base64 = "tVV6S488wwjRnrT2nzNjkqMe73s="
)

func TestSignature(t *testing.T) {
	for _, c := range []struct {
		name      string
		signature ingress.Signature
		header    string
		status    int
	}{
		{"right", ingress.Signature{Algorithm: "sha256", Encoding: "hex"}, "SHA256HEX", 200},
		{"right with prefix", ingress.Signature{Algorithm: "sha256", Encoding: "hex", Prefix: "sha256="}, "sha256=SHA256HEX", 200},
		{"prefix missing", ingress.Signature{Algorithm: "sha256", Encoding: "hex", Prefix: "sha256="}, "SHA256HEX", 401},
		{"base64", ingress.Signature{Algorithm: "sha1", Encoding: "base64"}, "SHA1BASE64", 200},
		{"missing", ingress.Signature{Algorithm: "sha256", Encoding: "hex"}, "", 401},
		{"of another body", ingress.Signature{Algorithm: "sha256", Encoding: "hex"}, strings.Repeat("0", 64), 401},
		{"not hex", ingress.Signature{Algorithm: "sha256", Encoding: "hex"}, "hello", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.signature.Header, c.signature.Secret = "X-Signature", "key"
			r := start(t, nil, func(o *ingress.Options) { o.Connections[0].Signature = &c.signature })
			header := strings.NewReplacer("SHA256HEX", sha256Hex, "SHA1BASE64", sha1Base64).Replace(c.header)
			got := r.post(t, `{"a":1}`, "X-Signature", header)
			if got.StatusCode != c.status || c.status == 401 && got.code() != ingress.CodeSignature {
				t.Errorf("got %d %s", got.StatusCode, got.text)
			}
			if stored := len(r.journal.all()); stored != map[int]int{200: 1, 401: 0}[c.status] {
				t.Errorf("%d events are stored", stored)
			}
			if got := r.post(t, gzipped(t, []byte(`{"a":1}`)), "X-Signature", header, "Content-Encoding", "gzip"); got.code() != ingress.CodeEncoding {
				t.Errorf("signed and compressed: %d %s", got.StatusCode, got.text)
			}
		})
	}
}

// TestNew lists what no server can be made of.
func TestNew(t *testing.T) {
	one := ingress.Connection{Name: "a", Token: "t", Decoder: decoder(nil)}
	for name, o := range map[string]ingress.Options{
		"no journal":    {Connections: []ingress.Connection{one}},
		"twice":         {Journal: &memory{}, Connections: []ingress.Connection{one, one}},
		"no decoder":    {Journal: &memory{}, Connections: []ingress.Connection{{Name: "a", Token: "t"}}},
		"little memory": {Journal: &memory{}, Limits: ingress.Limits{MaxBody: 2, MaxMemory: 1}},
		"negative":      {Journal: &memory{}, Limits: ingress.Limits{BodyTimeout: -1}},
		"algorithm": {Journal: &memory{}, Connections: []ingress.Connection{{
			Name: "a", Token: "t", Decoder: decoder(nil), Signature: &ingress.Signature{Header: "X", Secret: "s", Algorithm: "md5", Encoding: "hex"},
		}}},
	} {
		if _, err := ingress.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// FuzzHandler looks for requests that break the handler, are answered by other
// than one line of JSON, or get something into the journal that is no JSON object.
func FuzzHandler(f *testing.F) {
	f.Add("POST", "/in/shop/"+token, "application/json", "", []byte(`{"a":1}`))
	f.Add("PUT", "/in/shop/"+token+"/x%2fy", "application/x-www-form-urlencoded; charset=utf-8", "", []byte("a[b]=%41"))
	f.Add("POST", "/in/shop/"+token, "multipart/form-data; boundary=b", "", []byte("--b\r\n\r\n1\r\n--b--"))
	f.Add("POST", "/in/shop/"+token, "", "gzip", []byte("\x1f\x8b\x08"))
	f.Fuzz(func(t *testing.T, method, path, contentType, encoding string, data []byte) {
		journal := &memory{}
		s, err := ingress.New(ingress.Options{
			Journal: journal, Limits: ingress.Limits{MaxBody: 4 << 10, MaxMemory: 8 << 10},
			Connections: []ingress.Connection{{Name: "shop", Token: token, Decoder: decoder(nil)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		q, err := http.NewRequestWithContext(t.Context(), "POST", "http://x/", bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		u, err := q.URL.Parse(path)
		if err != nil {
			t.Skip()
		}
		q.Method, q.URL = method, u
		q.Header.Set("Content-Type", contentType)
		q.Header.Set("Content-Encoding", encoding)
		w := recorder{header: http.Header{}}
		s.ServeHTTP(&w, q)
		if w.status == 500 || w.status < 200 {
			t.Errorf("answered %d %s", w.status, w.body.String())
		}
		if !json.Valid(w.body.Bytes()) || bytes.Count(w.body.Bytes(), []byte{'\n'}) != 1 {
			t.Errorf("answer %q is not a line of JSON", w.body.String())
		}
		for _, e := range journal.all() {
			if !json.Valid(e.Record) || w.status != 200 {
				t.Errorf("stored %q, answered %d", e.Record, w.status)
			}
		}
	})
}

// recorder is the least of a http.ResponseWriter.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
