package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// fileError says that a file that the command needs cannot be read.
type fileError struct {
	// what is the file to the command, such as "the mapping".
	what, file string
	err        error
}

// Error says what cannot be read and why.
func (e *fileError) Error() string {
	return fmt.Sprintf("%s %s cannot be read: %v", e.what, plain(e.file), e.err)
}

// Unwrap gives why.
func (e *fileError) Unwrap() error { return e.err }

// readBounded reads a file, a pipe too, of at most limit bytes. The error is a
// *fileError.
func readBounded(what, file string, limit int64) ([]byte, error) {
	f, err := os.Open(file) //nolint:gosec // the person who runs the command names the file
	if err != nil {
		return nil, &fileError{what, relative(file), bare(err)}
	}
	defer func() { _ = f.Close() }()
	text, err := readLimited(f, limit)
	if err != nil {
		return nil, &fileError{what, relative(file), bare(err)}
	}
	return text, nil
}

// readLimited reads r to its end, which comes after at most limit bytes.
func readLimited(r io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = &tooLongError{limit}
	}
	return text, err
}

// tooLongError says that something has more than limit bytes, which are whole MiB.
type tooLongError struct{ limit int64 }

func (e *tooLongError) Error() string { return fmt.Sprintf("it holds more than %d MiB", e.limit>>20) }

// bare takes from an error of the file system what repeats the file's name.
func bare(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// shown is relative as a message may hold it: a file may have any name, also one with
// line ends and what steers a terminal.
func shown(path string) string { return plain(relative(path)) }

// relative gives path as it is shortest to read from the working directory.
func relative(path string) string {
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
