package main

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"testing"
)

// A server closes a connection that has rested, without a word; what is sent next
// goes over a new one, and nothing counts twice.
func TestGeneratorConnectsAnew(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const perConnection, n = 3, 40
	var (
		mu    sync.Mutex
		taken = map[string]int{}
		conns int
		done  sync.WaitGroup
	)
	done.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns++
			mu.Unlock()
			done.Go(func() {
				defer func() { _ = conn.Close() }()
				in := bufio.NewReader(conn)
				for range perConnection {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					mu.Lock()
					taken[r.URL.Path]++
					mu.Unlock()
					if _, err := conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")); err != nil {
						return
					}
				}
			})
		}
	})
	g, err := newGenerator(ln.Addr().String(), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range g.conns {
		s.rest = 0
	}
	s, err := g.run(t.Context(), n, 0, func(into []byte, id int) []byte {
		return append(into, "GET /"+string(rune('A'+id))+" HTTP/1.1\r\nHost: x\r\n\r\n"...)
	})
	g.close()
	_ = ln.Close()
	done.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if s.accepted != n || s.refused != 0 {
		t.Errorf("%d accepted and %d refused of %d", s.accepted, s.refused, n)
	}
	if len(taken) != n || conns < n/perConnection {
		t.Errorf("the server took %d requests over %d connections, want %d over %d at least", len(taken), conns, n, n/perConnection)
	}
	for path, times := range taken {
		if times != 1 {
			t.Errorf("%s came %d times", path, times)
		}
	}
}

// A server that closes each connection is an error and no reason to try for ever.
func TestGeneratorGivesUpOnAServerThatHangsUp(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	})
	g, err := newGenerator(ln.Addr().String(), 1)
	if err != nil {
		t.Fatal(err)
	}
	g.conns[0].rest = 0
	if _, err := g.run(t.Context(), 3, 0, func(into []byte, _ int) []byte {
		return append(into, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"...)
	}); err == nil {
		t.Error("no error")
	}
	g.close()
	_ = ln.Close()
	done.Wait()
}
