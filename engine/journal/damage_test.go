package journal_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// flip changes a bit in the middle of the events of a journal that is closed, and
// takes away what JetStream knows of them beside, as after a kill, where forget is set.
func flip(t *testing.T, dir string, forget bool) {
	t.Helper()
	msgs := filepath.Join(dir, "jetstream", "jetstream", "$G", "streams", "EVENTS", "msgs")
	block := filepath.Join(msgs, "1.blk")
	b, err := os.ReadFile(block)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2+100] ^= 4
	if err := os.WriteFile(block, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if forget {
		if err := os.Remove(filepath.Join(msgs, "index.db")); err != nil {
			t.Fatal(err)
		}
	}
}

// A flipped bit in the store is an alarm, or keeps the journal from being opened;
// never is it passed over in silence.
func TestFlippedBit(t *testing.T) {
	const events = 50
	for _, tc := range []struct {
		name      string
		forget    bool
		delivered int
		alarm     string // or else the error
		refused   string
	}{
		{"one event cannot be read", false, 10, "1 of 50 messages of stream EVENTS cannot be read", ""},
		{"one event of the past cannot be read", false, events, "1 of 50 messages of stream EVENTS cannot be read", ""},
		{"the end is cut off", true, 10, "were cut off", ""},
		{"the end that was delivered is cut off", true, events, "", "there is an outcome of event 26, and EVENTS ends with event 25"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, journal.Options{Dir: dir})
			l := openLane(t, j)
			for i := range events {
				accept(t, j, order(fmt.Sprint(i), fmt.Sprint(i), kilobyte))
			}
			finish(t, l, next(t, l, tc.delivered))
			if a := j.Alarms(); len(a) > 0 {
				t.Errorf("alarms of a store that is whole: %q", a)
			}
			closeJournal(t, j)
			flip(t, dir, tc.forget)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			j, err := journal.Open(ctx, journal.Options{Dir: dir, MinFreeDisk: 1})
			if err == nil {
				t.Cleanup(func() { closeJournal(t, j) })
			}
			if tc.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tc.refused) {
					t.Fatalf("opened with %v, want %s", err, tc.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			alarmed := func() bool {
				return slices.ContainsFunc(j.Alarms(), func(a string) bool { return strings.Contains(a, tc.alarm) })
			}
			if !alarmed() {
				t.Errorf("alarms %q, want %s", j.Alarms(), tc.alarm)
			}
			if sweep(t, j, 0); !alarmed() {
				t.Errorf("after a sweep the alarms are %q", j.Alarms())
			}
		})
	}
}
