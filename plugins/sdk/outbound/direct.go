package outbound

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	keepAlive = 10 * time.Second
	// maxHead bounds an answer's head, and those of the interim answers before it.
	maxHead = 1 << 20
	// maxUnread bounds a request, in bytes, that is written before its answer is read. A
	// far side may answer a larger one and not read it, and then the writing would wait.
	maxUnread = 16 << 10
)

// longAgo is a deadline that ends what waits.
var longAgo = time.Unix(1, 0)

var errClosed = errors.New("the connection was closed without an answer")

// direct sends over connections of its own.
type direct struct {
	EndpointOptions
	address      string // to dial
	tls          *tls.Config
	before       string // a request's head up to the length of its body
	between, end string // around the content type
	expecting    *http.Request
	dialer       net.Dialer

	mu       sync.Mutex
	idle     []*kept // that was used last is last
	clearing bool    // a timer runs that closes those that are too old
}

// kept is a connection with what it needs for a request.
type kept struct {
	net.Conn
	below  net.Conn    // what is dialled: Conn, or what TLS goes over
	stale  func() bool // whether the far side has closed it, or sent what was not asked
	in     *bufio.Reader
	out    []byte
	budget int64 // how much more may be read for a head
	since  time.Time
}

// Read reads, a head no longer than it may be.
func (k *kept) Read(p []byte) (int, error) {
	if k.budget <= 0 {
		return 0, errors.New("the answer's head is too long")
	}
	n, err := k.Conn.Read(p[:min(int64(len(p)), k.budget)])
	k.budget -= int64(n)
	return n, err
}

// heldBack tells whether TLS has read more off the connection than was asked of it:
// another record behind an answer, which would answer the next request, or the far
// side's farewell. It leaves the read deadline in the past.
func (k *kept) heldBack() bool {
	over, ok := k.Conn.(*tls.Conn)
	if !ok {
		return false
	}
	if over.SetReadDeadline(longAgo) != nil {
		return true
	}
	_, err := over.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

func newDirect(o EndpointOptions) *direct {
	d := &direct{
		EndpointOptions: o, address: o.URL.Host, dialer: net.Dialer{KeepAlive: keepAlive},
		expecting: &http.Request{Method: http.MethodPost},
	}
	port := "80"
	if o.URL.Scheme == "https" {
		port = "443"
		d.tls = &tls.Config{ServerName: o.URL.Hostname(), NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	}
	if o.URL.Port() == "" {
		d.address = net.JoinHostPort(o.URL.Hostname(), port)
	}
	target := o.URL.RequestURI()
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	d.before = "POST " + target + " HTTP/1.1\r\nHost: " + strings.TrimSuffix(o.URL.Host, ":") + "\r\n" + header("User-Agent", o.UserAgent) + "Content-Length: "
	d.between = "\r\n" + header("Accept", o.Accept) + "Content-Type: "
	d.end = "\r\nAccept-Encoding: gzip\r\n\r\n"
	return d
}

// header is a line of a head. A line break in it would be another header's.
func header(name, value string) string {
	if value == "" {
		return ""
	}
	return name + ": " + strings.NewReplacer("\r", " ", "\n", " ").Replace(value) + "\r\n"
}

func (d *direct) post(ctx context.Context, contentType string, body []byte) (*Answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, &NoAnswerError{Err: err}
	}
	deadline := time.Now().Add(d.Timeout)
	if at, ok := ctx.Deadline(); ok && at.Before(deadline) {
		deadline = at
	}
	for {
		k, used, err := d.take(ctx, deadline)
		if err != nil {
			return nil, &NoAnswerError{Err: reason(ctx, err)}
		}
		stop := context.AfterFunc(ctx, func() { _ = k.SetDeadline(longAgo) })
		written, a, keep, err := d.exchange(k, contentType, body)
		// A deadline that is being set just now would meet the next request.
		switch stopped := stop(); {
		case !keep: // TLS's farewell might wait for a far side that does not read
			_ = k.below.Close()
		case !stopped || k.heldBack():
			_ = k.Close()
		default:
			d.put(k)
		}
		switch {
		case err == nil:
			return a, nil
		case written || !used || ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded):
			return nil, &NoAnswerError{Sent: written, Err: reason(ctx, err)}
		}
		// Nothing went out, for the far side had closed it: another will do.
	}
}

// exchange sends the request and reads the answer. written tells whether a byte of
// it may have got out, keep whether the connection may be used again.
func (d *direct) exchange(k *kept, contentType string, body []byte) (written bool, a *Answer, keep bool, err error) {
	k.out = append(k.out[:0], d.before...)
	k.out = strconv.AppendInt(k.out, int64(len(body)), 10)
	k.out = append(append(append(k.out, d.between...), contentType...), d.end...)
	k.out = append(k.out, body...)
	if len(k.out) > maxUnread {
		return d.exchangeLarge(k)
	}
	n, writing := k.Write(k.out)
	if written = d.gotOut(n); writing != nil && !written {
		return false, nil, false, writing
	}
	// Even where it could not be written whole there may be an answer: too large.
	a, keep, err = d.answer(k)
	if writing != nil {
		if err != nil {
			err = writing
		}
		keep = false
	}
	return written, a, keep, err
}

