package journal_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// TestStaging: batches are staged in memory, and nothing of that stays there, neither
// of an engine that closed nor of one that was killed.
func TestStaging(t *testing.T) {
	if st, err := os.Stat("/dev/shm"); runtime.GOOS != "linux" || err != nil || !st.IsDir() {
		t.Skip("this system has no place for files in memory")
	}
	dir := t.TempDir()
	link := filepath.Join(dir, "jetstream", "jetstream", "$G", "streams", "EVENTS", "batches")
	left := filepath.Join("/dev/shm", fmt.Sprint("crosswalk-batches-test-", os.Getpid()))
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(left) })
	closeJournal(t, open(t, journal.Options{Dir: dir}))
	// What a killed engine leaves, a while ago.
	ago := time.Now().Add(-time.Hour)
	if err := errors.Join(
		os.MkdirAll(filepath.Join(left, "EVENTS", "half"), 0o700), os.RemoveAll(link),
		os.Symlink(filepath.Join(left, "EVENTS"), link), os.Chtimes(left, ago, ago),
	); err != nil {
		t.Fatal(err)
	}

	j := open(t, journal.Options{Dir: dir})
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a killed engine left is still there: %v", err)
	}
	target, err := os.Readlink(link)
	if err != nil {
		t.Fatalf("batches are not staged in memory: %v", err)
	}
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			if _, err := j.Accept(t.Context(), order(fmt.Sprint(i), fmt.Sprint("id", i), kilobyte)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if rest, err := os.ReadDir(target); err != nil || len(rest) > 0 {
		t.Errorf("%d batches are left in memory, %v", len(rest), err)
	}
	closeJournal(t, j)
	if _, err := os.Stat(filepath.Dir(target)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the closed journal's memory is not freed: %v", err)
	}

	j = open(t, journal.Options{Dir: dir})
	defer closeJournal(t, j)
	for i := range 100 {
		if r, err := j.Accept(t.Context(), order(fmt.Sprint(i), fmt.Sprint("id", i), kilobyte)); err != nil || !r.Duplicate {
			t.Fatalf("event %d: %+v, %v, want a duplicate", i, r, err)
		}
	}
}
