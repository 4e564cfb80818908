package outbound

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// certificate gives one for 127.0.0.1, ::1 and example.com, with whom to trust for it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	return &tls.Config{Certificates: srv.TLS.Certificates, MinVersion: tls.VersionTLS12}, pool
}

// gathering is a connection that sends what is written when it is told to.
type gathering struct {
	net.Conn
	mu      sync.Mutex
	holding bool
	held    bytes.Buffer
}

func (g *gathering) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.holding {
		return g.held.Write(p)
	}
	return g.Conn.Write(p)
}

func (g *gathering) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holding = true
}

func (g *gathering) flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holding = false
	_ = g.SetWriteDeadline(time.Time{}) // a farewell has ended it
	_, _ = g.Conn.Write(g.held.Bytes())
	g.held.Reset()
}

// TestRecordsBehindAnAnswer: TLS reads ahead what lies behind an answer's record, and
// no look at the connection shows it.
func TestRecordsBehindAnAnswer(t *testing.T) {
	config, trusted := certificate(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for name, behind := range map[string]func(*tls.Conn){
			"another answer": func(c *tls.Conn) { _, _ = io.WriteString(c, sized("", "evil")) },
			"a little":       func(c *tls.Conn) { _, _ = io.WriteString(c, "e") },
			"a farewell":     func(c *tls.Conn) { _ = c.CloseWrite() },
			"nothing":        func(*tls.Conn) {},
		} {
			t.Run(tls.VersionName(version)+" "+name, func(t *testing.T) {
				config := config.Clone()
				config.MinVersion, config.MaxVersion = version, version
				f := listen(t, func(c net.Conn, _ *bufio.Reader) {
					g := &gathering{Conn: c}
					over := tls.Server(g, config)
					in := bufio.NewReader(over)
					for {
						if _, err := request(in); err != nil {
							return
						}
						g.hold()
						_, _ = io.WriteString(over, sized("", "go"))
						behind(over)
						g.flush()
					}
				})
				d := newDirect(options(t, "https://"+f.Addr().String()))
				d.tls.RootCAs = trusted
				for range 4 {
					if got := outcome(d.post(t.Context(), "text/plain", []byte("x"))); got != `200 "go"` {
						t.Fatalf("%s", got)
					}
				}
				want := int64(4)
				if name == "nothing" {
					want = 1
				}
				if n := f.connections.Load(); n != want {
					t.Errorf("%d connections, want %d", n, want)
				}
			})
		}
	}
}

// counting counts what is written to a connection.
type counting struct {
	net.Conn
	writes atomic.Int64
}

func (c *counting) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// TestNoFarewellToTheDeaf: a request over TLS whose far side reads nothing ends with
// its time; TLS's farewell would wait on for the far side.
func TestNoFarewellToTheDeaf(t *testing.T) {
	config, trusted := certificate(t)
	near, far := net.Pipe()
	defer func() { _ = far.Close() }()
	d := newDirect(options(t, "https://127.0.0.1"))
	d.tls.RootCAs, d.Timeout = trusted, 10*time.Millisecond
	below := &counting{Conn: near}
	over := tls.Client(below, d.tls)
	var wg sync.WaitGroup
	wg.Go(func() {
		config := config.Clone()
		config.SessionTicketsDisabled = true
		_ = tls.Server(far, config).Handshake() // the client's shows what is wrong
	})
	if err := over.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	k := &kept{Conn: over, below: below, stale: staleness(below)}
	k.in = bufio.NewReader(k)
	d.put(k)
	before := below.writes.Load()
	if got := outcome(d.post(t.Context(), "text/plain", []byte("x"))); got != "lost" {
		t.Errorf("%s, want a lost answer", got)
	}
	if n := below.writes.Load() - before; n != 1 {
		t.Errorf("%d writes, want the request's alone", n)
	}
	if _, err := far.Read(make([]byte, 1<<10)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection stays: %v", err)
	}
}

// tunnel is a proxy that joins what CONNECT asks for to one address, or refuses.
func tunnel(t *testing.T, to string, asked *atomic.Value) *far {
	t.Helper()
	return listen(t, func(c net.Conn, r *bufio.Reader) {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		asked.Store(req.Method + " " + req.Host)
		if to == "" {
			_, _ = io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
			return
		}
		there, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", to)
		if err != nil {
			return
		}
		defer func() { _ = there.Close() }()
		_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _ = io.Copy(there, r)
			_ = there.Close()
		})
		_, _ = io.Copy(c, there)
		_ = c.Close()
		wg.Wait()
	})
}

