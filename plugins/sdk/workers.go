package sdk

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// idleTime is how long a worker waits for more to do before it ends, at least.
	idleTime = 10 * time.Second
	// retryTime is after how long it is seen whether there is room for one more.
	retryTime = 50 * time.Millisecond
)

// workers do what they are given, a bounded number at once. They stay for a while:
// a goroutine for each record would grow its stack anew each time, which costs more
// than many a record.
type workers struct {
	most int64
	jobs chan func()
	here atomic.Int64
}

func newWorkers(most int) *workers { return &workers{most: int64(most), jobs: make(chan func())} }

// do has job done by a worker as soon as one is free, and tells whether that was
// before ctx ended.
func (w *workers) do(ctx context.Context, job func()) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case w.jobs <- job:
		return true
	default:
	}
	for {
		if w.here.Add(1) <= w.most {
			go w.work(job)
			return true
		}
		w.here.Add(-1)
		retry := time.NewTimer(retryTime) // a worker may have ended just now
		select {
		case w.jobs <- job:
			retry.Stop()
			return true
		case <-ctx.Done():
			retry.Stop()
			return false
		case <-retry.C:
		}
	}
}

func (w *workers) work(job func()) {
	defer w.here.Add(-1)
	job()
	idle := time.NewTicker(idleTime)
	defer idle.Stop()
	for busy := true; ; {
		select {
		case job := <-w.jobs:
			busy = true
			job()
		case <-idle.C:
			if !busy {
				return
			}
			busy = false
		}
	}
}
