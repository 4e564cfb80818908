package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// idleTimeout closes a connection on which no request comes.
	idleTimeout = 2 * time.Minute
	// maxLeft bounds what is read of a body that the handler has left, in bytes. Where
	// there is more, the client has lingerTime to read the answer: a connection that is
	// closed with something unread takes the answer along.
	maxLeft    = 256 << 10
	lingerTime = 500 * time.Millisecond
)

// server serves HTTP. A measurement should have little of the sandbox in it, so a
// plain POST, which is what connectors send, is read, handled and answered by the one
// goroutine of its connection, with one write. A connection on which anything else
// comes belongs to net/http from then on.
type server struct {
	handler http.Handler
	// careful tells that a handler may wait, and so has to learn when a client leaves.
	careful func() bool
	rest    *http.Server
	handed  chan net.Conn
	stderr  io.Writer

	mu      sync.Mutex
	conns   map[*conn]struct{}
	closing bool
	wg      sync.WaitGroup
	done    chan struct{} // closed when nothing more is handed over
}

// conn is a connection that serves plain requests.
type conn struct {
	net.Conn
	in    *bufio.Reader
	body  body // of the request that is served
	state atomic.Int32
	until time.Time // its deadline, for reading and for writing
	// What the next answer is written with.
	answer reply
	out    []byte
	dated  int64 // the Unix second that date is of
	date   []byte
	// The last request's target, which seldom changes.
	target string
	url    *url.URL
}

// The states of a conn.
const (
	waiting = iota // for a request
	busy
	over
)

func newServer(h http.Handler, careful func() bool, stderr io.Writer) *server {
	return &server{
		handler: h, careful: careful, stderr: stderr,
		rest:  &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: idleTimeout},
		conns: map[*conn]struct{}{}, handed: make(chan net.Conn), done: make(chan struct{}),
	}
}

// serve accepts connections until the listener fails or is closed. Whatever it
// returns, shutdown ends what it began.
func (s *server) serve(l net.Listener) error {
	go func() { _ = s.rest.Serve(handing{l.Addr(), s.handed, s.done}) }() // it ends with s.done
	for {
		c, err := l.Accept()
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ECONNABORTED) {
			time.Sleep(10 * time.Millisecond) // until some are closed
			continue
		}
		if err != nil {
			return err
		}
		one := &conn{Conn: c, in: bufio.NewReaderSize(c, 8<<10), answer: reply{header: http.Header{}}}
		s.mu.Lock()
		if s.closing {
			_ = c.Close()
		} else {
			s.conns[one] = struct{}{}
			s.wg.Go(func() { s.serveConn(one) })
		}
		s.mu.Unlock()
	}
}

// shutdown lets requests under way end, or cuts them off when ctx ends, which is its
// error then.
func (s *server) shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.closing {
		s.closing = true
		close(s.done)
	}
	for c := range s.conns {
		if c.state.CompareAndSwap(waiting, over) {
			_ = c.Close()
		}
	}
	s.mu.Unlock()
	err := s.rest.Shutdown(ctx)
	ended := make(chan struct{})
	go func() { s.wg.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
		err = ctx.Err()
		s.mu.Lock()
		for c := range s.conns {
			_ = c.Close()
		}
		s.mu.Unlock()
	}
	return errors.Join(err, s.rest.Close())
}

func (s *server) serveConn(c *conn) {
	handed := false
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		if !handed {
			_ = c.Close()
		}
	}()
	for {
		if now := time.Now(); c.until.Sub(now) < idleTimeout-time.Second {
			c.until = now.Add(idleTimeout)
			if c.SetDeadline(c.until) != nil { // a client that reads no answers ends with it, too
				return
			}
		}
		if _, err := c.in.Peek(1); err != nil || !c.state.CompareAndSwap(waiting, busy) {
			return
		}
		var r *http.Request
		if !s.careful() {
			r = c.read()
		}
		if r == nil {
			handed = s.hand(c)
			return
		}
		if !s.handle(c, r) {
			return
		}
		c.state.Store(waiting)
		s.mu.Lock()
		closing := s.closing
		s.mu.Unlock()
		if closing {
			return
		}
	}
}

// hand gives a connection to net/http.
func (s *server) hand(c *conn) bool {
	if c.SetDeadline(time.Time{}) != nil {
		return false
	}
	select {
	case s.handed <- &rewound{c.Conn, c.in}:
		return true
	case <-s.done:
		return false
	}
}

// handle answers a request and tells whether another may follow.
func (s *server) handle(c *conn, r *http.Request) (more bool) {
	defer func() {
		if p := recover(); p != nil {
			more = false
			if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				_, _ = fmt.Fprintf(s.stderr, "sandbox: serving %s panicked: %v\n%s", r.URL.Path, p, debug.Stack())
			}
		}
	}()
	a := &c.answer
	clear(a.header)
	a.status, a.body = 0, a.body[:0]
	s.handler.ServeHTTP(a, r)
	left := &c.body // whatever the handler has put in the place of r.Body
	more = left.left <= maxLeft
	if more && left.left > 0 {
		_, err := c.in.Discard(left.left)
		more = err == nil
	}
	_, err := c.Write(c.written(more))
	if !more && left.left > 0 && err == nil && c.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, c.in, int64(left.left))
	}
	if cap(a.body)+cap(c.out) > 256<<10 {
		a.body, c.out = nil, nil
	}
	return more && err == nil
}

