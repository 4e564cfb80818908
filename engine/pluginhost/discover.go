package pluginhost

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

// Names gives the plugins in the plugins directory, sorted: its executable
// files, symbolic links followed, whose names begin with a lower case letter and
// go on with lower case letters, digits, - and _. Other files are no plugins.
func (h *Host) Names() ([]string, error) {
	entries, err := os.ReadDir(h.opts.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("plugins directory %s does not exist: build the plugins into it, or name another", h.opts.Dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read plugins directory: %w", err)
	}
	var names []string
	for _, e := range entries {
		name, ok := pluginName(e.Name())
		if !ok {
			continue
		}
		info, err := os.Stat(filepath.Join(h.opts.Dir, e.Name()))
		if err == nil && executable(info) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// find gives the path of a plugin's executable.
func (h *Host) find(plugin string) (string, os.FileInfo, error) {
	if nameForm.MatchString(plugin) {
		path := filepath.Join(h.opts.Dir, plugin)
		if runtime.GOOS == "windows" {
			path += ".exe"
		}
		info, err := os.Stat(path)
		switch {
		case err == nil && info.IsDir():
			return "", nil, &LaunchError{Plugin: plugin, Err: fmt.Errorf("%s is a directory, not an executable", path)}
		case err == nil && !executable(info):
			return "", nil, &LaunchError{Plugin: plugin, Err: fmt.Errorf("%s is not executable: make it so with chmod +x", path)}
		case err == nil:
			return path, info, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", nil, &LaunchError{Plugin: plugin, Err: err}
		}
	}
	known, err := h.Names()
	if err != nil {
		return "", nil, err
	}
	return "", nil, &NotFoundError{Plugin: plugin, Dir: h.opts.Dir, Known: known}
}

func pluginName(file string) (string, bool) {
	if runtime.GOOS == "windows" {
		file = strings.TrimSuffix(file, ".exe")
	}
	return file, nameForm.MatchString(file)
}

func executable(info os.FileInfo) bool {
	return info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode().Perm()&0o111 != 0)
}
