package ingress

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/tracing"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// stored is an event of a request as the log tells of it.
type stored struct {
	sequence uint64
	id       string
}

// maxStored bounds the events of a request that the log names.
const maxStored = 16

// note keeps what the log tells of an event.
func (a *answer) note(e *event.Event, r Receipt) {
	if len(a.stored) < maxStored {
		a.stored = append(a.stored, stored{r.Sequence, line(e.ID)})
	}
}

// names gives the events of a request for the log: what each is in the journal, and
// what its source calls it where it does.
func (a *answer) names() []slog.Attr {
	switch len(a.stored) {
	case 0:
		return nil
	case 1:
		out := []slog.Attr{slog.Uint64("sequence", a.stored[0].sequence)}
		if id := a.stored[0].id; id != "" {
			out = append(out, slog.String("event_id", id))
		}
		return out
	}
	sequences, ids := make([]uint64, len(a.stored)), make([]string, len(a.stored))
	for i, e := range a.stored {
		sequences[i], ids[i] = e.sequence, e.id
	}
	out := []slog.Attr{slog.Any("sequences", sequences)}
	if strings.Join(ids, "") != "" {
		out = append(out, slog.Any("event_ids", ids))
	}
	return out
}

// told ends the trace of a request that was answered.
func (s *Server) told(q *request, a answer) {
	if q.span == nil {
		return
	}
	about := tracing.About{Connection: q.sender.Name, Method: q.Method, Status: a.status, Kept: q.kept}
	if p := a.problem; p != nil {
		about.Code = p.code
	}
	q.span.End(time.Now(), &about)
}

// askTraced is ask as a part of a trace.
func (s *Server) askTraced(ctx context.Context, below *tracing.Span, one *sender, r wire.Request, sound []byte) (wire.Decoded, *problem) {
	if below == nil {
		return s.ask(ctx, one, r, sound)
	}
	return s.askIn(ctx, below.Child(tracing.Client, "decode", time.Now()), one, r, sound)
}

// askAgain is ask for a request that was kept.
func (s *Server) askAgain(ctx context.Context, one *sender, r *event.Request) (wire.Decoded, *problem) {
	return s.askIn(ctx, s.tracer.Start(r.Trace, tracing.Client, "decode", time.Now()), one, wireRequest(r), nil)
}

func (s *Server) askIn(ctx context.Context, span *tracing.Span, one *sender, r wire.Request, sound []byte) (wire.Decoded, *problem) {
	r.Traceparent = span.Parent()
	d, p := s.ask(ctx, one, r, sound)
	if span != nil {
		about := tracing.About{Connection: one.Name}
		if p != nil {
			about.Code = p.code
		}
		span.End(time.Now(), &about)
	}
	return d, p
}

// accept stores an event as a part of a trace, which goes on from there.
func (s *Server) accept(ctx context.Context, below *tracing.Span, e *event.Event) (Receipt, error) {
	if below == nil {
		return s.journal.Accept(ctx, e)
	}
	return s.acceptIn(ctx, below.Child(tracing.Producer, "publish", time.Now()), e)
}

// acceptKept is accept for an event of a request that was kept with its trace.
func (s *Server) acceptKept(ctx context.Context, trace string, e *event.Event) (Receipt, error) {
	return s.acceptIn(ctx, s.tracer.Start(trace, tracing.Producer, "publish", time.Now()), e)
}

func (s *Server) acceptIn(ctx context.Context, span *tracing.Span, e *event.Event) (Receipt, error) {
	if span == nil {
		return s.journal.Accept(ctx, e)
	}
	e.Trace = span.Parent()
	r, err := s.journal.Accept(ctx, e)
	span.End(time.Now(), &tracing.About{
		Connection: e.Connection, Event: e.Type, EventID: e.ID, Sequence: r.Sequence, Duplicate: r.Duplicate, Code: codeOf(err, CodeJournal),
	})
	return r, err
}

// keepTraced keeps a request as a part of a trace, which goes on from there.
func (s *Server) keepTraced(ctx context.Context, below *tracing.Span, r *event.Request) error {
	span := below.Child(tracing.Producer, "keep", time.Now())
	r.Trace = span.Parent()
	err := s.keeper.Keep(ctx, r)
	if span != nil {
		span.End(time.Now(), &tracing.About{Connection: r.Connection, Code: codeOf(err, CodeConnector)})
	}
	return err
}

// codeOf gives the code of an error of the journal: otherwise where it may pass.
func codeOf(err error, otherwise string) string {
	if err == nil {
		return ""
	}
	if _, never := errors.AsType[*UnacceptableError](err); never {
		return CodeUnacceptable
	}
	return otherwise
}
