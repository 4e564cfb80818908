package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// decodeWait is how long a retry waits for what becomes of webhooks, and decodeEvery how
// often it asks.
const (
	decodeWait  = 15 * time.Second
	decodeEvery = 200 * time.Millisecond
)

// retryRefused has refused webhooks decoded again, and tells what came of it.
func (a *app) retryRefused(ctx context.Context, c *client.Client, numbers []uint64, known map[uint64]admin.Webhook, who doing, done string, do doWebhooks) error {
	tried := map[string]admin.Webhook{} // by their IDs
	for _, n := range numbers {
		if w, is := known[n]; is {
			tried[w.ID] = w
		}
	}
	asked := a.actOnRefused(ctx, c, numbers, who, done, do)
	if asked != nil && !errors.Is(asked, errFindings) {
		return asked
	}
	again, waiting, err := decodedAgain(ctx, c, tried)
	if err != nil {
		return err
	}
	for _, w := range again {
		a.message("webhook %d was refused again, and is webhook %d now: %s: %s\n", tried[w.ID].Sequence, w.Sequence, words.Plain(w.Reason.Code), words.Cut(w.Reason.Message, 200))
	}
	switch {
	case len(tried) == 0:
		return asked
	case waiting && len(again) < len(tried):
		a.message("not all are decoded yet: the plugin does not answer, or others wait before them; see `crosswalk undecoded list`\n")
	default:
		if err := a.print(fmt.Sprintf("decoded: %d; refused again: %d\n", len(tried)-len(again), len(again))); err != nil {
			return err
		}
	}
	if len(again) > 0 {
		return errFindings
	}
	return asked
}

// decodedAgain waits until the connections of the webhooks have nothing that waits, or
// decodeWait is over, and gives those that were refused again.
func decodedAgain(ctx context.Context, c *client.Client, tried map[string]admin.Webhook) (again []admin.Webhook, waiting bool, err error) {
	end := time.Now().Add(decodeWait)
	for {
		p, err := refusedWebhooks(ctx, c, "", maxList)
		if err != nil {
			return nil, false, err
		}
		again, waiting = nil, false
		for _, w := range p.Refused {
			if before, is := tried[w.ID]; is && w.Sequence != before.Sequence {
				again = append(again, w)
			}
		}
		for _, u := range p.Connections {
			for _, w := range tried {
				waiting = waiting || u.Connection == w.Connection && u.Waiting > 0
			}
		}
		if !waiting || len(again) == len(tried) || time.Now().After(end) {
			return again, waiting, nil
		}
		select {
		case <-time.After(decodeEvery):
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}
