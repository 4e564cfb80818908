package wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// handler answers as its fields say.
type handler struct {
	check, err  error
	diagnostics []wire.Diagnostic
	got         chan any
	gate        chan struct{}
	batches     []wire.ReadBatch
}

func (h *handler) note(v any) {
	if h.got != nil {
		h.got <- v
	}
}

func (h *handler) Describe(_ context.Context, config json.RawMessage) (wire.Spec, error) {
	return wire.Spec{Name: "it", Title: string(config)}, h.err
}

func (h *handler) Configure(_ context.Context, connection string, config json.RawMessage) ([]wire.Diagnostic, error) {
	h.note(connection + " " + string(config))
	return h.diagnostics, h.err
}

func (h *handler) Check(context.Context) error { return h.check }
func (h *handler) Drain(context.Context) error { return h.err }

func (h *handler) Decode(_ context.Context, r wire.Request) wire.Decoded {
	switch r.Path {
	case "slow":
		<-h.gate
	case "grow":
		n, err := strconv.Atoi(string(r.Body))
		if err != nil {
			return wire.Decoded{Refusal: &wire.Refusal{Status: 400, Message: err.Error()}}
		}
		return wire.Decoded{Events: []wire.Event{{Type: "t", Key: r.Path, Record: make([]byte, n)}}}
	}
	return wire.Decoded{Events: []wire.Event{{Type: "t", Key: r.Path, Record: r.Body}}}
}

func (h *handler) Read(_ context.Context, r wire.ReadRequest, emit func(wire.ReadBatch) error) error {
	h.note(r)
	for _, b := range h.batches {
		if err := emit(b); err != nil {
			return err
		}
	}
	return h.err
}

func (h *handler) Write(_ context.Context, operation string, records []wire.Record, emit func(wire.WriteResult)) error {
	h.note(operation)
	var wg sync.WaitGroup
	for _, r := range records {
		wg.Go(func() { emit(wire.WriteResult{Index: r.Index, Action: "created", Answer: r.Data}) })
	}
	wg.Wait()
	return h.err
}

func (h *handler) Find(_ context.Context, lookup string, questions []wire.Question, emit func(wire.Answer)) error {
	h.note(lookup)
	for _, q := range questions {
		emit(wire.Answer{Index: q.Index, Found: q.Args})
	}
	return h.err
}

// connect serves h and gives a client of it.
func connect(t *testing.T, h wire.Handler) *wire.Client {
	t.Helper()
	server := grpc.NewServer(wire.ServerOptions()...)
	set := wire.Plugins(h)[wire.ProtocolVersion]
	plugin, ok := set[wire.PluginName].(goplugin.GRPCPlugin)
	if !ok {
		t.Fatal("no gRPC plugin of the protocol's name and version")
	}
	if err := plugin.GRPCServer(nil, server); err != nil {
		t.Fatal(err)
	}
	listener := bufconn.Listen(1 << 20)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	conn, err := grpc.NewClient("passthrough:///it", append(wire.DialOptions(),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		server.Stop()
		<-done
	})
	raw, err := plugin.GRPCClient(t.Context(), nil, conn)
	if err != nil {
		t.Fatal(err)
	}
	client, ok := raw.(*wire.Client)
	if !ok {
		t.Fatalf("the client is a %T", raw)
	}
	return client
}

func TestPluginCalls(t *testing.T) {
	h := &handler{got: make(chan any, 1), diagnostics: []wire.Diagnostic{{Path: "a.b", Message: "m", Hint: "h"}, {Warning: true, Message: "w"}}}
	c := connect(t, h)
	if s, err := c.Describe(t.Context(), []byte(`{"a":1}`)); err != nil || s.Name != "it" || s.Title != `{"a":1}` {
		t.Errorf("describe: %+v, %v", s, err)
	}
	ds, err := c.Configure(t.Context(), "shop", []byte(`{"k":"s"}`))
	if err != nil || !slices.Equal(ds, h.diagnostics) {
		t.Errorf("configure: %+v, %v", ds, err)
	}
	if got := <-h.got; got != `shop {"k":"s"}` {
		t.Errorf("configure came as %v", got)
	}
	if err := errors.Join(c.Check(t.Context()), c.Drain(t.Context())); err != nil {
		t.Error(err)
	}
	h.check = fmt.Errorf("ask: %w", &wire.Failure{Class: wire.Auth, Code: "bad_key", Message: "no", RetryAfter: time.Minute})
	var failure *wire.Failure
	if err := c.Check(t.Context()); !errors.As(err, &failure) || *failure != (wire.Failure{Class: wire.Auth, Code: "bad_key", Message: "no", RetryAfter: time.Minute}) {
		t.Errorf("check: %v", err)
	}
	h.check = errors.New("who knows")
	if err := c.Check(t.Context()); !errors.As(err, &failure) || failure.Class != wire.Unknown || failure.Message != "who knows" {
		t.Errorf("check: %v", err)
	}
}

