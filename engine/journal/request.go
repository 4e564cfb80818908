package journal

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// A request's message holds what came before its body as JSON, followed by the body's
// bytes. Its headers are what a start has to read.
const (
	// hdrRequest is the request's ID, escaped as in a URL's path.
	hdrRequest = "Cw-Request"
	// hdrHead is the length in bytes of what stands before the body.
	hdrHead = "Cw-Head-Length"
	// hdrPart is, of an event, the part that it is of a request that was kept.
	hdrPart = "Cw-Part"
	// hdrSize is the length of the message that the server tells where it gives the
	// headers alone.
	hdrSize = "Nats-Msg-Size"
)

// requestHead is what comes before a body. What came is kept byte by byte, and
// may be anything but UTF-8.
type requestHead struct {
	Method string      `json:"method"`
	Path   []byte      `json:"path,omitempty"`
	Query  []byte      `json:"query,omitempty"`
	Header [][2][]byte `json:"header,omitempty"`
	// Refused is of a request that was refused when it was decoded.
	Refused *event.Reason `json:"refused,omitempty"`
}

// maxKeptBody bounds the body of a kept request, in bytes.
const maxKeptBody = 16 << 20

// checkRequest says why a request cannot be kept, or nil.
func checkRequest(r *event.Request) error {
	if err := checkName(r.Connection); err != nil {
		return &EventError{Field: "connection", Problem: err.Error()}
	}
	if y := r.ReceivedAt.UTC().Year(); r.ReceivedAt.IsZero() || y < 1 || y > 9999 {
		return &EventError{Field: "received_at", Problem: "is not set"}
	}
	if n := len(r.Body); n > maxKeptBody {
		return &EventError{Field: "body", Problem: fmt.Sprintf("has %d bytes, at most %d are allowed", n, maxKeptBody)}
	}
	return nil
}

// encodeRequest makes a request's message. The data is a copy.
func encodeRequest(r *event.Request) (*nats.Msg, error) {
	head := requestHead{Method: r.Method, Path: []byte(r.Path), Query: []byte(r.Query), Refused: r.Reason}
	for _, line := range r.Header {
		head.Header = append(head.Header, [2][]byte{[]byte(line[0]), []byte(line[1])})
	}
	data, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("encode a request: %w", err)
	}
	h := nats.Header{
		hdrRequest:  {url.PathEscape(r.ID)},
		hdrReceived: {encodeTime(r.ReceivedAt)},
		hdrHead:     {strconv.Itoa(len(data))},
	}
	if r.Trace != "" {
		h[hdrTrace] = []string{r.Trace}
	}
	subject := requestSubject(r.Connection)
	if r.Reason != nil {
		subject = refusedSubject(r.Connection)
		h[hdrUpdated] = []string{encodeTime(r.RefusedAt)}
	}
	return &nats.Msg{Subject: subject, Header: h, Data: append(data, r.Body...)}, nil
}

// keptHeaders reads what a start has to know of a kept request: its ID, and what it
// takes in bytes. The server tells its size where it gives the headers alone.
func keptHeaders(seq uint64, h nats.Header) (id string, size int64, err error) {
	if id, err = url.PathUnescape(h.Get(hdrRequest)); err != nil {
		return "", 0, fmt.Errorf("kept request %d: header %s: %w", seq, hdrRequest, err)
	}
	if size, err = strconv.ParseInt(h.Get(hdrSize), 10, 64); err != nil {
		return "", 0, fmt.Errorf("kept request %d: header %s: %w", seq, hdrSize, err)
	}
	return id, size + requestOverhead, nil
}

// decodeRequest reads a request's message. Body shares data's memory.
func decodeRequest(seq uint64, subject string, h nats.Header, data []byte) (event.Request, error) {
	fail := func(what string, err error) (event.Request, error) {
		return event.Request{}, fmt.Errorf("kept request %d: %s: %w", seq, what, err)
	}
	n, err := strconv.ParseUint(h.Get(hdrHead), 10, 31)
	if err != nil {
		return fail("header "+hdrHead, err)
	}
	if int(n) > len(data) {
		return fail("header "+hdrHead, fmt.Errorf("the message has only %d bytes", len(data)))
	}
	var head requestHead
	if err := json.Unmarshal(data[:n], &head); err != nil {
		return fail("what stands before the body", err)
	}
	r := event.Request{
		Sequence: seq, Method: head.Method, Path: string(head.Path), Query: string(head.Query), Body: data[n:], Reason: head.Refused,
		Trace: h.Get(hdrTrace),
	}
	_, r.Connection, _ = strings.Cut(subject, ".")
	for _, line := range head.Header {
		r.Header = append(r.Header, [2]string{string(line[0]), string(line[1])})
	}
	if r.ID, err = url.PathUnescape(h.Get(hdrRequest)); err != nil {
		return fail("header "+hdrRequest, err)
	}
	if r.ReceivedAt, err = decodeTime(h.Get(hdrReceived)); err != nil {
		return fail("header "+hdrReceived, err)
	}
	if r.RefusedAt, err = decodeTime(h.Get(hdrUpdated)); err != nil {
		return fail("header "+hdrUpdated, err)
	}
	return r, nil
}
