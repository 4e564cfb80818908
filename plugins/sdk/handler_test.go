package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// acme is a connector whose parts a test sets.
type acme struct {
	decode func(ctx context.Context, r *Request) (Decoded, error)
	write  func(ctx context.Context, r Record) (Written, error)
	find   func(ctx context.Context, q Question) (json.RawMessage, error)
}

func (a *acme) Decode(ctx context.Context, r *Request) (Decoded, error) { return a.decode(ctx, r) }
func (a *acme) Write(ctx context.Context, r Record) (Written, error)    { return a.write(ctx, r) }
func (a *acme) Find(ctx context.Context, q Question) (json.RawMessage, error) {
	return a.find(ctx, q)
}

func (a *acme) spec() Spec {
	object := json.RawMessage(`{"type":"object"}`)
	return Spec{
		Name: "acme", Version: "1.0.0",
		Config: json.RawMessage(`{"type":"object","required":["url"],"additionalProperties":false,"properties":{
			"url":{"type":"string","format":"uri"},"key":{"type":"string","writeOnly":true,"pattern":"^k-"},"n":{"type":"integer","minimum":1,"maximum":9}}}`),
		Contract: Contract{
			Events:     []EventSpec{{Name: "order", Schema: object}},
			Operations: []OperationSpec{{Name: "save", Schema: object}},
			Lookups:    []LookupSpec{{Name: "city", ArgsSchema: object, AnswerSchema: object}},
		},
		Open: func(context.Context, Config) (*Connection, error) {
			return &Connection{Source: a, Sink: a, Lookup: a, Concurrency: 2}, nil
		},
	}
}

