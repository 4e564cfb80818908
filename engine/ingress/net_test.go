package ingress_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/ingress"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func TestSlowHeader(t *testing.T) {
	r := start(t, nil, func(o *ingress.Options) { o.Limits.HeaderTimeout = 100 * time.Millisecond })
	c := r.dial(t)
	// On a busy machine the time may be over before a byte is sent; then the
	// connection is reset.
	_, _ = fmt.Fprintf(c, "POST /in/shop/%s HTTP/1.1\r\nHost: x\r\nX-A: ", token)
	got, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the server does not close the connection")
	}
	if strings.Contains(string(got), "200") {
		t.Errorf("answered %q", got)
	}
}

func TestSlowBody(t *testing.T) {
	r := start(t, nil, func(o *ingress.Options) {
		o.Limits.HeaderTimeout, o.Limits.BodyTimeout = time.Minute, 200*time.Millisecond
	})
	for name, header := range map[string]string{"sized": "Content-Length: 9", "chunked": "Transfer-Encoding: chunked"} {
		c := r.dial(t)
		put(t, c, "POST /in/shop/%s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", token, header)
		if got := rest(t, c); !strings.HasPrefix(got, "HTTP/1.1 408 ") || !strings.Contains(got, ingress.CodeTimeout) {
			t.Errorf("%s: answered %q", name, got)
		}
	}
	if n := len(r.journal.all()); n > 0 {
		t.Errorf("%d events are stored", n)
	}
}

func TestIdle(t *testing.T) {
	r := start(t, nil, func(o *ingress.Options) {
		o.Limits.HeaderTimeout, o.Limits.BodyTimeout, o.Limits.IdleTimeout = time.Minute, time.Minute, 100*time.Millisecond
	})
	c := r.dial(t)
	put(t, c, "GET /in/shop/%s HTTP/1.1\r\nHost: x\r\n\r\n", token)
	if got := rest(t, c); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("answered %q", got)
	}
}

// TestSlowConnector checks that the time for reading a body does not end what
// comes after it.
func TestSlowConnector(t *testing.T) {
	// Where the machine was too busy to send even the body in time, it gets more.
	for timeout := 200 * time.Millisecond; ; timeout *= 2 {
		r := start(t, func(ctx context.Context, r wire.Request) (wire.Decoded, error) {
			select {
			case <-time.After(2 * timeout):
				return decoder(nil).Decode(ctx, r)
			case <-ctx.Done():
				return wire.Decoded{}, ctx.Err()
			}
		}, func(o *ingress.Options) { o.Limits.BodyTimeout = timeout })
		got := r.post(t, "{}")
		if got.StatusCode == 200 {
			return
		}
		if got.StatusCode != 408 || timeout > 10*time.Second {
			t.Fatalf("got %d %s", got.StatusCode, got.text)
		}
	}
}

func TestTruncatedBody(t *testing.T) {
	r := start(t, nil, nil)
	for name, raw := range map[string]string{
		"sized":         "Content-Length: 9\r\n\r\n{\"a\"",
		"chunked":       "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\"",
		"last chunk":    "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
		"no chunk size": "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
	} {
		c := r.dial(t)
		put(t, c, "POST /in/shop/%s HTTP/1.1\r\nHost: x\r\n%s", token, raw)
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got := rest(t, c); !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, ingress.CodeIncomplete) {
			t.Errorf("%s: answered %q", name, got)
		}
	}
	if n := len(r.journal.all()); n > 0 {
		t.Errorf("%d events are stored", n)
	}
}

