package project

import (
	"cmp"
	"slices"
	"sync"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// Text is what a mapping was compiled from.
type Text struct {
	// File is where it stood.
	File   string
	Source []byte
	// Tables are the files of its tables, by path, each once.
	Tables []Table
}

// Table is the file of a table.
type Table struct {
	// Path is what the mapping names it by.
	Path string
	File mapping.TableFile
}

// texts are mappings as they were read, by their digests.
type texts struct {
	mu  sync.Mutex
	all map[string]*Text
}

// keep notes what a program was compiled from.
func (t *texts) keep(prog *mapping.Program, file string, source []byte, tables *readTables) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[string]*Text{}
	}
	t.all[prog.SHA256()] = &Text{File: Relative(file), Source: source, Tables: tables.read()}
}

// TextOf gives what a program was compiled from, nil if that is not known.
func (p *Project) TextOf(prog *mapping.Program) *Text {
	p.texts.mu.Lock()
	defer p.texts.mu.Unlock()
	return p.texts.all[prog.SHA256()]
}

// readTables reads tables, and notes what it read.
type readTables struct {
	from mapping.TableFiles

	mu  sync.Mutex
	all []Table
}

// ReadTable reads a table.
func (r *readTables) ReadTable(path string) (mapping.TableFile, error) {
	f, err := r.from.ReadTable(path)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !slices.ContainsFunc(r.all, func(t Table) bool { return t.Path == path }) {
			r.all = append(r.all, Table{path, f})
		}
	}
	return f, err
}

func (r *readTables) read() []Table {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(slices.Values(r.all), func(a, b Table) int { return cmp.Compare(a.Path, b.Path) })
}
