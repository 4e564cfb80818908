package wire

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pluginv1 "github.com/crosswalk-etl/crosswalk/proto/crosswalk/plugin/v1"
)

// Request is a webhook as it came.
type Request struct {
	// ID names the request in its answer; unique on a stream.
	ID uint64
	// Method is POST, PUT, GET or DELETE.
	Method string
	// Path is what follows the token in the URL's path, mostly "".
	Path string
	// Query is the URL's raw query.
	Query string
	// Header holds the request's headers in canonical form, without those that hold a
	// secret in clear: Authorization, Cookie, and names with token, secret, password,
	// api-key or auth-key in them.
	Header []Header
	// Body is the body, decompressed.
	Body []byte
	// Traceparent names the trace that this is a part of (W3C Trace Context); "" where
	// it is not traced.
	Traceparent string
}

// Header is one line of an HTTP header.
type Header struct{ Name, Value string }

// HeaderValue gives the first value of a header by its canonical name, or "".
func (r *Request) HeaderValue(name string) string {
	for _, h := range r.Header {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// Decoded is what a webhook holds: events, or a refusal.
type Decoded struct {
	// ID names the request.
	ID uint64
	// Events are in order; may be empty.
	Events []Event
	// Refusal is why the webhook is not taken; nil if it is.
	Refusal *Refusal
	// Reply is what the sender is told once the events are stored; nil: 200
	// without a body.
	Reply *Reply
}

// Event is one thing that happened in the source.
type Event struct {
	// Type is the event's name in the spec.
	Type string
	// ID names this very occurrence, unique within the connection; "" where the
	// source has no such thing.
	ID string
	// Key orders events among themselves, such as the order's id. Never "".
	Key string
	// Version grows with each change of the key; 0 where the source counts none.
	Version uint64
	// UpdatedAt is when the key last changed; zero where the source does not say.
	UpdatedAt time.Time
	// Record is the JSON object that mappings see.
	Record []byte
}

// Refusal is why a webhook is not taken. It is an error.
type Refusal struct {
	// Status is the HTTP status, 400 to 499.
	Status int
	// Code is stable and for programs.
	Code string
	// Message is one line for the sender, without secrets.
	Message string
	// Path is the field of the body that it is about, dotted.
	Path string
}

// Error gives the message, and the field where there is one.
func (r *Refusal) Error() string {
	if r.Path != "" {
		return r.Message + " (field " + r.Path + ")"
	}
	return r.Message
}

// Reply is an answer to a sender.
type Reply struct {
	// Status is the HTTP status, 200 to 299.
	Status      int
	ContentType string
	Body        []byte
}

// ReadRequest asks a pull source for events from a cursor on.
type ReadRequest struct {
	// Event is the event's name in the spec.
	Event string
	// Cursor is where the last read ended; nil at first.
	Cursor []byte
	// MaxEvents bounds the events of one batch, 1 to MaxBatch.
	MaxEvents int
}

// ReadBatch is some events with the cursor after them.
type ReadBatch struct {
	Events []Event
	Cursor []byte
}

func requestToProto(r Request) *pluginv1.HttpRequest {
	out := &pluginv1.HttpRequest{
		Id: r.ID, Method: valid(r.Method), Path: valid(r.Path), Query: valid(r.Query), Body: r.Body, Traceparent: valid(r.Traceparent),
		Headers: make([]*pluginv1.Header, len(r.Header)),
	}
	for i, h := range r.Header {
		out.Headers[i] = &pluginv1.Header{Name: valid(h.Name), Value: valid(h.Value)}
	}
	return out
}

func requestFromProto(r *pluginv1.HttpRequest) Request {
	out := Request{
		ID: r.GetId(), Method: r.GetMethod(), Path: r.GetPath(), Query: r.GetQuery(), Body: r.GetBody(), Traceparent: r.GetTraceparent(),
	}
	for _, h := range r.GetHeaders() {
		out.Header = append(out.Header, Header{Name: h.GetName(), Value: h.GetValue()})
	}
	return out
}

func decodedToProto(d Decoded) *pluginv1.Decoded {
	out := &pluginv1.Decoded{Id: d.ID}
	for _, e := range d.Events {
		out.Events = append(out.Events, eventToProto(e))
	}
	if r := d.Refusal; r != nil {
		out.Refusal = &pluginv1.Refusal{
			Status: clampStatus(r.Status), Code: valid(r.Code), Message: valid(r.Message), Path: valid(r.Path),
		}
	}
	if r := d.Reply; r != nil {
		out.Reply = &pluginv1.HttpReply{Status: clampStatus(r.Status), ContentType: valid(r.ContentType), Body: r.Body}
	}
	return out
}

func decodedFromProto(d *pluginv1.Decoded) Decoded {
	out := Decoded{ID: d.GetId()}
	for _, e := range d.GetEvents() {
		out.Events = append(out.Events, eventFromProto(e))
	}
	if r := d.GetRefusal(); r != nil {
		out.Refusal = &Refusal{Status: int(r.GetStatus()), Code: r.GetCode(), Message: r.GetMessage(), Path: r.GetPath()}
	}
	if r := d.GetReply(); r != nil {
		out.Reply = &Reply{Status: int(r.GetStatus()), ContentType: r.GetContentType(), Body: r.GetBody()}
	}
	return out
}

func eventToProto(e Event) *pluginv1.Event {
	out := &pluginv1.Event{
		Type: valid(e.Type), Id: valid(e.ID), Key: valid(e.Key), Version: e.Version, Record: e.Record,
	}
	if !e.UpdatedAt.IsZero() {
		out.UpdatedAt = timestamppb.New(e.UpdatedAt)
	}
	return out
}

func eventFromProto(e *pluginv1.Event) Event {
	out := Event{
		Type: e.GetType(), ID: e.GetId(), Key: e.GetKey(), Version: e.GetVersion(), Record: e.GetRecord(),
	}
	if t := e.GetUpdatedAt(); t != nil && t.IsValid() {
		out.UpdatedAt = t.AsTime()
	}
	return out
}

// readRequestToProto and its kin carry pull sources.
func readRequestToProto(r ReadRequest) *pluginv1.ReadRequest {
	n := min(max(r.MaxEvents, 1), MaxBatch)
	return &pluginv1.ReadRequest{Event: valid(r.Event), Cursor: r.Cursor, MaxEvents: uint32(n)}
}

func readRequestFromProto(r *pluginv1.ReadRequest) ReadRequest {
	return ReadRequest{Event: r.GetEvent(), Cursor: r.GetCursor(), MaxEvents: int(r.GetMaxEvents())}
}

func readBatchToProto(b ReadBatch) *pluginv1.ReadResponse {
	out := &pluginv1.ReadResponse{Cursor: b.Cursor}
	for _, e := range b.Events {
		out.Events = append(out.Events, eventToProto(e))
	}
	return out
}

func readBatchFromProto(b *pluginv1.ReadResponse) ReadBatch {
	out := ReadBatch{Cursor: b.GetCursor()}
	for _, e := range b.GetEvents() {
		out.Events = append(out.Events, eventFromProto(e))
	}
	return out
}

// clampStatus keeps a status that no HTTP answer can have from wrapping around.
func clampStatus(s int) uint32 {
	return uint32(min(max(s, 0), 999))
}

// valid makes text fit for protobuf, which refuses what is not UTF-8 and with it
// the whole batch.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
