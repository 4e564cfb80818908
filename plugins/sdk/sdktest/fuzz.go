package sdktest

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// Decoded checks what must hold of any answer to any webhook: events with keys
// and records that are JSON objects, or a refusal with a status of 400 to 499 and
// a message of one line; and the same answer when asked again.
func (c *Connector) Decoded(t testing.TB, r wire.Request) {
	t.Helper()
	first, again := c.Decode(r), c.Decode(r)
	if len(first.Events) != len(again.Events) || (first.Refusal == nil) != (again.Refusal == nil) {
		t.Fatalf("decoded twice, differently: %+v, %+v", first, again)
	}
	if f := first.Refusal; f != nil {
		if f.Code == "panic" {
			t.Fatalf("the connector panicked: %s", c.Log())
		}
		if len(first.Events) > 0 || f.Status < 400 || f.Status > 499 || f.Message == "" || !oneLine(f.Message) {
			t.Fatalf("a refusal out of order: %+v", f)
		}
		return
	}
	for i, e := range first.Events {
		if e.Key == "" || !utf8.ValidString(e.Key) || !utf8.ValidString(e.ID) {
			t.Fatalf("key %q, id %q", e.Key, e.ID)
		}
		if !json.Valid(e.Record) || e.Record[0] != '{' || !utf8.Valid(e.Record) {
			t.Fatalf("the record is no JSON object: %q", e.Record)
		}
		if o := again.Events[i]; o.Key != e.Key || o.ID != e.ID || string(o.Record) != string(e.Record) {
			t.Fatalf("decoded twice, differently: %q, %q", e.Record, o.Record)
		}
	}
}

func oneLine(s string) bool {
	for _, c := range s {
		if c == '\n' || c == '\r' {
			return false
		}
	}
	return utf8.ValidString(s)
}
