package pluginhost

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

const (
	socketsPrefix = "crosswalk-"
	// socketsLock is the file in a host's directory that it holds locked while it
	// lives, and that the kernel unlocks however it ends.
	socketsLock = "host.lock"
	// socketsRest is how old a directory has to be before it can count as left
	// behind: one that is just being made is not locked yet.
	socketsRest = time.Minute
)

// sockets is the directory of a host's sockets. It is removed with the host, or
// by a later one where the host's process was killed.
type sockets struct {
	dir  string
	lock *flock.Flock
}

// socketsRoom is what stands in a socket's path behind the directory for temporary
// files, each number as long as it may be.
const socketsRoom = "/" + socketsPrefix + "4294967295/plugin-dir4294967295/plugin4294967295"

// socketsParent is where directories of sockets are made: temp, or where that
// leaves no room in a socket's path (the system takes 103 or 107 bytes) /tmp.
func socketsParent(temp string) (string, error) {
	if fits(temp) {
		return temp, nil
	}
	if info, err := os.Stat(shortTemp); err == nil && info.IsDir() {
		return shortTemp, nil
	}
	return "", fmt.Errorf("the path of the directory for temporary files is too long for sockets: %s has %d bytes, at most %d leave room: set TMPDIR to a shorter one",
		temp, len(temp), maxSocketPath-len(socketsRoom))
}

const shortTemp = "/tmp"

// maxSocketPath is how many bytes of path the system takes, beside the 0 behind it.
var maxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

func fits(temp string) bool { return len(temp)+len(socketsRoom) <= maxSocketPath }

// newSockets makes a directory in parent. Its name is short: so has to be a
// socket's path.
func newSockets(parent string) (*sockets, error) {
	sweepSockets(parent, time.Now().Add(-socketsRest))
	dir, err := os.MkdirTemp(parent, socketsPrefix)
	if err != nil {
		return nil, fmt.Errorf("make a directory for sockets: %w", err)
	}
	s := &sockets{dir: dir, lock: flock.New(filepath.Join(dir, socketsLock), flock.SetPermissions(0o600))}
	ok, err := s.lock.TryLock()
	if err == nil && !ok {
		err = errors.New("another process holds it")
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("lock the directory for sockets %s: %w", dir, err)
	}
	return s, nil
}

// remove takes the directory away. The lock goes first: an open file cannot be
// removed everywhere.
func (s *sockets) remove() error {
	if err := errors.Join(s.lock.Unlock(), os.RemoveAll(s.dir)); err != nil {
		return fmt.Errorf("remove the sockets: %w", err)
	}
	return nil
}

// sweepSockets removes what killed hosts left in parent: directories that were
// made before a time and whose lock nobody holds. What it cannot remove stays,
// for it is in nobody's way.
func sweepSockets(parent string, before time.Time) {
	left, err := filepath.Glob(filepath.Join(parent, socketsPrefix+"*", socketsLock))
	if err != nil {
		return
	}
	for _, file := range left {
		if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() || info.ModTime().After(before) {
			continue
		}
		// Without permission to write it is another user's.
		lock := flock.New(file, flock.SetFlag(os.O_RDWR))
		if ok, err := lock.TryLock(); err != nil || !ok {
			continue
		}
		_ = lock.Unlock()
		_ = os.RemoveAll(filepath.Dir(file))
	}
}
