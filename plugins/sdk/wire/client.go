package wire

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"google.golang.org/grpc"

	pluginv1 "github.com/crosswalk-etl/crosswalk/proto/crosswalk/plugin/v1"
)

// Client calls a plugin process in Go types. It is safe for concurrent use.
// Errors of the transport come as gRPC status errors; what the plugin answers
// comes as values.
type Client struct {
	plugin pluginv1.PluginServiceClient
	source pluginv1.SourceServiceClient
	sink   pluginv1.SinkServiceClient
	lookup pluginv1.LookupServiceClient
}

// NewClient makes a client of a connection to a plugin process.
func NewClient(c grpc.ClientConnInterface) *Client {
	return &Client{
		plugin: pluginv1.NewPluginServiceClient(c),
		source: pluginv1.NewSourceServiceClient(c),
		sink:   pluginv1.NewSinkServiceClient(c),
		lookup: pluginv1.NewLookupServiceClient(c),
	}
}

// Describe asks for the spec, as it is under config where that is given: a
// connection's configuration as JSON without its secrets.
func (c *Client) Describe(ctx context.Context, config json.RawMessage) (Spec, error) {
	resp, err := c.plugin.Describe(ctx, &pluginv1.DescribeRequest{Config: config})
	if err != nil {
		return Spec{}, err
	}
	return specFromProto(resp.GetSpec()), nil
}

// Configure hands over a connection's configuration.
func (c *Client) Configure(ctx context.Context, connection string, config json.RawMessage) ([]Diagnostic, error) {
	resp, err := c.plugin.Configure(ctx, &pluginv1.ConfigureRequest{Connection: connection, Config: config})
	if err != nil {
		return nil, err
	}
	var out []Diagnostic
	for _, d := range resp.GetDiagnostics() {
		out = append(out, diagnosticFromProto(d))
	}
	return out, nil
}

// Check asks whether the far system can be reached; a *Failure says why not.
func (c *Client) Check(ctx context.Context) error {
	resp, err := c.plugin.Check(ctx, &pluginv1.CheckRequest{})
	if err != nil {
		return err
	}
	if f := failureFromProto(resp.GetFailure()); f != nil {
		return f
	}
	return nil
}

// Drain asks to finish what is at hand before ctx's deadline.
func (c *Client) Drain(ctx context.Context) error {
	_, err := c.plugin.Drain(ctx, &pluginv1.DrainRequest{})
	return err
}

// DecodeStream carries batches of webhooks one way and their answers the other.
// One goroutine may send while another receives.
type DecodeStream struct {
	stream grpc.BidiStreamingClient[pluginv1.DecodeRequest, pluginv1.DecodeResponse]
}

// Decode opens a stream that stands until ctx ends.
func (c *Client) Decode(ctx context.Context) (*DecodeStream, error) {
	s, err := c.source.Decode(ctx)
	if err != nil {
		return nil, err
	}
	return &DecodeStream{stream: s}, nil
}

// Send sends 1 to MaxBatch webhooks.
func (s *DecodeStream) Send(requests []Request) error {
	msg := &pluginv1.DecodeRequest{Requests: make([]*pluginv1.HttpRequest, len(requests))}
	for i, r := range requests {
		msg.Requests[i] = requestToProto(r)
	}
	return s.stream.Send(msg)
}

// Recv waits for the next answers.
func (s *DecodeStream) Recv() ([]Decoded, error) {
	msg, err := s.stream.Recv()
	if err != nil {
		return nil, err
	}
	out := make([]Decoded, len(msg.GetResults()))
	for i, d := range msg.GetResults() {
		out[i] = decodedFromProto(d)
	}
	return out, nil
}

// Read asks a pull source for events and calls each with every batch in turn,
// until the source has no more, each gives an error, or ctx ends.
func (c *Client) Read(ctx context.Context, req ReadRequest, each func(ReadBatch) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := c.source.Read(ctx, readRequestToProto(req))
	if err != nil {
		return err
	}
	return receive(s, func(msg *pluginv1.ReadResponse) error { return each(readBatchFromProto(msg)) })
}

// receive calls each with every message of a stream until it ends or each gives an
// error.
func receive[M any](s grpc.ServerStreamingClient[M], each func(*M) error) error {
	for {
		msg, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = each(msg)
		}
		if err != nil {
			return err
		}
	}
}

// Write does one operation for 1 to MaxBatch records and calls each with every
// result as it comes. A record that each was not called for when Write returns
// may have been written.
func (c *Client) Write(ctx context.Context, operation string, records []Record, each func(WriteResult)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	msg := &pluginv1.WriteRequest{Operation: operation, Records: make([]*pluginv1.Record, len(records))}
	for i, r := range records {
		msg.Records[i] = recordToProto(r)
	}
	s, err := c.sink.Write(ctx, msg)
	if err != nil {
		return err
	}
	return receive(s, func(msg *pluginv1.WriteResponse) error {
		for _, r := range msg.GetResults() {
			each(writeResultFromProto(r))
		}
		return nil
	})
}

// Find asks 1 to MaxBatch questions and calls each with every answer as it comes.
func (c *Client) Find(ctx context.Context, lookup string, questions []Question, each func(Answer)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	msg := &pluginv1.FindRequest{Lookup: lookup, Questions: make([]*pluginv1.Question, len(questions))}
	for i, q := range questions {
		msg.Questions[i] = questionToProto(q)
	}
	s, err := c.lookup.Find(ctx, msg)
	if err != nil {
		return err
	}
	return receive(s, func(msg *pluginv1.FindResponse) error {
		for _, a := range msg.GetAnswers() {
			each(answerFromProto(a))
		}
		return nil
	})
}
