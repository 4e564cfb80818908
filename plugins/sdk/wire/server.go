package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pluginv1 "github.com/crosswalk-etl/crosswalk/proto/crosswalk/plugin/v1"
)

// Handler is the serving side in Go types. All its methods may be called
// concurrently. An error that is no answer of the protocol ends the call with a
// gRPC status, and the engine then treats the work as unknown.
type Handler interface {
	// Describe gives the spec, as it is under config where that is not empty.
	Describe(ctx context.Context, config json.RawMessage) (Spec, error)
	// Configure takes a connection's configuration, before any work.
	Configure(ctx context.Context, connection string, config json.RawMessage) ([]Diagnostic, error)
	// Check gives nil if the far system can be reached.
	Check(ctx context.Context) error
	// Drain returns when nothing is at hand any more, or ctx ends.
	Drain(ctx context.Context) error
	// Decode turns one webhook into events or a refusal.
	Decode(ctx context.Context, r Request) Decoded
	// Read gives batches of events to emit, oldest first.
	Read(ctx context.Context, r ReadRequest, emit func(ReadBatch) error) error
	// Write gives a result for each record to emit, which may be called from
	// several goroutines until Write returns.
	Write(ctx context.Context, operation string, records []Record, emit func(WriteResult)) error
	// Find gives an answer for each question to emit, likewise.
	Find(ctx context.Context, lookup string, questions []Question, emit func(Answer)) error
}

// decodersPerStream bounds the batches of one stream that are decoded at once.
const decodersPerStream = 8

// register puts the four services on a gRPC server.
func register(s grpc.ServiceRegistrar, h Handler) {
	srv := &server{handler: h}
	pluginv1.RegisterPluginServiceServer(s, srv)
	pluginv1.RegisterSourceServiceServer(s, srv)
	pluginv1.RegisterSinkServiceServer(s, srv)
	pluginv1.RegisterLookupServiceServer(s, srv)
}

type server struct {
	pluginv1.UnimplementedPluginServiceServer
	pluginv1.UnimplementedSourceServiceServer
	pluginv1.UnimplementedSinkServiceServer
	pluginv1.UnimplementedLookupServiceServer
	handler Handler
}

func (s *server) Describe(ctx context.Context, r *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	spec, err := s.handler.Describe(ctx, r.GetConfig())
	if err != nil {
		return nil, statusOf(err)
	}
	return &pluginv1.DescribeResponse{Spec: specToProto(spec)}, nil
}

func (s *server) Configure(ctx context.Context, r *pluginv1.ConfigureRequest) (*pluginv1.ConfigureResponse, error) {
	ds, err := s.handler.Configure(ctx, r.GetConnection(), r.GetConfig())
	if err != nil {
		return nil, statusOf(err)
	}
	out := &pluginv1.ConfigureResponse{}
	for _, d := range ds {
		out.Diagnostics = append(out.Diagnostics, diagnosticToProto(d))
	}
	return out, nil
}

func (s *server) Check(ctx context.Context, _ *pluginv1.CheckRequest) (*pluginv1.CheckResponse, error) {
	return &pluginv1.CheckResponse{Failure: failureToProto(AsFailure(s.handler.Check(ctx)))}, nil
}

func (s *server) Drain(ctx context.Context, _ *pluginv1.DrainRequest) (*pluginv1.DrainResponse, error) {
	if err := s.handler.Drain(ctx); err != nil {
		return nil, statusOf(err)
	}
	return &pluginv1.DrainResponse{}, nil
}

