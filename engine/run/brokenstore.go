package run

import (
	"context"
	"errors"
	"log/slog"

	"github.com/crosswalk-etl/crosswalk/engine/delivery"
)

// storeLease is the right to read a lane of a journal that is this engine's alone. It
// is lost when the journal must be opened anew: no outcome can be stored any more, and
// to wait for one would only keep webhooks out.
type storeLease struct{ broke <-chan struct{} }

// Lost is closed when nothing can be stored any more.
func (l storeLease) Lost() <-chan struct{} { return l.broke }

// Within ends with ctx alone: what is at the sink meanwhile is possibly sent, as after
// a crash.
func (l storeLease) Within(ctx context.Context) (context.Context, context.CancelFunc, error) {
	ctx, cancel := context.WithCancel(ctx)
	return ctx, cancel, nil
}

// lostStore waits, where a lane ended with its store, for the engine that is to begin
// anew. Other errors it gives back.
func lostStore(ctx context.Context, log *slog.Logger, err error) error {
	if !errors.Is(err, delivery.ErrLost) {
		return err
	}
	log.Warn("what was at the sink is possibly sent: its outcome cannot be stored any more")
	<-ctx.Done()
	return nil
}
