package journal_test

import (
	"os"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// D1 and D4 with a disk that really is full: JOURNAL_TEST_SMALL_DISK names a
// directory on a file system of a few MiB, such as a tmpfs of 8 MiB, made for this.
func TestDiskFull(t *testing.T) {
	parent := os.Getenv("JOURNAL_TEST_SMALL_DISK")
	if parent == "" {
		t.Skip("JOURNAL_TEST_SMALL_DISK names no small file system")
	}
	dir, err := os.MkdirTemp(parent, "journal") //nolint:usetesting // it has to be on the small file system
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	o := journal.Options{Dir: dir, MaxEventBytes: 1 << 30, MaxOutcomeBytes: 1 << 30, MaxDeadBytes: 1 << 30}
	j := open(t, o)
	got := fillUp(t, j, 16, kilobyte)
	closeJournal(t, j)
	j = open(t, o)
	for seq, id := range got {
		if e, err := j.Event(t.Context(), seq); err != nil || e.ID != id {
			t.Errorf("accepted event %d is %q, want %q: %v", seq, e.ID, id, err)
		}
	}
	t.Logf("%d events before the disk was full", len(got))
}
