package pluginhost

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// LockFile is the name of the file that holds the plugins' checksums.
const LockFile = "plugins.lock"

// maxLock bounds what is read of a lock, in bytes.
const maxLock = 1 << 20

var lockLine = regexp.MustCompile(`^([0-9a-f]{64}) [ *]([a-z][a-z0-9_-]*)$`)

// Lock says which executables may be started: the SHA-256 sums, in hex, of plugins
// by name.
type Lock map[string]string

// ReadLock reads a lock. Its lines are those of sha256sum: a sum, two spaces, and a
// plugin's name. Empty lines and those that begin with # do not count. An error names
// the file and the line; it is fs.ErrNotExist where there is no file.
func ReadLock(path string) (Lock, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the plugins' checksums: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxLock {
		return nil, fmt.Errorf("read the plugins' checksums: %s is no file of at most 1 MiB", path)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the person who runs the engine names the file
	if err != nil {
		return nil, fmt.Errorf("read the plugins' checksums: %w", err)
	}
	lock := Lock{}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimRight(line, " \t\r")
		if line == "" || line[0] == '#' {
			continue
		}
		m := lockLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("%s:%d: this is no line of a lock: want 64 lower-case hex digits, two spaces and a plugin's name; `crosswalk plugin lock` writes it anew", path, i+1)
		}
		if _, twice := lock[m[2]]; twice {
			return nil, fmt.Errorf("%s:%d: plugin %s stands twice: keep one line of it", path, i+1, m[2])
		}
		lock[m[2]] = m[1]
	}
	return lock, nil
}

// Write writes the lock to path, in the order of the names. What was there is
// replaced at once, or not at all.
func (l Lock) Write(path string) error {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(l)) {
		fmt.Fprintf(&b, "%s  %s\n", l[name], name)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".plugins.lock-*")
	if err != nil {
		return fmt.Errorf("write the plugins' checksums: %w", err)
	}
	_, err = f.Write(b.Bytes())
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write the plugins' checksums: %w", err)
	}
	return nil
}

// ChecksumError says that an executable is not the one that the lock names.
type ChecksumError struct {
	// Plugin is the plugin's name, Path its executable, Lock the file of checksums.
	Plugin, Path, Lock string
	// Want is the sum that the lock names, "" if it does not name the plugin, and
	// Found the executable's, both in hex.
	Want, Found string
}

// Error names both sums and says what to do.
func (e *ChecksumError) Error() string {
	if e.Want == "" {
		return fmt.Sprintf("%s is not in %s; its SHA-256 sum is %s: if it is to run, say so with `crosswalk plugin lock %s`", e.Path, e.Lock, e.Found, e.Plugin)
	}
	return fmt.Sprintf("%s has the SHA-256 sum %s, and %s wants %s: if this binary is meant, say so with `crosswalk plugin lock %s`; if not, put the right one back", e.Path, e.Found, e.Lock, e.Want, e.Plugin)
}

// verify holds an executable against the lock, where there is one. It is read each
// time, so that a lock that was written anew counts from then on; one that was there
// and is gone does not let everything in.
func (h *Host) verify(plugin string, b binary) error {
	if h.opts.Lock == "" {
		return nil
	}
	lock, err := ReadLock(h.opts.Lock)
	if errors.Is(err, fs.ErrNotExist) {
		if h.locked.Load() {
			return fmt.Errorf("%s was there and is gone: write it anew with `crosswalk plugin lock`, or restart the engine to run without", h.opts.Lock)
		}
		return nil
	}
	h.locked.Store(true)
	if err != nil {
		return err
	}
	sum, err := b.sum() // whatever was found of the file before
	if err != nil {
		return err
	}
	if want := lock[plugin]; want != sum {
		return &ChecksumError{Plugin: plugin, Path: b.path, Lock: h.opts.Lock, Want: want, Found: sum}
	}
	return nil
}
