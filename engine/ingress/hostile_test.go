package ingress_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/ingress"
)

// raw sends bytes on a connection of their own and gives all that is answered until
// the server closes.
func (r *rig) raw(t *testing.T, text string) string {
	t.Helper()
	c := r.dial(t)
	_, _ = io.WriteString(c, text) // the server may hang up before it has read all
	got, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the server does not close the connection after %.60q", text)
	}
	return string(got)
}

// TestHeaders sends more of them than a request may have.
func TestHeaders(t *testing.T) {
	r := start(t, nil, nil)
	post := func(header string) string {
		return "POST /in/shop/" + token + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n" + header + "\r\n{}"
	}
	var many strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&many, "X-%d: y\r\n", i)
	}
	for name, c := range map[string]struct{ text, want string }{
		"some":           {post(strings.Repeat("X-A: y\r\n", 100)), "HTTP/1.1 200 "},
		"too many":       {post(many.String()), "HTTP/1.1 431 "},
		"a huge one":     {post("X-A: " + strings.Repeat("y", 1<<20) + "\r\n"), "HTTP/1.1 431 "},
		"a huge name":    {post("X-" + strings.Repeat("y", 1<<20) + ": a\r\n"), "HTTP/1.1 431 "},
		"folded":         {post("X-A: y\r\n z\r\n"), "HTTP/1.1 200 "}, // read as one line: RFC 9112, 5.2
		"a blank before": {post("X-A : y\r\n"), "HTTP/1.1 400 "},
		"NUL":            {post("X-A: y\x00z\r\n"), "HTTP/1.1 400 "},
		"no colon":       {post("X-A\r\n"), "HTTP/1.1 400 "},
		"two hosts":      {post("Host: y\r\n"), "HTTP/1.1 400 "},
	} {
		if got := r.raw(t, c.text); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: answered %.100q, want %s", name, got, c.want)
		}
	}
	if n := len(r.journal.all()); n != 2 {
		t.Errorf("%d events are stored, want those of the two that are taken", n)
	}
}