// Decode answers several batches at once, so that a slow one holds up no other.
func (s *server) Decode(stream grpc.BidiStreamingServer[pluginv1.DecodeRequest, pluginv1.DecodeResponse]) error {
	var (
		wg      sync.WaitGroup
		send    sync.Mutex
		batches = make(chan *pluginv1.DecodeRequest)
		busy    atomic.Int64
	)
	defer wg.Wait()
	defer close(batches)
	decode := func(msg *pluginv1.DecodeRequest) {
		resp := s.decoded(stream.Context(), msg)
		send.Lock()
		defer send.Unlock()
		for part := range parts(resp) {
			// A broken stream shows itself to Recv below.
			_ = stream.Send(&pluginv1.DecodeResponse{Results: part})
		}
		busy.Add(-1)
	}
	for decoders := int64(0); ; {
		msg, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		// As many goroutines as batches were ever decoded at once: they keep the
		// stacks that decoding has grown.
		if busy.Add(1) > decoders && decoders < decodersPerStream {
			decoders++
			wg.Go(func() {
				for msg := range batches {
					decode(msg)
				}
			})
		}
		select {
		case batches <- msg:
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

// decoded decodes a batch, one request after another.
func (s *server) decoded(ctx context.Context, msg *pluginv1.DecodeRequest) []*pluginv1.Decoded {
	out := make([]*pluginv1.Decoded, len(msg.GetRequests()))
	for i, r := range msg.GetRequests() {
		d := s.handler.Decode(ctx, requestFromProto(r))
		d.ID = r.GetId()
		out[i] = decodedToProto(d)
		if n := proto.Size(out[i]); n > MaxMessageBytes-partSlack {
			out[i] = decodedToProto(Decoded{ID: d.ID, Refusal: &Refusal{
				Status: 413, Code: "too_large", Message: fmt.Sprintf("its events are too large: %d bytes", n),
			}})
		}
	}
	return out
}

func (s *server) Read(r *pluginv1.ReadRequest, stream grpc.ServerStreamingServer[pluginv1.ReadResponse]) error {
	err := s.handler.Read(stream.Context(), readRequestFromProto(r), func(b ReadBatch) error {
		return stream.Send(readBatchToProto(b))
	})
	return statusOf(err)
}

func (s *server) Write(r *pluginv1.WriteRequest, stream grpc.ServerStreamingServer[pluginv1.WriteResponse]) error {
	records := make([]Record, len(r.GetRecords()))
	for i, rec := range r.GetRecords() {
		records[i] = recordFromProto(rec)
	}
	out := newCollector(func(rs []*pluginv1.WriteResult) error {
		return stream.Send(&pluginv1.WriteResponse{Results: rs})
	})
	err := s.handler.Write(stream.Context(), r.GetOperation(), records, func(res WriteResult) {
		out.add(writeResultToProto(res))
	})
	return statusOf(errors.Join(err, out.close()))
}

func (s *server) Find(r *pluginv1.FindRequest, stream grpc.ServerStreamingServer[pluginv1.FindResponse]) error {
	questions := make([]Question, len(r.GetQuestions()))
	for i, q := range r.GetQuestions() {
		questions[i] = questionFromProto(q)
	}
	out := newCollector(func(as []*pluginv1.Answer) error {
		return stream.Send(&pluginv1.FindResponse{Answers: as})
	})
	err := s.handler.Find(stream.Context(), r.GetLookup(), questions, func(a Answer) {
		out.add(answerToProto(a))
	})
	return statusOf(errors.Join(err, out.close()))
}

// statusOf keeps a status that an error carries and makes any other Internal.
func statusOf(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return status.Error(codes.Canceled, "canceled")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return status.Error(codes.DeadlineExceeded, "deadline exceeded")
	}
	return status.Error(codes.Internal, valid(err.Error()))
}

const (
	// partBytes is what entries are gathered to before they are sent.
	partBytes = 4 << 20
	// partSlack is what a message may have beside one entry.
	partSlack = 1 << 10
)

// parts cuts entries into what goes well into one message.
func parts[T proto.Message](all []T) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		size, begin := 0, 0
		for i, v := range all {
			n := proto.Size(v)
			if i > begin && size+n > partBytes {
				if !yield(all[begin:i]) {
					return
				}
				size, begin = 0, i
			}
			size += n
		}
		if begin < len(all) {
			yield(all[begin:])
		}
	}
}

// gatherTime is how long the first of some entries waits for more, so that they
// share a message.
const gatherTime = time.Millisecond

// collector sends what many goroutines add, together what comes together.
type collector[T proto.Message] struct {
	send func([]T) error

	mu     sync.Mutex
	wake   *sync.Cond
	queue  []T
	closed bool
	err    error
	// ending is closed when nothing more is added, done when all is sent.
	ending, done chan struct{}
}

func newCollector[T proto.Message](send func([]T) error) *collector[T] {
	c := &collector[T]{send: send, ending: make(chan struct{}), done: make(chan struct{})}
	c.wake = sync.NewCond(&c.mu)
	go c.run()
	return c
}

func (c *collector[T]) add(v T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.queue = append(c.queue, v)
		c.wake.Signal()
	}
}

// close sends the rest and gives the first error of sending.
func (c *collector[T]) close() error {
	c.mu.Lock()
	c.closed = true
	close(c.ending)
	c.wake.Signal()
	c.mu.Unlock()
	<-c.done
	return c.err
}

func (c *collector[T]) run() {
	defer close(c.done)
	for {
		c.mu.Lock()
		for len(c.queue) == 0 && !c.closed {
			c.wake.Wait()
		}
		if !c.closed {
			c.mu.Unlock()
			select {
			case <-time.After(gatherTime):
			case <-c.ending:
			}
			c.mu.Lock()
		}
		batch := c.queue
		c.queue = nil
		c.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for part := range parts(batch) {
			if err := c.send(part); err != nil && c.err == nil {
				c.err = err
			}
		}
	}
}
