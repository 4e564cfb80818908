package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/project"
	"github.com/crosswalk-etl/crosswalk/engine/suggest"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// newFile is a file that is going to be written.
type newFile struct {
	path string // "-" is standard output
	text []byte
}

// newFiles are the mapping, and behind it its first sample if there is one, and the
// query of its URL.
type newFiles []newFile

// filesOf gives the files of a new mapping; the mapping's text comes later. Where it
// has a neighbour the body is no sample: it would be the neighbour's too.
func filesOf(f initFlags, body []byte, neighbour string) newFiles {
	files := newFiles{{path: f.out}}
	if f.out == "-" || f.noBody || neighbour != "" {
		return files
	}
	ending := ".json"
	if isForm(f.input) || isLines(f.input) {
		ending = strings.ToLower(filepath.Ext(f.input))
	}
	name := "first"
	if f.input != "-" {
		base := filepath.Base(f.input)
		if stem := strings.TrimSuffix(base, filepath.Ext(base)); stem != "" && !strings.HasSuffix(base, wantEnding) && !strings.HasSuffix(base, lookupsEnding) {
			name = stem
		}
	}
	stem := filepath.Join(filepath.Dir(f.out), "samples", name)
	files = append(files, newFile{path: stem + ending, text: body})
	if f.query != "" {
		files = append(files, newFile{path: stem + queryEnding, text: []byte(f.query + "\n")})
	}
	return files
}

// check refuses to overwrite a file, unless it is forced to; one that holds the
// same already is as good as written.
func (files newFiles) check(force bool) error {
	for i, f := range files {
		if f.path == "-" {
			continue
		}
		info, err := os.Stat(f.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return project.NewFileError("the file", f.path, err)
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is there and is no file: name another with --out", project.Relative(f.path))
		}
		if force {
			continue
		}
		if i > 0 {
			there, err := os.ReadFile(f.path)
			if err == nil && bytes.Equal(bytes.TrimRight(there, "\r\n"), bytes.TrimRight(f.text, "\r\n")) {
				continue
			}
		}
		return fmt.Errorf("%s is there already: name another file with --out, or overwrite it with --force", project.Relative(f.path))
	}
	return nil
}

// write writes the files, each whole or not at all.
func (files newFiles) write(stdout io.Writer) error {
	for _, f := range files {
		if f.path == "-" {
			if _, err := stdout.Write(f.text); err != nil {
				return err
			}
			continue
		}
		if err := writeWhole(f.path, f.text); err != nil {
			return fmt.Errorf("%s cannot be written: %w", project.Relative(f.path), project.Bare(err))
		}
	}
	return nil
}

// writeWhole puts a file in its place only when all of it is written.
func writeWhole(path string, text []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // others read mappings too
		return err
	}
	tmp, err := os.CreateTemp(dir, ".init-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

// summary says what was written and what to do next.
func (a *app) summary(cfg *config.Config, f initFlags, draft *suggest.Draft, files newFiles) {
	n := draft.Count()
	where := ""
	if f.out != "-" {
		where = " in " + project.Relative(f.out)
	}
	a.message("%s suggested (%d of them sure), %s left%s\n", words.Count(n.Suggested, "field"), n.Sure, words.Count(n.Todo+n.Perhaps+n.Codes, "TODO"), where)
	if f.out == "-" {
		return
	}
	if len(files) > 1 {
		a.message("the body is its first sample: %s (take people's names and numbers out before you share it)\n", project.Relative(files[1].path))
	} else if other := neighbour(cfg, f.out); other != "" && !f.noBody {
		a.message("the body is not kept as a sample: what lies in samples beside it is tried with %s too; with a folder for each mapping it would be\n", project.Relative(other))
	}
	again, _ := config.Load(cfg.File)
	if again != nil && !containsFile(again.Mappings, f.out) {
		a.message("%s does not name it yet: add %s to its `mappings`\n", project.Relative(cfg.File), fromConfig(cfg, f.out))
	}
	a.message("next:\n  crosswalk validate %s\n", project.Relative(f.out))
	if len(files) > 1 {
		query := ""
		if f.query != "" {
			query = " --query '" + f.query + "'"
		}
		if draft.Asks() {
			query += " --ask --save " + strings.TrimSuffix(project.Relative(files[1].path), filepath.Ext(files[1].path)) + lookupsEnding
		}
		a.message("  crosswalk map %s --input %s%s --explain\n  crosswalk test --update %s\n", project.Relative(f.out), project.Relative(files[1].path), query, project.Relative(f.out))
	}
}

// fromConfig writes a file's path as the configuration names it.
func fromConfig(cfg *config.Config, file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return abs
	}
	rel, err := filepath.Rel(dir, abs)
	if err != nil {
		return abs
	}
	return filepath.ToSlash(rel)
}

func containsFile(all []string, file string) bool {
	info, err := os.Stat(file)
	if err != nil {
		return false
	}
	for _, one := range all {
		if other, err := os.Stat(one); err == nil && os.SameFile(info, other) {
			return true
		}
	}
	return false
}
