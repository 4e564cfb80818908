package pluginhost

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"
)

// followStdio logs what a Go plugin prints after its handshake. go-plugin's
// server turns os.Stdout and os.Stderr into a stream of its own, and the plugin
// stands still when nobody reads it. Other plugins do not serve it.
//
// The stream's message is not public: a number (1 for stdout, 2 for stderr) and
// bytes, as fields 1 and 2. It is read as unknown fields of an empty message.
func followStdio(ctx context.Context, conn *grpc.ClientConn, log *logs, last *tail) {
	const method = "/plugin.GRPCStdio/StreamStdio"
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, method)
	if err != nil {
		return
	}
	if stream.SendMsg(&emptypb.Empty{}) != nil || stream.CloseSend() != nil {
		return
	}
	writers := map[uint64]*lineSplitter{1: log.stream("stdout", nil), 2: log.stream("stderr", last)}
	for _, w := range writers {
		defer w.flush()
	}
	for {
		var msg emptypb.Empty
		if stream.RecvMsg(&msg) != nil {
			return
		}
		if channel, data := stdioData(msg.ProtoReflect().GetUnknown()); writers[channel] != nil {
			_, _ = writers[channel].Write(data)
		}
	}
}

func stdioData(raw []byte) (channel uint64, data []byte) {
	for len(raw) > 0 {
		field, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return 0, nil
		}
		raw = raw[n:]
		switch {
		case field == 1 && kind == protowire.VarintType:
			channel, n = protowire.ConsumeVarint(raw)
		case field == 2 && kind == protowire.BytesType:
			data, n = protowire.ConsumeBytes(raw)
		default:
			n = protowire.ConsumeFieldValue(field, kind, raw)
		}
		if n < 0 {
			return 0, nil
		}
		raw = raw[n:]
	}
	return channel, data
}
