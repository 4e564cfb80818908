package delivery

import (
	"context"
	"errors"
	"log/slog"
	"sync"
)

// health logs when something begins to fail and when it works again, and not each
// time between.
type health struct {
	log  *slog.Logger
	what string
	// from is how many failures in turn make a state of it; 0 means one.
	from int

	mu       sync.Mutex
	failures int
}

// failed counts a failure and gives how many there were in turn.
func (h *health) failed(ctx context.Context, err error) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures++
	if h.failures == max(h.from, 1) {
		h.log.WarnContext(ctx, h.what+" fails, it is tried again", "error", err)
	}
	return h.failures
}

func (h *health) worked(ctx context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failures >= max(h.from, 1) {
		h.log.InfoContext(ctx, h.what+" works again", "failures", h.failures)
	}
	h.failures = 0
}

// report logs the stack of a panic, which the change of state alone would hide.
func (h *health) report(ctx context.Context, err error) {
	if p, ok := errors.AsType[*panicError](err); ok {
		h.log.ErrorContext(ctx, h.what+" panicked", "panic", p.value, "stack", string(p.stack))
	}
}
