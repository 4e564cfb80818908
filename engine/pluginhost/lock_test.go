package pluginhost_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
)

// binaryOf puts the plugin shop into dir as a file of its own with an end of its own,
// in the place of the one that is there, and gives its sum.
func binaryOf(t *testing.T, dir, end string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, end...)
	next := filepath.Join(dir, ".next")
	if err := os.WriteFile(next, text, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(dir, "shop")); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func TestLockFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), pluginhost.LockFile)
	if _, err := pluginhost.ReadLock(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a lock that is not there: %v", err)
	}
	want := pluginhost.Lock{"saleapp": strings.Repeat("ab", 32), "file-drop_2": strings.Repeat("01", 32)}
	if err := want.Write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("01", 32) + "  file-drop_2\n" + strings.Repeat("ab", 32) + "  saleapp\n"; string(text) != want {
		t.Errorf("written:\n%swant, as sha256sum has it:\n%s", text, want)
	}
	got, err := pluginhost.ReadLock(path)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for name, tc := range map[string]struct{ text, want string }{
		"short": {"# sums\n\nabcd  shop\n", path + ":3: this is no line of a lock"},
		"upper": {strings.Repeat("AB", 32) + "  shop", path + ":1: this is no line of a lock"},
		"path":  {strings.Repeat("ab", 32) + "  ../shop", path + ":1: this is no line of a lock"},
		"twice": {strings.Repeat("ab", 32) + "  shop\n" + strings.Repeat("cd", 32) + " *shop\n", path + ":2: plugin shop stands twice"},
	} {
		if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := pluginhost.ReadLock(path); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

// TestLockAtLaunch starts what the lock names, and nothing else.
func TestLockAtLaunch(t *testing.T) {
	dir := t.TempDir()
	sum := binaryOf(t, dir, "")
	lock := filepath.Join(t.TempDir(), pluginhost.LockFile)
	if err := (pluginhost.Lock{"shop": sum}).Write(lock); err != nil {
		t.Fatal(err)
	}
	h, _ := newHost(t, pluginhost.Options{Dir: dir, Lock: lock, BackoffMin: 10 * time.Millisecond, BackoffMax: 50 * time.Millisecond})
	if got, err := h.Sum("shop"); err != nil || got != sum {
		t.Errorf("sum %s, %v, want %s", got, err, sum)
	}
	c := open(t, h, "shop", map[string]any{})
	if got := c.Sum(); got != sum {
		t.Errorf("the connection's sum is %s, want %s", got, sum)
	}

	// What it said of itself is known, and counts only as long as the lock lets it run.
	for _, test := range []struct {
		sum     string
		refused bool
	}{{sum, false}, {strings.Repeat("ab", 32), true}, {sum, false}} {
		if err := (pluginhost.Lock{"shop": test.sum}).Write(lock); err != nil {
			t.Fatal(err)
		}
		_, err := h.Describe(t.Context(), "shop", nil)
		var wrong *pluginhost.ChecksumError
		if errors.As(err, &wrong) != test.refused || !test.refused && err != nil {
			t.Errorf("with a lock of %s: %v", test.sum, err)
		}
	}

	// Another file takes the place of the one that runs: nothing happens to that. When
	// it has ended, the other one is not started.
	other := binaryOf(t, dir, "more")
	if got, err := h.Sum("shop"); err != nil || got != other {
		t.Errorf("sum %s, %v, want %s", got, err, other)
	}
	pid := c.State().PID
	if pid == 0 {
		t.Fatal("it does not run")
	}
	refused := func(what, want, found string) {
		t.Helper()
		_, err := h.Describe(t.Context(), "shop", nil)
		var wrong *pluginhost.ChecksumError
		if !errors.As(err, &wrong) {
			t.Fatalf("%s: %v, want a ChecksumError", what, err)
		}
		wantErr := &pluginhost.ChecksumError{Plugin: "shop", Path: filepath.Join(dir, "shop"), Lock: lock, Want: want, Found: found}
		if diff := cmp.Diff(wantErr, wrong); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
		for _, part := range []string{"launch plugin shop: ", want, found, lock, "crosswalk plugin lock shop"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q is missing in %v", what, part, err)
			}
		}
	}
	refused("another file", sum, other)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other one is refused", func() bool {
		s := c.State()
		return s.Phase == pluginhost.Restarting && strings.Contains(s.LastError, other)
	})

	// The lock is held against each start anew.
	if err := (pluginhost.Lock{"shop": other}).Write(lock); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it runs again", func() bool { return c.State().Phase == pluginhost.Running })
	if got := c.Sum(); got != sum {
		t.Errorf("the spec is of %s, want %s, which it was opened with", got, sum)
	}
	if err := (pluginhost.Lock{"saleapp": other}).Write(lock); err != nil {
		t.Fatal(err)
	}
	refused("a plugin that the lock does not name", "", other)
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Describe(t.Context(), "shop", toJSON(t, map[string]any{})); err == nil || !strings.Contains(err.Error(), "was there and is gone") {
		t.Errorf("the lock is gone: %v", err)
	}
}

// Without a lock anything is started, and what is replaced is described anew, though
// its size and time are the same.
func TestReplacedBinaryIsDescribedAnew(t *testing.T) {
	dir := t.TempDir()
	binaryOf(t, dir, "1")
	at := time.Now().Add(-time.Hour)
	path := filepath.Join(dir, "shop")
	h, book := newHost(t, pluginhost.Options{Dir: dir, Lock: filepath.Join(dir, pluginhost.LockFile)})
	for i, end := range []string{"2", "3"} {
		sum := binaryOf(t, dir, end)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		if got, err := h.Sum("shop"); err != nil || got != sum {
			t.Errorf("sum %s, %v, want %s", got, err, sum)
		}
		for range 2 {
			if _, err := h.Describe(t.Context(), "shop", nil); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(book.lines("shop begins")); n != i+1 {
			t.Errorf("it was started %d times, want %d", n, i+1)
		}
	}
}
