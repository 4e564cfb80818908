package pluginhost_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
)

// A host leaves nothing in the directory for temporary files, and takes away what
// killed hosts left there, but nothing of those that live or are being made.
func TestSocketsAreSwept(t *testing.T) {
	temp, err := os.MkdirTemp("/tmp", "cw") //nolint:usetesting // a path of the test's is too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temp) })
	plugins := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp) // where Windows looks
	old := time.Now().Add(-time.Hour)
	leave := func(name string, age time.Time) string {
		file := filepath.Join(temp, name, "host.lock")
		if err := os.MkdirAll(filepath.Join(temp, name, "plugin-dir1"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, age, age); err != nil {
			t.Fatal(err)
		}
		return file
	}
	leave("crosswalk-killed", old)
	leave("crosswalk-new", time.Now())
	leave("other-killed", old)
	lock := flock.New(leave("crosswalk-lives", old))
	if ok, err := lock.TryLock(); err != nil || !ok {
		t.Fatal(ok, err)
	}
	t.Cleanup(func() { _ = lock.Unlock() })
	if err := os.Mkdir(filepath.Join(temp, "crosswalk-unlocked"), 0o700); err != nil {
		t.Fatal(err)
	}

	host, err := pluginhost.New(pluginhost.Options{Dir: plugins})
	if err != nil {
		t.Fatal(err)
	}
	others := []string{"crosswalk-lives", "crosswalk-new", "crosswalk-unlocked", "other-killed"}
	if got := names(t, temp); len(got) != len(others)+1 || slices.Contains(got, "crosswalk-killed") {
		t.Errorf("while a host lives there are %q, want its own and %q", got, others)
	}
	if err := host.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := names(t, temp); !slices.Equal(got, others) {
		t.Errorf("after the host there are %q, want %q", got, others)
	}
}

// A directory for temporary files with a long path does not keep plugins from
// starting.
func TestLongTemporaryDirectory(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	h, _ := newHost(t, pluginhost.Options{})
	if _, err := decode(t.Context(), open(t, h, "shop", nil), "thing"); err != nil {
		t.Error(err)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.Name()
	}
	return out
}
