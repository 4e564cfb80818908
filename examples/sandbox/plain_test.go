package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// echo answers what it was asked, for a comparison of servers.
func echo(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/drop":
		panic(http.ErrAbortHandler)
	case "/replaced": // as a handler that bounds a body does
		r.Body = http.MaxBytesReader(w, r.Body, 10)
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		return
	case "/unread":
		w.WriteHeader(http.StatusTeapot)
		return
	}
	text, err := io.ReadAll(r.Body)
	header := r.Header.Clone()
	length := header.Get("Content-Length")
	header.Del("Content-Length")
	w.Header().Set("X-One", "1")
	w.Header().Add("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintf(w, "%s %s %q %s %d %s %v %q %v", r.Method, r.Host, r.URL.String(), r.RequestURI, r.ContentLength, length, header, text, err)
}

// begin serves echo the sandbox's way.
func begin(t *testing.T, h http.HandlerFunc, careful func() bool) (s *server, addr string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s = newServer(h, careful, io.Discard)
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.serve(l) }) // it ends with the listener
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
		_ = s.shutdown(context.WithoutCancel(t.Context()))
	})
	return s, l.Addr().String()
}

func never() bool { return false }

// talk sends what parts say, one write each, and gives what the server answers until
// it closes or has answered n requests, without dates.
func talk(t *testing.T, addr string, n int, parts ...string) string {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, p := range parts {
			time.Sleep(time.Millisecond) // so that parts may come apart; nothing depends on it
			_, _ = io.WriteString(c, p)
		}
	})
	defer wg.Wait()
	r := bufio.NewReader(c)
	var out strings.Builder
	for range n {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return out.String() + "closed"
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode >= 200 && resp.Header.Get("Date") == "" && resp.StatusCode != 400 {
			t.Errorf("no date in %v", resp.Header)
		}
		resp.Header.Del("Date")
		resp.Header.Del("Content-Length") // net/http may cut into chunks instead
		fmt.Fprintln(&out, resp.Status, resp.Header, string(text), err)
		if resp.Close {
			return out.String() + "closed"
		}
	}
	return out.String()
}

