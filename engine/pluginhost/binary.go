package pluginhost

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// binary is a plugin's executable as it was when it was looked at.
type binary struct {
	path string
	info os.FileInfo
}

// same tells whether it is the same file, unchanged as far as that shows without
// reading it.
func (b binary) same(info os.FileInfo) bool {
	return os.SameFile(b.info, info) && b.info.Size() == info.Size() && b.info.ModTime().Equal(info.ModTime())
}

// errReplaced says that a file was replaced under the engine's eyes.
var errReplaced = errors.New("its file was replaced just now")

// unchanged says whether its file is still what it was.
func (b binary) unchanged() error {
	info, err := os.Stat(b.path)
	if err != nil {
		return err
	}
	if !b.same(info) {
		return errReplaced
	}
	return nil
}

// sum reads the file and gives its SHA-256 sum in hex. A file that is not what it was
// is an error.
func (b binary) sum() (_ string, err error) {
	f, err := os.Open(b.path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !b.same(info) {
		return "", errReplaced
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// summed is a sum that is kept as long as the file does not change.
type summed struct {
	binary
	hex string
}

// Sum gives the SHA-256 sum of a plugin's executable, in hex. Errors: *NotFoundError,
// *LaunchError where it is no executable.
func (h *Host) Sum(plugin string) (string, error) {
	path, info, err := h.find(plugin)
	if err != nil {
		return "", err
	}
	return h.sumOf(plugin, binary{path, info})
}

func (h *Host) sumOf(plugin string, b binary) (string, error) {
	h.mu.Lock()
	known, ok := h.sums[plugin]
	h.mu.Unlock()
	if ok && known.same(b.info) {
		return known.hex, nil
	}
	sum, err := b.sum()
	if err != nil {
		return "", fmt.Errorf("read the executable of plugin %s: %w", plugin, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sums[plugin] = summed{b, sum}
	return sum, nil
}

// Sum gives the SHA-256 sum, in hex, of the executable that the connection's spec is
// of; "" while no process of it was ever up. A process that was started again since
// may be of another one.
func (c *Connection) Sum() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sum
}
