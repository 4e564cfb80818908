package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	// probeFile is written to see whether the directory can be written again.
	probeFile = "room.probe"
	probeSize = 1 << 20
)

// Mended is closed once the store broke and its directory can be written again.
// JetStream itself never stores again after a write error: close the journal then,
// and open it anew. Until then nothing is accepted.
func (j *Journal) Mended() <-chan struct{} { return j.mended }

// mend closes mended where the store is broken and the disk is not, or not any more.
func (j *Journal) mend() {
	if j.brokenBy.Load() == nil || j.srv == nil {
		return
	}
	select {
	case <-j.mended:
		return
	default:
	}
	if free, err := freeDisk(j.o.Dir); err != nil || free < j.o.MinFreeDisk {
		return
	}
	if err := probe(j.o.Dir); err != nil {
		j.log.Debug("the journal's disk cannot be written yet", "directory", j.o.Dir, "error", err)
		return
	}
	j.log.Info("the journal's disk can be written again", "directory", j.o.Dir)
	close(j.mended)
}

// probe writes a file to the disk that dir is on, and takes it away.
func probe(dir string) (err error) {
	name := filepath.Join(dir, probeFile)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // G304: the data directory is the operator's
	if err != nil {
		return fmt.Errorf("write a file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(name)) }()
	if _, err := f.Write(make([]byte, probeSize)); err != nil {
		return fmt.Errorf("write a file: %w", err)
	}
	return f.Sync()
}

// answering gives a context for one write: it ends when the answer is overdue, or
// none will come because the store is broken.
func (j *Journal) answering(ctx context.Context) (context.Context, context.CancelFunc) {
	wait, cancel := context.WithTimeout(ctx, j.answer)
	stop := context.AfterFunc(j.unbroken, cancel)
	return wait, func() { stop(); cancel() }
}
