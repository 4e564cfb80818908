// Package ingress takes webhooks over HTTP:
//
//	POST|PUT|GET|DELETE /in/{connection}/{token}[/rest]
//
// A request is held against its limits and the rules of its content type, decoded
// by the connection's plugin, and its events are stored in the journal, in order.
// Only then is a 2xx given (promise D1). What is not taken is answered by a 4xx
// whose body says why on one line (promise D8):
//
//	{"error":{"code":"bad_json","message":"line 1, column 57: …"}}
//
// and what cannot be taken now by a 503 with Retry-After. Where the plugin cannot
// answer for a moment, the request is kept as it came instead, answered 202, and
// decoded when the plugin is back; until that is done those that come later on its
// connection queue behind it, so that their order is kept. What is refused only then
// is kept with its reason, for an operator. The codes are the Code
// constants. A wrong token, an unknown connection and any other path are the same
// 404. What net/http refuses by itself (a malformed request line or header) has a
// one-line text instead.
//
// The package knows neither the journal nor the plugins: it asks for them by the
// interfaces Journal and Decoder.
package ingress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/tracing"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// Journal stores events.
type Journal interface {
	// Accept returns after e is on disk. An *UnavailableError says that it cannot
	// be stored now, an *UnacceptableError that it never can; any other error
	// counts as the first. It is called for the events of a request in their
	// order, and not interrupted when the sender goes away.
	Accept(ctx context.Context, e *event.Event) (Receipt, error)
}

// Receipt is the answer to a stored event.
type Receipt struct {
	// Sequence is the event's place in the journal.
	Sequence uint64
	// Duplicate tells that the same event had been accepted before.
	Duplicate bool
}

// Decoder turns a connection's webhooks into events.
type Decoder interface {
	// Decode waits for the plugin until ctx ends. An *UnacceptableError says that
	// this very request cannot be decoded; any other error that the plugin cannot
	// answer now.
	Decode(ctx context.Context, r wire.Request) (wire.Decoded, error)
}

// UnavailableError says that something cannot be done now and may be later.
type UnavailableError struct {
	// RetryAfter is when to try again; 0 if nothing is known of it.
	RetryAfter time.Duration
	// Undecoded tells that requests which wait for their connector take all their room.
	Undecoded bool
	Err       error
}

// Error gives the reason.
func (e *UnavailableError) Error() string { return fmt.Sprintf("unavailable: %v", e.Err) }

// Unwrap gives the reason.
func (e *UnavailableError) Unwrap() error { return e.Err }

// UnacceptableError says that a request or event can never be taken as it is.
type UnacceptableError struct {
	// Field is what it is about, "" where that is not known.
	Field string
	// Message is one line for the sender, without secrets.
	Message string
}

// Error gives the message.
func (e *UnacceptableError) Error() string { return e.Message }

// Connection is where webhooks come in.
type Connection struct {
	// Name is the path's first part, Token its second: a secret.
	Name, Token string
	// Decoder is the connection's plugin.
	Decoder Decoder
	// Signature is how the sender signs its requests; nil if it does not.
	Signature *Signature
	// RatePerSecond and Burst bound its requests; a rate of 0 is no bound.
	RatePerSecond float64
	Burst         int
}

// Limits bound what a sender can cost. A zero takes its default.
type Limits struct {
	// MaxBody bounds a body in bytes, also after decompression; default 1 MiB.
	MaxBody int64
	// MaxMemory bounds all bodies at hand; default 64 MiB.
	MaxMemory int64
	// MaxConnections bounds open TCP connections: more wait in the kernel's
	// queue. Default 1024.
	MaxConnections int
	// HeaderTimeout is for reading a header, default 5 s; BodyTimeout for reading
	// a request as a whole, default 15 s; IdleTimeout for waiting for the next
	// request, default 1 min.
	HeaderTimeout, BodyTimeout, IdleTimeout time.Duration
	// DecodeTimeout is how long a request waits for the plugin, default 3 s;
	// StoreTimeout is for the journal to take all events of a request, default 30 s.
	DecodeTimeout, StoreTimeout time.Duration
	// KeptTimeout is how long requests that were kept wait for the plugin before another
	// engine may try; 0 where there is none.
	KeptTimeout time.Duration
	// DrainTimeout is how long Serve lets requests at hand finish, default 20 s.
	DrainTimeout time.Duration
}

