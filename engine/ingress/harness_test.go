package ingress_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/ingress"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

const token = "s3cret-t0ken"

// memory is a journal that keeps events in memory.
type memory struct {
	mu     sync.Mutex
	events []event.Event
	// accept, where it is set, answers instead.
	accept func(ctx context.Context, e *event.Event) (ingress.Receipt, error)
}

func (m *memory) Accept(ctx context.Context, e *event.Event) (ingress.Receipt, error) {
	if m.accept != nil {
		if r, err := m.accept(ctx, e); err != nil || r.Duplicate {
			return r, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, *e)
	return ingress.Receipt{Sequence: uint64(len(m.events))}, nil
}

func (m *memory) all() []event.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]event.Event(nil), m.events...)
}

// decoder makes events by a function; nil makes one of the whole body.
type decoder func(ctx context.Context, r wire.Request) (wire.Decoded, error)

func (d decoder) Decode(ctx context.Context, r wire.Request) (wire.Decoded, error) {
	if d != nil {
		return d(ctx, r)
	}
	record := r.Body
	if len(record) == 0 || record[0] != '{' {
		record, _ = json.Marshal(map[string]string{"raw": string(r.Body)})
	}
	return wire.Decoded{Events: []wire.Event{{Type: "order_created", Key: "1", Record: record}}}, nil
}

// rig is a server on a real port.
type rig struct {
	*ingress.Server
	addr    string
	journal *memory
	log     *sdktest.Log
	// stop ends Serve and returns its error.
	stop func() error
}

// start serves a connection shop with the given decoder. change, if not nil,
// changes the options first.
func start(t *testing.T, d decoder, change func(*ingress.Options)) *rig {
	t.Helper()
	r := &rig{journal: &memory{}, log: &sdktest.Log{}}
	o := ingress.Options{
		Journal:     r.journal,
		Connections: []ingress.Connection{{Name: "shop", Token: token, Decoder: d}},
		Logger:      r.log.Logger(),
	}
	if change != nil {
		change(&o)
	}
	var err error
	if r.Server, err = ingress.New(o); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Serve(ctx, ln) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return r
}

type reply struct {
	*http.Response
	text string
}

// code gives the code of a refusal.
func (r reply) code() string {
	var body struct {
		Error struct{ Code, Message, Field string }
	}
	_ = json.Unmarshal([]byte(r.text), &body)
	return body.Error.Code
}

func (r reply) message() string {
	var body struct {
		Error struct{ Code, Message, Field string }
	}
	_ = json.Unmarshal([]byte(r.text), &body)
	return body.Error.Message
}

// send makes one request on a connection of its own; header holds pairs.
func (r *rig) send(t *testing.T, method, path string, body io.Reader, header ...string) reply {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.addr+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Add(header[i], header[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(q)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp, string(text)}
}

func (r *rig) post(t *testing.T, body string, header ...string) reply {
	t.Helper()
	return r.send(t, "POST", "/in/shop/"+token, strings.NewReader(body), header...)
}

// dial opens a raw connection with a generous deadline.
func (r *rig) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		t.Fatalf("%T", c)
	}
	return tcp
}

// write sends raw text.
func put(t *testing.T, c net.Conn, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(c, format, args...); err != nil {
		t.Fatal(err)
	}
}

// rest reads until the server closes.
func rest(t *testing.T, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("the server does not close the connection: %v (read %q)", err, b)
	}
	return string(b)
}

// eventually polls until ok, with a generous deadline.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
