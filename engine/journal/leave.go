package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// metaLeft is where a lane's consumer keeps what its last reader left.
	metaLeft = "crosswalk.left"
	// maxDoubts bounds what is named one by one: the server takes 128 KiB of metadata.
	maxDoubts = 4000
)

// doubts are the events that an earlier reader possibly sent: those behind After
// and up to Limit, and those in Sent.
type doubts struct {
	After uint64   `json:"after,omitempty"`
	Limit uint64   `json:"limit,omitempty"`
	Sent  []uint64 `json:"sent,omitempty"` // sorted
	// Fence is what the reader had announced itself as, on a cluster.
	Fence uint64 `json:"fence,omitempty"`
}

func (d *doubts) has(seq uint64) bool {
	if seq > d.After && seq <= d.Limit {
		return true
	}
	_, is := slices.BinarySearch(d.Sent, seq)
	return is
}

// Leave records, on disk, that the reader ended in order and which of the events
// that it was handed out and did not finish were possibly sent, so that no other
// event counts as that when the lane is opened next. Without Leave all do. It is
// called once nothing is sent any more, before Close.
func (l *Lane) Leave(ctx context.Context, sent []uint64) error {
	if err := l.leave(ctx, sent); err != nil {
		return fmt.Errorf("leave lane %s to %s: %w", l.name.Source, l.name.Sink, err)
	}
	return nil
}

func (l *Lane) leave(ctx context.Context, sent []uint64) error {
	l.mu.Lock()
	left := doubts{Sent: slices.Clone(sent)}
	if l.fence != nil {
		if !l.lease.valid() {
			l.mu.Unlock()
			return ErrLeaseLost
		}
		left.Fence = l.fence.seq
	}
	for seq, h := range l.held {
		if h.prior {
			left.Sent = append(left.Sent, seq)
		}
	}
	for _, seq := range l.doubts.Sent {
		if seq > l.read {
			left.Sent = append(left.Sent, seq)
		}
	}
	if l.doubts.Limit > l.read {
		left.After, left.Limit = max(l.read, l.doubts.After), l.doubts.Limit
	}
	l.mu.Unlock()
	slices.Sort(left.Sent)
	left.Sent = slices.Compact(left.Sent)
	if len(left.Sent) > maxDoubts {
		return nil // all of them count then
	}
	text, err := json.Marshal(left)
	if err != nil {
		return err
	}
	if _, err = l.setLeft(ctx, string(text)); err != nil {
		return err
	}
	return l.flushMarks(ctx)
}

// takeLeft gives what the last reader left, nil where it left nothing, and has
// the next reader find nothing.
func (l *Lane) takeLeft(ctx context.Context) (*doubts, error) {
	left, err := l.readLeft()
	if left == nil || err != nil {
		return nil, err
	}
	l.consumer, err = l.setLeft(ctx, "")
	return left, err
}

// readLeft gives what the last reader left, nil where it left nothing.
func (l *Lane) readLeft() (*doubts, error) {
	text, ok := l.consumer.CachedInfo().Config.Metadata[metaLeft]
	if !ok {
		return nil, nil //nolint:nilnil // nothing was left
	}
	var left doubts
	if err := json.Unmarshal([]byte(text), &left); err != nil {
		return nil, fmt.Errorf("metadata %s %.100q: %w", metaLeft, text, err)
	}
	return &left, nil
}

func (l *Lane) setLeft(ctx context.Context, text string) (jetstream.Consumer, error) {
	cfg := l.consumer.CachedInfo().Config
	cfg.Metadata = maps.Clone(cfg.Metadata)
	if text == "" {
		delete(cfg.Metadata, metaLeft)
	} else {
		cfg.Metadata[metaLeft] = text
	}
	c, err := formed(ctx, func() (jetstream.Consumer, error) {
		ctx, cancel := context.WithTimeout(ctx, l.j.answer)
		defer cancel()
		return l.j.events.UpdateConsumer(ctx, cfg)
	})
	if err != nil {
		return nil, fmt.Errorf("record what the reader left: %w", err)
	}
	return c, nil
}
