package ingress

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Stats are the counts since the server was made.
type Stats struct {
	// Requests counts all requests, Refused those that were refused, by code.
	Requests uint64            `json:"requests"`
	Refused  map[string]uint64 `json:"refused"`
	// Strangers counts those among the refused that came without a connection's token.
	Strangers map[string]uint64 `json:"strangers"`
	// Connections are in the order of their names.
	Connections []ConnectionStats `json:"connections"`
}

// ConnectionStats are the counts of requests that came with a connection's token.
type ConnectionStats struct {
	Name string `json:"name"`
	// Requests counts requests; Accepted and Duplicates count events.
	Requests   uint64 `json:"requests"`
	Accepted   uint64 `json:"accepted"`
	Duplicates uint64 `json:"duplicates"`
	// Kept counts requests that were kept as they came, because the plugin could not
	// decode them at once.
	Kept uint64 `json:"kept"`
	// Refused counts refused requests by code, kept ones when they were decoded.
	Refused map[string]uint64 `json:"refused"`
	// LastAccepted is when an event was accepted last, nil if none was.
	LastAccepted *time.Time `json:"last_accepted,omitempty"`
}

type counters struct {
	requests           atomic.Uint64
	refused, strangers refusals
}

type senderCounters struct {
	requests, accepted, duplicates, kept atomic.Uint64
	lastAccepted                         atomic.Pointer[time.Time]
	refused                              refusals
}

// refusals count by code; the codes are the package's own, so there are few.
type refusals struct {
	mu     sync.Mutex
	byCode map[string]uint64
}

func (r *refusals) add(code string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byCode == nil {
		r.byCode = map[string]uint64{}
	}
	r.byCode[code]++
}

func (r *refusals) all() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := maps.Clone(r.byCode)
	if out == nil {
		out = map[string]uint64{}
	}
	return out
}

// Stats gives the counts now.
func (s *Server) Stats() Stats {
	out := Stats{Requests: s.stats.requests.Load(), Refused: s.stats.refused.all(), Strangers: s.stats.strangers.all(), Connections: []ConnectionStats{}}
	all := s.senders.all()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c := all[name].stats
		out.Connections = append(out.Connections, ConnectionStats{
			Name: name, Requests: c.requests.Load(), Accepted: c.accepted.Load(), Duplicates: c.duplicates.Load(), Kept: c.kept.Load(),
			Refused: c.refused.all(), LastAccepted: c.lastAccepted.Load(),
		})
	}
	return out
}

// note counts and logs a request. Neither its path nor its query is logged, for
// they hold the token and what the sender put there.
func (s *Server) note(ctx context.Context, q *request, a answer) {
	s.stats.requests.Add(1)
	name, about := "", s.strange
	took := time.Since(q.started)
	if one := q.sender; one != nil {
		name, about = one.Name, one.complaints
		one.stats.requests.Add(1)
		if a.problem != nil {
			one.stats.refused.add(a.problem.code)
		}
	}
	s.observe(name, a.status, took)
	if a.problem == nil && !s.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("connection", name), slog.String("method", line(q.Method)), slog.Int("status", a.status),
		slog.Int("bytes", q.size), slog.Duration("took", took.Round(time.Microsecond)),
	}
	if id := q.span.TraceID(); id != "" {
		attrs = append(attrs, slog.String("trace_id", id))
	}
	attrs = append(attrs, a.names()...)
	p := a.problem
	if p == nil {
		text := "webhook taken"
		if q.kept {
			text = "webhook kept as it came"
		}
		s.log.LogAttrs(ctx, slog.LevelDebug, text, append(attrs, slog.Int("accepted", a.accepted), slog.Int("duplicates", a.duplicates))...)
		return
	}
	s.stats.refused.add(p.code)
	if q.sender == nil {
		s.stats.strangers.add(p.code)
	}
	attrs = append(attrs, slog.String("code", p.code), slog.String("reason", line(p.message)), slog.String("from", q.RemoteAddr))
	if p.field != "" {
		attrs = append(attrs, slog.String("field", line(p.field)))
	}
	if p.code == CodeNotFound && q.sender == nil {
		attrs = append(attrs, slog.String("why", s.senders.stranger(q.URL)))
	}
	if p.cause != nil {
		attrs = append(attrs, slog.String("error", line(p.cause.Error())))
	}
	level := slog.LevelDebug
	if unsaid, ok := about.may(time.Now()); ok {
		level = slog.LevelWarn
		if unsaid > 0 {
			attrs = append(attrs, slog.Uint64("more_unsaid", unsaid))
		}
	}
	s.log.LogAttrs(ctx, level, "webhook refused", attrs...)
}

// complaints bound the warnings of one kind, so that nobody can flood the log.
type complaints struct {
	limiter *rate.Limiter
	unsaid  atomic.Uint64
}

func newComplaints() *complaints {
	return &complaints{limiter: rate.NewLimiter(1, 5)}
}

// may reports whether a warning may be logged now, and how many were not since
// the last one.
func (c *complaints) may(now time.Time) (unsaid uint64, ok bool) {
	if !c.limiter.AllowN(now, 1) {
		c.unsaid.Add(1)
		return 0, false
	}
	return c.unsaid.Swap(0), true
}
