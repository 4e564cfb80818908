package journal

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// wire sends headers through the form that they have on the wire.
func wire(t *testing.T, h nats.Header) nats.Header {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("NATS/1.0\r\n")
	if err := http.Header(h).Write(&b); err != nil {
		t.Fatal(err)
	}
	b.WriteString("\r\n")
	back, err := nats.DecodeHeadersMsg(b.Bytes())
	if err != nil {
		t.Fatalf("headers %q: %v", b.String(), err)
	}
	return back
}

func FuzzEventMessage(f *testing.F) {
	f.Add("7", "new_order:7:3", "new_order", uint64(3), int64(1741091400), int64(5), []byte(`{"id":7}`), []byte("id=7"))
	f.Add("Замовлення %41\r\n x ", " ", "\x00", uint64(0), int64(0), int64(-1), []byte("{}"), []byte(nil))
	f.Fuzz(func(t *testing.T, key, id, typ string, version uint64, updated, nanos int64, record, body []byte) {
		want := event.Event{
			Sequence: 9, ID: id, Connection: "salesdrive", Type: typ, Key: key, Version: version,
			UpdatedAt: time.Unix(updated, nanos).UTC(), ReceivedAt: time.Unix(nanos, updated).UTC(), Record: record, Body: body,
			Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		}
		if checkEvent(&want, 1<<20) != nil {
			t.Skip("refused")
		}
		h, data := encodeEvent(&want)
		got, err := decodeEvent(9, eventSubject("salesdrive"), wire(t, h), data)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(want.Body, want.Record) {
			want.Body = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("event (-want +got):\n%s", diff)
		}
		d := event.DeadLetter{Event: want, Outcome: event.Outcome{
			Sequence: 9, Lane: event.Lane{Source: "salesdrive", Sink: "saleapp"}, Mapping: "m", Kind: event.Dead,
		}}
		m, err := encodeDead(&d)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeDead(m.Subject, wire(t, m.Header), m.Data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, back); diff != "" {
			t.Errorf("dead letter (-want +got):\n%s", diff)
		}
	})
}

func FuzzDecodeMessage(f *testing.F) {
	f.Add("events.salesdrive.0", "7", "3", "2025-03-04T12:00:00Z", "4", []byte(`{"id":7}`))
	f.Add("dead.a.b", "%zz", "-1", "yesterday", "99", []byte(nil))
	f.Fuzz(func(t *testing.T, subject, key, version, at, length string, data []byte) {
		h := nats.Header{
			hdrKey: {key}, hdrVersion: {version}, hdrReceived: {at}, hdrRecord: {length},
			hdrOutcomeLength: {length}, hdrSequence: {version}, hdrMapping: {key},
		}
		if e, err := decodeEvent(1, subject, h, data); err == nil && len(e.Record)+len(e.Body) != len(data) {
			t.Errorf("record of %d and body of %d bytes out of %d", len(e.Record), len(e.Body), len(data))
		}
		_, _ = decodeDead(subject, h, data)
		_, _ = readMark(subject, h)
	})
}
