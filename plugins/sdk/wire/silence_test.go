package wire_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// holding is a handler whose Write ends with its context.
type holding struct {
	handler
	began, ended chan struct{}
}

func (h *holding) Write(ctx context.Context, _ string, _ []wire.Record, _ func(wire.WriteResult)) error {
	close(h.began)
	<-ctx.Done()
	close(h.ended)
	return ctx.Err()
}

// stoppable is a connection whose other end may fall silent without closing it, as
// that of a process that is stopped.
type stoppable struct {
	net.Conn
	mu *sync.RWMutex
}

func (s stoppable) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	s.mu.RLock() // nothing of it is seen, and nothing answered
	defer s.mu.RUnlock()
	return n, err
}

func (s stoppable) Write(p []byte) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.Conn.Write(p)
}

// TestStoppedEngine has the engine's side of a connection fall silent in the middle of
// a call: the plugin's side ends it.
func TestStoppedEngine(t *testing.T) {
	h := &holding{began: make(chan struct{}), ended: make(chan struct{})}
	server := grpc.NewServer(wire.ServerOptions()...)
	plugin, ok := wire.Plugins(h)[wire.ProtocolVersion][wire.PluginName].(goplugin.GRPCPlugin)
	if !ok {
		t.Fatal("no gRPC plugin")
	}
	if err := plugin.GRPCServer(nil, server); err != nil {
		t.Fatal(err)
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	var silent sync.RWMutex
	conn, err := grpc.NewClient("passthrough:///it", append(wire.DialOptions(),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			var d net.Dialer
			c, err := d.DialContext(ctx, "tcp", listener.Addr().String())
			return stoppable{c, &silent}, err
		}),
		grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		serving.Wait()
	})
	client := wire.NewClient(conn)
	var writing sync.WaitGroup
	writing.Go(func() {
		_ = client.Write(t.Context(), "op", []wire.Record{{Index: 0, Data: []byte(`{}`)}}, func(wire.WriteResult) {})
	})
	<-h.began
	silent.Lock()
	began := time.Now()
	select {
	case <-h.ended:
	case <-time.After(time.Minute):
		t.Error("a call of an engine that is stopped goes on")
	}
	if took := time.Since(began); took < wire.HostSilence/2 {
		t.Errorf("the call ended after %s: an engine that is slow for a moment loses its plugins", took)
	}
	silent.Unlock()
	writing.Wait()
}
