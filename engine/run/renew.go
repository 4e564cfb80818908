package run

import (
	"context"
	"errors"
	"log/slog"
)

// errRenew ends an engine whose journal broke and can be opened again.
var errRenew = errors.New("the journal's store was broken, and its disk can be written again")

// renewing runs what run makes, and makes it anew as often as it ends so that it can
// be begun again.
func renewing(ctx context.Context, log *slog.Logger, run func(context.Context) error) error {
	for {
		err := run(ctx)
		if !errors.Is(err, errRenew) || ctx.Err() != nil {
			return err
		}
		log.Warn("the engine begins anew", "error", err)
	}
}

// renewal waits until the journal must be opened anew, or ctx ends.
func (e *engine) renewal(ctx context.Context) error {
	select {
	case <-e.journal.Mended():
		return errRenew
	case <-ctx.Done():
		return nil
	}
}