const (
	// maxHeaderBytes bounds a request's line and header. net/http adds 4 KiB.
	maxHeaderBytes = 16 << 10
	// maxEvents bounds the events of one request.
	maxEvents = wire.MaxBatch
)

func (l *Limits) fill() error {
	def := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	defTime := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	def(&l.MaxBody, 1<<20)
	def(&l.MaxMemory, 64<<20)
	if l.MaxConnections == 0 {
		l.MaxConnections = 1024
	}
	defTime(&l.HeaderTimeout, 5*time.Second)
	defTime(&l.BodyTimeout, 15*time.Second)
	defTime(&l.IdleTimeout, time.Minute)
	defTime(&l.DecodeTimeout, 3*time.Second)
	defTime(&l.StoreTimeout, 30*time.Second)
	defTime(&l.DrainTimeout, 20*time.Second)
	if l.MaxBody < 0 || l.MaxConnections < 0 || min(l.HeaderTimeout, l.BodyTimeout, l.IdleTimeout, l.DecodeTimeout, l.StoreTimeout, l.DrainTimeout) < 0 {
		return errors.New("a limit is negative")
	}
	if l.MaxMemory < l.MaxBody {
		return fmt.Errorf("MaxMemory (%d) is less than MaxBody (%d)", l.MaxMemory, l.MaxBody)
	}
	return nil
}

// Options are what a Server is made of.
type Options struct {
	Journal Journal
	// Keeper keeps requests that a plugin cannot decode when they come; where it is
	// nil they are answered by 503.
	Keeper      Keeper
	Connections []Connection
	Limits      Limits
	// Logger gets a debug line for each request and warnings of refusals, at most
	// one a second for each connection; nil drops them. Neither bodies nor tokens
	// are logged.
	Logger *slog.Logger
	// Observe is told of each answered webhook: the connection's name, "" where the
	// address named none, the answer's status, and the time since the request's
	// header was read. It may be nil, is called concurrently and must be quick.
	Observe func(connection string, status int, took time.Duration)
	// Tracer tells of webhooks that came with a connection's token; nil tells of none.
	Tracer *tracing.Tracer
	// Certificate has Serve speak TLS; nil for plain HTTP.
	Certificate *Certificate
}

// Server takes webhooks. It is an http.Handler for its own use in Serve and for
// tests; the limits on time and connections are those of Serve.
type Server struct {
	journal Journal
	keeper  Keeper
	// keptOne tells that a request was kept.
	keptOne chan struct{}
	limits  Limits
	log     *slog.Logger
	senders senders
	memory  *budget
	stats   counters
	strange *complaints
	observe func(connection string, status int, took time.Duration)
	tracer  *tracing.Tracer
	// certificate is nil for plain HTTP.
	certificate *Certificate
}

// New makes a server. Connections without a token take no webhooks and are left out.
func New(o Options) (*Server, error) {
	s := &Server{journal: o.Journal, keeper: o.Keeper, keptOne: make(chan struct{}, 1), limits: o.Limits, log: o.Logger, observe: o.Observe, tracer: o.Tracer, certificate: o.Certificate}
	if s.observe == nil {
		s.observe = func(string, int, time.Duration) {}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if o.Journal == nil {
		return nil, errors.New("make ingress: no journal given")
	}
	if err := s.limits.fill(); err != nil {
		return nil, fmt.Errorf("make ingress: %w", err)
	}
	if err := s.Update(o.Connections); err != nil {
		return nil, fmt.Errorf("make ingress: %w", err)
	}
	s.memory = &budget{free: s.limits.MaxMemory}
	s.strange = newComplaints()
	return s, nil
}
