package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/outbound"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

const (
	// maxCopies and maxOnDisk bound the copies on disk by number and by bytes, and
	// maxInMemory those in memory by bytes. A copy has some hundred bytes, that of a
	// very common name 30 KB, and the longest 1 MB.
	maxCopies   = 20_000
	maxOnDisk   = 256 << 20
	maxInMemory = 16 << 20
	// sweepAfter is after how many bytes written, counting sweepEach more for each
	// copy, the folder's bounds are looked after.
	sweepAfter = 8 << 20
	sweepEach  = 16 << 10
	// copySuffix ends the names of copies; nothing else in the folder is touched.
	copySuffix = ".novaposhta.json"
)

// copyKind says how long a part of the vendor's directories is kept.
type copyKind struct {
	name string
	// fresh is how long a copy serves without asking; stale how long it serves where
	// the vendor cannot be asked.
	fresh, stale time.Duration
}

// The kinds of copies. Settlements hardly ever change; branches open and close.
var (
	settlementCopy = copyKind{"settlements", settlementsFor, 3 * settlementsFor}
	branchCopy     = copyKind{"branches", branchesFor, 7 * branchesFor}
)

// entry is a copy as it is stored.
type entry struct {
	Kind   string          `json:"kind"`
	Query  string          `json:"query"`
	Stored time.Time       `json:"stored"`
	Rows   json.RawMessage `json:"rows"`
}

// copies keeps what the vendor answered, in memory and, with a folder, on disk. One
// file holds one copy and is replaced at once, so that processes may share a folder
// and a crash leaves no half of one.
type copies struct {
	dir   string // "" is memory only
	log   *slog.Logger
	now   func() time.Time
	locks outbound.KeyLocks

	mu      sync.Mutex
	memory  map[string]entry
	order   []string // the keys of memory, oldest first
	held    int      // the bytes in memory
	written int      // the bytes since the folder was swept
}

// openCopies makes the folder and tries whether it can be written.
func openCopies(dir string, log *slog.Logger) (*copies, error) {
	c := &copies{dir: dir, log: log, now: time.Now, memory: map[string]entry{}}
	if dir == "" {
		return c, nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("cannot be made: %w", errors.Unwrap(err))
	}
	probe, err := os.CreateTemp(dir, "probe-*.tmp")
	if err != nil {
		return nil, errors.New("cannot be written to")
	}
	_ = probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		return nil, errors.New("cannot be written to")
	}
	return c, nil
}

// kept gives the rows of a query from a fresh copy, else by ask, else from a stale
// copy where the vendor cannot be reached or asks to be asked less often. Answers
// without rows are not kept: a settlement or a branch may be new.
func kept[T any](ctx context.Context, c *copies, k copyKind, query string, ask func(context.Context) ([]T, error)) ([]T, error) {
	key := copyName(k.name, query)
	unlock, err := c.locks.Lock(ctx, key)
	if err != nil {
		return nil, sdk.Transient("cancelled", "the question was given up: %s", err)
	}
	defer unlock()
	var rows []T
	e, ok := c.get(ctx, key, k, query)
	if ok {
		if err := json.Unmarshal(e.Rows, &rows); err != nil {
			c.log.WarnContext(ctx, "a copy is damaged and asked for again", "file", key, "error", err.Error())
			rows, ok = nil, false
		}
	}
	age := c.now().Sub(e.Stored)
	if ok && age >= 0 && age < k.fresh {
		return rows, nil
	}
	asked, err := ask(ctx)
	if err == nil {
		if len(asked) > 0 {
			c.put(ctx, key, k, query, asked)
		}
		return asked, nil
	}
	if f := wire.AsFailure(err); ok && age >= 0 && age < k.stale && (f.Class == wire.Transient || f.Class == wire.RateLimited) && ctx.Err() == nil {
		c.log.WarnContext(ctx, "Nova Poshta cannot be asked: an old copy serves", "kind", k.name, "age", age.Round(time.Minute).String(), "code", f.Code)
		return rows, nil
	}
	return nil, err
}

