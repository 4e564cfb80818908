package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pluginv1 "github.com/crosswalk-etl/crosswalk/proto/crosswalk/plugin/v1"
)

// roundTrip sends a value with every field set, and one with none, over the wire
// and back.
func roundTrip[T any, P proto.Message](t *testing.T, to func(T) P, from func(P) T) {
	t.Helper()
	var empty, full T
	fill(t, reflect.ValueOf(&full).Elem(), new(int))
	t.Run(fmt.Sprintf("%T", full), func(t *testing.T) {
		for _, v := range []T{empty, full} {
			msg := to(v)
			raw, err := proto.Marshal(msg)
			if err != nil {
				t.Fatal(err)
			}
			back, ok := msg.ProtoReflect().New().Interface().(P)
			if !ok {
				t.Fatalf("a new message is no %T", msg)
			}
			if err := proto.Unmarshal(raw, back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(v, from(back)); diff != "" {
				t.Errorf("it comes back another (- sent, + come):\n%s", diff)
			}
		}
		unset(t, to(full).ProtoReflect())
	})
}

// fill sets every field to something of its own.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch x := v.Addr().Interface().(type) {
	case *time.Duration:
		*x = time.Duration(*n)*time.Second + 1
		return
	case *time.Time:
		*x = time.Unix(1_700_000_000+int64(*n), 5).UTC()
		return
	case *json.RawMessage:
		*x = fmt.Appendf(nil, `{"n":%d}`, *n)
		return
	case *Class:
		*x = Invalid
		return
	case *Repeat:
		*x = RepeatFindFirst
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(t, v.Index(i), n)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(int64(200 + *n))
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n))
	default:
		t.Fatalf("the test cannot fill a %s", v.Type())
	}
}

// unset complains of every field of the protocol that no Go field sets.
func unset(t *testing.T, m protoreflect.Message) {
	t.Helper()
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			t.Errorf("%s is not set by a value with all its fields", f.FullName())
			continue
		}
		if f.Kind() != protoreflect.MessageKind || f.Message().ParentFile().Package() != m.Descriptor().ParentFile().Package() {
			continue
		}
		if f.IsList() {
			unset(t, m.Get(f).List().Get(0).Message())
		} else {
			unset(t, m.Get(f).Message())
		}
	}
}

func TestRoundTrips(t *testing.T) {
	roundTrip(t, specToProto, specFromProto)
	roundTrip(t, requestToProto, requestFromProto)
	roundTrip(t, decodedToProto, decodedFromProto)
	roundTrip(t, eventToProto, eventFromProto)
	roundTrip(t, readBatchToProto, readBatchFromProto)
	roundTrip(t, recordToProto, recordFromProto)
	roundTrip(t, writeResultToProto, writeResultFromProto)
	roundTrip(t, questionToProto, questionFromProto)
	roundTrip(t, answerToProto, answerFromProto)
	roundTrip(t, diagnosticToProto, diagnosticFromProto)
	roundTrip(t, func(f Failure) *pluginv1.Failure { return failureToProto(&f) },
		func(f *pluginv1.Failure) Failure { return *failureFromProto(f) })
	if failureToProto(nil) != nil || failureFromProto(nil) != nil {
		t.Error("no failure comes as one")
	}

	full := ReadRequest{Event: "order", Cursor: []byte("c"), MaxEvents: 7}
	if got := readRequestFromProto(readRequestToProto(full)); !cmp.Equal(got, full) {
		t.Errorf("got %+v, want %+v", got, full)
	}
	for given, want := range map[int]int{-1: 1, 0: 1, 1: 1, MaxBatch: MaxBatch, MaxBatch + 1: MaxBatch} {
		if got := readRequestFromProto(readRequestToProto(ReadRequest{MaxEvents: given})).MaxEvents; got != want {
			t.Errorf("MaxEvents %d comes as %d, want %d", given, got, want)
		}
	}
}

func TestEnumsRoundTrip(t *testing.T) {
	words := map[string]bool{}
	for c := Unknown; c <= Ambiguous; c++ {
		if got := classFromProto(classToProto(c)); got != c {
			t.Errorf("class %s comes as %s", c, got)
		}
		words[c.String()] = true
	}
	for r := RepeatUnsafe; r <= RepeatFindFirst; r++ {
		if got := repeatFromProto(repeatToProto(r)); got != r {
			t.Errorf("repeat %s comes as %s", r, got)
		}
		words[r.String()] = true
	}
	if len(words) != 10 {
		t.Errorf("words %v: two values have one", words)
	}
	for n := range pluginv1.FailureClass_name {
		if c := classFromProto(pluginv1.FailureClass(n)); n > 0 && classToProto(c) != pluginv1.FailureClass(n) {
			t.Errorf("class %d of the protocol has no value", n)
		}
	}
	if classFromProto(0) != Unknown || classFromProto(99) != Unknown {
		t.Error("a class that is not known is not Unknown")
	}
	if repeatFromProto(0) != RepeatUnsafe || repeatFromProto(99) != RepeatUnsafe {
		t.Error("a repeat that is not known is not unsafe")
	}
	for given, want := range map[int]int{-5: 0, 200: 200, 70000: 999} {
		d := decodedFromProto(decodedToProto(Decoded{Refusal: &Refusal{Status: given}}))
		if d.Refusal.Status != want {
			t.Errorf("status %d comes as %d, want %d", given, d.Refusal.Status, want)
		}
	}
}

func TestTextThatIsNotUTF8DoesNotSpoilABatch(t *testing.T) {
	bad := "ab\xffcd"
	for _, msg := range []proto.Message{
		recordToProto(Record{Key: bad}),
		writeResultToProto(WriteResult{Action: bad, Failure: &Failure{Code: bad, Message: bad, Path: bad}}),
		requestToProto(Request{Method: bad, Path: bad, Query: bad, Header: []Header{{Name: bad, Value: bad}}}),
		decodedToProto(Decoded{Events: []Event{{Type: bad, ID: bad, Key: bad}}, Refusal: &Refusal{Code: bad, Message: bad, Path: bad}, Reply: &Reply{ContentType: bad}}),
		answerToProto(Answer{Failure: &Failure{Message: bad}}),
		diagnosticToProto(Diagnostic{Path: bad, Message: bad, Hint: bad}),
		readRequestToProto(ReadRequest{Event: bad}),
	} {
		if _, err := proto.Marshal(msg); err != nil {
			t.Errorf("%T: %v", msg, err)
		}
	}
	raw := []byte("{\"a\":\"\xff\"}")
	if got := recordFromProto(recordToProto(Record{Data: raw})); string(got.Data) != string(raw) {
		t.Errorf("data comes as %q, want it as it is", got.Data)
	}
}
