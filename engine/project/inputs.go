package project

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/crosswalk-etl/crosswalk/engine/config"
)

// maxInputBytes bounds what is read of a file to see whether it has changed: a mapping
// or a table, which may have less.
const maxInputBytes = 8 << 20

// Inputs are the files that a configuration was made of, as they were when they were
// read. A nil one notes nothing.
type Inputs struct {
	mu sync.Mutex
	// files holds what was read, by path.
	files map[string]input
	// plugins holds the sums of the plugins' binaries, by name.
	plugins map[string]string
	// mappings are the mapping files that were found.
	mappings []string
}

// input is a file as it was read.
type input struct {
	// info is what the file was like before it was read, nil if it was not there.
	info os.FileInfo
	// sum is that of its content, zero if it could not be read.
	sum [sha256.Size]byte
	// read tells that it could be.
	read bool
}

// NewInputs notes nothing yet.
func NewInputs() *Inputs { return &Inputs{files: map[string]input{}, plugins: map[string]string{}} }

// look notes what a file is like now, for saw to be called with what is read after.
func (in *Inputs) look(path string) os.FileInfo {
	if in == nil {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return info
}

// saw notes what was read of a file.
func (in *Inputs) saw(path string, info os.FileInfo, text []byte, err error) {
	if in == nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if err != nil {
		in.files[path] = input{info: info}
		return
	}
	in.files[path] = input{info: info, sum: sha256.Sum256(text), read: true}
}

// NoteFile notes a file that somebody else is about to read.
func (in *Inputs) NoteFile(path string) {
	_, _ = in.Read("the file", path, maxInputBytes)
}

// Read reads a file of at most limit bytes, and notes it. The error is a *fileError.
func (in *Inputs) Read(what, path string, limit int64) ([]byte, error) {
	info := in.look(path)
	text, err := ReadBounded(what, path, limit)
	in.saw(path, info, text, err)
	return text, err
}

// Sum is that of a plugin's binary as it was when it was noted.
func (in *Inputs) Sum(plugin string) string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.plugins[plugin]
}

// changed tells whether any file has another content than when it was read, or is
// there or not there otherwise. A file whose size and time are the same is not read.
func (in *Inputs) changed() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	for path, was := range in.files {
		info, err := os.Stat(path)
		if err != nil && was.info == nil {
			continue
		}
		if err == nil && was.info != nil && os.SameFile(info, was.info) && info.Size() == was.info.Size() && info.ModTime().Equal(was.info.ModTime()) {
			continue
		}
		text, err := ReadBounded("the file", path, maxInputBytes)
		if err != nil && !was.read || err == nil && was.read && sha256.Sum256(text) == was.sum {
			in.files[path] = input{info: info, sum: was.sum, read: was.read}
			continue
		}
		return true
	}
	return false
}

// folders are those in which the files are, each once.
func (in *Inputs) folders() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	dirs := map[string]bool{}
	for path := range in.files {
		dirs[filepath.Dir(path)] = true
	}
	return slices.Sorted(maps.Keys(dirs))
}

// sumOf gives what is known of a plugin's binary: its sum, or why there is none.
func sumOf(p *Project, plugin string) string {
	sum, err := p.Host.Sum(plugin)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "none"
		}
		return err.Error()
	}
	return sum
}

// NoteConfig notes the files that a configuration names.
func (in *Inputs) NoteConfig(cfg *config.Config) {
	for _, path := range cfg.Files() {
		in.NoteFile(path)
	}
	in.NoteFile(LockPath(cfg))
	in.mu.Lock()
	defer in.mu.Unlock()
	in.mappings = cfg.Mappings
}

// Changed tells whether anything is other than what in says.
func (p *Project) Changed(in *Inputs) bool {
	if in.changed() {
		return true
	}
	in.mu.Lock()
	plugins, mappings := in.plugins, in.mappings
	in.mu.Unlock()
	for plugin, was := range plugins {
		if sumOf(p, plugin) != was {
			return true
		}
	}
	// Files may have come or gone under the patterns of the configuration.
	cfg, _ := config.Load(p.Config.File)
	return cfg != nil && mappings != nil && !slices.Equal(cfg.Mappings, mappings)
}
