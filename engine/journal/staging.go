package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// JetStream writes an atomic batch twice: to a store of its own, made for the batch
// with its folders, metadata and some five fsyncs, and from there to the stream, with
// one. The first is kept only to complete a batch after a crash in the middle of the
// second. Nothing here needs that: nobody was told that such a batch is stored, its
// messages mean something each by itself, and whoever sent them sends them again. So
// those stores lie in memory, where the system has a place for files there, and what
// comes together costs one fsync.

const (
	// batchesDir is where the server keeps the stores of a stream's batches
	// (nats-server, filestore.go).
	batchesDir = "batches"
	// stagingName begins the names of our folders in memory.
	stagingName = "crosswalk-batches-"
	// stagingRoom is how much memory must be free for them, in bytes. A batch that
	// finds none is refused, and its messages are published singly.
	stagingRoom = 64 << 20
	// stagingAge is how old a folder must be to be one that is left.
	stagingAge = time.Minute
)

// staging is a folder in memory, locked for as long as its engine lives.
type staging struct {
	dir   string
	lock  *flock.Flock
	links []string
}

// sweepStaging removes the folders of engines that were killed. This one's server has
// started by now: it has completed what it could, and removed the links to them.
func (j *Journal) sweepStaging() {
	left, err := filepath.Glob(filepath.Join(memoryDir, stagingName+"*"))
	if err != nil {
		return // never: the pattern is in order
	}
	for _, dir := range left {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || time.Since(info.ModTime()) < stagingAge {
			continue
		}
		l := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
		if free, err := l.TryLock(); err != nil || !free {
			continue // it is in use, or another user's
		}
		if err := errors.Join(os.RemoveAll(dir), l.Unlock()); err != nil {
			j.log.Warn("memory that a killed engine left is not freed", "folder", dir, "error", err)
		}
	}
}

// stage has the batches of all streams be staged in memory, where there is room.
func (j *Journal) stage() error {
	if j.srv == nil || !memoryFree(stagingRoom) {
		return nil
	}
	j.sweepStaging()
	dir, err := os.MkdirTemp(memoryDir, stagingName)
	if err != nil {
		j.log.Debug("batches are staged on disk", "error", err)
		return nil
	}
	j.staging = &staging{dir: dir, lock: flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))}
	if err := j.staging.lock.Lock(); err != nil {
		return fmt.Errorf("stage batches in memory: %w", err)
	}
	for _, stream := range []string{streamEvents, streamOutcomes, streamDead, streamActs, streamMarks, streamRequests} {
		target, link := filepath.Join(dir, stream), filepath.Join(remains(j.srv, stream), batchesDir)
		j.staging.links = append(j.staging.links, link)
		if err := errors.Join(os.Mkdir(target, 0o700), os.RemoveAll(link), os.Symlink(target, link)); err != nil {
			return fmt.Errorf("stage batches in memory: %w", err)
		}
	}
	return nil
}

// batchFrom is how many publications make a batch.
func (j *Journal) batchFrom() int {
	if j.staging != nil {
		return stagedFrom
	}
	return batchFrom
}

// remove ends it; the server must not run any more.
func (s *staging) remove() error {
	if s == nil {
		return nil
	}
	var errs []error
	for _, link := range s.links {
		if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir), s.lock.Unlock())...)
}
