package outbound

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// options are of a test: nothing waits long but where the test says so.
func options(t *testing.T, address string) EndpointOptions {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return EndpointOptions{
		URL: u, UserAgent: "test/1", Accept: "application/json", Timeout: time.Minute, DialTimeout: time.Minute,
		IdleTimeout: time.Minute, MaxAnswer: 1 << 10, Concurrency: 4,
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
	}
}

// far is a server that does with each connection what serve says.
type far struct {
	net.Listener
	connections atomic.Int64
}

func listen(t *testing.T, serve func(c net.Conn, r *bufio.Reader)) *far {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &far{Listener: l}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.connections.Add(1)
			context.AfterFunc(t.Context(), func() { _ = c.Close() })
			wg.Go(func() {
				defer func() { _ = c.Close() }()
				serve(c, bufio.NewReader(c))
			})
		}
	})
	return f
}

func (f *far) url() string { return "http://" + f.Addr().String() + "/api/Orders?secret_key=a%26b" }

// request takes one request off a connection.
func request(r *bufio.Reader) (body string, err error) {
	req, err := http.ReadRequest(r)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(req.Body)
	return string(text), err
}

// post sends a body and wants an answer.
func post(t *testing.T, e *Endpoint, body string) *Answer {
	t.Helper()
	a, err := e.Post(t.Context(), "text/plain", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestSentAsNetHTTPDoes: a request is the same, byte for byte, as net/http's.
func TestSentAsNetHTTPDoes(t *testing.T) {
	got := make(chan string, 2)
	f := listen(t, func(c net.Conn, r *bufio.Reader) {
		text := make([]byte, 0, 4<<10)
		for !strings.HasSuffix(string(text), "привіт") {
			b, err := r.ReadByte()
			if err != nil {
				return
			}
			text = append(text, b)
		}
		got <- string(text)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	})
	for _, address := range []string{f.url(), "http://" + f.Addr().String(), "http://" + f.Addr().String() + "?a=b c"} {
		o := options(t, address)
		for name, p := range map[string]*Endpoint{
			"own": {poster: newDirect(o), slots: make(chan struct{}, 1)}, "net/http": {poster: newProxied(o), slots: make(chan struct{}, 1)},
		} {
			if a := post(t, p, "привіт"); a.Status != 200 || len(a.Body) != 0 {
				t.Errorf("%s: %+v", name, a)
			}
		}
		if one, two := <-got, <-got; one != two || !strings.Contains(one, "Content-Type: text/plain\r\n") {
			t.Errorf("sent\n%s\nand\n%s", one, two)
		}
	}
}

// TestAnswers: whichever way a body's end is told, and whether the connection is
// free for another request then.
func TestAnswers(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte("go"))
	_ = z.Close()
	for name, tt := range map[string]struct {
		answer string
		status int
		body   string
		closes bool // the far side closes after it
		kept   bool
	}{
		"length":            {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\ngo", 200, "go", false, true},
		"created":           {"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\ngo", 201, "go", false, true},
		"nothing":           {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", false, true},
		"chunks":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\ng\r\n1\r\no\r\n0\r\n\r\n", 200, "go", false, true},
		"until it closes":   {"HTTP/1.1 200 OK\r\n\r\ngo", 200, "go", true, false},
		"says that it ends": {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\ngo", 200, "go", false, false},
		"HTTP/1.0":          {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\ngo", 200, "go", false, false},
		"more than asked":   {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\ngoHTTP/1.1 500 Oops\r\n\r\n", 200, "go", false, false},
		"interim":           {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\ngo", 201, "go", false, true},
		"gzip":              {fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", zipped.Len(), &zipped), 200, "go", false, true},
		"redirect":          {"HTTP/1.1 307 Temporary Redirect\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 307, "", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := listen(t, func(c net.Conn, r *bufio.Reader) {
				for {
					if _, err := request(r); err != nil {
						return
					}
					_, _ = io.WriteString(c, tt.answer)
					if tt.closes {
						return
					}
				}
			})
			e := NewEndpoint(options(t, f.url()))
			for range 3 {
				if a := post(t, e, "x"); a.Status != tt.status || string(a.Body) != tt.body {
					t.Fatalf("%d %q, want %d %q", a.Status, a.Body, tt.status, tt.body)
				}
			}
			want := int64(3)
			if tt.kept {
				want = 1
			}
			if got := f.connections.Load(); got != want {
				t.Errorf("%d connections, want %d", got, want)
			}
		})
	}
}

// TestNoAnswer: what became of a request without an answer, and that the key in its
// address is in no reason.
func TestNoAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string
		want   string
	}{
		"closed":            {"", "the connection was closed without an answer"},
		"cut off":           {"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\ngo", "unexpected EOF"},
		"no HTTP":           {"SSH-2.0\r\n\r\n", "malformed HTTP"},
		"too long":          {"HTTP/1.1 200 OK\r\nContent-Length: 1025\r\n\r\n" + strings.Repeat("x", 1025), "the answer is too long"},
		"too long, unsaid":  {"HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 1025), "the answer is too long"},
		"endless head":      {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Many: "+strings.Repeat("x", 1000)+"\r\n", 1100), "head is too long"},
		"endless interims":  {strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: "+strings.Repeat("x", 1000)+"\r\n\r\n", 1100), "head is too long"},
		"another protocol":  {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "another protocol"},
		"no gzip":           {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + strings.Repeat("x", 20), "gzip: invalid header"},
		"a length too many": {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\ngo", "Content-Length"},
	} {
		t.Run(name, func(t *testing.T) {
			f := listen(t, func(c net.Conn, r *bufio.Reader) {
				if _, err := request(r); err == nil {
					_, _ = io.WriteString(c, tt.answer)
				}
			})
			_, err := NewEndpoint(options(t, f.url())).Post(t.Context(), "text/plain", []byte("x"))
			var none *NoAnswerError
			if !errors.As(err, &none) || !none.Sent || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%#v %v, want sent and %q", err, err, tt.want)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		_, err := NewEndpoint(options(t, "http://127.0.0.1:1/?secret=1")).Post(t.Context(), "text/plain", nil)
		var none *NoAnswerError
		if !errors.As(err, &none) || none.Sent || !strings.Contains(err.Error(), "127.0.0.1:1") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, want not sent", err)
		}
	})
}

// TestTime: a request ends with its time and with its call, and what was sent by then
// is told.
func TestTime(t *testing.T) {
	arrived := make(chan struct{}, 1)
	f := listen(t, func(_ net.Conn, r *bufio.Reader) {
		if _, err := request(r); err == nil {
			arrived <- struct{}{}
			_, _ = r.ReadByte() // until the client goes
		}
	})
	o := options(t, f.url())
	o.Timeout = 20 * time.Millisecond
	_, err := NewEndpoint(o).Post(t.Context(), "text/plain", []byte("x"))
	if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "no answer in time" {
		t.Errorf("%v, want no answer in time", err)
	}
	select { // it may have arrived, and then it is not the next one
	case <-arrived:
	case <-time.After(time.Second):
	}

	e := NewEndpoint(options(t, f.url()))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	var none *NoAnswerError
	if _, err := e.Post(ctx, "text/plain", []byte("x")); !errors.Is(err, context.Canceled) || !errors.As(err, &none) || !none.Sent {
		t.Errorf("%v, want canceled after it was sent", err)
	}
	if _, err := e.Post(ctx, "text/plain", []byte("x")); !errors.Is(err, context.Canceled) || !errors.As(err, &none) || none.Sent {
		t.Errorf("%v, want canceled before it was sent", err)
	}
}

// TestClosedWhileIdle: a kept connection that the far side has closed is seen before
// anything is sent on it.
func TestClosedWhileIdle(t *testing.T) {
	closed := make(chan struct{})
	var requests atomic.Int64
	f := listen(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := request(r); err != nil {
			return
		}
		requests.Add(1)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		_ = c.Close()
		closed <- struct{}{}
	})
	e := NewEndpoint(options(t, f.url()))
	for range 20 {
		post(t, e, "x")
		<-closed
	}
	if requests.Load() != 20 || f.connections.Load() != 20 {
		t.Errorf("%d requests over %d connections, want 20 and 20", requests.Load(), f.connections.Load())
	}
}

// broken is a connection that fails while it is written to.
type broken struct {
	net.Conn
	takes int // so many bytes
	err   error
	in    io.Reader
}

func (b *broken) Write([]byte) (int, error)   { return b.takes, cmp.Or(b.err, errors.New("broken pipe")) }
func (b *broken) Read(p []byte) (int, error)  { return b.in.Read(p) }
func (b *broken) SetDeadline(time.Time) error { return nil }
func (b *broken) Close() error                { return nil }
func (b *broken) keep(d *direct)              { d.put(b.kept()) }
func (b *broken) kept() *kept {
	k := &kept{Conn: b, below: b, stale: func() bool { return false }}
	k.in = bufio.NewReader(k)
	return k
}

// TestBrokenWrite: a request is sent again only where nothing of it got out, and an
// answer that came though not all was taken counts.
func TestBrokenWrite(t *testing.T) {
	f := listen(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := request(r); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	for name, tt := range map[string]struct {
		takes  int
		answer string
		status int // 0: none
	}{
		"nothing":                 {0, "", 200},
		"some, without an answer": {9, "", 0},
		"some, with an answer":    {9, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n", 413},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDirect(options(t, f.url()))
			(&broken{takes: tt.takes, in: strings.NewReader(tt.answer)}).keep(d)
			a, err := d.post(t.Context(), "text/plain", []byte("x"))
			var none *NoAnswerError
			switch {
			case tt.status == 0 && (!errors.As(err, &none) || !none.Sent):
				t.Errorf("%+v %v, want a lost answer", a, err)
			case tt.status > 0 && (err != nil || a.Status != tt.status):
				t.Errorf("%+v %v, want %d", a, err, tt.status)
			}
		})
	}
}

// TestNothingWritten: a request of which not one byte was taken was not sent, and
// when its time is over it is not tried again.
func TestNothingWritten(t *testing.T) {
	f := listen(t, func(net.Conn, *bufio.Reader) {})
	d := newDirect(options(t, f.url()))
	(&broken{err: os.ErrDeadlineExceeded, in: strings.NewReader("")}).keep(d)
	if got := outcome(d.post(t.Context(), "text/plain", []byte("x"))); got != "not sent" {
		t.Errorf("%s, want not sent", got)
	}
	if n := f.connections.Load(); n != 0 {
		t.Errorf("%d connections, want none", n)
	}
}

// TestIdleConnectionsAreClosed: none outlives its time, the rest stay.
func TestIdleConnectionsAreClosed(t *testing.T) {
	gone := make(chan struct{}, 3)
	f := listen(t, func(c net.Conn, r *bufio.Reader) {
		for {
			if _, err := request(r); err != nil {
				gone <- struct{}{}
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	o := options(t, f.url())
	o.IdleTimeout = 10 * time.Millisecond
	e := NewEndpoint(o)
	post(t, e, "x")
	select {
	case <-gone:
	case <-time.After(time.Minute):
		t.Fatal("an idle connection stays")
	}
	post(t, e, "x")
}

func TestTLS(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprint(w, r.Proto, " ", string(text))
	}))
	defer srv.Close()
	o := options(t, srv.URL)
	d := newDirect(o)
	e := &Endpoint{poster: d, slots: make(chan struct{}, 1)}
	_, err := e.Post(t.Context(), "text/plain", []byte("x"))
	var none *NoAnswerError
	if !errors.As(err, &none) || none.Sent || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v, want an unknown certificate", err)
	}
	d.tls.RootCAs = x509.NewCertPool()
	d.tls.RootCAs.AddCert(srv.Certificate())
	for range 3 {
		if a := post(t, e, "x"); string(a.Body) != "HTTP/1.1 x" {
			t.Errorf("%q", a.Body)
		}
	}
	if n := len(d.idle); n != 1 {
		t.Errorf("%d connections are kept, want 1", n)
	}
}

// TestProxy: where a proxy is named, requests go by it, compressed answers are read
// and redirects are not followed.
func TestProxy(t *testing.T) {
	var asked atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.RequestURI + " " + r.UserAgent() + " " + r.Header.Get("Accept"))
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer proxy.Close()
	o := options(t, "http://vendor.example/api/Orders?secret_key=1")
	o.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
	if a := post(t, NewEndpoint(o), "x"); a.Status != http.StatusTemporaryRedirect {
		t.Errorf("%d, want 307", a.Status)
	}
	if got := asked.Load(); got != "http://vendor.example/api/Orders?secret_key=1 test/1 application/json" {
		t.Errorf("the proxy was asked for %q", got)
	}
	o.Proxy = func(*http.Request) (*url.URL, error) { return nil, errors.New("HTTPS_PROXY is no address") }
	_, err := NewEndpoint(o).Post(t.Context(), "text/plain", nil)
	var none *NoAnswerError
	if !errors.As(err, &none) || none.Sent || !strings.Contains(err.Error(), "HTTPS_PROXY") {
		t.Errorf("%v, want what is wrong with the proxy", err)
	}
}

// TestWhichWay: names in other scripts need what net/http does with them.
func TestWhichWay(t *testing.T) {
	for address, own := range map[string]bool{
		"https://api.example/x": true, "http://127.0.0.1:80": true, "https://[::1]:9": true,
		"https://крамниця.укр/x": false, "http://[fe80::1%25eth0]:80": false,
	} {
		if _, ok := NewEndpoint(options(t, address)).poster.(*direct); ok != own {
			t.Errorf("%s: goes its own way: %t, want %t", address, ok, own)
		}
	}
	for address, want := range map[string]string{
		"https://api.example/x": "api.example:443", "http://api.example": "api.example:80", "https://[::1]": "[::1]:443", "http://[::1]:9": "[::1]:9",
	} {
		if got := newDirect(options(t, address)).address; got != want {
			t.Errorf("%s: dials %s, want %s", address, got, want)
		}
	}
}

// BenchmarkPost compares the two ways, the server of net/http included.
func BenchmarkPost(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"error":"false"}`)
	}))
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	if err != nil {
		b.Fatal(err)
	}
	o := EndpointOptions{URL: u, Timeout: time.Minute, DialTimeout: time.Minute, IdleTimeout: time.Minute, MaxAnswer: 1 << 20, Concurrency: 64}
	body := make([]byte, 1200)
	for name, e := range map[string]*Endpoint{
		"own":      {poster: newDirect(o), slots: make(chan struct{}, 64)},
		"net-http": {poster: newProxied(o), slots: make(chan struct{}, 64)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Post(b.Context(), "text/plain", body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
