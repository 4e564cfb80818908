package sdk

import (
	"context"
	"log/slog"
	"regexp"
)

type traceKey struct{}

// Traceparent names the trace that what is asked with ctx is a part of, in the form of
// W3C Trace Context (https://www.w3.org/TR/trace-context/), or is "" where it is not
// traced. A connector need not look at it: what it logs with ctx has the trace's id. It
// may pass it on as the header traceparent to a system that takes part in the trace.
func Traceparent(ctx context.Context) string {
	parent, _ := ctx.Value(traceKey{}).(string)
	return parent
}

var traceparentForm = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

func withTrace(ctx context.Context, parent string) context.Context {
	if parent == "" || !traceparentForm.MatchString(parent) {
		return ctx
	}
	return context.WithValue(ctx, traceKey{}, parent)
}

// traced adds the trace's id to lines that are logged with a context.
type traced struct{ slog.Handler }

// Handle adds it.
func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if parent := Traceparent(ctx); parent != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", parent[3:35]))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps that.
func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(attrs)} }

// WithGroup keeps that.
func (h traced) WithGroup(name string) slog.Handler { return traced{h.Handler.WithGroup(name)} }