// TestMalformedHTTP is about what net/http refuses by itself.
func TestMalformedHTTP(t *testing.T) {
	r := start(t, nil, nil)
	for name, c := range map[string]struct{ raw, want string }{
		"no HTTP":       {"hello\r\n\r\n", "HTTP/1.1 400 "},
		"huge header":   {"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "HTTP/1.1 431 "},
		"no host":       {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
		"two lengths":   {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 400 "},
		"bad length":    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 400 "},
		"other version": {"GET / HTTP/9.9\r\nHost: x\r\n\r\n", "HTTP/1.1 505 "},
	} {
		conn := r.dial(t)
		// The server may hang up before it has read all of it.
		_, _ = io.WriteString(conn, c.raw)
		if got, _ := io.ReadAll(conn); !strings.HasPrefix(string(got), c.want) {
			t.Errorf("%s: answered %q", name, got)
		}
	}
}

// TestExpectContinue checks that a body that is too large is not even asked for.
func TestExpectContinue(t *testing.T) {
	r := start(t, nil, nil)
	for length, want := range map[string]string{"99999999": "HTTP/1.1 413 ", "2": "HTTP/1.1 100 Continue\r\n"} {
		c := r.dial(t)
		put(t, c, "POST /in/shop/%s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %s\r\n\r\n", token, length)
		got, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%s bytes: answered %q (%v)", length, got, err)
		}
	}
}

// TestSenderGoesAwayBefore checks that nothing is stored for a sender that is gone
// before its events are known.
func TestSenderGoesAwayBefore(t *testing.T) {
	entered, left := make(chan struct{}), make(chan struct{})
	r := start(t, func(ctx context.Context, r wire.Request) (wire.Decoded, error) {
		close(entered)
		<-ctx.Done()
		close(left)
		return decoder(nil).Decode(context.WithoutCancel(ctx), r)
	}, nil)
	c := r.dial(t)
	put(t, c, "POST /in/shop/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", token)
	<-entered
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	<-left
	eventually(t, "the request is counted as gone", func() bool { return r.Stats().Refused[ingress.CodeGone] == 1 })
	if n := len(r.journal.all()); n > 0 {
		t.Errorf("%d events are stored", n)
	}
}

// TestSenderGoesAwayAmid checks that a request is stored whole once its first
// event is.
func TestSenderGoesAwayAmid(t *testing.T) {
	r := start(t, func(context.Context, wire.Request) (wire.Decoded, error) {
		e := wire.Event{Type: "t", Key: "k", Record: []byte("{}")}
		return wire.Decoded{Events: []wire.Event{e, e, e}}, nil
	}, nil)
	entered, closed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r.journal.accept = func(ctx context.Context, _ *event.Event) (ingress.Receipt, error) {
		once.Do(func() {
			close(entered)
			<-closed
			time.Sleep(50 * time.Millisecond) // lets the server see that the sender is gone
		})
		return ingress.Receipt{}, ctx.Err()
	}
	c := r.dial(t)
	put(t, c, "POST /in/shop/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", token)
	<-entered
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	close(closed)
	eventually(t, "all three events are stored", func() bool { return len(r.journal.all()) == 3 })
}

// TestMemory sends 200 bodies of 10 MB, sized and chunked, four at a time, with
// the right token and a wrong one.
func TestMemory(t *testing.T) {
	r := start(t, nil, nil)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	chunk := strings.Repeat("x", 64<<10)
	send := func(i int) {
		c := r.dial(t)
		path, framing := "/in/shop/"+token, "Content-Length: 10485760\r\n\r\n"
		if i%4 == 3 {
			path = "/in/shop/wrong"
		}
		if i%2 == 1 {
			framing = "Transfer-Encoding: chunked\r\n\r\na00000\r\n"
		}
		put(t, c, "POST %s HTTP/1.1\r\nHost: x\r\n%s", path, framing)
		var writing sync.WaitGroup
		writing.Go(func() {
			for range 160 {
				if _, err := io.WriteString(c, chunk); err != nil {
					return // answered, and closed below
				}
			}
		})
		defer writing.Wait()
		status := "413"
		if i%4 == 3 {
			status = "404"
		}
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 "+status) {
			t.Errorf("request %d: answered %q (%v)", i, line, err)
		}
		_ = c.Close()
	}
	send(0)
	before := heap()
	var peak atomic.Uint64
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				i := next.Add(1)
				if i > 200 {
					return
				}
				send(int(i))
				if i%50 == 0 {
					peak.Store(max(peak.Load(), heap()))
				}
			}
		})
	}
	wg.Wait()
	eventually(t, "the heap is back", func() bool { return heap() < before+4<<20 })
	if p := peak.Load(); p > before+32<<20 {
		t.Errorf("the heap went from %d to %d bytes", before, p)
	}
}