// copyName is a copy's key and file name.
func copyName(kind, query string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + query))
	return hex.EncodeToString(sum[:16]) + copySuffix
}

func (c *copies) get(ctx context.Context, key string, k copyKind, query string) (entry, bool) {
	c.mu.Lock()
	e, ok := c.memory[key]
	c.mu.Unlock()
	if !ok && c.dir != "" {
		raw, err := os.ReadFile(filepath.Join(c.dir, key)) //nolint:gosec // the folder is the configuration's, the name ours
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return entry{}, false
		case err == nil:
			err = json.Unmarshal(raw, &e)
		}
		if err != nil {
			c.log.WarnContext(ctx, "a copy cannot be read and is asked for again", "file", key, "error", err.Error())
			return entry{}, false
		}
		c.remember(key, e)
	}
	return e, e.Kind == k.name && e.Query == query
}

func (c *copies) put(ctx context.Context, key string, k copyKind, query string, rows any) {
	raw, err := json.Marshal(rows)
	if err != nil {
		c.log.WarnContext(ctx, "an answer cannot be kept", "error", err.Error())
		return
	}
	e := entry{Kind: k.name, Query: query, Stored: c.now().UTC(), Rows: raw}
	c.remember(key, e)
	if c.dir == "" {
		return
	}
	size, err := c.write(key, e)
	if err != nil {
		c.log.WarnContext(ctx, "a copy cannot be written", "file", key, "error", err.Error())
		return
	}
	c.mu.Lock()
	c.written += size + sweepEach
	due := c.written > sweepAfter
	if due {
		c.written = 0
	}
	c.mu.Unlock()
	if due {
		c.sweep(ctx)
	}
}

// remember keeps a copy in memory, and drops the oldest there.
func (c *copies) remember(key string, e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, ok := c.memory[key]
	if !ok {
		c.order = append(c.order, key)
	}
	c.held += e.size() - old.size()
	c.memory[key] = e
	for c.held > maxInMemory {
		first := c.order[0]
		c.held -= c.memory[first].size()
		delete(c.memory, first)
		c.order = slices.Delete(c.order, 0, 1)
	}
}

// size is about what an entry takes in memory, 0 for none.
func (e entry) size() int {
	if e.Kind == "" {
		return 0
	}
	return len(e.Rows) + len(e.Query) + 256
}

// write puts a whole file in a file's place, and gives its size.
func (c *copies) write(key string, e entry) (int, error) {
	raw, err := json.Marshal(e)
	if err != nil {
		return 0, err
	}
	f, err := os.CreateTemp(c.dir, key+"-*.tmp")
	if err != nil {
		return 0, err
	}
	_, err = f.Write(raw)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(c.dir, key))
	}
	if err != nil {
		return 0, errors.Join(err, os.Remove(f.Name()))
	}
	return len(raw), nil
}

// sweep removes the oldest copies above the bound, and what a crash left of writing
// one. Other processes may be removing the same.
func (c *copies) sweep(ctx context.Context) {
	type file struct {
		name string
		at   time.Time
		size int64
	}
	var files []file
	var bytes int64
	list, err := os.ReadDir(c.dir)
	for _, f := range list {
		info, gone := f.Info()
		whole := strings.HasSuffix(f.Name(), copySuffix)
		left := strings.Contains(f.Name(), copySuffix+"-") && strings.HasSuffix(f.Name(), ".tmp")
		switch {
		case gone != nil:
		case whole:
			files = append(files, file{f.Name(), info.ModTime(), info.Size()})
			bytes += info.Size()
		case left && c.now().Sub(info.ModTime()) > time.Hour:
			err = errors.Join(err, remove(c.dir, f.Name()))
		}
	}
	slices.SortFunc(files, func(a, b file) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.name, b.name)) })
	for i, f := range files {
		if len(files)-i <= maxCopies && bytes <= maxOnDisk {
			break
		}
		err = errors.Join(err, remove(c.dir, f.name))
		bytes -= f.size
	}
	if err != nil {
		c.log.WarnContext(ctx, "the folder of copies cannot be kept small", "error", err.Error())
	}
}

func remove(dir, name string) error {
	if err := os.Remove(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
