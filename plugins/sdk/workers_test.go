package sdk

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most, calls, jobs = 4, 5, 20
		w := newWorkers(most)
		var wg sync.WaitGroup
		var now, peak, done atomic.Int64
		var each [calls][jobs]atomic.Int64
		for i := range calls {
			wg.Go(func() {
				w.each(t.Context(), jobs, func(j int) {
					peak.Store(max(peak.Load(), now.Add(1)))
					time.Sleep(time.Second)
					now.Add(-1)
					done.Add(1)
					each[i][j].Add(1)
				})
				for j := range jobs {
					if n := each[i][j].Load(); n != 1 {
						t.Errorf("call %d has returned with %d done %d times", i, j, n)
					}
				}
			})
		}
		began := time.Now()
		wg.Wait()
		if done.Load() != calls*jobs || peak.Load() != most {
			t.Errorf("%d of %d jobs were done, %d at once, want %d", done.Load(), calls*jobs, peak.Load(), most)
		}
		if took := time.Since(began); took != calls*jobs/most*time.Second {
			t.Errorf("it took %s: workers waited although there was something to do", took)
		}
		if n := w.count(); n != most {
			t.Errorf("%d workers stay for more, want %d", n, most)
		}
		time.Sleep(idleTime / 2)
		w.each(t.Context(), 1, func(int) {})
		time.Sleep(idleTime/2 + time.Second)
		if n := w.count(); n != 1 {
			t.Errorf("%d workers stay, want the one that had something to do", n)
		}
		time.Sleep(idleTime)
		if n := w.count(); n != 0 {
			t.Errorf("%d workers never end", n)
		}
		w.each(t.Context(), 3, func(int) { done.Add(1) })
		if done.Load() != calls*jobs+3 {
			t.Error("nothing is done once they have ended")
		}
		time.Sleep(2 * idleTime)
	})
}

func (w *workers) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.here
}

// TestWorkersTakeTurns: a short call does not wait for all of a long one.
func TestWorkersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorkers(2)
		var wg sync.WaitGroup
		wg.Go(func() { w.each(t.Context(), 1000, func(int) { time.Sleep(time.Second) }) })
		synctest.Wait()
		began := time.Now()
		w.each(t.Context(), 2, func(int) { time.Sleep(time.Second) })
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("the short call took %s", took)
		}
		wg.Wait()
		time.Sleep(2 * idleTime)
	})
}

func TestWorkersEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorkers(1)
		release := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() { w.each(t.Context(), 1, func(int) { <-release }) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		w.each(ctx, 10, func(int) { t.Error("there was no room for a second") })
		if time.Since(began) != time.Minute {
			t.Errorf("it returned after %s, want its minute", time.Since(began))
		}
		close(release)
		wg.Wait()
		w.each(ctx, 1, func(int) { t.Error("it was begun after its time") })

		// What was begun is waited for, what was not is not begun.
		ctx, cancel = context.WithCancel(t.Context())
		begun := 0
		w.each(ctx, 10, func(int) {
			begun++
			cancel()
			time.Sleep(time.Second)
		})
		if begun != 1 {
			t.Errorf("%d were begun, want 1", begun)
		}
		time.Sleep(2 * idleTime) // the worker goes
	})
}

func TestWantedLevel(t *testing.T) {
	for name, want := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
		"": slog.LevelDebug, "loud": slog.LevelDebug,
	} {
		if got := wantedLevel(name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}
