// Package tracing tells a collector of OpenTelemetry the way of single events: from
// the webhook to the sink's answer, in one trace for each webhook.
//
//	webhook                     ingress; a child of the sender's span, where it names one
//	├── decode                  the source's plugin
//	└── publish                 the journal; one for each event
//	    ├── map                 each time that a mapping runs
//	    ├── lookup              each question
//	    ├── send                each attempt
//	    └── outcome             from the decision until it is stored
//
// What follows publish may do so hours later, in another process: its parent is stored
// with the event (Span.Parent). It has no span around it, so that each part of it is
// told when it is over and nothing told has a parent that never comes.
//
// A span tells what About has room for, and nothing else: no body, key, name or text of
// a far system can come into one.
//
// Nothing waits for the collector. Spans go through a queue with a bound; what finds no
// room there, or is not taken in a minute, is counted and dropped. The zero pointers of
// Tracer and Span are tracing that is off: each method works, and costs a comparison.
package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// scope names the spans' source.
const scope = "github.com/crosswalk-etl/crosswalk"

// Settings say where spans go.
type Settings struct {
	// Endpoint is the URL that they are posted to, in full; "" for none.
	Endpoint string
	// Headers go with each post. They may hold secrets.
	Headers map[string]string
	// Sample is the share of webhooks that are traced, 0 to 1, among those whose sender
	// does not say by a traceparent of its own whether they are.
	Sample float64
}

// Tracer makes spans. nil makes none.
type Tracer struct {
	on      atomic.Bool
	sampler atomic.Pointer[sdktrace.Sampler]
	tracer  trace.Tracer
	queue   *queue
}

// New makes a Tracer that is off until Set. It has to be closed.
func New(ctx context.Context, version string, log *slog.Logger) (*Tracer, error) {
	about, err := resource.New(
		ctx, resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "crosswalk"), attribute.String("service.version", version)),
		resource.WithFromEnv(), // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
	)
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("name the engine in traces: %w", err)
	}
	t := &Tracer{queue: newQueue(log)}
	t.sample(0)
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sampling{&t.sampler}), sdktrace.WithSpanProcessor(t.queue), sdktrace.WithResource(about),
	)
	t.tracer = provider.Tracer(scope, trace.WithInstrumentationVersion(version))
	return t, nil
}

// Set has spans go where s says from now on. Those that wait go there, too. After an
// error they go where they went.
func (t *Tracer) Set(ctx context.Context, s Settings) error {
	if s.Endpoint == "" {
		t.on.Store(false)
		t.queue.to(nil) //nolint:contextcheck // the way to the collector has a life of its own
		return nil
	}
	e, err := newExporter(ctx, s)
	if err != nil {
		return fmt.Errorf("send traces to %s: %w", s.Endpoint, err)
	}
	t.sample(s.Sample)
	t.queue.to(e) //nolint:contextcheck // likewise
	t.on.Store(true)
	return nil
}

func (t *Tracer) sample(share float64) {
	s := sdktrace.ParentBased(sdktrace.TraceIDRatioBased(share))
	t.sampler.Store(&s)
}

// sampling is a sampler that can change.
type sampling struct {
	now *atomic.Pointer[sdktrace.Sampler]
}

// ShouldSample decides as the sampler does that holds now.
func (s sampling) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	return (*s.now.Load()).ShouldSample(p)
}

// Description names the sampler that holds now.
func (s sampling) Description() string { return (*s.now.Load()).Description() }

// On tells whether anything is traced.
func (t *Tracer) On() bool { return t != nil && t.on.Load() }

// Close has what waits told to the collector, until ctx ends. Spans that end later are
// dropped.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	t.on.Store(false)
	return t.queue.close(ctx)
}

// Stats are counts since the start.
type Stats struct {
	// Exported counts spans that the collector took. Dropped counts those that found no
	// room in the queue, Refused those that it did not take.
	Exported, Dropped, Refused uint64
}

// Stats gives the counts now.
func (t *Tracer) Stats() Stats {
	if t == nil {
		return Stats{}
	}
	return t.queue.stats()
}

// Kind is what a span stands for between systems.
type Kind = trace.SpanKind

// The kinds of span.
const (
	Server   = trace.SpanKindServer
	Internal = trace.SpanKindInternal
	Client   = trace.SpanKindClient
	Producer = trace.SpanKindProducer
	Consumer = trace.SpanKindConsumer
)

// Span is something that goes on. nil is nothing: what is below it is not traced.
type Span struct {
	of   *Tracer
	span trace.Span
}

// Webhook begins the span of a webhook that came at a time. traceparent is its header
// of that name (https://www.w3.org/TR/trace-context/), "" or malformed where it has
// none. It is nil where the webhook is not traced.
func (t *Tracer) Webhook(traceparent, name string, at time.Time) *Span {
	if !t.On() {
		return nil
	}
	return t.start(traceparent, Server, name, at)
}

// Start begins a span below parent, as Span.Parent gave it; nil where that is "".
func (t *Tracer) Start(parent string, kind Kind, name string, at time.Time) *Span {
	if parent == "" || !t.On() {
		return nil
	}
	return t.start(parent, kind, name, at)
}

func (t *Tracer) start(parent string, kind Kind, name string, at time.Time) *Span {
	ctx := context.Background()
	if parent != "" {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{header: parent})
	}
	_, s := t.tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithTimestamp(at))
	if !s.IsRecording() {
		return nil
	}
	return &Span{of: t, span: s}
}

// Record tells of something that is over, below parent; nothing where that is "".
func (t *Tracer) Record(parent string, kind Kind, name string, from, to time.Time, about *About) {
	t.Start(parent, kind, name, from).End(to, about)
}

// header is the name of the header that carries a trace (W3C Trace Context).
const header = "traceparent"

// Child begins a span below s.
func (s *Span) Child(kind Kind, name string, at time.Time) *Span {
	if s == nil {
		return nil
	}
	_, c := s.of.tracer.Start(trace.ContextWithSpan(context.Background(), s.span), name, trace.WithSpanKind(kind), trace.WithTimestamp(at))
	return &Span{of: s.of, span: c}
}

// Parent names s for what comes after it, in this process or another: a traceparent
// of 55 characters, or "".
func (s *Span) Parent() string {
	if s == nil {
		return ""
	}
	c := s.span.SpanContext()
	return "00-" + c.TraceID().String() + "-" + c.SpanID().String() + "-" + c.TraceFlags().String()
}

// TraceID is the trace's id for the log, 32 hexadecimal digits, or "".
func (s *Span) TraceID() string {
	if s == nil {
		return ""
	}
	return s.span.SpanContext().TraceID().String()
}

// IDOf gives the trace's id of a traceparent, as Span.TraceID does.
func IDOf(parent string) string {
	_, rest, _ := strings.Cut(parent, "-")
	id, _, _ := strings.Cut(rest, "-")
	return id
}

// Link tells that s and other are one thing that both wait for.
func (s *Span) Link(other *Span) {
	if s != nil && other != nil {
		s.span.AddLink(trace.Link{SpanContext: other.span.SpanContext()})
	}
}

// End ends s at a time and tells about it.
func (s *Span) End(at time.Time, about *About) {
	if s == nil {
		return
	}
	about.tell(s.span)
	s.span.End(trace.WithTimestamp(at))
}
