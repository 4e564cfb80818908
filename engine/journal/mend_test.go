package journal_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// A store that does not answer any more is to be opened anew once its disk can be
// written, and a commit on its way does not wait for an answer until then.
func TestBrokenStoreIsToBeOpenedAnew(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir, AcceptWait: 100 * time.Millisecond})
	l := openLane(t, j)
	var un *journal.UnavailableError
	waitFor(t, func() bool { // the disk may be slow
		_, err := j.Accept(t.Context(), order("1", "a", `{}`))
		return err == nil
	})
	d := next(t, l, 1)[0]
	select {
	case <-j.Mended():
		t.Fatal("a store that works is to be opened anew")
	default:
	}
	journal.BreakStore(t, j)
	waitFor(t, func() bool {
		_, err := j.Accept(t.Context(), order("2", "b", `{}`))
		if !errors.As(err, &un) {
			t.Fatal(err)
		}
		return un.Reason == "the store is broken until it is opened anew"
	})
	select {
	case <-j.Mended():
	case <-time.After(time.Minute):
		t.Fatal("the disk can be written, and the journal does not tell")
	}
	if err := l.Commit(t.Context(), []event.Outcome{outcome(d.Event, "m", event.Delivered)}, nil, []uint64{1}); !errors.As(err, &un) {
		t.Errorf("commit to a broken store: %v", err)
	}
}

// A new journal on a disk with less room than its reserve says so, and what to do.
func TestNewJournalBelowTheReserve(t *testing.T) {
	j, err := journal.Open(t.Context(), journal.Options{Dir: t.TempDir(), MinFreeDisk: 1 << 50})
	if err == nil {
		closeJournal(t, j)
		t.Fatal("opened")
	}
	for _, want := range []string{"MiB of disk are free", "storage.min_free_disk reserves 1073741824 MiB: free disk space, or lower the reserve"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
