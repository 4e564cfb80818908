package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// An event's message holds the record's bytes, followed by the body's where the
// body is another; everything else is in headers, escaped as in a URL's path so
// that any text is safe.
const (
	hdrKey      = "Cw-Key"
	hdrID       = "Cw-Id"
	hdrType     = "Cw-Type"
	hdrVersion  = "Cw-Version"
	hdrUpdated  = "Cw-Updated"
	hdrReceived = "Cw-Received"
	// hdrHash is the hex of the first 16 bytes of the record's SHA-256, so that
	// the index of duplicates is built again from headers alone.
	hdrHash = "Cw-Record-Hash"
	// hdrRecord is the record's length in bytes, present only where a body follows.
	hdrRecord = "Cw-Record-Length"
	// hdrReplay is a replay's event.Replay as JSON.
	hdrReplay = "Cw-Replay"
	// hdrTrace is the event's Trace. It does not bear the name that the standard gives
	// it: a server may be told to trace messages that have one of that name.
	hdrTrace = "Cw-Trace"
)

// Bounds of an event's fields, in bytes.
const (
	maxKey  = 512
	maxID   = 512
	maxType = 128
)

// checkEvent says why an event cannot be stored, or nil. maxData bounds record
// and body together.
func checkEvent(e *event.Event, maxData int) error {
	if err := checkName(e.Connection); err != nil {
		return &EventError{Field: "connection", Problem: err.Error()}
	}
	for _, f := range []struct {
		name, value string
		bound       int
	}{{"type", e.Type, maxType}, {"key", e.Key, maxKey}, {"id", e.ID, maxID}} {
		if len(f.value) > f.bound {
			return &EventError{Field: f.name, Problem: fmt.Sprintf("has %d bytes, at most %d are allowed", len(f.value), f.bound)}
		}
	}
	if e.Type == "" {
		return &EventError{Field: "type", Problem: "is empty"}
	}
	if len(e.Record) == 0 {
		return &EventError{Field: "record", Problem: "is empty"}
	}
	if n := len(e.Record) + len(e.Body); n > maxData {
		return &EventError{Field: "record", Problem: fmt.Sprintf("has %d bytes together with the body, at most %d are allowed", n, maxData)}
	}
	if e.ReceivedAt.IsZero() {
		return &EventError{Field: "received_at", Problem: "is not set"}
	}
	for _, f := range []struct {
		name  string
		value time.Time
	}{{"received_at", e.ReceivedAt}, {"updated_at", e.UpdatedAt}} {
		if y := f.value.UTC().Year(); y < 1 || y > 9999 {
			return &EventError{Field: f.name, Problem: fmt.Sprintf("is in the year %d", y)}
		}
	}
	return nil
}

// laterHeaders is how many headers an event's message may get beside its own: a Msg-Id
// and those of a batch.
const laterHeaders = 4

// encodeEvent makes an event's headers and data. The event was checked before.
func encodeEvent(e *event.Event) (nats.Header, []byte) {
	version, recordLength, data := "", "", e.Record
	if e.Version != 0 {
		version = strconv.FormatUint(e.Version, 10)
	}
	if e.Body != nil && !bytes.Equal(e.Body, e.Record) {
		recordLength = strconv.Itoa(len(e.Record))
		data = make([]byte, 0, len(e.Record)+len(e.Body))
		data = append(append(data, e.Record...), e.Body...)
	}
	all := [...]struct{ name, value string }{
		{hdrKey, url.PathEscape(e.Key)},
		{hdrID, url.PathEscape(e.ID)},
		{hdrType, url.PathEscape(e.Type)},
		{hdrVersion, version},
		{hdrUpdated, encodeTime(e.UpdatedAt)},
		{hdrReceived, encodeTime(e.ReceivedAt)},
		{hdrHash, recordHash(e.Record)},
		{hdrReplay, encodeReplay(e.Replay)},
		{hdrPart, e.Part},
		{hdrTrace, e.Trace},
		{hdrRecord, recordLength},
	}
	n := 0
	for i := range all {
		if all[i].value != "" {
			n++
		}
	}
	// As large as it gets, and one piece of memory for all values.
	h, values := make(nats.Header, n+laterHeaders), make([]string, 0, n)
	for i := range all {
		if all[i].value != "" {
			values = append(values, all[i].value)
			h[all[i].name] = values[len(values)-1 : len(values) : len(values)]
		}
	}
	return h, data
}

// decodeEvent reads an event's message. Record and Body share data's memory.
func decodeEvent(seq uint64, subject string, h nats.Header, data []byte) (event.Event, error) {
	e := event.Event{Sequence: seq, Record: data, Part: h.Get(hdrPart), Trace: h.Get(hdrTrace)}
	fail := func(header string, err error) (event.Event, error) {
		return event.Event{}, fmt.Errorf("event %d: header %s %q: %w", seq, header, h.Get(header), err)
	}
	rest, ok := strings.CutPrefix(subject, subjectEvents)
	if e.Connection, _, ok = cutIf(rest, ok); !ok {
		return event.Event{}, fmt.Errorf("event %d: subject %q is not events.<connection>.<partition>", seq, subject)
	}
	var err error
	for _, f := range []struct {
		header string
		to     *string
	}{{hdrKey, &e.Key}, {hdrID, &e.ID}, {hdrType, &e.Type}} {
		if *f.to, err = url.PathUnescape(h.Get(f.header)); err != nil {
			return fail(f.header, err)
		}
	}
	if v := h.Get(hdrVersion); v != "" {
		if e.Version, err = strconv.ParseUint(v, 10, 64); err != nil {
			return fail(hdrVersion, err)
		}
	}
	for _, f := range []struct {
		header string
		to     *time.Time
	}{{hdrUpdated, &e.UpdatedAt}, {hdrReceived, &e.ReceivedAt}} {
		if *f.to, err = decodeTime(h.Get(f.header)); err != nil {
			return fail(f.header, err)
		}
	}
	if e.Replay, err = decodeReplay(h.Get(hdrReplay)); err != nil {
		return fail(hdrReplay, err)
	}
	if v := h.Get(hdrRecord); v != "" {
		n, err := strconv.ParseUint(v, 10, 31)
		if err != nil {
			return fail(hdrRecord, err)
		}
		if int(n) > len(data) {
			return fail(hdrRecord, fmt.Errorf("the message has only %d bytes", len(data)))
		}
		e.Record, e.Body = data[:n:n], data[n:]
	}
	return e, nil
}

func cutIf(s string, ok bool) (before, after string, both bool) {
	if !ok {
		return "", "", false
	}
	return strings.Cut(s, ".")
}

func encodeTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func decodeTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err
}

func recordHash(record []byte) string {
	sum := sha256.Sum256(record)
	return hex.EncodeToString(sum[:16])
}
