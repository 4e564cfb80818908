package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/saleapp/saleapptest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func TestNobodyListens(t *testing.T) {
	conn := connect(t, organization("http://127.0.0.1:1", nil))
	for _, op := range []string{opCreate, opUpsert} {
		conn.fails(op, order("A", nil), wire.Transient, "unreachable")
	}
}

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	far := &scripted{empty: true, answers: map[string]func(http.ResponseWriter){"POST": func(http.ResponseWriter) { <-release }}}
	base := serve(t, far)
	t.Cleanup(func() { close(release) })
	// Where even the search before it took too long, for the machine is busy, there
	// is more time.
	for timeout := 50 * time.Millisecond; ; timeout *= 2 {
		conn := connect(t, organization(base, config{"request_timeout": timeout.String()}))
		r := conn.write(opUpsert, order("A", nil))
		if f := r.Failure; f != nil && f.Class == wire.Transient && timeout < 20*time.Second {
			continue
		}
		if f := r.Failure; f == nil || f.Class != wire.Unknown || f.Code != "answer_lost" || !strings.Contains(f.Message, "no answer in time") {
			t.Errorf("%+v, want UNKNOWN answer_lost", r)
		}
		return
	}
}

// The engine may give up a call: what was sent by then is unknown.
func TestCallIsGivenUp(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	far := &scripted{answers: map[string]func(http.ResponseWriter){"POST": func(http.ResponseWriter) { close(arrived); <-release }}}
	c, err := open(t.Context(), sdk.Config{JSON: toJSON(t, organization(serve(t, far), nil)), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err = c.Sink.Write(ctx, sdk.Record{Operation: opCreate, Data: toJSON(t, order("A", nil))})
	if f := wire.AsFailure(err); f == nil || f.Class != wire.Unknown || f.Code != "answer_lost" {
		t.Errorf("given up on the way: %v", err)
	}
	_, err = c.Sink.Write(ctx, sdk.Record{Operation: opCreate, Data: toJSON(t, order("A", nil))})
	if f := wire.AsFailure(err); f == nil || f.Class != wire.Transient {
		t.Errorf("given up before it began: %v, want TRANSIENT", err)
	}
	_, err = c.Sink.Write(ctx, sdk.Record{Operation: opUpsert, Data: toJSON(t, order("A", nil))})
	if f := wire.AsFailure(err); f == nil || f.Class != wire.Transient {
		t.Errorf("given up before it began: %v, want TRANSIENT", err)
	}
}

// rawServer speaks HTTP/1.1 by hand: it answers the first request of a connection
// and does with the next what next says.
type rawServer struct {
	net.Listener
	requests, connections atomic.Int64
}

func listen(t *testing.T, serve func(s *rawServer, c net.Conn, r *bufio.Reader)) *rawServer {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &rawServer{Listener: l}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.connections.Add(1)
			go func() {
				defer func() { _ = c.Close() }()
				serve(s, c, bufio.NewReader(c))
			}()
		}
	}()
	return s
}

// read takes one whole request off the connection.
func (s *rawServer) read(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return false
	}
	s.requests.Add(1)
	return true
}

func created(c net.Conn, id int64) {
	text := fmt.Sprintf(`{"error":"false","error_description":"","create_id":%d}`, id)
	_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
}

// A kept connection that dies with a request on it: the request must not be sent
// again.
func TestNothingIsSentAgainOnADeadConnection(t *testing.T) {
	far := listen(t, func(s *rawServer, c net.Conn, r *bufio.Reader) {
		if s.read(r) {
			created(c, 1)
			s.read(r) // and no answer
		}
	})
	conn := connect(t, organization("http://"+far.Addr().String(), nil))
	conn.must(opCreate, order("A", nil))
	conn.fails(opCreate, order("B", nil), wire.Unknown, "answer_lost")
	if got := far.requests.Load(); got != 2 {
		t.Fatalf("%d requests arrived, want 2: the second must not be repeated", got)
	}
	if got := far.connections.Load(); got != 1 {
		t.Fatalf("%d connections: the test did not reuse the first", got)
	}
}

// Connections that the far side closes after each answer: whether the client sees
// that before it sends the next request or after, no request arrives twice, and
// none counts as done or as untouched that may be otherwise.
func TestClosedKeptConnections(t *testing.T) {
	far := listen(t, func(s *rawServer, c net.Conn, r *bufio.Reader) {
		if s.read(r) {
			created(c, s.requests.Load())
		}
	})
	conn := connect(t, organization("http://"+far.Addr().String(), nil))
	done := int64(0)
	for i := range 30 {
		switch r := conn.write(opCreate, order(fmt.Sprint(i), nil)); {
		case r.Failure == nil:
			done++
		case r.Failure.Class != wire.Unknown:
			t.Errorf("request %d: %v, want done or UNKNOWN", i, r.Failure)
		}
	}
	if got := far.requests.Load(); got != done || done == 0 {
		t.Fatalf("%d requests arrived, %d are done", got, done)
	}
}

func TestAnswerIsCutOff(t *testing.T) {
	far := listen(t, func(s *rawServer, c net.Conn, r *bufio.Reader) {
		if s.read(r) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"error\":\"false\"}")
		}
	})
	conn := connect(t, organization("http://"+far.Addr().String(), nil))
	conn.fails(opCreate, order("A", nil), wire.Unknown, "answer_lost")
	conn.fails(opUpsert, order("A", nil), wire.Transient, "answer_lost")
}

func TestEndlessAnswer(t *testing.T) {
	far := &scripted{answers: map[string]func(http.ResponseWriter){"POST": func(w http.ResponseWriter) {
		chunk := strings.Repeat(" ", 1<<20)
		for {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	}}}
	conn := connect(t, organization(serve(t, far), nil))
	conn.fails(opCreate, order("A", nil), wire.Unknown, "unreadable_answer")
}

// At most concurrency requests are under way, over all batches.
func TestConcurrencyIsBounded(t *testing.T) {
	var now, most atomic.Int64
	full, once := make(chan struct{}), sync.Once{}
	far := &scripted{answers: map[string]func(http.ResponseWriter){"POST": func(w http.ResponseWriter) {
		n := now.Add(1)
		defer now.Add(-1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		if n == 3 {
			once.Do(func() { close(full) })
		}
		select {
		case <-full:
			time.Sleep(time.Millisecond) // for one too many
		case <-time.After(time.Minute):
		}
		_, _ = io.WriteString(w, `{"error":"false","create_id":"1"}`)
	}}}
	conn := connect(t, organization(serve(t, far), config{"concurrency": 3}))
	records := make([]any, 40)
	for i := range records {
		records[i] = order(fmt.Sprint(i), nil)
	}
	for _, r := range conn.writeAll(opCreate, records) {
		if r.Failure != nil {
			t.Fatal(r.Failure)
		}
	}
	if got := most.Load(); got != 3 {
		t.Fatalf("%d at once, want 3", got)
	}
}

func TestDistinctOrdersAtOnce(t *testing.T) {
	api, conn := sandbox(t, saleapptest.Options{})
	records := make([]any, 300)
	for i := range records {
		records[i] = order(fmt.Sprintf("C-%d", i), nil)
	}
	for range 2 {
		for i, r := range conn.writeAll(opUpsert, records) {
			if r.Failure != nil {
				t.Fatalf("%d: %v", i, r.Failure)
			}
		}
	}
	for _, o := range api.Orders() {
		if o.Writes != 2 {
			t.Errorf("%s: %d writes, want 2", o.ExternalID, o.Writes)
		}
	}
	if got := len(api.Orders()); got != 300 {
		t.Fatalf("%d orders, want 300", got)
	}
}
