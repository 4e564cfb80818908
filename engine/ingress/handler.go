package ingress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/tracing"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

const allowed = "POST, PUT, GET, DELETE"

// answer is what a sender is told.
type answer struct {
	status      int
	contentType string
	body        []byte
	// problem is why a request is refused; nil if it is taken.
	problem *problem
	// accepted and duplicates count the request's events, of which stored are the first.
	accepted, duplicates int
	stored               []stored
}

// request is a webhook on its way.
type request struct {
	*http.Request
	w       http.ResponseWriter
	started time.Time
	// sender is nil until the token is known to be right.
	sender *sender
	rest   string
	// size is the body's length, whole tells that it was read to its end, and kept
	// that it is kept as it came.
	size  int
	whole bool
	kept  bool
	// span is its trace; nil where it has none.
	span *tracing.Span
}

// ServeHTTP takes one webhook.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := &request{Request: r, w: w, started: time.Now()}
	a := s.guarded(r.Context(), q)
	h := w.Header()
	if p := a.problem; p != nil {
		if p.retryAfter > 0 {
			h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
		}
		switch p.status {
		case http.StatusMethodNotAllowed:
			h.Set("Allow", allowed)
		case http.StatusUnsupportedMediaType:
			if p.code == CodeEncoding {
				h.Set("Accept-Encoding", "gzip")
			}
		}
		if p.hangUp {
			h.Set("Connection", "close")
		}
	}
	h.Set("X-Content-Type-Options", "nosniff")
	if a.status != http.StatusNoContent {
		h["Content-Type"] = nil // nothing is guessed from the body
		if a.contentType != "" {
			h.Set("Content-Type", a.contentType)
		}
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	if q.unread(a.problem) {
		s.linger(q, a)
	} else {
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body) // a sender that went away repeats its request, and that is a duplicate
	}
	s.note(r.Context(), q, a)
	s.told(q, a)
}

// unread reports whether a refused sender may still be sending its body.
func (q *request) unread(p *problem) bool {
	if p == nil || q.whole || q.ContentLength == 0 || q.Header.Get("Expect") != "" {
		return false
	}
	return p.code != CodeTimeout && p.code != CodeIncomplete && p.code != CodeGone
}

const (
	lingerBytes = 16 << 20
	lingerTime  = 2 * time.Second
)

// linger answers and then drops what is still coming, within bounds: closing the
// connection at once would reset it, and many a sender would see the reset and
// not the answer.
func (s *Server) linger(q *request, a answer) {
	c := http.NewResponseController(q.w)
	duplex := c.EnableFullDuplex() == nil
	if q.ContentLength < 0 || q.ContentLength > lingerBytes {
		q.w.Header().Set("Connection", "close")
	}
	q.w.WriteHeader(a.status)
	_, err := q.w.Write(a.body)
	if !duplex || err != nil || c.Flush() != nil || c.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, q.Body, lingerBytes) // the answer is given; what comes of the rest is the same
}

// guarded keeps a panic from being told to the sender.
func (s *Server) guarded(ctx context.Context, q *request) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("taking a webhook panicked", "panic", p, "stack", string(debug.Stack()))
			a = (&problem{
				status: http.StatusInternalServerError, code: CodeBroken,
				message: "the engine failed on this request", hangUp: true,
			}).answer()
		}
	}()
	a, p := s.take(ctx, q)
	if p != nil {
		return p.answer()
	}
	return a
}

