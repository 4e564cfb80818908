package journal

import (
	"context"
	"sync"
)

// keys lets one event of a key be stored at a time, so that a repeat that comes
// while the first is being stored waits and is found to be a duplicate.
type keys struct {
	mu   sync.Mutex
	busy map[uint64]chan struct{}
}

func newKeys() *keys { return &keys{busy: map[uint64]chan struct{}{}} }

// acquire waits until the key is free and takes it, or until ctx is done.
func (k *keys) acquire(ctx context.Context, key uint64) error {
	for {
		k.mu.Lock()
		wait, taken := k.busy[key]
		if !taken {
			k.busy[key] = make(chan struct{})
			k.mu.Unlock()
			return nil
		}
		k.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// release frees the key, which the caller holds.
func (k *keys) release(key uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	close(k.busy[key])
	delete(k.busy, key)
}
