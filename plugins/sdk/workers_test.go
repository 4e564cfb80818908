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
		const most, jobs = 4, 100
		w := newWorkers(most)
		var wg sync.WaitGroup
		var now, peak, done atomic.Int64
		for range jobs {
			wg.Add(1)
			if !w.do(t.Context(), func() {
				defer wg.Done()
				peak.Store(max(peak.Load(), now.Add(1)))
				time.Sleep(time.Second)
				now.Add(-1)
				done.Add(1)
			}) {
				t.Fatal("it was not done")
			}
		}
		wg.Wait()
		if done.Load() != jobs || peak.Load() != most {
			t.Errorf("%d of %d jobs were done, %d at once, want %d", done.Load(), jobs, peak.Load(), most)
		}
		if n := w.here.Load(); n != most {
			t.Errorf("%d workers stay for more, want %d", n, most)
		}
		time.Sleep(3 * idleTime)
		synctest.Wait()
		if n := w.here.Load(); n != 0 {
			t.Errorf("%d workers never end", n)
		}
	})
}

func TestWorkersEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorkers(1)
		release := make(chan struct{})
		if !w.do(t.Context(), func() { <-release }) {
			t.Fatal("the first was not done")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if w.do(ctx, func() { t.Error("it was done after its time") }) {
			t.Error("there was no room for a second")
		}
		close(release)
		if w.do(ctx, func() { t.Error("it was begun after its time") }) {
			t.Error("it was taken after its time")
		}
		time.Sleep(3 * idleTime) // the worker goes
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