// take goes the way of a webhook, from the cheap checks to the journal.
func (s *Server) take(ctx context.Context, q *request) (answer, *problem) {
	switch q.Method {
	case http.MethodPost, http.MethodPut, http.MethodGet, http.MethodDelete:
	default:
		return answer{}, refuse(http.StatusMethodNotAllowed, CodeMethod, "the method %s is not supported: send %s", quoted(q.Method), allowed)
	}
	q.sender, q.rest = s.senders.find(q.URL)
	if q.sender == nil {
		return answer{}, refuse(http.StatusNotFound, CodeNotFound, "there is nothing here: the address of a webhook is /in/{connection}/{token}")
	}
	if p := q.sender.allow(q.started); p != nil {
		return answer{}, p
	}
	q.span = s.tracer.Webhook(q.Header.Get("Traceparent"), "webhook", q.started)
	var c content
	if q.ContentLength != 0 {
		var p *problem
		if c, p = contentOf(q.Header); p != nil {
			return answer{}, p
		}
		if c.gzipped && q.sender.signature != nil {
			return answer{}, refuse(http.StatusUnsupportedMediaType, CodeEncoding, "a signed body is sent as it is, without Content-Encoding")
		}
	}
	b, p := s.read(q.w, q.Request, c.gzipped)
	defer b.release()
	if p != nil {
		return answer{}, p
	}
	received := time.Now().UTC()
	q.size, q.whole = len(b.data), true
	if v := q.sender.signature; v != nil {
		if p := v.check(q.Header, b.data); p != nil {
			return answer{}, p
		}
	}
	if len(b.data) == 0 {
		if q.Method == http.MethodPost || q.Method == http.MethodPut {
			return answer{}, refuse(http.StatusBadRequest, CodeEmpty, "the body is empty")
		}
	} else if p := c.check(b.data); p != nil {
		return answer{}, p
	}
	r := wire.Request{Method: q.Method, Path: q.rest, Query: q.URL.RawQuery, Header: headers(q.Header), Body: b.data}
	if s.queues(q.sender) {
		if left(ctx) {
			return answer{}, senderGone(nil)
		}
		return s.keep(ctx, q, &r, received, nil)
	}
	var sound []byte
	if c.form != formMultipart {
		sound = b.data
	}
	decoded, p := s.decode(ctx, q, r, sound)
	if p != nil && p.code == CodeConnector && s.keeper != nil {
		if left(ctx) {
			return answer{}, senderGone(p)
		}
		return s.keep(ctx, q, &r, received, p.cause)
	}
	if p != nil {
		return answer{}, p
	}
	return s.store(ctx, q, decoded, b.data, received)
}

// allow takes one request off the sender's rate.
func (one *sender) allow(now time.Time) *problem {
	if one.limiter == nil {
		return nil
	}
	r := one.limiter.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if r.OK() && wait == 0 {
		return nil
	}
	r.CancelAt(now)
	p := refuse(http.StatusTooManyRequests, CodeRate, "more than %s requests a second came in: send this one again later",
		strconv.FormatFloat(one.RatePerSecond, 'g', 4, 64))
	p.retryAfter = max(wait, time.Second)
	return p
}

// decode asks the plugin for a moment, and as long as the sender is there. sound is
// the body where it was checked: as JSON, if it begins as an object does.
func (s *Server) decode(ctx context.Context, q *request, r wire.Request, sound []byte) (wire.Decoded, *problem) {
	soon, cancel := context.WithTimeout(ctx, s.limits.DecodeTimeout)
	defer cancel()
	d, p := s.askTraced(soon, q.span, q.sender, r, sound)
	if ctx.Err() != nil {
		return d, senderGone(p)
	}
	return d, p
}

// left tells whether the sender has given up and closed its connection. It may have
// sent its webhook again by then, and later ones behind that: what is stored of this
// one now would come after them, and without an ID nobody could tell.
func left(ctx context.Context) bool {
	// net/http begins to look once the body is read, beside this goroutine: it must have had
	// its turn to see what has already come.
	for range 3 {
		runtime.Gosched()
	}
	return ctx.Err() != nil
}

// senderGone refuses a request whose sender does not wait for an answer; p is what was
// wrong besides, nil if nothing.
func senderGone(p *problem) *problem {
	gone := &problem{status: http.StatusBadRequest, code: CodeGone, message: "the sender went away", hangUp: true}
	if p != nil {
		gone.cause = p.cause
	}
	return gone
}

// ask asks the plugin, until ctx ends.
func (s *Server) ask(ctx context.Context, one *sender, r wire.Request, sound []byte) (wire.Decoded, *problem) {
	d, err := one.Decoder.Decode(ctx, r)
	if never, ok := errors.AsType[*UnacceptableError](err); ok {
		return d, &problem{status: http.StatusUnprocessableEntity, code: CodeUnacceptable, message: never.Message, field: never.Field}
	}
	if err != nil {
		var after time.Duration
		if u, ok := errors.AsType[*UnavailableError](err); ok {
			after = u.RetryAfter
		}
		return d, later(CodeConnector, "the connector does not answer: send this request again later", after, err)
	}
	if r := d.Refusal; r != nil {
		p := &problem{status: r.Status, code: CodeRefused, told: r.Code, message: r.Message, field: r.Path}
		if p.status < 400 || p.status > 499 {
			p.status = http.StatusUnprocessableEntity
		}
		if p.message == "" {
			p.message = "the connector refuses this request"
		}
		return d, p
	}
	if err := checkEvents(d.Events, sound); err != nil {
		return d, &problem{
			status: http.StatusInternalServerError, code: CodeBroken, cause: err,
			message: "the connector made something of this request that is no event",
		}
	}
	return d, nil
}

