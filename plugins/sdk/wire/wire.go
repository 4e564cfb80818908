// Package wire is the one place where Go types meet protobuf. Both sides of a
// plugin process use it: plugins/sdk to serve, the engine to call. A connector's
// author imports plugins/sdk and never this package.
package wire

import (
	"context"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
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

// ServerOptions are the options that a plugin's gRPC server needs beside
// go-plugin's own.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(MaxMessageBytes),
		grpc.MaxSendMsgSize(MaxMessageBytes),
	}
}

// DialOptions are the options that an engine's gRPC client needs beside
// go-plugin's own.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
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