// TestServesAsNetHTTPDoes: whatever comes, it is answered as net/http answers it.
func TestServesAsNetHTTPDoes(t *testing.T) {
	const host = "Host: a.example:80\r\n"
	post := func(target, lines, body string) string {
		return "POST " + target + " HTTP/1.1\r\n" + host + lines + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
	}
	large := strings.Repeat("x", 300_000)
	_, own := begin(t, echo, never)
	_, careful := begin(t, echo, func() bool { return true })
	other := httptest.NewServer(http.HandlerFunc(echo))
	defer other.Close()
	for name, tt := range map[string]struct {
		n     int
		parts []string
	}{
		"plain":                   {1, []string{post("/a?b=c%20d", "User-Agent: x\r\nAccept:  y \r\n", "привіт")}},
		"one after another":       {3, []string{post("/a", "", "1"), post("/a", "", "2"), post("/b", "", "3")}},
		"three at once":           {3, []string{post("/a", "", "1") + post("/unread", "", "2") + post("/a", "", "3")}},
		"no body":                 {1, []string{post("/a", "", "")}},
		"a body in parts":         {2, []string{post("/a", "", "12345")[:61], post("/a", "", "12345")[61:], post("/a", "", "6")}},
		"a head in parts":         {2, []string{post("/a", "", "1")[:20], post("/a", "", "1")[20:], post("/a", "", "2")}},
		"a large body":            {2, []string{post("/a", "", large), post("/a", "", "2")}},
		"a header twice":          {1, []string{post("/a", "x-one: 1\r\nX-Two: 2\r\nX-ONE: 3\r\n", "1")}},
		"dropped":                 {2, []string{post("/drop", "", "1"), post("/a", "", "2")}},
		"GET between":             {3, []string{post("/a", "", "1"), "GET /g HTTP/1.1\r\n" + host + "\r\n", post("/a", "", "3")}},
		"GET behind":              {2, []string{post("/a", "", "1") + "GET /g HTTP/1.1\r\n" + host + "\r\n"}},
		"chunks":                  {1, []string{"POST /a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"}},
		"asks first":              {2, []string{"POST /a HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n", "x"}},
		"closes":                  {2, []string{post("/a", "Connection: close\r\n", "1"), post("/a", "", "2")}},
		"HTTP/1.0":                {1, []string{strings.Replace(post("/a", "", "1"), "/1.1", "/1.0", 1)}},
		"no host":                 {1, []string{"POST /a HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"}},
		"two hosts":               {1, []string{post("/a", host, "1")}},
		"a wrong host":            {1, []string{strings.Replace(post("/a", "", "1"), "a.example", "a b", 1)}},
		"no length":               {1, []string{"POST /a HTTP/1.1\r\n" + host + "\r\n"}},
		"two lengths":             {1, []string{post("/a", "Content-Length: 7\r\n", "1")}},
		"twice the length":        {1, []string{post("/a", "Content-Length: 1\r\n", "1")}},
		"a length with a sign":    {1, []string{"POST /a HTTP/1.1\r\n" + host + "Content-Length: +1\r\n\r\nx"}},
		"a negative length":       {1, []string{"POST /a HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\nx"}},
		"a length and chunks":     {1, []string{post("/a", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n")}},
		"a space in a name":       {1, []string{post("/a", "X-One : 1\r\n", "1")}},
		"a line without a colon":  {1, []string{post("/a", "X-One\r\n", "1")}},
		"a folded line":           {1, []string{post("/a", "X-One: 1\r\n 2\r\n", "1")}},
		"a control character":     {1, []string{post("/a", "X-One: a\x00b\r\n", "1")}},
		"a bare line feed":        {1, []string{strings.ReplaceAll(post("/a", "", "1"), "\r\n", "\n")}},
		"a wrong target":          {1, []string{post("/a%zz", "", "1")}},
		"a target with a space":   {1, []string{post("/a b", "", "1")}},
		"a whole address":         {1, []string{post("http://b.example/a", "", "1")}},
		"two slashes":             {1, []string{post("//a", "", "1")}},
		"no HTTP":                 {1, []string{"hello\r\n\r\n"}},
		"an unusual token":        {1, []string{post("/a", "X_One!: 1\r\n", "1")}},
		"a long head":             {2, []string{post("/a", strings.Repeat("X-Many: "+strings.Repeat("x", 1000)+"\r\n", 20), "1"), post("/a", "", "2")}},
		"nothing of a large body": {1, []string{post("/unread", "", strings.Repeat("x", 100_000))}},
		"a body that is replaced": {2, []string{post("/replaced", "", "1"), post("/a", "", "2")}},
		"nothing of a huge one":   {1, []string{post("/unread", "", large+large)}},
	} {
		t.Run(name, func(t *testing.T) {
			want := talk(t, other.Listener.Addr().String(), tt.n, tt.parts...)
			if got := talk(t, own, tt.n, tt.parts...); got != want {
				t.Errorf("got\n%.2000s\nnet/http answers\n%.2000s", got, want)
			}
			if got := talk(t, careful, tt.n, tt.parts...); got != want {
				t.Errorf("handed over it is\n%.2000s\nnet/http answers\n%.2000s", got, want)
			}
		})
	}
}

// TestPlainIsPlain: what connectors send does not go by net/http.
func TestPlainIsPlain(t *testing.T) {
	var own atomic.Int64
	_, addr := begin(t, func(w http.ResponseWriter, _ *http.Request) {
		if _, ok := w.(*reply); ok {
			own.Add(1)
		}
	}, never)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 3 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/a?b=c", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	if own.Load() != 3 {
		t.Errorf("%d of 3 were plain", own.Load())
	}
}

// TestClientsThatLeave: wherever in a request or an answer a client leaves, its
// connection ends, and others' answers stay their own.
func TestClientsThatLeave(t *testing.T) {
	s, addr := begin(t, echo, never)
	request := "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nleave"
	var wg sync.WaitGroup
	for at := range len(request) + 1 {
		wg.Go(func() {
			c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(c, request+request[:at])
			if raw, ok := c.(*net.TCPConn); ok && at%2 == 0 {
				_ = raw.SetLinger(0) // by a reset
			}
			_ = c.Close()
		})
		wg.Go(func() {
			body := fmt.Sprintf("stay %02d", at)
			if got := talk(t, addr, 1, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n"+body); !strings.Contains(got, body) {
				t.Errorf("%s is answered %s", body, got)
			}
		})
	}
	wg.Wait()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		left := len(s.conns)
		s.mu.Unlock()
		if left == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d connections are left", left)
		}
	}
}

