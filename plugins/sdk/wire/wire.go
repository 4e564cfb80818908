// Package wire is the one place where Go types meet protobuf. Both sides of a
// plugin process use it: plugins/sdk to serve, the engine to call. A connector's
// author imports plugins/sdk and never this package.
package wire

import (
	"context"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

const (
	// ProtocolVersion is the version of the protocol that this package speaks.
	ProtocolVersion = 1
	// PluginName is the name under which go-plugin dispenses the services.
	PluginName = "crosswalk"
	// MaxMessageBytes bounds one gRPC message in either direction. gRPC's own
	// default of 4 MiB is too small for a batch; servers in other languages have
	// to raise it too.
	MaxMessageBytes = 64 << 20
	// MaxBatch bounds the entries of one batch.
	MaxBatch = 1024
	// HostSilence is for how long the engine may give no sign of life before a plugin
	// takes it for stopped: its calls end, as their contexts do, and nothing new is
	// begun. See ServerOptions.
	HostSilence = pingAfter + pingWait
	// CookieKey is the environment variable that tells a plugin that an engine
	// started it. It is no secret: it only keeps a person from running a plugin by
	// hand and wondering.
	CookieKey = "CROSSWALK_PLUGIN"
	// LogLevelKey is the environment variable that tells a plugin from which level on
	// its lines are wanted: debug, info, warn or error. What is below is thrown away
	// by the engine, so that it costs less not to write it.
	LogLevelKey = "CROSSWALK_LOG_LEVEL"
	// CookieValue is that variable's value.
	CookieValue = "a7f2c1de-crosswalk-plugin"
)

// Handshake is what go-plugin compares before it speaks gRPC.
func Handshake() goplugin.HandshakeConfig {
	return goplugin.HandshakeConfig{
		ProtocolVersion:  ProtocolVersion,
		MagicCookieKey:   CookieKey,
		MagicCookieValue: CookieValue,
	}
}

// Plugins is go-plugin's set of plugins for each protocol version. The serving
// side passes its handler, the calling side nil.
func Plugins(h Handler) map[int]goplugin.PluginSet {
	return map[int]goplugin.PluginSet{
		ProtocolVersion: {PluginName: &grpcPlugin{handler: h}},
	}
}

// An engine that is stopped (SIGSTOP, a machine that is paused) does not know of it, and
// on a cluster another one reads its partitions 15 s after its last sign of life. What
// its plugins hold by then would be sent beside what the other one sends. An engine
// renews each 5 s, so that it is stopped at most 5 s after it did or has been failing
// to: with 5 s of silence, whatever the plugin holds ends at the latest 10 s after the
// last renewal, and before the others begin.
//
// The engine's side answers a ping without any of its code running, so that only a
// process that gets no processor at all for 4 s is taken for stopped; one that is slow
// for a second or two is not. The wait is counted in steps of pingAfter, of which each
// has to pass while the plugin itself runs: where both are paused together, the plugin
// does not conclude from its own pause that the engine was silent.
const (
	pingAfter = time.Second
	pingWait  = 4 * time.Second
)

// The windows of flow control, in bytes: what one side may send before the other has
// read it, in a call and in all calls together. As they are fixed, gRPC does not
// measure the way between the two, for which each message takes a ping and its answer,
// and with them a system call and a wake-up on either side.
const (
	streamWindow = 4 << 20
	connWindow   = 16 << 20
)

// ServerOptions are the options that a plugin's gRPC server needs beside
// go-plugin's own. With them it ends the calls of an engine that does not answer for
// HostSilence. The other direction needs no such option: the engine's health calls have
// deadlines.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(MaxMessageBytes),
		grpc.MaxSendMsgSize(MaxMessageBytes),
		grpc.StaticStreamWindowSize(streamWindow),
		grpc.StaticConnWindowSize(connWindow),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: pingWait}),
	}
}

// DialOptions are the options that an engine's gRPC client needs beside
// go-plugin's own.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithStaticStreamWindowSize(streamWindow),
		grpc.WithStaticConnWindowSize(connWindow),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(MaxMessageBytes),
			grpc.MaxCallSendMsgSize(MaxMessageBytes),
		),
	}
}

// grpcPlugin joins the services to go-plugin.
type grpcPlugin struct {
	goplugin.NetRPCUnsupportedPlugin
	handler Handler
}

var _ goplugin.GRPCPlugin = (*grpcPlugin)(nil)

// GRPCServer registers the services; go-plugin calls it in the plugin.
func (p *grpcPlugin) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	register(s, p.handler)
	return nil
}

// GRPCClient makes the *Client; go-plugin calls it in the engine.
func (p *grpcPlugin) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return NewClient(c), nil
}
