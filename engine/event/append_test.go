package event_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// same holds AppendJSON against encoding/json.
func same(t *testing.T, o *event.Outcome) {
	t.Helper()
	want, wrong := json.Marshal(o)
	got, err := o.AppendJSON([]byte("before "))
	if wrong != nil || err != nil {
		if (wrong == nil) != (err == nil) {
			t.Errorf("AppendJSON fails with %v, json.Marshal with %v", err, wrong)
		}
		return
	}
	if !bytes.Equal(got, append([]byte("before "), want...)) {
		t.Errorf("AppendJSON and json.Marshal differ:\n got %s\nwant %s", got, want)
	}
}

func full() *event.Outcome {
	at := time.Date(2026, 11, 2, 20, 41, 13, 123_000_000, time.UTC)
	reason := event.Reason{Class: "INVALID", Code: "http_422", Message: "немає <поля>", Path: "a.b", File: "m.yaml", Line: 3, Column: 4, Hint: "h"}
	o := event.Outcome{
		Sequence: 7, EventID: "new/1", Type: "order_created", Key: "№ 1", Lane: event.Lane{Source: "shop", Sink: "saleapp"},
		Mapping: "m", MappingSHA256: "ab", Kind: event.Dead, Operation: "upsert_order", Attempts: 3, Action: "created",
		Answer: json.RawMessage(` {"id" : [1, 2.5e-3, "x\u00e9"]} `), Reason: &reason, ReceivedAt: at, At: at.Add(time.Second),
	}
	o.Sent = json.RawMessage("{\"a\":\"\\u0451 <b> & \u2028\u2029 \\\"\",\n\t\"b\":[true,false,null,-0,{}, [] ]}")
	o.Tries = []event.Try{{At: at, Class: "UNKNOWN", Code: "c", Message: "m"}, {At: at}}
	reason.More = []event.Reason{{Class: "MAPPING"}}
	return &o
}

// TestAppendJSON compares what is written of outcomes with each field set, with each
// one not set, and with nothing set at all.
func TestAppendJSON(t *testing.T) {
	whole := full()
	for i := range reflect.TypeFor[event.Outcome]().NumField() {
		if reflect.ValueOf(whole).Elem().Field(i).IsZero() {
			t.Errorf("the sample does not set %s", reflect.TypeFor[event.Outcome]().Field(i).Name)
		}
	}
	same(t, whole)
	same(t, &event.Outcome{})
	for i := range reflect.TypeFor[event.Outcome]().NumField() {
		o := full()
		reflect.ValueOf(o).Elem().Field(i).SetZero()
		same(t, o)
	}
	for _, at := range []time.Time{
		time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 1, 1, 0, 0, 0, 1, time.FixedZone("", 2*3600)), time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", 25*3600)),
	} {
		o := full()
		o.At = at
		same(t, o)
		o = full()
		o.ReceivedAt = at
		same(t, o)
	}
}

var texts = []string{
	"", " ", "null", "true", "false", "nul", "truex", "0", "-0", "01", "-", "1.", ".5", "1.5", "1e", "1e+", "1E-07", "+1", "1 2",
	`""`, `"`, `"\`, `"\x"`, `"\u12"`, `"\u12G4"`, `"\uD800"`, "\"\x00\"", "\"\x1f\"", "\"\x7f\"", "\"\xff\"", "\"\xe2\x80\"", "\"\xe2\x80\xa8\"", "\xe2\x80\xa8",
	`"<a href='x'>&amp;"`, "<", "{}", "{ }", "[]", "[ ]", "[,]", "[1,]", "[1 2]", "{,}", `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`, `{a:1}`, `{"a":1}}`, "]", "{]", "[}",
	`{"a":{"b":[{"c":[]},{}]},"a":1}`, "\t[\n1\r,\t{ \"a\" : \"\u2028\u2029\u2030\" } ]\n ", "\ufeff{}", "[1]\x00", "\v1", "{\"a\" \f:1}",
	strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 65) + strings.Repeat("]", 65),
	strings.Repeat(`{"a":[`, 40) + "1" + strings.Repeat("]}", 40), strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001), strings.Repeat("[{\"a\":", 32) + "{}" + strings.Repeat("}]", 32),
}

// FuzzAppendJSON compares outcomes with any texts in them.
func FuzzAppendJSON(f *testing.F) {
	for _, s := range texts {
		f.Add(s, []byte(s), uint64(1), 1, int64(1), int64(2))
	}
	f.Fuzz(func(t *testing.T, s string, raw []byte, sequence uint64, attempts int, received, at int64) {
		o := event.Outcome{
			Sequence: sequence, EventID: s, Type: s, Key: s, Lane: event.Lane{Source: s, Sink: s}, Mapping: s, MappingSHA256: s,
			Kind: event.Kind(s), Operation: s, Attempts: attempts, Action: s, Answer: raw,
			ReceivedAt: time.Unix(received, at), At: time.Unix(at, received),
		}
		same(t, &o)
		o.Answer, o.Sent, o.Action = nil, raw, ""
		same(t, &o)
		o.Reason, o.Tries, o.EventID = &event.Reason{Message: s}, []event.Try{{Message: s}}, ""
		same(t, &o)
	})
}

// BenchmarkOutcome is what writing an outcome costs, and what encoding/json takes.
func BenchmarkOutcome(b *testing.B) {
	o := full()
	o.Kind, o.Reason, o.Tries = event.Delivered, nil, nil
	o.Sent = json.RawMessage(`{"id":1,"receiver_name":"Олена Шевчук","receiver_phone":"+380671234567","products":[` +
		strings.Repeat(`{"sku":"LT-0001","qty":1,"cost":250},`, 12) + `{"sku":"LT-0002","qty":2,"cost":49.79}]}`)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			var err error
			if buf, err = o.AppendJSON(buf[:0]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(o); err != nil {
				b.Fatal(err)
			}
		}
	})
}