// exchangeLarge reads the answer while the request is written. What is not written
// when the answer is there stays so.
func (d *direct) exchangeLarge(k *kept) (written bool, a *Answer, keep bool, err error) {
	var n int
	var writing error
	var wg sync.WaitGroup
	wg.Go(func() { n, writing = k.Write(k.out) })
	a, keep, err = d.answer(k)
	late := k.SetWriteDeadline(longAgo)
	wg.Wait()
	if cap(k.out) > 64<<10 {
		k.out = nil // one large request is no reason to hold as much for ever
	}
	// A refusal may have come before all was read, and what is behind it never will be.
	refused := a != nil && a.Status >= http.StatusBadRequest
	return d.gotOut(n), a, keep && !refused && writing == nil && late == nil, err
}

// gotOut tells whether some of a request may be on its way when n bytes of it were
// written. TLS does not say how much of a record is.
func (d *direct) gotOut(n int) bool { return n > 0 || d.tls != nil }

// answer reads an answer; keep tells whether another may follow on the connection.
func (d *direct) answer(k *kept) (a *Answer, keep bool, err error) {
	k.budget = maxHead
	if fields, length, ok := plainHead(k.in); ok {
		if length > d.MaxAnswer {
			return nil, false, ErrTooLong
		}
		k.budget = length
		text := make([]byte, length)
		if n, err := io.ReadFull(k.in, text); err != nil {
			if n == 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, false, err
		}
		return &Answer{Status: http.StatusOK, fields: fields, Body: text}, k.in.Buffered() == 0, nil
	}
	var resp *http.Response
	for resp == nil || resp.StatusCode/100 == 1 { // RFC 9110, 15.2: interim ones
		resp, err = http.ReadResponse(k.in, d.expecting) //nolint:bodyclose // a body is closed by closing or emptying the connection
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, false, errClosed
		}
		if err != nil {
			return nil, false, err
		}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			return nil, false, errors.New("the far side switches to another protocol than HTTP/1.1")
		}
	}
	k.budget = 1 << 62 // what follows is bounded by MaxAnswer
	from, length := io.Reader(resp.Body), resp.ContentLength
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") && length != 0 {
		unzipped, err := gzip.NewReader(resp.Body)
		switch {
		case err == nil:
			from, length = unzipped, -1
		case !errors.Is(err, io.EOF): // nothing at all is an empty body
			return nil, false, err
		}
	}
	text, err := readBody(from, length, d.MaxAnswer)
	if err != nil {
		return nil, false, err
	}
	if from != resp.Body {
		// What follows the compressed text is the end of the body, or nothing good.
		if n, err := resp.Body.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
			resp.Close = true
		}
	}
	return &Answer{Status: resp.StatusCode, header: resp.Header, Body: text}, !resp.Close && k.in.Buffered() == 0, nil
}

// take gives a kept connection that is alive, or a new one, with its deadline set.
func (d *direct) take(ctx context.Context, deadline time.Time) (k *kept, used bool, err error) {
	for {
		d.mu.Lock()
		if n := len(d.idle); n > 0 {
			k, d.idle[n-1] = d.idle[n-1], nil
			d.idle = d.idle[:n-1]
		} else {
			k = nil
		}
		d.mu.Unlock()
		if k == nil {
			break
		}
		if time.Since(k.since) < d.IdleTimeout && k.SetDeadline(deadline) == nil && !k.stale() {
			return k, true, nil
		}
		_ = k.Close()
	}
	k, err = d.dial(ctx, deadline)
	return k, false, err
}

func (d *direct) dial(ctx context.Context, deadline time.Time) (*kept, error) {
	until := deadline
	if at := time.Now().Add(d.DialTimeout); at.Before(until) {
		until = at
	}
	dialing, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	raw, err := d.dialer.DialContext(dialing, "tcp", d.address)
	if err != nil {
		return nil, err
	}
	conn := raw
	if d.tls != nil {
		over := tls.Client(raw, d.tls)
		if err := over.HandshakeContext(dialing); err != nil {
			_ = raw.Close()
			return nil, err
		}
		conn = over
	}
	if err := conn.SetDeadline(deadline); err != nil {
		_ = conn.Close()
		return nil, err
	}
	k := &kept{Conn: conn, below: raw, stale: staleness(raw)}
	k.in = bufio.NewReader(k)
	return k, nil
}

// put keeps a connection for the next request.
func (d *direct) put(k *kept) {
	k.since = time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idle = append(d.idle, k)
	if !d.clearing {
		d.clearing = true
		time.AfterFunc(d.IdleTimeout, d.clear)
	}
}

// clear closes the connections that were not used for too long, and comes again as
// long as there are others.
func (d *direct) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := 0
	for old < len(d.idle) && time.Since(d.idle[old].since) >= d.IdleTimeout {
		_ = d.idle[old].Close()
		old++
	}
	rest := copy(d.idle, d.idle[old:])
	clear(d.idle[rest:])
	d.idle = d.idle[:rest]
	d.clearing = rest > 0
	if d.clearing {
		time.AfterFunc(d.IdleTimeout-time.Since(d.idle[0].since), d.clear)
	}
}

// reason tells an end of the time or of the call as what it is.
func reason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return context.DeadlineExceeded
	}
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