// TestTunnel: an https far side behind a proxy is asked through a tunnel; what the
// proxy refuses was not sent.
func TestTunnel(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	defer srv.Close()
	for to, want := range map[string]string{srv.Listener.Addr().String(): `200 "x"`, "": "not sent", "127.0.0.1:1": "not sent"} {
		var asked atomic.Value
		f := tunnel(t, to, &asked)
		o := options(t, "https://example.com/api?secret_key=1")
		o.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://" + f.Addr().String()) }
		p := newProxied(o)
		transport, ok := p.http.Transport.(*http.Transport)
		if !ok {
			t.Fatal("no transport")
		}
		pool := x509.NewCertPool()
		pool.AddCert(srv.Certificate())
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		for range 2 {
			a, err := p.post(t.Context(), "text/plain", []byte("x"))
			if got := outcome(a, err); got != want {
				t.Errorf("%s %v, want %s", got, err, want)
			}
			var none *NoAnswerError
			if errors.As(err, &none) && bytes.Contains([]byte(none.Err.Error()), []byte("secret")) {
				t.Errorf("the reason holds the address: %v", none.Err)
			}
		}
		if got := asked.Load(); got != "CONNECT example.com:443" {
			t.Errorf("the proxy was asked for %v", got)
		}
		transport.CloseIdleConnections()
	}
}

// TestEnvironment: HTTPS_PROXY and NO_PROXY count. The standard library reads them
// once in a process, so no other test may leave EndpointOptions.Proxy out.
func TestEnvironment(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("NO_PROXY", "straight.example,10.0.0.0/8")
	for address, own := range map[string]bool{
		"https://api.example/x": false, "https://straight.example": true, "https://a.straight.example:444": true,
		"https://10.1.2.3": true, "https://127.0.0.1:1": true, "https://[::1]:1": true, "https://[2001:db8::1]": false,
	} {
		o := options(t, address)
		o.Proxy = nil
		if _, ok := NewEndpoint(o).poster.(*direct); ok != own {
			t.Errorf("%s: goes its own way: %t, want %t", address, ok, own)
		}
	}
}

// TestSeveralAddresses: where one address of a host does not answer, the next is
// tried. An IPv6 literal is an address and, for TLS, a name.
func TestSeveralAddresses(t *testing.T) {
	config, trusted := certificate(t)
	serve := func(c net.Conn, _ *bufio.Reader) {
		over := tls.Server(c, config)
		in := bufio.NewReader(over)
		for {
			if _, err := request(in); err != nil {
				return
			}
			_, _ = io.WriteString(over, sized("", "go"))
		}
	}
	f := listen(t, serve)
	_, port, err := net.SplitHostPort(f.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d := newDirect(options(t, "https://example.com:"+port))
	d.tls.RootCAs = trusted
	d.dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go names(far) // it ends with the pipe
		return near, nil
	}}
	for range 3 {
		if got := outcome(d.post(t.Context(), "text/plain", nil)); got != `200 "go"` {
			t.Fatal(got)
		}
	}
	if n := f.connections.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}

	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	defer func() { _ = l.Close() }()
	go func() { // it ends with the listener and the connection
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c, nil)
		}
	}()
	d = newDirect(options(t, "https://"+l.Addr().String()))
	d.tls.RootCAs = trusted
	if got := outcome(d.post(t.Context(), "text/plain", nil)); got != `200 "go"` {
		t.Errorf("%s at %s", got, l.Addr())
	}
}

// names answers each question for an IPv4 address with 127.0.0.2, where nobody
// listens, and 127.0.0.1 (RFC 1035; over a stream a message has its length before it).
func names(c net.Conn) {
	defer func() { _ = c.Close() }()
	for {
		var length [2]byte
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		q := make([]byte, int(length[0])<<8|int(length[1]))
		if _, err := io.ReadFull(c, q); err != nil || len(q) < 17 {
			return
		}
		end := 12 + bytes.IndexByte(q[12:], 0) + 5 // of the question
		out := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[12:end]...)
		if q[end-3] == 1 { // an IPv4 address is asked for
			out[7] = 2
			for _, last := range []byte{2, 1} {
				out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 127, 0, 0, last)
			}
		}
		if _, err := c.Write(append([]byte{byte(len(out) >> 8), byte(len(out))}, out...)); err != nil {
			return
		}
	}
}
