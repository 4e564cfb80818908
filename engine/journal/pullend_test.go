package journal_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// What was read is handed out although the server tells with the last of it that a
// request is fulfilled, and nothing comes after it.
func TestLastOfARequestIsHandedOut(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	l := openLane(t, j, journal.LaneOptions{FromStart: true})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const rounds, request = 8, 256
	for round := range rounds {
		for i := range request {
			key := fmt.Sprint(round*request + i)
			accept(t, j, order(key, key, `{}`))
		}
		for n := 0; n < request; {
			ds, err := l.Next(ctx, 2*request)
			if err != nil {
				t.Fatalf("round %d: %d of %d events, then %v", round, n, request, err)
			}
			n += len(ds)
		}
	}
}
