package journal_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// streamDir is where a journal's stream is.
func streamDir(dir, stream string) string {
	return filepath.Join(dir, "jetstream", "jetstream", "$G", "streams", stream)
}

// copyFile puts a file's content, or nothing where that has none, in the place of another.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTornChange has a crash cut off a change of a stream's description, after the
// description and before its checksum: nothing is lost.
func TestTornChange(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir, MaxEventBytes: 32 << 20})
	accept(t, j, order("1", "a", `{}`))
	closeJournal(t, j)
	sum := filepath.Join(streamDir(dir, "EVENTS"), "meta.sum")
	old := filepath.Join(t.TempDir(), "meta.sum")
	copyFile(t, sum, old)
	closeJournal(t, open(t, journal.Options{Dir: dir, MaxEventBytes: 64 << 20})) // changes it
	whole, err := os.ReadFile(sum)
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, old, sum)
	if now, err := os.ReadFile(sum); err != nil || bytes.Equal(now, whole) {
		t.Fatalf("the description has not changed: %v", err)
	}

	// The times tell a crash from damage.
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(sum, later, later); err != nil {
		t.Fatal(err)
	}
	if j, err := journal.Open(t.Context(), journal.Options{Dir: dir}); err == nil {
		closeJournal(t, j)
		t.Fatal("opened over a description that is older than a checksum that does not fit")
	} else if !strings.Contains(err.Error(), "cannot be recovered") {
		t.Error(err)
	}
	earlier := time.Now().Add(-time.Hour)
	if err := os.Chtimes(sum, earlier, earlier); err != nil {
		t.Fatal(err)
	}
	j = open(t, journal.Options{Dir: dir})
	if e, err := j.Event(t.Context(), 1); err != nil || e.ID != "a" {
		t.Errorf("event 1 is %q: %v", e.ID, err)
	}
	if now, err := os.ReadFile(sum); err != nil || !bytes.Equal(now, whole) {
		t.Errorf("the checksum is %q, the server's own was %q: %v", now, whole, err)
	}
}

// TestTornMaking has a crash cut off the making of a stream at each of its steps.
func TestTornMaking(t *testing.T) {
	whole := t.TempDir()
	closeJournal(t, open(t, journal.Options{Dir: whole}))
	for name, files := range map[string]map[string]string{
		"its directory":             nil,
		"a try to write":            {"_test_123": ""},
		"its folders":               {"msgs/": "", "obs/": ""},
		"half of its description":   {"msgs/": "", "obs/": "", "meta.inf.tmp": `{"na`},
		"its description":           {"msgs/": "", "obs/": "", "meta.inf": "meta.inf"},
		"half of its checksum":      {"msgs/": "", "obs/": "", "meta.inf": "meta.inf", "meta.sum.tmp": "b0"},
		"a block without a message": {"msgs/": "", "obs/": "", "meta.inf": "meta.inf", "msgs/1.blk": ""},
		"all of it":                 {"msgs/": "", "obs/": "", "meta.inf": "meta.inf", "meta.sum": "meta.sum"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			to := streamDir(dir, "OUTCOMES")
			if err := os.MkdirAll(to, 0o700); err != nil {
				t.Fatal(err)
			}
			for _, sub := range []string{"msgs", "obs"} {
				if _, ok := files[sub+"/"]; ok {
					if err := os.Mkdir(filepath.Join(to, sub), 0o700); err != nil {
						t.Fatal(err)
					}
				}
			}
			for file, text := range files {
				if strings.HasSuffix(file, "/") {
					continue
				}
				if text == file {
					copyFile(t, filepath.Join(streamDir(whole, "OUTCOMES"), file), filepath.Join(to, file))
					continue
				}
				if err := os.WriteFile(filepath.Join(to, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			j := open(t, journal.Options{Dir: dir})
			accept(t, j, order("1", "a", `{}`))
			if r := accept(t, j, order("1", "a", `{}`)); !r.Duplicate {
				t.Errorf("receipt %+v", r)
			}
		})
	}
	t.Run("with messages it is damage", func(t *testing.T) {
		dir := t.TempDir()
		j := open(t, journal.Options{Dir: dir})
		accept(t, j, order("1", "a", `{}`))
		closeJournal(t, j)
		if err := os.Remove(filepath.Join(streamDir(dir, "EVENTS"), "meta.sum")); err != nil {
			t.Fatal(err)
		}
		if j, err := journal.Open(t.Context(), journal.Options{Dir: dir}); err == nil {
			closeJournal(t, j)
			t.Fatal("opened")
		} else if !strings.Contains(err.Error(), "cannot be recovered") {
			t.Error(err)
		}
	})
}

// TestTornConsumer has a crash cut off the making of a lane's consumer before its checksum.
func TestTornConsumer(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	openLane(t, j, journal.LaneOptions{FromStart: true})
	closeJournal(t, j)
	sums, err := filepath.Glob(filepath.Join(streamDir(dir, "EVENTS"), "obs", "*", "meta.sum"))
	if err != nil || len(sums) == 0 {
		t.Fatalf("consumers %v: %v", sums, err)
	}
	whole, err := os.ReadFile(sums[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(sums[0]); err != nil {
		t.Fatal(err)
	}
	j = open(t, journal.Options{Dir: dir})
	now, err := os.ReadFile(sums[0])
	if err != nil || !bytes.Equal(now, whole) {
		t.Errorf("the checksum is %q, the server's own was %q: %v", now, whole, err)
	}
	if _, err := hex.DecodeString(string(now)); err != nil {
		t.Error(err)
	}

	// One that knows nothing yet is made anew with its lane.
	closeJournal(t, j)
	for _, name := range []string{"meta.sum", "o.dat"} {
		if err := os.Remove(filepath.Join(filepath.Dir(sums[0]), name)); err != nil {
			t.Fatal(err)
		}
	}
	j = open(t, journal.Options{Dir: dir})
	if _, err := os.Stat(filepath.Dir(sums[0])); !os.IsNotExist(err) {
		t.Errorf("the beginnings of a consumer are still there: %v", err)
	}
	openLane(t, j, journal.LaneOptions{FromStart: true})
}
