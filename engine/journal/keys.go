package journal

import (
	"context"
	"slices"
	"sync"
)

// keys lets one event of a key be stored at a time, so that a repeat that comes
// while the first is being stored waits and is found to be a duplicate. Who came
// first is served first.
type keys struct {
	mu   sync.Mutex
	busy map[uint64][]chan struct{} // a key that is taken, with those who wait for it
}

func newKeys() *keys { return &keys{busy: map[uint64][]chan struct{}{}} }

// take takes the key if it is free.
func (k *keys) take(key uint64) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.takeLocked(key)
}

func (k *keys) takeLocked(key uint64) bool {
	_, taken := k.busy[key]
	if !taken {
		k.busy[key] = nil
	}
	return !taken
}

// acquire waits until the key is free and takes it, or until ctx is done.
func (k *keys) acquire(ctx context.Context, key uint64) error {
	k.mu.Lock()
	if k.takeLocked(key) {
		k.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	k.busy[key] = append(k.busy[key], mine)
	k.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	k.mu.Lock()
	if i := slices.Index(k.busy[key], mine); i >= 0 {
		k.busy[key] = slices.Delete(k.busy[key], i, i+1)
		k.mu.Unlock()
		return ctx.Err()
	}
	k.mu.Unlock()
	k.release(key) // it was handed over in the same moment
	return ctx.Err()
}

// release hands the key, which the caller holds, to whoever waits longest.
func (k *keys) release(key uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	waiters := k.busy[key]
	if len(waiters) == 0 {
		delete(k.busy, key)
		return
	}
	k.busy[key] = waiters[1:]
	close(waiters[0])
}
