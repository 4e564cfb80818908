package outbound

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// ledger counts how often each request has reached the far side whole.
type ledger struct {
	mu   sync.Mutex
	seen map[string]int
}

func (l *ledger) count(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[id]
}

// misbehave serves a connection as a far side on its worst day: it may close, reset
// or leave it before, in or after each request and each answer.
func (l *ledger) misbehave(c net.Conn, r *bufio.Reader) {
	raw := c
	if over, ok := c.(*tls.Conn); ok {
		raw = over.NetConn()
	}
	end := func() {
		half, ok := raw.(*net.TCPConn)
		if !ok {
			return
		}
		switch rand.IntN(4) {
		case 0:
			_ = half.SetLinger(0) // a reset
			_ = half.Close()
		case 1:
			_ = half.CloseWrite()
		case 2:
			_ = c.Close()
		default:
			_ = half.Close() // over TLS without a farewell
		}
	}
	for {
		if rand.IntN(20) == 0 {
			end()
			return
		}
		if rand.IntN(20) == 0 {
			_, _ = io.CopyN(io.Discard, r, rand.Int64N(100)) // less than a request has
			end()
			return
		}
		body, err := request(r)
		if err != nil {
			return
		}
		id, _, _ := strings.Cut(body, " ")
		l.mu.Lock()
		l.seen[id]++
		l.mu.Unlock()
		answer := sized("", id)
		switch rand.IntN(12) {
		case 0:
			end()
			return
		case 1:
			_, _ = io.WriteString(c, answer[:rand.IntN(len(answer))])
			end()
			return
		case 2:
			_, _ = io.WriteString(c, answer)
			end()
			return
		case 3:
			_, _ = io.WriteString(c, answer+sized("", "evil"))
		case 4:
			time.Sleep(time.Duration(rand.IntN(8)) * time.Millisecond) // perhaps past the request's time
			_, _ = io.WriteString(c, answer)
		case 5:
			at := rand.IntN(len(answer))
			_, _ = io.WriteString(c, answer[:at])
			runtime.Gosched()
			_, _ = io.WriteString(c, answer[at:])
		case 6:
			_, _ = fmt.Fprintf(c, "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(id), id)
		default:
			_, _ = io.WriteString(c, answer)
		}
	}
}

// TestWorstDay: whatever the far side and the callers do, no request is sent twice,
// none that is told as not sent has arrived, each answer is its request's own, and
// nothing is left behind.
func TestWorstDay(t *testing.T) {
	config, trusted := certificate(t)
	const callers, each = 8, 60
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			goroutines, files := runtime.NumGoroutine(), openFiles()
			l := &ledger{seen: map[string]int{}}
			f := listen(t, func(c net.Conn, r *bufio.Reader) {
				if scheme == "https" {
					c = tls.Server(c, config)
					r = bufio.NewReader(c)
				}
				l.misbehave(c, r)
			})
			o := options(t, scheme+"://"+f.Addr().String())
			o.Concurrency, o.IdleTimeout = callers-2, 50*time.Millisecond
			d := newDirect(o)
			if d.tls != nil {
				d.tls.RootCAs = trusted
			}
			e := &Endpoint{poster: d, slots: make(chan struct{}, o.Concurrency)}
			var wg sync.WaitGroup
			for caller := range callers {
				wg.Go(func() {
					for n := range each {
						ctx, cancel := context.WithCancel(t.Context())
						switch rand.IntN(6) {
						case 0:
							time.AfterFunc(time.Duration(rand.IntN(2000))*time.Microsecond, cancel)
						case 1:
							time.AfterFunc(time.Duration(rand.IntN(200))*time.Microsecond, cancel)
						}
						id := fmt.Sprintf("r-%d-%d", caller, n)
						size := []int{0, 1 << 10, 40 << 10, 256 << 10}[min(rand.IntN(20), 3)]
						a, err := e.Post(ctx, "text/plain", []byte(id+" "+strings.Repeat("x", size)))
						canceled := ctx.Err() != nil
						cancel()
						var none *NoAnswerError
						switch {
						case err == nil && string(a.Body) != id:
							t.Errorf("%s is answered %d %q", id, a.Status, a.Body)
						case err == nil:
						case !errors.As(err, &none):
							t.Errorf("%s: %v is no NoAnswerError", id, err)
						case !none.Sent && l.count(id) > 0:
							t.Errorf("%s has arrived and is told as not sent: %v", id, err)
						case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled) && !canceled:
							t.Errorf("%s meets another's end: %v", id, err)
						}
					}
				})
			}
			wg.Wait()
			for id, n := range l.seen {
				if n > 1 {
					t.Errorf("%s was sent %d times", id, n)
				}
			}
			waitFor(t, "the end of the idle connections", func() bool {
				d.mu.Lock()
				defer d.mu.Unlock()
				return len(d.idle) == 0 && !d.clearing
			})
			if n := len(e.slots); n != 0 {
				t.Errorf("%d requests are under way", n)
			}
			// The listener, its goroutine and that of the test are left.
			waitFor(t, "the end of the goroutines", func() bool { return runtime.NumGoroutine() <= goroutines+2 })
			if files >= 0 {
				waitFor(t, "the end of the sockets", func() bool { return openFiles() <= files+1 })
			}
		})
	}
}

// openFiles counts the process's descriptors, -1 where it cannot.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(entries)
}
