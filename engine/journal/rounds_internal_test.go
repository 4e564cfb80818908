package journal

import (
	"sync"
	"testing"
)

// TestRounds has many ask at a time: each is answered by a question that began after it
// came, and they share questions.
func TestRounds(t *testing.T) {
	var now, asked uint64 // under mu
	var mu sync.Mutex
	gate := make(chan struct{})
	r := rounds{ask: func() (uint64, error) {
		<-gate
		mu.Lock()
		defer mu.Unlock()
		asked++
		return now, nil
	}}
	first := r.join()
	var wg sync.WaitGroup
	for range 100 {
		mu.Lock()
		now++
		mine := now
		mu.Unlock()
		it := r.join()
		wg.Go(func() {
			<-it.done
			if it.last < mine {
				t.Errorf("came at %d, was told what was so at %d", mine, it.last)
			}
		})
	}
	close(gate)
	wg.Wait()
	<-first.done
	mu.Lock()
	if asked > 2 {
		t.Errorf("asked %d times for 101 callers", asked)
	}
	mu.Unlock()
	later := r.join()
	<-later.done
	if later.last != 100 {
		t.Errorf("later: %d", later.last)
	}
}