func newHandler(t *testing.T, s Spec) (wire.Handler, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	h, err := NewHandler(s, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return h, &log
}

const goodConfig = `{"url":"https://acme.example"}`

// configured gives a handler that takes work.
func configured(t *testing.T, s Spec) (wire.Handler, *bytes.Buffer) {
	t.Helper()
	h, log := newHandler(t, s)
	if ds, err := h.Configure(t.Context(), "c", json.RawMessage(goodConfig)); err != nil || len(ds) > 0 {
		t.Fatalf("configure: %v, %v", ds, err)
	}
	return h, log
}

func TestSpecsThatAreWrong(t *testing.T) {
	for want, spoil := range map[string]func(*Spec){
		`name "Acme"`:                     func(s *Spec) { s.Name = "Acme" },
		"version is missing":              func(s *Spec) { s.Version = "" },
		"Open is missing":                 func(s *Spec) { s.Open = nil },
		"config schema: not JSON":         func(s *Spec) { s.Config = json.RawMessage(`{`) },
		"offers no event":                 func(s *Spec) { s.Contract = Contract{} },
		`event "order" stands twice`:      func(s *Spec) { s.Events = append(s.Events, s.Events[0]) },
		`operation "save it"`:             func(s *Spec) { s.Operations[0].Name = "save it" },
		`schema of lookup "city": `:       func(s *Spec) { s.Lookups[0].AnswerSchema = json.RawMessage(`{"type":7}`) },
		`schema of event "order": not `:   func(s *Spec) { s.Events[0].Schema = nil },
		"spec of connector acme: version": func(s *Spec) { s.Version = "" },
	} {
		s := (&acme{}).spec()
		spoil(&s)
		if _, err := NewHandler(s, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestConfigure(t *testing.T) {
	for _, test := range []struct{ config, path, want string }{
		{`{}`, "", "missing: url"},
		{``, "", "missing: url"},
		{`{"url":"https://a","keyy":"k-1"}`, "", "unknown: keyy"},
		{`{"url":"https://a","key":"hush"}`, "key", "does not have the form ^k-"},
		{`{"url":7}`, "url", "is a number, and a text is wanted"},
		{`{"url":"https://a","n":0}`, "n", "is less than 1"},
		{`{"url":"https://a","n":10}`, "n", "is greater than 9"},
		{`{"url":"no url"}`, "url", "is no address like https://example.com"},
		{`{"url":`, "", "the configuration is not JSON"},
		{`null`, "", "is empty, and a map is wanted"},
	} {
		h, _ := newHandler(t, (&acme{}).spec())
		ds, err := h.Configure(t.Context(), "c", json.RawMessage(test.config))
		if err != nil || len(ds) != 1 || ds[0].Path != test.path || ds[0].Message != test.want {
			t.Errorf("%s: %+v, %v; want %q at %q", test.config, ds, err, test.want, test.path)
		}
		if len(ds) > 0 && strings.Contains(ds[0].Message, "hush") {
			t.Errorf("%s: the value is repeated: %q", test.config, ds[0].Message)
		}
	}

	for want, open := range map[string]func() (*Connection, error){
		"the far end is closed":          func() (*Connection, error) { return nil, errors.New("the far end is closed") },
		"connector opened nothing":       func() (*Connection, error) { return nil, nil },
		"offers events and opened no so": func() (*Connection, error) { return &Connection{Sink: &acme{}, Lookup: &acme{}}, nil },
		"operations and opened no sink":  func() (*Connection, error) { return &Connection{Source: &acme{}, Lookup: &acme{}}, nil },
		"lookups and opened no lookup":   func() (*Connection, error) { return &Connection{Source: &acme{}, Sink: &acme{}}, nil },
		"too old": func() (*Connection, error) {
			return nil, &ConfigError{Diagnostics: []Diagnostic{{Path: "key", Message: "too old"}}}
		},
	} {
		s := (&acme{}).spec()
		s.Open = func(context.Context, Config) (*Connection, error) { return open() }
		h, _ := newHandler(t, s)
		ds, err := h.Configure(t.Context(), "c", json.RawMessage(goodConfig))
		if err != nil || len(ds) != 1 || !strings.Contains(ds[0].Message, want) {
			t.Errorf("%+v, %v; want %q", ds, err, want)
		}
		// A refusal does not spoil the process for a better configuration.
		if status.Code(h.Check(t.Context())) != codes.FailedPrecondition {
			t.Errorf("%s: it takes work all the same", want)
		}
	}

	h, _ := configured(t, (&acme{}).spec())
	if _, err := h.Configure(t.Context(), "c", json.RawMessage(goodConfig)); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a second configuration: %v", err)
	}
}

func TestOpenSeesTheConfiguration(t *testing.T) {
	var got Config
	s := (&acme{}).spec()
	open := s.Open
	s.Config = json.RawMessage(`{"type":"object"}`)
	s.Open = func(ctx context.Context, c Config) (*Connection, error) {
		got = c
		return open(ctx, c)
	}
	h, _ := newHandler(t, s)
	if ds, err := h.Configure(t.Context(), "my-shop", nil); err != nil || len(ds) > 0 {
		t.Fatal(ds, err)
	}
	var v struct{ URL string }
	if err := got.Decode(&v); err != nil || got.Connection != "my-shop" || got.Log == nil {
		t.Errorf("config %+v, error %v", got, err)
	}
}

func TestDescribe(t *testing.T) {
	s := (&acme{}).spec()
	s.Under = func(config json.RawMessage) (Contract, error) {
		if string(config) == `{"url":"bad"}` {
			return Contract{}, errors.New("no such kind of key")
		}
		return Contract{Lookups: s.Lookups}, nil
	}
	h, _ := newHandler(t, s)
	got, err := h.Describe(t.Context(), nil)
	if err != nil || got.Name != "acme" || len(got.Events) != 1 || len(got.Features) != 1 {
		t.Errorf("spec %+v, error %v", got, err)
	}
	if got, err = h.Describe(t.Context(), json.RawMessage(goodConfig)); err != nil || len(got.Events) != 0 || len(got.Lookups) != 1 {
		t.Errorf("spec %+v, error %v", got, err)
	}
	if _, err = h.Describe(t.Context(), json.RawMessage(`{"url":"bad"}`)); status.Code(err) != codes.InvalidArgument {
		t.Errorf("error %v", err)
	}
}

func TestDecode(t *testing.T) {
	one := Event{Type: "order", Key: "1"}
	for name, test := range map[string]struct {
		out    Decoded
		err    error
		status int
		code   string
	}{
		"events":            {out: Decoded{Events: []Event{one}, Reply: &Reply{Status: 201}}},
		"nothing":           {},
		"a refusal":         {err: Refuse(401, "who", "sign", "who are you"), status: 401, code: "who"},
		"a wrapped refusal": {err: errors.Join(Refuse(400, "bad", "", "bad")), status: 400, code: "bad"},
		"an error":          {err: errors.New("cannot"), status: 422, code: "undecodable"},
		"no key":            {out: Decoded{Events: []Event{one, {Type: "order"}}}, status: 422, code: "no_key"},
		"another event":     {out: Decoded{Events: []Event{{Type: "parcel", Key: "1"}}}, status: 422, code: "undecodable"},
	} {
		a := &acme{decode: func(context.Context, *Request) (Decoded, error) { return test.out, test.err }}
		h, _ := configured(t, a.spec())
		got := h.Decode(t.Context(), Request{})
		switch {
		case test.status == 0 && (got.Refusal != nil || len(got.Events) != len(test.out.Events) || got.Reply != test.out.Reply):
			t.Errorf("%s: %+v", name, got)
		case test.status != 0 && (got.Refusal == nil || got.Refusal.Status != test.status || got.Refusal.Code != test.code || len(got.Events) > 0):
			t.Errorf("%s: %+v, refusal %v", name, got, got.Refusal)
		}
	}
	a := &acme{decode: func(context.Context, *Request) (Decoded, error) { panic("body of Ivan") }}
	h, log := configured(t, a.spec())
	if got := h.Decode(t.Context(), Request{}); got.Refusal == nil || got.Refusal.Code != "panic" || strings.Contains(got.Refusal.Message, "Ivan") {
		t.Errorf("a panic: %+v", got.Refusal)
	}
	if !strings.Contains(log.String(), "decoding panicked") {
		t.Errorf("the log has %q", log)
	}
	h, _ = newHandler(t, a.spec())
	if got := h.Decode(t.Context(), Request{}); got.Refusal == nil || got.Refusal.Status != 425 {
		t.Errorf("before Configure: %+v", got.Refusal)
	}
}

func TestWrite(t *testing.T) {
	var atOnce, most atomic.Int32
	a := &acme{write: func(_ context.Context, r Record) (Written, error) {
		n := atOnce.Add(1)
		defer atOnce.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		time.Sleep(5 * time.Millisecond)
		switch r.Key {
		case "invalid":
			return Written{}, Invalid("phone", "bad_phone", "no phone %d", 7)
		case "odd":
			return Written{}, errors.New("odd")
		case "panic":
			panic("at the disco")
		case "again":
			if !r.PossiblySent {
				return Written{}, errors.New("it is not told")
			}
		}
		return Written{Action: "created", Answer: r.Data}, nil
	}}
	h, _ := configured(t, a.spec())
	keys := []string{"a", "invalid", "odd", "panic", "again", "b", "c", "d"}
	records := make([]wire.Record, len(keys))
	for i, k := range keys {
		records[i] = wire.Record{Index: uint32(10 + i), Key: k, Data: json.RawMessage(`{}`), PossiblySent: k == "again"}
	}
	var mu sync.Mutex
	got := map[uint32]wire.WriteResult{}
	if err := h.Write(t.Context(), "save", records, func(r wire.WriteResult) {
		mu.Lock()
		defer mu.Unlock()
		got[r.Index] = r
	}); err != nil || len(got) != len(keys) {
		t.Fatalf("%d results, error %v", len(got), err)
	}
	for i, want := range []string{"", "INVALID bad_phone: no phone 7 (field phone)", "UNKNOWN unclassified: odd", "UNKNOWN panic: the connector failed while writing", "", "", "", ""} {
		r, text := got[uint32(10+i)], ""
		if r.Failure != nil {
			text = r.Failure.Error()
		}
		if text != want || (want == "" && r.Action != "created") {
			t.Errorf("%s: %q, action %q; want %q", keys[i], text, r.Action, want)
		}
	}
	if n := most.Load(); n > 2 {
		t.Errorf("%d records were written at once, want 2", n)
	}
	if err := h.Write(t.Context(), "sing", records, nil); status.Code(err) != codes.InvalidArgument {
		t.Errorf("another operation: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Write(ctx, "save", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func TestFind(t *testing.T) {
	candidates := make([]json.RawMessage, 30)
	for i := range candidates {
		candidates[i] = json.RawMessage(`{}`)
	}
	a := &acme{find: func(_ context.Context, q Question) (json.RawMessage, error) {
		switch string(q.Args) {
		case `"none"`:
			return nil, NotFound("no city %s", "X")
		case `"many"`:
			return nil, &AmbiguousError{Message: "several", Candidates: candidates}
		case `"slow"`:
			return nil, RateLimited(time.Minute, "slow", "slower")
		case `"panic"`:
			panic("where")
		}
		return q.Args, nil
	}}
	h, _ := configured(t, a.spec())
	for args, want := range map[string]string{
		`"some"`: "", `"none"`: "NOT_FOUND not_found: no city X", `"many"`: "AMBIGUOUS ambiguous: several",
		`"slow"`: "RATE_LIMITED slow: slower", `"panic"`: "TRANSIENT panic: the connector failed while looking up",
	} {
		var got wire.Answer
		if err := h.Find(t.Context(), "city", []wire.Question{{Index: 3, Args: json.RawMessage(args)}}, func(a wire.Answer) { got = a }); err != nil {
			t.Fatal(err)
		}
		text := ""
		if got.Failure != nil {
			text = got.Failure.Error()
		}
		if text != want || got.Index != 3 || (want == "" && string(got.Found) != args) {
			t.Errorf("%s: %+v, want %q", args, got, want)
		}
		if strings.Contains(want, "AMBIGUOUS") && len(got.Candidates) != 20 {
			t.Errorf("%d candidates, want 20", len(got.Candidates))
		}
	}
	if err := h.Find(t.Context(), "street", nil, nil); status.Code(err) != codes.InvalidArgument {
		t.Errorf("another lookup: %v", err)
	}
}

func TestDrainWaitsForWhatIsAtHand(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	a := &acme{write: func(context.Context, Record) (Written, error) {
		close(begun)
		<-end
		return Written{Action: "created"}, nil
	}}
	h, _ := configured(t, a.spec())
	written := make(chan error, 1)
	go func() {
		written <- h.Write(context.Background(), "save", []wire.Record{{}}, func(wire.WriteResult) {})
	}()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := h.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("drained with a record at hand: %v", err)
	}
	if err := h.Write(t.Context(), "save", []wire.Record{{}}, nil); status.Code(err) != codes.Unavailable {
		t.Errorf("new work while draining: %v", err)
	}
	close(end)
	if err := h.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

func TestReadWithoutAPuller(t *testing.T) {
	h, _ := configured(t, (&acme{}).spec())
	if err := h.Read(t.Context(), wire.ReadRequest{}, nil); status.Code(err) != codes.Unimplemented {
		t.Errorf("error %v", err)
	}
}
