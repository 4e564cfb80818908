package outbound

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPlainHead: what is read by hand is what net/http reads, and the rest is left to
// it untouched.
func TestPlainHead(t *testing.T) {
	for lines, plain := range map[string]bool{
		"Content-Length: 2":                                 true,
		"content-length:\t2 \r\nX-One: a:b\r\nx-one: c":     true,
		"Content-Length: 02":                                true,
		"Retry-After: 3\r\nContent-Length: 2":               true,
		"Content-Length: 2\r\nUser-Agenti: x\r\nAbcdefg: 1": true,
		"Content-Length: 2\r\nTransfer-Encodin: chunked":    true,
		"":                                                         false,
		"X-One: 1":                                                 false,
		"Content-Length: 2\r\nContent-Length: 2":                   false,
		"Content-Length: 2\r\nContent-Length: 3":                   false,
		"Content-Length: +2":                                       false,
		"Content-Length: -2":                                       false,
		"Content-Length: 2, 2":                                     false,
		"Content-Length: ":                                         false,
		"Content-Length: 9223372036854775808":                      false,
		"Content-Length: 2\r\nConnection: close":                   false,
		"Content-Length: 2\r\nCONNECTION: keep-alive":              false,
		"Content-Length: 2\r\ntransfer-encoding: chunked":          false,
		"Content-Length: 2\r\nContent-Encoding: gzip":              false,
		"Content-Length: 2\r\nTrailer: X":                          false,
		"Content-Length: 2\r\nX-One: a\r\n folded":                 false,
		"Content-Length: 2\r\nX-One : a":                           false,
		"Content-Length: 2\r\nX-One":                               false,
		"Content-Length: 2\r\n: a":                                 false,
		"Content-Length: 2\r\nX_One: a":                            false,
		"Content-Length: 2\nX-One: a":                              false,
		"Content-Length: 2\r\nX-One: " + strings.Repeat("x", 5000): false, // larger than the buffer
	} {
		for _, status := range []string{"HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.0 200 OK", "HTTP/1.1 201 Created", "HTTP/1.1 200", "HTTP/1.1 2000 OK"} {
			text := status + "\r\n" + lines + "\r\n\r\ngo"
			want := plain && strings.HasPrefix(status, "HTTP/1.1 200 ")
			in := bufio.NewReader(strings.NewReader(text))
			fields, length, ok := plainHead(in)
			if ok != want {
				t.Errorf("%.200q is plain: %t, want %t", text, ok, want)
			}
			rest, err := io.ReadAll(in)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				if string(rest) != text {
					t.Errorf("of %.200q %.200q is left", text, rest)
				}
				continue
			}
			resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
			if err != nil {
				t.Errorf("%q: %v", text, err)
				continue
			}
			_ = resp.Body.Close()
			if resp.ContentLength != length || resp.Close || string(rest) != "go" {
				t.Errorf("%q: length %d, rest %q", text, length, rest)
			}
			if diff := cmp.Diff(resp.Header, (&Answer{fields: fields}).Header()); diff != "" {
				t.Errorf("%q: %s", text, diff)
			}
		}
	}
}
