package run

import (
	"context"
	"runtime"
	"testing"
	"time"
)

func TestGCPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 10 << 20: 100, 32 << 20: 100, 48 << 20: 60, 64 << 20: 50, 107 << 20: 30, 1 << 40: 30} {
		if got := gcPercent(live); got != want {
			t.Errorf("%d bytes in use: %d %%, want %d", live, got, want)
		}
	}
}

func TestMemoryIsGivenBackAfterABurst(t *testing.T) {
	var tr trimmer
	var total uint64
	for i, look := range []struct {
		allocated uint64 // since the look before
		want      bool
	}{
		{calm, false},      // a start
		{1 << 20, false},   // nothing that is worth it
		{worth, false},     // a burst begins
		{5 * worth, false}, // and goes on
		{calm, true},       // it is over: as often as is needed
		{1 << 20, true},    //
		{0, true},          //
		{0, true},          //
		{0, false},         // and not again
		{calm, false},      //
		{calm, true},       // while little happens, each time that it is worth it
		{2 * calm, false},  // a burst ends that
		{3 << 20, true},    //
		{0, true},          //
	} {
		total += look.allocated
		if got := tr.due(total); got != look.want {
			t.Errorf("look %d, after %d bytes: %t", i, look.allocated, got)
		}
	}
}

func TestCollectionsAreTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	collected := collections(ctx)
	for i := range 3 {
		for told, end := false, time.Now().Add(time.Minute); !told; {
			runtime.GC()
			select {
			case <-collected:
				told = true
			case <-time.After(50 * time.Millisecond):
				if time.Now().After(end) {
					t.Fatalf("of many collections %d were told", i)
				}
			}
		}
	}
	cancel()
	for end := time.Now().Add(time.Minute); ; {
		runtime.GC()
		select {
		case <-collected: // one that was waited for already
		case <-time.After(50 * time.Millisecond):
			return
		}
		if time.Now().After(end) {
			t.Fatal("collections are told on after the end")
		}
	}
}