// TestSmuggling sends requests of which a proxy and a server may think that they end
// at different places: the whole connection is refused, or its framing is the one
// that RFC 9112, 6.3 wants, and what is hidden is never taken as a request.
func TestSmuggling(t *testing.T) {
	hidden := "POST /in/shop/" + token + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 14\r\n\r\n{\"hidden\":\"1\"}"
	for name, framing := range map[string]string{
		"two lengths":           "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"lengths in one line":   "Content-Length: 2, 3\r\n\r\n{}",
		"length with a sign":    "Content-Length: +2\r\n\r\n{}",
		"length in hexadecimal": "Content-Length: 0x2\r\n\r\n{}",
		"length with a blank":   "Content-Length: 2 2\r\n\r\n{}",
		"huge length":           "Content-Length: 99999999999999999999\r\n\r\n{}",
		"unknown coding":        "Transfer-Encoding: gzip\r\n\r\n{}",
		"coding that is none":   "Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"chunked twice":         "Transfer-Encoding: chunked, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"chunked and identity":  "Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"coding and blank":      "Transfer-Encoding : chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"two codings":           "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"chunk with a sign":     "Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
		"chunk of a huge size":  "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
		"chunk that is longer":  "Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX\r\n0\r\n\r\n",
		"chunk without its end": "Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n",
	} {
		r := start(t, nil, nil)
		got := r.raw(t, "POST /in/shop/"+token+" HTTP/1.1\r\nHost: x\r\n"+framing+hidden)
		if strings.Contains(got, " 200 ") || !strings.HasPrefix(got, "HTTP/1.1 4") && !strings.HasPrefix(got, "HTTP/1.1 501 ") {
			t.Errorf("%s: answered %.200q", name, got)
		}
		if n := len(r.journal.all()); n != 0 {
			t.Errorf("%s: %d events are stored", name, n)
		}
	}
	// With both, the coding counts, the length does not, and the connection ends.
	r := start(t, nil, nil)
	got := r.raw(t, "POST /in/shop/"+token+" HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"+hidden)
	events := r.journal.all()
	for _, e := range events {
		if strings.Contains(string(e.Record), "hidden") && strings.Count(got, "HTTP/1.1 200 ") != 2 {
			t.Errorf("what is hidden was taken as a request: %q", got)
		}
	}
}

// TestPipelining sends requests without waiting for answers: each is answered in its
// place.
func TestPipelining(t *testing.T) {
	r := start(t, nil, nil)
	var text strings.Builder
	const n = 50
	for i := range n {
		body := fmt.Sprintf(`{"n":%d}`, i)
		if i%2 == 1 {
			body = "{"
		}
		fmt.Fprintf(&text, "POST /in/shop/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", token, len(body), body)
	}
	c := r.dial(t)
	put(t, c, "%s", text.String())
	answers := bufio.NewReader(c)
	for i := range n {
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if want := []int{200, 400}[i%2]; resp.StatusCode != want {
			t.Errorf("answer %d: %d, want %d", i, resp.StatusCode, want)
		}
	}
	for i, e := range r.journal.all() {
		if want := fmt.Sprintf(`{"n":%d}`, 2*i); string(e.Record) != want {
			t.Errorf("event %d is %s, want %s", i, e.Record, want)
		}
	}
}

// TestPaths tries to get past the token, or anywhere else.
func TestPaths(t *testing.T) {
	r := start(t, nil, nil)
	for _, path := range []string{
		"//in/shop/" + token, "/in//shop/" + token, "/in/shop//" + token, "/./in/shop/" + token, "/in/../in/shop/" + token, "/in/shop/../shop/" + token,
		"/in/shop/x/../" + token, "/in%2fshop%2f" + token, "/in/shop%2f" + token, "/in/shop/%2e%2e/" + token, "/in/shop;a=b/" + token, "/in/shop/" + token + ";a=b",
		"/in/shop/" + token + "%00", "/in/shop%00/" + token, "/in/shop/" + token + "%20", "/in/shop/%20" + token, "/in/shop/" + strings.ToUpper(token), "/IN/shop/" + token,
		"/in/shop/" + token + "%2f", "/in/shop/?token=" + token, "/in/shop?" + token, "/in/sh%6fp%2f" + token, `/in/shop\` + token, "/in/*/" + token, "/in/shop/*", "/etc/passwd",
		"/../../etc/passwd", "/in/" + strings.Repeat("a", 8000), "/in/shop/" + strings.Repeat("a", 8000), strings.Repeat("/", 8000), "/in/shop/%",
		"/in/shop/" + token + "%zz", "http://x/in/shop/wrong", "/in/shop/" + token[:len(token)-1] + "%",
	} {
		got := r.raw(t, "POST "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
		if !strings.HasPrefix(got, "HTTP/1.1 404 ") && !strings.HasPrefix(got, "HTTP/1.1 400 ") {
			t.Errorf("%.80s: answered %.100q", path, got)
		}
	}
	for _, path := range []string{"/" + strings.Repeat("a", 100_000), "/in/shop/" + token + "/" + strings.Repeat("a", 100_000)} {
		if got := r.raw(t, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"); !strings.HasPrefix(got, "HTTP/1.1 431 ") {
			t.Errorf("a path of 100,000 bytes: answered %.100q", got)
		}
	}
	if n := len(r.journal.all()); n != 0 {
		t.Errorf("%d events are stored", n)
	}
}

// TestMethods sends what is no webhook.
func TestMethods(t *testing.T) {
	r := start(t, nil, nil)
	for _, method := range []string{"PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "post", "PROPFIND", "PRI", strings.Repeat("X", 1000)} {
		target := "/in/shop/" + token
		got := r.raw(t, method+" "+target+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
		if !strings.HasPrefix(got, "HTTP/1.1 405 ") && !strings.HasPrefix(got, "HTTP/1.1 400 ") {
			t.Errorf("%.20s: answered %.100q", method, got)
		}
	}
	if n := len(r.journal.all()); n != 0 {
		t.Errorf("%d events are stored", n)
	}
}

// TestThousandIdleConnections holds 1,000 connections that send nothing, or a part of
// a header: others are served, and each costs little memory.
func TestThousandIdleConnections(t *testing.T) {
	r := start(t, nil, func(o *ingress.Options) {
		o.Limits.HeaderTimeout, o.Limits.BodyTimeout, o.Limits.IdleTimeout = 5*time.Minute, 5*time.Minute, 5*time.Minute
	})
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	r.post(t, "{}")
	before := memory()
	const idle = 1000
	for i := range idle {
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		defer func() { _ = c.Close() }()
		if i%2 == 0 {
			put(t, c, "POST /in/shop/%s HTTP/1.1\r\nHost: x\r\nX-A: ", token)
		}
	}
	for i := range 20 {
		if got := r.post(t, "{}"); got.StatusCode != 200 {
			t.Fatalf("request %d beside them: %d %s", i, got.StatusCode, got.text)
		}
	}
	// Both ends of each connection are in this process.
	if after := memory(); after > before+64<<20 {
		t.Errorf("1,000 idle connections take %d KiB", (after-before)>>10)
	}
}

// TestRateOfOneConnection sends far more than its rate: as many as the rate and burst
// allow are taken, the rest is told when to come again, and another connection is not
// touched. At 200 a second nothing but the rate decides.
func TestRateOfOneConnection(t *testing.T) {
	r := start(t, nil, func(o *ingress.Options) {
		o.Connections[0].RatePerSecond, o.Connections[0].Burst = 200, 50
		o.Connections = append(o.Connections, ingress.Connection{Name: "other", Token: token, Decoder: decoder(nil)})
	})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	defer client.CloseIdleConnections()
	send := func(connection string) (status int, retryAfter string) {
		t.Helper()
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.addr+"/in/"+connection+"/"+token, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("Retry-After")
	}
	began := time.Now()
	taken, refused := 0, 0
	for i := range 3000 {
		switch status, retryAfter := send("shop"); {
		case status == 200:
			taken++
		case status == 429 && retryAfter == "1":
			refused++
		default:
			t.Fatalf("request %d: %d, Retry-After %q", i, status, retryAfter)
		}
		if i%100 == 0 {
			if status, _ := send("other"); status != 200 {
				t.Fatalf("another connection: %d", status)
			}
		}
	}
	if most := 50 + int(200*time.Since(began).Seconds()) + 1; taken > most || taken < min(50, 3000) {
		t.Errorf("%d were taken and %d refused in %s, at most %d may be", taken, refused, time.Since(began), most)
	}
}
