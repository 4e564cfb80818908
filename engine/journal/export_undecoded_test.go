package journal

import (
	"context"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// KeepAgain keeps a refused request again and leaves the refused one, as a crash may.
func KeepAgain(ctx context.Context, j *Journal, r event.Request) error {
	r.Sequence++
	_, err := j.keep(ctx, &r)
	return err
}