// TestMemoryIsBounded fills the memory for bodies with requests that wait.
func TestMemoryIsBounded(t *testing.T) {
	release := make(chan struct{})
	var waiting atomic.Int64
	r := start(t, func(context.Context, wire.Request) (wire.Decoded, error) {
		waiting.Add(1)
		<-release
		return wire.Decoded{}, nil
	}, func(o *ingress.Options) { o.Limits.MaxBody, o.Limits.MaxMemory = 64<<10, 200<<10 })
	body := `"` + strings.Repeat("x", 60<<10) + `"`
	var wg sync.WaitGroup
	var taken, busy atomic.Int64
	for range 10 {
		wg.Go(func() {
			switch got := r.post(t, body); {
			case got.StatusCode == 200:
				taken.Add(1)
			case got.StatusCode == 503 && got.code() == ingress.CodeBusy && got.Header.Get("Retry-After") == "1":
				busy.Add(1)
			default:
				t.Errorf("got %d %s", got.StatusCode, got.text)
			}
		})
	}
	eventually(t, "every request waits or is refused", func() bool { return waiting.Load()+busy.Load() == 10 })
	close(release)
	wg.Wait()
	if taken.Load() == 0 || taken.Load() > 3 {
		t.Errorf("%d taken, %d refused", taken.Load(), busy.Load())
	}
	for i := range 20 { // what was taken has been given back
		if got := r.post(t, body); got.StatusCode != 200 {
			t.Fatalf("request %d afterwards: %d %s", i, got.StatusCode, got.text)
		}
	}
}

func TestConnectionLimit(t *testing.T) {
	r := start(t, nil, func(o *ingress.Options) { o.Limits.MaxConnections = 1 })
	first := r.dial(t)
	put(t, first, "GET /in/shop/%s HTTP/1.1\r\nHost: x\r\n\r\n", token)
	if _, err := http.ReadResponse(bufio.NewReader(first), nil); err != nil { //nolint:bodyclose // the connection is closed as a whole
		t.Fatal(err)
	}
	second := r.dial(t)
	put(t, second, "GET /in/shop/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", token)
	if err := second.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(second); len(b) > 0 || err == nil {
		t.Errorf("a second connection is served: %q", b)
	}
	_ = first.Close()
	if err := second.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := rest(t, second); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("after the first has gone: %q", got)
	}
}

func TestShutdown(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	r := start(t, func(ctx context.Context, r wire.Request) (wire.Decoded, error) {
		close(entered)
		<-release
		return decoder(nil).Decode(ctx, r)
	}, nil)
	done := make(chan reply, 1)
	go func() { done <- r.post(t, "{}") }()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	eventually(t, "nothing is accepted any more", func() bool {
		conn, err := net.Dial("tcp", r.addr)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	select {
	case err := <-stopped:
		t.Fatalf("Serve ended with a request at hand: %v", err)
	default:
	}
	close(release)
	if got := <-done; got.StatusCode != 200 {
		t.Errorf("the request at hand: %d %s", got.StatusCode, got.text)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if n := len(r.journal.all()); n != 1 {
		t.Errorf("%d events are stored", n)
	}
}

func TestShutdownCutsOff(t *testing.T) {
	r := start(t, nil, func(o *ingress.Options) { o.Limits.DrainTimeout = 50 * time.Millisecond })
	c := r.dial(t)
	put(t, c, "POST /in/shop/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", token)
	r.send(t, "GET", "/", nil) // came later, so the first is being served
	if err := r.stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if n := len(r.journal.all()); n > 0 {
		t.Errorf("%d events are stored", n)
	}
}
