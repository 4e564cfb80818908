package outbound

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
)

// EndpointOptions say where requests go and how. All but Accept and UserAgent are
// needed.
type EndpointOptions struct {
	// URL is http or https, without a user.
	URL *url.URL
	// UserAgent and Accept are headers of each request; "" sends none.
	UserAgent, Accept string
	// Timeout bounds one request, from the dialling to the answer's last byte.
	Timeout time.Duration
	// DialTimeout bounds the making of a connection, TLS included.
	DialTimeout time.Duration
	// IdleTimeout closes a connection that was not used for so long.
	IdleTimeout time.Duration
	// MaxAnswer bounds an answer's body, in bytes.
	MaxAnswer int64
	// Concurrency bounds the requests under way, and so the connections.
	Concurrency int
	// Proxy says where requests go by a proxy; nil means http.ProxyFromEnvironment.
	Proxy func(*http.Request) (*url.URL, error)
}

// Endpoint sends POSTs over HTTP/1.1 to one address. Its methods may be called
// concurrently.
//
// A request and its answer are written and read by the goroutine that calls Post, on
// a connection that is kept for the next: net/http hands each of them through three
// goroutines, which costs more than the rest of a request. Only a large request is
// written by another, so that an answer to what was not read whole is heard. What has to go by a proxy,
// and a host whose name is not plain ASCII, goes by net/http nevertheless.
type Endpoint struct {
	poster interface {
		post(ctx context.Context, contentType string, body []byte) (*Answer, error)
	}
	slots chan struct{} // holds a token for each request under way
}

// Answer is what a request was answered.
type Answer struct {
	Status int
	Body   []byte

	header http.Header // nil where it is to be read of fields
	fields string
}

// Header gives the answer's header. It is read when it is asked for.
func (a *Answer) Header() http.Header {
	if a.header == nil {
		a.header = readFields(a.fields)
	}
	return a.header
}

// ErrTooLong says that an answer's body is longer than EndpointOptions.MaxAnswer.
var ErrTooLong = errors.New("the answer is too long")

// NoAnswerError says that a request has no answer that could be read.
type NoAnswerError struct {
	// Sent tells whether some of the request may have reached the far side. Where it
	// has not, nothing was done.
	Sent bool
	// Err is the reason. It does not hold the address beyond host and port.
	Err error
}

// Error gives the reason.
func (e *NoAnswerError) Error() string { return Reason(e.Err) }

// Unwrap gives the reason.
func (e *NoAnswerError) Unwrap() error { return e.Err }

// NewEndpoint makes an endpoint. It connects to nothing yet.
func NewEndpoint(o EndpointOptions) *Endpoint {
	e := &Endpoint{slots: make(chan struct{}, o.Concurrency)}
	if o.Proxy == nil {
		o.Proxy = http.ProxyFromEnvironment
	}
	proxy, err := o.Proxy(&http.Request{Method: http.MethodPost, URL: o.URL, Header: http.Header{}})
	if err != nil || proxy != nil || strings.ContainsFunc(o.URL.Host, func(r rune) bool { return r > unicode.MaxASCII || r == '%' }) {
		e.poster = newProxied(o)
	} else {
		e.poster = newDirect(o)
	}
	return e
}

// Post sends a request and reads its answer, whatever its status; a redirect is an
// answer, too. The error is always a *NoAnswerError. Nothing is sent twice, but where
// not one byte of it could be written to a connection that had been closed meanwhile.
func (e *Endpoint) Post(ctx context.Context, contentType string, body []byte) (*Answer, error) {
	select {
	case e.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, &NoAnswerError{Err: ctx.Err()}
	}
	defer func() { <-e.slots }()
	return e.poster.post(ctx, contentType, body)
}

// readBody takes an answer's body of so many bytes, which may be -1.
func readBody(r io.Reader, length, most int64) ([]byte, error) {
	if length > most {
		return nil, ErrTooLong
	}
	if length >= 0 {
		body := make([]byte, length)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, err
		}
		// The end has yet to be seen: only then is the connection free.
		var one [1]byte
		if n, err := r.Read(one[:]); n > 0 || !errors.Is(err, io.EOF) {
			return nil, cmp.Or(err, io.ErrUnexpectedEOF)
		}
		return body, nil
	}
	body, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(body)) > most {
		err = ErrTooLong
	}
	return body, err
}

// proxied sends by net/http, which knows proxies and names in other scripts.
type proxied struct {
	EndpointOptions
	http *http.Client
}

func newProxied(o EndpointOptions) *proxied {
	dialer := &net.Dialer{Timeout: o.DialTimeout, KeepAlive: keepAlive}
	return &proxied{EndpointOptions: o, http: &http.Client{
		Transport: &http.Transport{
			Proxy:               o.Proxy,
			DialContext:         dialer.DialContext,
			TLSHandshakeTimeout: o.DialTimeout,
			MaxIdleConnsPerHost: o.Concurrency,
			IdleConnTimeout:     o.IdleTimeout,
		},
		// A redirect of a POST becomes a GET or sends it again: neither is wanted.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (p *proxied) post(ctx context.Context, contentType string, body []byte) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { connected.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL.String(), bytes.NewReader(body))
	if err != nil {
		return nil, &NoAnswerError{Err: reason(ctx, err)}
	}
	req.Header.Set("Content-Type", contentType)
	for name, value := range map[string]string{"Accept": p.Accept, "User-Agent": p.UserAgent} {
		if value != "" || name == "User-Agent" {
			req.Header.Set(name, value) // an empty one keeps net/http's own out
		}
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return nil, &NoAnswerError{Sent: connected.Load(), Err: reason(ctx, err)}
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := readBody(resp.Body, resp.ContentLength, p.MaxAnswer)
	if err != nil {
		return nil, &NoAnswerError{Sent: true, Err: reason(ctx, err)}
	}
	return &Answer{Status: resp.StatusCode, header: resp.Header, Body: text}, nil
}