// read takes a plain request off the connection, and nothing where it is another.
func (c *conn) read() *http.Request {
	waits, err := c.in.Peek(c.in.Buffered())
	if err != nil {
		return nil
	}
	end := bytes.Index(waits, []byte("\r\n\r\n"))
	if end < 0 {
		return nil
	}
	head := string(waits[:end])
	line, lines, _ := strings.Cut(head, "\r\n")
	target, ok := strings.CutPrefix(line, "POST /")
	if !ok {
		return nil
	}
	if target, ok = strings.CutSuffix(target, " HTTP/1.1"); !ok {
		return nil
	}
	target = line[len("POST "):][:len(target)+1]
	if strings.IndexByte(target, ' ') >= 0 {
		return nil
	}
	if target != c.target {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return nil
		}
		c.target, c.url = target, u
	}
	r := &http.Request{
		Method: http.MethodPost, URL: c.url, RequestURI: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, 8), ContentLength: -1, RemoteAddr: "", Pattern: "",
	}
	if !plainHeader(lines, r) || r.ContentLength < 0 || r.Host == "" {
		return nil
	}
	if _, err := c.in.Discard(end + 4); err != nil {
		return nil
	}
	c.body = body{from: c.in, left: int(r.ContentLength)}
	r.Body = &c.body
	return r
}

// plainHeader reads the lines of a head into r. It tells whether they are such that
// they mean nothing to a server but the body's length and the host.
func plainHeader(lines string, r *http.Request) bool {
	values := make([]string, 0, 8)
	for lines != "" {
		var line string
		line, lines, _ = strings.Cut(lines, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsFunc(name, notInName) || strings.ContainsFunc(value, control) {
			return false
		}
		name, value = textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " \t")
		switch name {
		case "Connection", "Transfer-Encoding", "Expect", "Upgrade", "Trailer", "Te", "Keep-Alive", "Proxy-Connection":
			return false
		case "Host":
			if r.Host != "" || strings.ContainsFunc(value, notInHost) {
				return false
			}
			r.Host = value
			continue
		case "Content-Length":
			n, err := strconv.ParseUint(value, 10, 31)
			if err != nil || r.ContentLength >= 0 {
				return false
			}
			r.ContentLength = int64(n)
		}
		if len(r.Header[name]) > 0 {
			r.Header[name] = append(r.Header[name], value)
			continue
		}
		values = append(values, value)
		r.Header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	return true
}

func notInName(c rune) bool {
	return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-'
}

func notInHost(c rune) bool {
	return notInName(c) && c != '.' && c != ':' && c != '[' && c != ']'
}

func control(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }

// written is the answer as it is sent.
func (c *conn) written(more bool) []byte {
	a := &c.answer
	if a.status == 0 {
		a.status = http.StatusOK
	}
	out := append(strconv.AppendInt(append(c.out[:0], "HTTP/1.1 "...), int64(a.status), 10), ' ')
	out = append(append(out, http.StatusText(a.status)...), "\r\n"...)
	for _, name := range slices.Sorted(maps.Keys(a.header)) {
		for _, value := range a.header[name] {
			out = append(append(append(append(out, name...), ": "...), value...), "\r\n"...)
		}
	}
	if now := time.Now(); now.Unix() != c.dated {
		c.dated, c.date = now.Unix(), now.UTC().AppendFormat(c.date[:0], http.TimeFormat)
	}
	out = append(append(append(out, "Date: "...), c.date...), "\r\nContent-Length: "...)
	out = strconv.AppendInt(out, int64(len(a.body)), 10)
	if !more {
		out = append(out, "\r\nConnection: close"...)
	}
	c.out = append(append(out, "\r\n\r\n"...), a.body...)
	return c.out
}

// reply is an answer that is being made.
type reply struct {
	header http.Header
	status int
	body   []byte
}

// Header gives the header to fill.
func (a *reply) Header() http.Header { return a.header }

// WriteHeader sets the status; the first counts.
func (a *reply) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write adds to the body.
func (a *reply) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, p...)
	return len(p), nil
}

// body is a request's body.
type body struct {
	from *bufio.Reader
	left int
}

// Read reads of what is left.
func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.from.Read(p[:min(len(p), b.left)])
	b.left -= n
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close does nothing: the connection stays.
func (b *body) Close() error { return nil }

// handing is a listener whose connections come over a channel.
type handing struct {
	addr   net.Addr
	handed chan net.Conn
	done   chan struct{}
}

// Accept gives the next one.
func (h handing) Accept() (net.Conn, error) {
	select {
	case c := <-h.handed:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close does nothing: it is done by whoever hands over.
func (h handing) Close() error { return nil }

// Addr is where clients connect to.
func (h handing) Addr() net.Addr { return h.addr }

// rewound is a connection of which something was read ahead.
type rewound struct {
	net.Conn
	ahead *bufio.Reader
}

// Read gives what was read ahead first.
func (r *rewound) Read(p []byte) (int, error) {
	if n := r.ahead.Buffered(); n > 0 {
		return r.ahead.Read(p[:min(n, len(p))])
	}
	return r.Conn.Read(p)
}

// CloseWrite lets net/http say that nothing follows an answer before it closes a
// connection of which it has not read all: a close alone takes the answer along.
func (r *rewound) CloseWrite() error {
	if half, ok := r.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
