package project

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// fileError says that a file that the command needs cannot be read.
type fileError struct {
	// what is the file to the command, such as "the mapping".
	what, file string
	err        error
}

// NewFileError says why a file cannot be read, or written.
func NewFileError(what, file string, err error) error {
	return &fileError{what, Relative(file), Bare(err)}
}

// Error says what cannot be read and why.
func (e *fileError) Error() string {
	return fmt.Sprintf("%s %s cannot be read: %v", e.what, words.Plain(e.file), e.err)
}

// Unwrap gives why.
func (e *fileError) Unwrap() error { return e.err }

// ReadBounded reads a file, a pipe too, of at most limit bytes. The error is a
// *fileError.
func ReadBounded(what, file string, limit int64) ([]byte, error) {
	f, err := os.Open(file) //nolint:gosec // the person who runs the command names the file
	if err != nil {
		return nil, NewFileError(what, file, err)
	}
	defer func() { _ = f.Close() }()
	text, err := ReadLimited(f, limit)
	if err != nil {
		return nil, NewFileError(what, file, err)
	}
	return text, nil
}

// ReadLimited reads r to its end, which comes after at most limit bytes.
func ReadLimited(r io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = &tooLongError{limit}
	}
	return text, err
}

// tooLongError says that something has more than limit bytes, which are whole MiB.
type tooLongError struct{ limit int64 }

func (e *tooLongError) Error() string { return fmt.Sprintf("it holds more than %d MiB", e.limit>>20) }

// Bare takes from an error of the file system what repeats the file's name.
func Bare(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// Shown is relative as a message may hold it: a file may have any name, also one with
// line ends and what steers a terminal.
func Shown(path string) string { return words.Plain(Relative(path)) }

// Relative gives path as it is shortest to read from the working directory.
func Relative(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(wd, abs)
	if err != nil || len(rel) >= len(path) || rel == "." || rel == ".." {
		return path
	}
	return rel
}
