package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats-server/v2/server"
)

// JetStream writes what a stream is into one file and that file's checksum into another,
// and recovers no stream where the two do not fit. A crash between them leaves a stream
// as sound as before that would never be read again, and one while a stream is made
// leaves the beginnings of an empty one. Both are mended before the server starts, and
// so are consumers without a checksum; what else does not fit is damage, and stays for
// people to look at. The layout is that of nats-server 2.15, filestore.go.

// consumersDir is where the server keeps a stream's consumers, and consumerState the file
// in which each has how far it is.
const (
	consumersDir  = "obs"
	consumerState = "o.dat"
)

// mendTorn mends each stream in the directory of the server.
func mendTorn(store string, log *slog.Logger) error {
	all, err := folders(streamsIn(store))
	if err != nil {
		return err
	}
	for _, dir := range all {
		if strings.HasPrefix(filepath.Base(dir), ".") {
			continue // the server removes it
		}
		what, err := mendStream(dir)
		if err == nil {
			err = mendConsumers(dir)
		}
		if err != nil {
			log.Warn("what a crash may have left of a stream cannot be looked at", "directory", dir, "error", err)
		}
		if what != "" {
			log.Info("a crash had cut off the writing of a stream's description, not of its messages: "+what, "stream", filepath.Base(dir))
		}
	}
	return nil
}

// streamsIn is where a server keeps its streams.
func streamsIn(store string) string {
	return filepath.Join(store, server.DEFAULT_GLOBAL_ACCOUNT, "streams")
}

// mendStream mends one, and says how; nothing where nothing is torn.
func mendStream(dir string) (what string, err error) {
	meta, err := existing(filepath.Join(dir, server.JetStreamMetaFile))
	if err != nil {
		return "", err
	}
	sum, err := existing(filepath.Join(dir, server.JetStreamMetaFileSum))
	if err != nil {
		return "", err
	}
	if sum == nil { // it comes last where a stream is made
		if made, err := hasContent(dir); made || err != nil {
			return "", err
		}
		return "it is made anew", os.RemoveAll(dir)
	}
	// A change writes the checksum after what it is of.
	if meta == nil || !meta.ModTime().After(sum.ModTime()) {
		return "", nil
	}
	text, err := os.ReadFile(filepath.Join(dir, server.JetStreamMetaFile)) //nolint:gosec // G304: the data directory is the operator's
	if err != nil {
		return "", err
	}
	var of struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(text, &of); err != nil || of.Name != filepath.Base(dir) {
		return "", nil //nolint:nilerr // damage, and not of this kind
	}
	changed, err := writeSum(dir, of.Name, text)
	if !changed || err != nil {
		return "", err
	}
	return "its checksum is written", nil
}

// existing describes a file, nil where it is not there.
func existing(name string) (fs.FileInfo, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // that is what the caller wants to know
	}
	return info, err
}

// folders gives the folders in one, none where that is not there.
func folders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out, nil
}

// mendConsumers mends a stream's consumers that lack their checksum: without one, none is
// recovered, nor ever given one.
func mendConsumers(dir string) error {
	all, err := folders(filepath.Join(dir, consumersDir))
	if err != nil {
		return err
	}
	for _, of := range all {
		if err := mendConsumer(filepath.Base(dir), of); err != nil {
			return err
		}
	}
	return nil
}

// mendConsumer mends one. One that knows nothing yet, or nothing any more, goes: a lane
// makes it anew.
func mendConsumer(stream, of string) error {
	sum, err := existing(filepath.Join(of, server.JetStreamMetaFileSum))
	if err != nil || sum != nil {
		return err
	}
	meta, err := existing(filepath.Join(of, server.JetStreamMetaFile))
	if err != nil || meta == nil {
		return err
	}
	state, err := existing(filepath.Join(of, consumerState))
	if err != nil {
		return err
	}
	if state == nil {
		return os.RemoveAll(of)
	}
	text, err := os.ReadFile(filepath.Join(of, server.JetStreamMetaFile)) //nolint:gosec // G304: the data directory is the operator's
	if err != nil {
		return err
	}
	_, err = writeSum(of, stream+"/"+filepath.Base(of), text)
	return err
}

// hasContent tells whether anything but a description is in a stream's directory.
func hasContent(dir string) (has bool, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, below := strings.TrimSuffix(d.Name(), ".tmp"), filepath.Dir(path) != dir
		if !below && (name == server.JetStreamMetaFile || name == server.JetStreamMetaFileSum) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() > 0 || info.Mode()&fs.ModeSymlink != 0 {
			has = true
			return fs.SkipAll
		}
		return nil
	})
	return has, err
}

// checksum is the server's of the description of a stream or, as STREAM/NAME, of a consumer.
func checksum(of string, text []byte) (string, error) {
	key := sha256.Sum256([]byte(of))
	h, err := highwayhash.NewDigest64(key[:])
	if err != nil {
		return "", err
	}
	_, _ = h.Write(text) // it cannot fail
	return hex.EncodeToString(h.Sum(nil)), nil
}

// writeSum writes the checksum of a description beside it, unless it is there.
func writeSum(dir, of string, text []byte) (changed bool, err error) {
	want, err := checksum(of, text)
	if err != nil {
		return false, err
	}
	name := filepath.Join(dir, server.JetStreamMetaFileSum)
	was, err := os.ReadFile(name) //nolint:gosec // G304: the data directory is the operator's
	if err == nil && string(was) == want || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, replaceFile(name, []byte(want))
}

// replaceFile puts a file in the place of another one, on disk when it returns.
func replaceFile(name string, text []byte) error {
	tmp := name + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // G304: the data directory is the operator's
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}
