package sdk

import (
	"context"
	"slices"
	"sync"
	"time"
)

// idleTime is how long a worker waits for more to do before it ends.
const idleTime = 20 * time.Second

// workers do what calls bring, a bounded number at once over all calls. They stay
// for a while: a goroutine for each record would grow its stack anew each time, which
// costs more than many a record. A worker takes what is next by itself as long as
// there is something, without anybody handing it over.
type workers struct {
	most int
	wake chan struct{} // a token is a word to a worker that waits

	mu    sync.Mutex
	calls []*call // those of which something is to be begun yet
	turn  int     // whose of them is next, so that none waits for all of another
	here  int     // workers that there are
	idle  int     // workers that wait
}

// call is n things to do.
type call struct {
	do       func(i int)
	n, begun int
	atHand   sync.WaitGroup // those that are not done
}

func newWorkers(most int) *workers {
	return &workers{most: most, wake: make(chan struct{}, most)}
}

// each calls do for every index below n and returns when all are done. It begins none
// after ctx has ended.
func (w *workers) each(ctx context.Context, n int, do func(i int)) {
	if n == 0 || ctx.Err() != nil {
		return
	}
	c := &call{do: do, n: n}
	c.atHand.Add(n)
	w.mu.Lock()
	w.calls = append(w.calls, c)
	for range min(n, w.idle) {
		select {
		case w.wake <- struct{}{}:
		default: // there are words enough for all
		}
	}
	for range min(n-w.idle, w.most-w.here) {
		w.here++
		go w.work()
	}
	w.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { w.drop(c) })
	c.atHand.Wait()
	stop()
}

// drop has nothing more of a call begun.
func (w *workers) drop(c *call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = slices.DeleteFunc(w.calls, func(one *call) bool { return one == c })
	c.atHand.Add(c.begun - c.n)
	c.begun = c.n
}

// next takes what is to be done next, nil where there is nothing. The lock is held.
func (w *workers) next() (c *call, i int) {
	if len(w.calls) == 0 {
		return nil, 0
	}
	w.turn = (w.turn + 1) % len(w.calls)
	c = w.calls[w.turn]
	i = c.begun
	if c.begun++; c.begun == c.n {
		w.calls = slices.Delete(w.calls, w.turn, w.turn+1)
	}
	return c, i
}

func (w *workers) work() {
	rest := time.NewTimer(idleTime)
	defer rest.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for over := false; ; {
		for c, i := w.next(); c != nil; c, i = w.next() {
			over = false
			w.mu.Unlock()
			c.do(i)
			c.atHand.Done()
			w.mu.Lock()
		}
		if over {
			w.here--
			return
		}
		w.idle++
		w.mu.Unlock()
		rest.Reset(idleTime)
		select {
		case <-w.wake:
		case <-rest.C:
			over = true
		}
		w.mu.Lock()
		w.idle--
	}
}
