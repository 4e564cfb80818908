package journal_test

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// A start after a crash says in our words that what the journal holds was read anew, and
// does not warn: nothing is amiss.
func TestStartAfterACrash(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	acceptN(t, j, 1, 5)
	closeJournal(t, j) // the index is written here, and not again before the crash
	j = open(t, journal.Options{Dir: dir})
	acceptN(t, j, 6, 3)
	// What a kill -9 leaves is what is on disk.
	crashed := t.TempDir()
	if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	closeJournal(t, j)
	var log bytes.Buffer
	j = open(t, journal.Options{Dir: crashed, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if s, err := j.Stats(t.Context()); err != nil || s.Accepted != 8 {
		t.Errorf("%d events, %v", s.Accepted, err)
	}
	closeJournal(t, j)
	text := log.String()
	if !strings.Contains(text, "level=INFO msg=\"the engine did not end in order the last time; what the journal holds was read anew\" streams=[EVENTS") ||
		!strings.Contains(text, "messages=") || strings.Contains(text, "level=WARN") || strings.Contains(text, "Filestore") {
		t.Errorf("the log says\n%s", text)
	}
}
