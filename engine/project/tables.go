package project

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// tableFiles reads the tables of one mapping file: from its own folder, then from
// the folder above, which holds what mappings share. A link that leads out of such
// a folder is not followed.
type tableFiles struct {
	dir string
	// inputs notes what is read; nil where nobody asks.
	inputs *Inputs
}

// TablesOf gives the tables' files of a mapping file.
func TablesOf(file string) mapping.TableFiles { return tableFiles{dir: filepath.Dir(file)} }

// ReadTable reads a table.
func (t tableFiles) ReadTable(path string) (mapping.TableFile, error) {
	for _, dir := range []string{t.dir, filepath.Join(t.dir, "..")} {
		full := filepath.Join(dir, filepath.FromSlash(path))
		info := t.inputs.look(full)
		text, err := readWithin(dir, filepath.FromSlash(path))
		t.inputs.saw(full, info, text, err)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return mapping.TableFile{Name: Relative(full), Text: text}, Bare(err)
	}
	return mapping.TableFile{}, fs.ErrNotExist
}

// readWithin reads a regular file below dir, of which more than the largest table
// is not read.
func readWithin(dir, path string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no file")
	}
	f, err := root.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, mapping.MaxTableFile+1))
}