// TestDeafClient: a client that sends requests and reads no answers does not keep its
// connection for ever.
func TestDeafClient(t *testing.T) {
	near, far := net.Pipe()
	defer func() { _ = far.Close() }()
	watched := &deadlines{Conn: near}
	s := newServer(http.HandlerFunc(echo), never, io.Discard)
	c := &conn{Conn: watched, in: bufio.NewReader(watched), answer: reply{header: http.Header{}}}
	s.conns[c] = struct{}{}
	ended := make(chan struct{})
	go func() { s.serveConn(c); close(ended) }()
	if _, err := io.WriteString(far, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"); err != nil {
		t.Fatal(err)
	}
	select { // nobody reads
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("the connection stays")
	}
	if len(s.conns) != 0 {
		t.Errorf("%d connections are left", len(s.conns))
	}
}

// deadlines is a connection on which a deadline for writing is soon.
type deadlines struct{ net.Conn }

func (d *deadlines) SetDeadline(at time.Time) error {
	if err := d.SetReadDeadline(at); err != nil || at.IsZero() {
		return err
	}
	return d.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
}

// TestPanic: a handler's mistake is told, and costs its connection and no other.
func TestPanic(t *testing.T) {
	var stderr bytes.Buffer
	s, addr := begin(t, func(http.ResponseWriter, *http.Request) { panic("oops") }, never)
	s.stderr = &stderr // nothing has come yet
	const request = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
	if got := talk(t, addr, 1, request); got != "closed" {
		t.Errorf("answered %q", got)
	}
	if err := s.shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(stderr.String(), "serving /a panicked: oops") || !strings.Contains(stderr.String(), "TestPanic") {
		t.Errorf("it says %q", stderr.String())
	}
}

// TestShutdown: idle connections are closed at once, a request under way is answered,
// and one that takes too long is cut off.
func TestShutdown(t *testing.T) {
	const request = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
	for name, long := range map[string]bool{"answered": false, "cut off": true} {
		t.Run(name, func(t *testing.T) {
			arrived, release := make(chan struct{}), make(chan struct{})
			s, addr := begin(t, func(http.ResponseWriter, *http.Request) { close(arrived); <-release }, never)
			idle, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = idle.Close() }()
			var got string
			var wg sync.WaitGroup
			wg.Go(func() { got = talk(t, addr, 1, request) })
			<-arrived
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			down := make(chan error, 1)
			go func() { down <- s.shutdown(ctx) }()
			if _, err := idle.Read(make([]byte, 1)); err == nil {
				t.Error("an idle connection gets something")
			}
			if long {
				cancel()
			} else {
				close(release)
			}
			if err := <-down; (err != nil) != long {
				t.Errorf("shutdown: %v", err)
			}
			wg.Wait()
			if long {
				close(release)
			}
			if (got == "closed") != long {
				t.Errorf("the request under way got %q", got)
			}
		})
	}
}