// checkEvents keeps a connector's mistakes out of the journal. A record that is the
// body itself was checked with that.
func checkEvents(events []wire.Event, sound []byte) error {
	if len(events) > maxEvents {
		return errors.New("the connector made more than " + strconv.Itoa(maxEvents) + " events of one request")
	}
	for _, e := range events {
		if e.Type == "" || e.Key == "" {
			return errors.New("the connector made an event without a type or a key")
		}
		object := bytes.HasPrefix(bytes.TrimLeft(e.Record, " \t\r\n"), []byte("{"))
		if object && bytes.Equal(e.Record, sound) {
			continue
		}
		if err := CheckJSON("body", e.Record); err != nil {
			return errors.New("the connector made a record that is not JSON: " + err.Error())
		}
		if !object {
			return errors.New("the connector made a record that is no JSON object")
		}
	}
	return nil
}

// store puts the events into the journal, in their order. From the first one on
// it is not interrupted when the sender goes away: either all of a request is
// stored or the journal failed, and then the sender is told to repeat it.
func (s *Server) store(ctx context.Context, q *request, d wire.Decoded, data []byte, received time.Time) (answer, *problem) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.StoreTimeout)
	defer cancel()
	a := answer{status: http.StatusOK, contentType: "application/json"}
	for _, e := range d.Events {
		ev := eventOf(q.sender.Name, &e, data, received)
		receipt, err := s.accept(ctx, q.span, ev)
		if never, ok := errors.AsType[*UnacceptableError](err); ok {
			return a, &problem{status: http.StatusUnprocessableEntity, code: CodeUnacceptable, message: never.Message, field: never.Field, cause: err}
		}
		if err != nil {
			var after time.Duration
			if u, ok := errors.AsType[*UnavailableError](err); ok {
				after = u.RetryAfter
			}
			return a, later(CodeJournal, "the event could not be stored: send this request again later", after, err)
		}
		q.sender.count(receipt)
		if s.log.Enabled(ctx, slog.LevelDebug) {
			a.note(ev, receipt)
		}
		if receipt.Duplicate {
			a.duplicates++
		} else {
			a.accepted++
		}
	}
	switch {
	case d.Reply != nil:
		a.status, a.contentType, a.body = d.Reply.Status, oneLine(d.Reply.ContentType), d.Reply.Body
		if a.status < 200 || a.status > 299 {
			a.status = http.StatusOK
		}
		if a.status == http.StatusNoContent || a.status == http.StatusResetContent {
			a.body = nil
		}
	case len(d.Events) == 0:
		a.body = []byte("{\"accepted\":0}\n")
	default:
		a.body = counted(a.accepted, a.duplicates)
	}
	return a, nil
}

// eventOf is what a connector made of a request, as the journal takes it.
func eventOf(connection string, e *wire.Event, data []byte, received time.Time) *event.Event {
	return &event.Event{
		ID: e.ID, Connection: connection, Type: e.Type, Key: e.Key, Version: e.Version,
		UpdatedAt: e.UpdatedAt, ReceivedAt: received, Record: e.Record, Body: bodyOf(e.Record, data),
	}
}

// count counts an event that is stored.
func (one *sender) count(r Receipt) {
	if r.Duplicate {
		one.stats.duplicates.Add(1)
		return
	}
	one.stats.accepted.Add(1)
	now := time.Now().UTC()
	one.stats.lastAccepted.Store(&now)
}

// bodyOf is the body where it is not the record itself. It is a copy of nothing:
// the journal is done with it when Accept returns.
func bodyOf(record, data []byte) []byte {
	if len(data) == 0 || bytes.Equal(record, data) {
		return nil
	}
	return data
}

// oneLine keeps a connector's content type from being refused by net/http.
func oneLine(s string) string { return strings.TrimSpace(line(s)) }

// private are headers that a connector does not get: they are about the
// connection to the sender, or keep secrets that are not its own.
var private = []string{
	"Authorization", "Proxy-Authorization", "Cookie", "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade", "Content-Encoding", "Content-Length", "Expect",
}

// secretWords are parts of names of headers that hold a secret in clear, as
// X-Api-Key and X-Auth-Token do. What a connector gets may be stored; a signature of
// the body is no such secret.
var secretWords = []string{"token", "secret", "password", "api-key", "apikey", "auth-key"}

func holdsSecret(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(name, w) })
}

// headers are a request's headers for a connector, by name.
func headers(h http.Header) []wire.Header {
	out := make([]wire.Header, 0, len(h))
	for name, values := range h {
		if slices.Contains(private, name) || holdsSecret(name) {
			continue
		}
		for _, v := range values {
			out = append(out, wire.Header{Name: name, Value: v})
		}
	}
	slices.SortStableFunc(out, func(a, b wire.Header) int { return strings.Compare(a.Name, b.Name) })
	return out
}
