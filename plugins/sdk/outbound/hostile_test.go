package outbound

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// zip compresses.
func zip(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

// sized is an answer with a length, compressed or not.
func sized(lines, body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", lines, len(body), body)
}

// outcome says what came of a request in a line.
func outcome(a *Answer, err error) string {
	var none *NoAnswerError
	switch {
	case err == nil:
		return fmt.Sprintf("%d %q", a.Status, a.Body)
	case !errors.As(err, &none):
		return "an error of another type: " + err.Error()
	case !none.Sent:
		return "not sent"
	}
	return "lost"
}

// TestOddAnswers: what comes of an odd answer is what net/http makes of it, and
// whatever stands behind an answer, the next request gets its own.
func TestOddAnswers(t *testing.T) {
	const next = "HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nnext"
	const gz = "Content-Encoding: gzip\r\n"
	many := strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 200)
	for name, tt := range map[string]struct {
		answer, want string
		holds        bool   // the connection stays open after it, so that the client has to see the answer's end
		other        string // what net/http makes of it, where it differs
	}{
		"204 with a body":                    {"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil", `204 ""`, true, ""},
		"204 with another answer behind":     {"HTTP/1.1 204 No Content\r\n\r\n" + sized("", "evil"), `204 ""`, true, ""},
		"304 with a body":                    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil", `304 ""`, true, ""},
		"205 with a body":                    {"HTTP/1.1 205 Reset Content\r\nContent-Length: 4\r\n\r\nevil", `205 "evil"`, true, ""},
		"an answer behind":                   {sized("", "go") + sized("", "evil"), `200 "go"`, true, ""},
		"an answer behind chunks":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ngo\r\n0\r\n\r\n" + sized("", "evil"), `200 "go"`, true, ""},
		"an answer behind gzip":              {sized(gz, zip("go")) + sized("", "evil"), `200 "go"`, true, ""},
		"garbage behind":                     {sized("", "go") + "\x00\x01\x02", `200 "go"`, true, ""},
		"a line break behind":                {sized("", "go") + "\r\n", `200 "go"`, true, ""},
		"trailers":                           {"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\ngo\r\n0\r\nX-Sum: 1\r\n\r\n", `200 "go"`, true, ""},
		"trailers and garbage":               {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ngo\r\n0\r\nX-Sum: 1\r\n\r\n" + sized("", "evil"), `200 "go"`, true, ""},
		"no trailer's end":                   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ngo\r\n0\r\nX-Sum: 1\r\n", "lost", false, ""},
		"a broken chunk":                     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\ngo\r\n0\r\n\r\n", "lost", true, ""},
		"a chunk longer than it says":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ngone\r\n0\r\n\r\n", "lost", true, ""},
		"chunks and a length":                {"HTTP/1.1 200 OK\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ngo\r\n0\r\n\r\n", `200 "go"`, true, ""},
		"another coding":                     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: zip\r\n\r\ngo", "lost", true, ""},
		"a length too long":                  {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ngo", "lost", false, ""},
		"a length too short":                 {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ngo", `200 "g"`, true, ""},
		"a negative length":                  {"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\ngo", "lost", true, ""},
		"the length twice":                   {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\ngo", `200 "go"`, true, ""},
		"two lengths":                        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\ngo", "lost", true, ""},
		"two lengths in one":                 {"HTTP/1.1 200 OK\r\nContent-Length: 2, 1\r\n\r\ngo", "lost", true, ""},
		"another length in the reason":       {"HTTP/1.1 200 OK\nContent-Length: 1\r\nContent-Length: 2\r\n\r\ngo", "lost", true, ""},
		"an end of the head in the reason":   {"HTTP/1.1 200 OK\n\nContent-Length: 2\r\n\r\ngo", `200 "Content-Length: 2\r\n\r\ngo"`, false, ""},
		"a bare line feed":                   {"HTTP/1.1 200 OK\nContent-Length: 2\n\ngo", `200 "go"`, true, ""},
		"1.0":                                {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\ngo", `200 "go"`, true, ""},
		"1.0 that stays":                     {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\ngo", `200 "go"`, true, ""},
		"1.0 that stays without a length":    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\ngo", `200 "go"`, false, ""},
		"closes in odd case":                 {sized("cOnNeCtIoN: CLOSE\r\n", "go") + sized("", "evil"), `200 "go"`, true, ""},
		"closes among others":                {sized("Connection: x, Close\r\n", "go") + sized("", "evil"), `200 "go"`, true, ""},
		"interims in number":                 {many + sized("", "go"), `200 "go"`, true, ""},
		"an interim with a body":             {"HTTP/1.1 103 Early Hints\r\nContent-Length: 4\r\n\r\nevil" + sized("", "go"), "lost", true, ""},
		"gzip":                               {sized(gz, zip("go")), `200 "go"`, true, ""},
		"gzip in chunks, empty":              {"HTTP/1.1 200 OK\r\n" + gz + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", `200 ""`, true, ""},
		"gzip of no length, empty":           {"HTTP/1.1 200 OK\r\n" + gz + "\r\n", `200 ""`, false, ""},
		"gzip of nothing":                    {sized(gz, zip("")), `200 ""`, true, ""},
		"gzip with a length of none":         {sized(gz, ""), `200 ""`, true, ""},
		"gzip in two parts":                  {sized(gz, zip("g")+zip("o")), `200 "go"`, true, ""},
		"gzip in gzip":                       {sized("Content-Encoding: GZIP\r\n", zip(zip("go"))), fmt.Sprintf("200 %q", zip("go")), true, ""},
		"two codings":                        {sized("Content-Encoding: gzip, gzip\r\n", "go"), `200 "go"`, true, ""},
		"gzip with garbage behind":           {sized(gz, zip("go")+"xx"), "lost", true, ""},
		"half a gzip":                        {sized(gz, zip("go")[:9]), "lost", true, ""},
		"gzip with a wrong sum":              {sized(gz, zip("go")[:len(zip("go"))-8]+"12345678"), "lost", true, ""},
		"gzip of too much":                   {sized(gz, zip(strings.Repeat("x", 1<<20))), "lost", true, ""},
		"no status":                          {"HTTP/1.1\r\n\r\n", "lost", true, ""},
		"a status of letters":                {"HTTP/1.1 abc\r\n\r\n", "lost", true, ""},
		"a status of 0":                      {"HTTP/1.1 000 \r\nContent-Length: 0\r\n\r\n", `0 ""`, true, ""},
		"a line without a colon":             {"HTTP/1.1 200 OK\r\nX\r\n\r\n", "lost", true, ""},
		"half a head":                        {"HTTP/1.1 200 OK\r\nContent-Len", "lost", false, ""},
		"a head of 200 KB, length last":      {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Many: "+strings.Repeat("x", 1000)+"\r\n", 200) + "Content-Length: 2\r\n\r\ngo", `200 "go"`, true, ""},
		"a head of 2 MB":                     {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Many: "+strings.Repeat("x", 1000)+"\r\n", 2000) + "Content-Length: 2\r\n\r\ngo", "lost", true, `200 "go"`},
		"a body as large as may be":          {sized("", strings.Repeat("x", 1<<10)), fmt.Sprintf("200 %q", strings.Repeat("x", 1<<10)), true, ""},
		"chunks of as much as may be":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + strings.Repeat("x", 1<<10) + "\r\n0\r\n\r\n", fmt.Sprintf("200 %q", strings.Repeat("x", 1<<10)), true, ""},
		"an error without its request read":  {"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\ngo", `413 "go"`, true, ""},
		"a length that is too large to know": {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\ngo", "lost", true, ""},
		"a length that is too large to hold": {"HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\ngo", "lost", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for way, want := range map[string]string{"own": tt.want, "net/http": tt.other} {
				f := listen(t, func(c net.Conn, r *bufio.Reader) {
					for {
						body, err := request(r)
						if err != nil {
							return
						}
						if body != "odd" {
							_, _ = io.WriteString(c, next)
							continue
						}
						_, _ = io.WriteString(c, tt.answer)
						if !tt.holds {
							return
						}
					}
				})
				o := options(t, f.url())
				p := &Endpoint{poster: newDirect(o), slots: make(chan struct{}, 1)}
				if way != "own" {
					other := newProxied(o)
					if transport, ok := other.http.Transport.(*http.Transport); ok {
						transport.DisableKeepAlives = true // it logs what comes behind an answer
					}
					p.poster = other
				}
				if want == "" {
					want = tt.want
				}
				for range 2 {
					if got := outcome(p.Post(t.Context(), "text/plain", []byte("odd"))); got != want {
						t.Errorf("%s: %.200s, want %.200s", way, got, want)
					}
					if way != "own" {
						continue // it has a window of its own, in which garbage is an answer
					}
					if got := outcome(p.Post(t.Context(), "text/plain", []byte("x"))); got != `202 "next"` {
						t.Fatalf("%s: the next request's answer is %.200s", way, got)
					}
				}
			}
		})
	}
}

// TestGarbageWhileIdle: what comes when nothing was asked is no answer.
func TestGarbageWhileIdle(t *testing.T) {
	answered := make(chan struct{})
	f := listen(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := request(r); err != nil {
			return
		}
		_, _ = io.WriteString(c, sized("", "go"))
		<-answered
		_, _ = io.WriteString(c, sized("", "evil"))
		_, _ = r.ReadByte()
	})
	o := options(t, f.url())
	d := newDirect(o)
	e := &Endpoint{poster: d, slots: make(chan struct{}, 1)}
	for range 5 {
		if got := outcome(e.Post(t.Context(), "text/plain", nil)); got != `200 "go"` {
			t.Fatal(got)
		}
		answered <- struct{}{}
		waitFor(t, "the garbage", d.idle[0].stale)
	}
}

// waitFor waits until something is so.
func waitFor(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not come", what)
		}
	}
}

// TestLargeUnread: a far side that answers a large request without reading it is
// heard, whatever becomes of the connection.
func TestLargeUnread(t *testing.T) {
	const refusal = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno"
	for _, name := range []string{"holds", "lingers", "closes its half", "resets"} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan struct{})
			f := listen(t, func(c net.Conn, r *bufio.Reader) {
				if _, err := r.ReadString('\n'); err != nil {
					return
				}
				_, _ = io.WriteString(c, refusal)
				raw, ok := c.(*net.TCPConn)
				switch {
				case name == "holds":
					<-ended
				case name == "resets" || !ok: // a close with something unread is one
				case name == "closes its half":
					_ = raw.CloseWrite()
					fallthrough
				default:
					_, _ = io.Copy(io.Discard, r)
				}
			})
			defer close(ended)
			e := NewEndpoint(options(t, f.url()))
			for range 2 {
				got := outcome(e.Post(t.Context(), "text/plain", make([]byte, 32<<20)))
				if got != `413 "no"` && (name != "resets" || got != "lost") { // a reset may take the answer along
					t.Errorf("%s, want the refusal", got)
				}
			}
		})
	}
}

// TestLargeRead: a large request that is read whole leaves its connection free.
func TestLargeRead(t *testing.T) {
	f := listen(t, func(c net.Conn, r *bufio.Reader) {
		for {
			body, err := request(r)
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, sized("", fmt.Sprint(len(body))))
		}
	})
	e := NewEndpoint(options(t, f.url()))
	for range 5 {
		for _, n := range []int{0, 1 << 10, maxUnread, 5 << 20} {
			if got, want := outcome(e.Post(t.Context(), "text/plain", make([]byte, n))), fmt.Sprintf(`200 "%d"`, n); got != want {
				t.Fatalf("%s, want %s", got, want)
			}
		}
	}
	if n := f.connections.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}
