package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// Options are what a mapping needs beside its text and the catalog.
type Options struct {
	// Tables reads the files that a mapping's `tables` name; nil if there are none
	// to read, and then a mapping that names one does not compile.
	Tables TableFiles
}

// TableFiles gives the texts of tables that stand in files.
type TableFiles interface {
	// ReadTable reads the file that a mapping calls path: slash-separated, local (no
	// drive, no root, no ..), ending in .csv, .yaml or .yml. An error for which
	// errors.Is(err, fs.ErrNotExist) holds says that there is none; the text of
	// another is shown after the path. At most MaxTableFile bytes are of use: more
	// are refused by the compiler.
	ReadTable(path string) (TableFile, error)
}

// TableFile is the text of a table.
type TableFile struct {
	// Name is what positions call the file.
	Name string
	Text []byte
}

// MaxTableFile is the largest table file in bytes.
const MaxTableFile = 4 << 20

// digest returns the hex digest of a mapping's text, and of those of its tables'
// files where it has some.
func digest(text []byte, files map[string][]byte) string {
	h := sha256.New()
	h.Write(text)
	paths := make([]string, 0, len(files))
	for path := range files {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		sum := sha256.Sum256(files[path])
		part, err := json.Marshal([]string{path, hex.EncodeToString(sum[:])})
		if err == nil { // two strings always become JSON
			h.Write(append([]byte{0}, part...))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
