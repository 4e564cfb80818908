package journal

import "sync"

// rounds let many callers share one question: each gets an answer to one that was
// asked after it came.
type rounds struct {
	ask func() (uint64, error) // set before the first join

	mu   sync.Mutex
	next *round // not asked yet
	busy bool   // run runs
}

// round is one question.
type round struct {
	done chan struct{} // closed when last and err are set
	last uint64
	err  error
}

// join gives the next question that is asked.
func (r *rounds) join() *round {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		r.next = &round{done: make(chan struct{})}
	}
	if !r.busy {
		r.busy = true
		go r.run()
	}
	return r.next
}

// run asks as long as somebody has joined meanwhile.
func (r *rounds) run() {
	for {
		r.mu.Lock()
		it := r.next
		r.next = nil
		r.busy = it != nil
		r.mu.Unlock()
		if it == nil {
			return
		}
		it.last, it.err = r.ask()
		close(it.done)
	}
}
