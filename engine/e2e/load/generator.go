package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// answerWait bounds the wait for one answer.
	answerWait = 60 * time.Second
	// leastRest is well below the engine's shortest patience with an idle connection.
	leastRest = 2 * time.Second
)

// generator sends webhooks over connections that it keeps. It writes HTTP/1.1 by
// itself: a client that costs more than what it measures would be measured.
type generator struct {
	addr  string
	conns []*sender
	// next is the order's id that goes out next, over all runs.
	next int
}

// sender is one connection with what it sends and reads over.
type sender struct {
	addr string
	in   *bufio.Reader
	out  []byte
	// used is when conn was used last, and rest how long it must not have been since for
	// the server to have closed it for want of use.
	used time.Time
	rest time.Duration

	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

func newGenerator(addr string, connections int) (*generator, error) {
	g := &generator{addr: addr, next: 1}
	for range connections {
		s := &sender{addr: addr, rest: leastRest}
		if err := s.connect(); err != nil {
			g.close()
			return nil, fmt.Errorf("connect the generator: %w", err)
		}
		g.conns = append(g.conns, s)
	}
	return g, nil
}

func (g *generator) close() {
	for _, s := range g.conns {
		s.close()
	}
}

// connect connects anew, unless the sender was closed.
func (s *sender) connect() error {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return net.ErrClosed
	}
	if s.conn != nil {
		_ = s.conn.Close()
	}
	s.conn, s.in, s.used = conn, bufio.NewReaderSize(conn, 2<<10), time.Now()
	return nil
}

func (s *sender) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// sent is what a run of the generator measured. Latency counts from when a
// webhook was due, not from when a connection was free to send it: a server that
// stalls cannot hide how many it kept waiting.
type sent struct {
	accepted, refused int
	took              time.Duration
	latency           []time.Duration // sorted
}

func (s *sent) rate() float64 { return float64(s.accepted) / s.took.Seconds() }

func (s *sent) quantile(q float64) time.Duration {
	if len(s.latency) == 0 {
		return 0
	}
	return s.latency[min(int(q*float64(len(s.latency))), len(s.latency)-1)]
}

// run sends n webhooks, the i-th of them i/rate seconds after the first, whether
// or not the answers to those before have come; a rate of 0 has each connection
// send as soon as it has its answer. body writes the request for an order's id.
func (g *generator) run(ctx context.Context, n int, rate float64, request func(into []byte, id int) []byte) (*sent, error) {
	var (
		taken   atomic.Int64
		refused atomic.Int64
		mu      sync.Mutex
		all     = make([]time.Duration, 0, n)
		failed  error
		wg      sync.WaitGroup
		first   = g.next
	)
	g.next += n
	began := time.Now()
	stop := context.AfterFunc(ctx, g.close)
	defer stop()
	for _, s := range g.conns {
		wg.Go(func() {
			mine := make([]time.Duration, 0, 2*n/len(g.conns)+16)
			var err error
			for {
				i := int(taken.Add(1)) - 1
				if i >= n {
					break
				}
				due := time.Now()
				if rate > 0 {
					due = began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
					if wait := time.Until(due); wait > 0 {
						time.Sleep(wait)
					}
				}
				s.out = request(s.out[:0], first+i)
				var ok bool
				if ok, err = s.send(); err != nil {
					break
				}
				if !ok {
					refused.Add(1)
					continue
				}
				mine = append(mine, time.Since(due))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, mine...)
			failed = errors.Join(failed, err)
		})
	}
	wg.Wait()
	if err := errors.Join(ctx.Err(), failed); err != nil {
		return nil, fmt.Errorf("send webhooks: %w", err)
	}
	slices.Sort(all)
	return &sent{accepted: len(all), refused: int(refused.Load()), took: time.Since(began), latency: all}, nil
}

// errIdle says that a connection that had rested was closed by the server, which has
// not read what was sent meanwhile.
var errIdle = errors.New("the connection was closed while it rested")

// send sends what is in out and reads the answer, over a new connection where the
// server has closed the one there was for want of use.
func (s *sender) send() (ok bool, err error) {
	ok, err = s.exchange()
	if !errors.Is(err, errIdle) {
		return ok, err
	}
	if err := s.connect(); err != nil {
		return false, err
	}
	return s.exchange()
}

// exchange sends what is in out and reads the answer; ok tells whether it is a 2xx.
func (s *sender) exchange() (ok bool, err error) {
	if err := s.conn.SetDeadline(time.Now().Add(answerWait)); err != nil {
		return false, err
	}
	rested := time.Since(s.used)
	_, err = s.conn.Write(s.out)
	if err == nil {
		_, err = s.in.Peek(1)
	}
	s.used = time.Now()
	if rested >= s.rest && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) {
		return false, errIdle
	}
	if err != nil {
		return false, err
	}
	line, err := s.in.ReadSlice('\n')
	if err != nil {
		return false, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return false, fmt.Errorf("the answer begins with %q", line)
	}
	ok = line[len("HTTP/1.1 ")] == '2'
	length := 0
	for {
		if line, err = s.in.ReadSlice('\n'); err != nil {
			return false, err
		}
		name, value, more := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		if !more {
			break
		}
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return false, err
			}
		}
	}
	_, err = s.in.Discard(length)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return ok, err
}