func TestErrorsCrossAsStatus(t *testing.T) {
	for _, test := range []struct {
		err  error
		code codes.Code
		text string
	}{
		{errors.New("odd \xff text"), codes.Internal, "odd \uFFFD text"},
		{status.Error(codes.FailedPrecondition, "not yet"), codes.FailedPrecondition, "not yet"},
		{context.DeadlineExceeded, codes.DeadlineExceeded, ""},
		{context.Canceled, codes.Canceled, ""},
	} {
		h := &handler{err: test.err, got: make(chan any, 9)}
		c := connect(t, h)
		nothing := func() {}
		_, describe := c.Describe(t.Context(), nil)
		_, configure := c.Configure(t.Context(), "", nil)
		for call, err := range map[string]error{
			"describe": describe, "configure": configure, "drain": c.Drain(t.Context()),
			"read":  c.Read(t.Context(), wire.ReadRequest{}, func(wire.ReadBatch) error { return nil }),
			"write": c.Write(t.Context(), "save", []wire.Record{{}}, func(wire.WriteResult) { nothing() }),
			"find":  c.Find(t.Context(), "city", []wire.Question{{}}, func(wire.Answer) { nothing() }),
		} {
			if s := status.Convert(err); s.Code() != test.code || !strings.Contains(s.Message(), test.text) {
				t.Errorf("%s: error %v, want %s %q", call, err, test.code, test.text)
			}
		}
	}
}

func TestWriteAndFindGiveEveryResult(t *testing.T) {
	h := &handler{got: make(chan any, 2)}
	c := connect(t, h)
	records, questions := make([]wire.Record, wire.MaxBatch), make([]wire.Question, wire.MaxBatch)
	for i := range wire.MaxBatch {
		records[i] = wire.Record{Index: uint32(i), Data: fmt.Appendf(nil, `%d`, i)}
		questions[i] = wire.Question{Index: uint32(i), Args: records[i].Data}
	}
	seen := map[uint32]int{}
	if err := c.Write(t.Context(), "save", records, func(r wire.WriteResult) {
		if string(r.Answer) != fmt.Sprint(r.Index) {
			t.Errorf("result %+v", r)
		}
		seen[r.Index]++
	}); err != nil || len(seen) != wire.MaxBatch {
		t.Errorf("write: %d results, error %v", len(seen), err)
	}
	if err := c.Find(t.Context(), "city", questions, func(a wire.Answer) {
		if string(a.Found) != fmt.Sprint(a.Index) {
			t.Errorf("answer %+v", a)
		}
		seen[a.Index]++
	}); err != nil {
		t.Errorf("find: %v", err)
	}
	for i, n := range seen {
		if n != 2 {
			t.Errorf("index %d has %d results, want one of each call", i, n)
		}
	}
	if a, b := <-h.got, <-h.got; a != "save" || b != "city" {
		t.Errorf("the calls came as %v and %v", a, b)
	}
	// Over gRPC's own bound of 4 MiB, both ways.
	large := []wire.Record{{Data: fmt.Appendf(nil, `"%s"`, strings.Repeat("x", 20<<20))}}
	if err := c.Write(t.Context(), "save", large, func(r wire.WriteResult) {
		if len(r.Answer) != len(large[0].Data) {
			t.Errorf("an answer of %d bytes", len(r.Answer))
		}
	}); err != nil {
		t.Errorf("20 MiB: %v", err)
	}
}

func TestASlowRequestHoldsUpNoOther(t *testing.T) {
	h := &handler{gate: make(chan struct{})}
	c := connect(t, h)
	stream, err := c.Decode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range []string{"slow", "quick"} {
		if err := stream.Send([]wire.Request{{ID: uint64(i + 1), Path: path, Body: []byte(path)}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"quick", "slow"} {
		ds, err := stream.Recv()
		if err != nil || len(ds) != 1 || ds[0].Events[0].Key != want {
			t.Fatalf("decoded %+v, error %v; want %s", ds, err, want)
		}
		if want == "quick" {
			close(h.gate)
		}
	}
}

func TestLargeAnswersAreCutUp(t *testing.T) {
	c := connect(t, &handler{})
	stream, err := c.Decode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sizes := []int{30 << 20, 65 << 20, 30 << 20, 30 << 20, 1}
	batch := make([]wire.Request, len(sizes))
	for i, n := range sizes {
		batch[i] = wire.Request{ID: uint64(i), Path: "grow", Body: fmt.Append(nil, n)}
	}
	if err := stream.Send(batch); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(sizes); {
		ds, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		n += len(ds)
		for _, d := range ds {
			if d.ID == 1 {
				if d.Refusal == nil || d.Refusal.Status != 413 {
					t.Errorf("65 MiB: %+v", d.Refusal)
				}
			} else if len(d.Events) != 1 || len(d.Events[0].Record) != sizes[d.ID] {
				t.Errorf("request %d has another answer", d.ID)
			}
		}
	}
}

func TestRead(t *testing.T) {
	h := &handler{got: make(chan any, 2), batches: []wire.ReadBatch{
		{Events: []wire.Event{{Type: "t", Key: "1", UpdatedAt: time.Unix(5, 0).UTC()}}, Cursor: []byte("c1")}, {Cursor: []byte("c2")},
	}}
	c := connect(t, h)
	var cursors []string
	if err := c.Read(t.Context(), wire.ReadRequest{Event: "t", Cursor: []byte("c0"), MaxEvents: 10}, func(b wire.ReadBatch) error {
		cursors = append(cursors, string(b.Cursor))
		return nil
	}); err != nil || !slices.Equal(cursors, []string{"c1", "c2"}) {
		t.Errorf("cursors %v, error %v", cursors, err)
	}
	if r, ok := (<-h.got).(wire.ReadRequest); !ok || r.Event != "t" || string(r.Cursor) != "c0" || r.MaxEvents != 10 {
		t.Errorf("the request came as %+v", r)
	}
	enough := errors.New("enough")
	if err := c.Read(t.Context(), wire.ReadRequest{}, func(wire.ReadBatch) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("error %v, want that of each", err)
	}
}
