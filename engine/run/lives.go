package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// keptTables gives the tables of a text that was kept.
type keptTables []journal.TextTable

// ReadTable gives a table.
func (k keptTables) ReadTable(path string) (mapping.TableFile, error) {
	for _, t := range k {
		if t.Path == path {
			return mapping.TableFile{Name: t.File, Text: t.Text}, nil
		}
	}
	return mapping.TableFile{}, fs.ErrNotExist
}

// settle records which mappings run from now on, with their texts. since is where new ones begin, zero for after the
// last event. It gives the lanes that have to be opened again, should they be open.
func (e *engine) settle(ctx context.Context, since time.Time) ([]event.Lane, error) {
	for _, p := range e.programs {
		t := e.TextOf(p)
		if t == nil {
			continue
		}
		kept := &journal.Text{SHA256: p.SHA256(), Mapping: p.Name(), File: t.File, Source: t.Source}
		for _, table := range t.Tables {
			kept.Tables = append(kept.Tables, journal.TextTable{Path: table.Path, File: table.File.Name, Text: table.File.Text})
		}
		if err := e.journal.KeepText(ctx, kept); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			e.log.Warn("what the mapping delivers cannot be explained by it later", "mapping", p.Name(), "error", err)
		}
	}
	var uses []journal.Use
	for _, l := range e.lanes {
		for i := range l.mappings {
			m := &l.mappings[i]
			uses = append(uses, journal.Use{
				MappingID: journal.MappingID{Lane: l.Lane, Mapping: m.Name}, SHA256: m.SHA256, Types: m.Types,
				Unsafe: m.Repeat == wire.RepeatUnsafe,
			})
		}
	}
	again, err := e.journal.Settle(ctx, uses, since)
	if err != nil {
		return nil, err
	}
	return again, nil
}

// begun gives a lane's mappings with where each begins.
func begun(j *journal.Journal, lane event.Lane, mappings []delivery.Mapping) []delivery.Mapping {
	out := slices.Clone(mappings)
	for i := range out {
		out[i].From = j.From(journal.MappingID{Lane: lane, Mapping: out[i].Name})
	}
	return out
}

// maxCompiled bounds the earlier mappings that are kept compiled.
const maxCompiled = 32

// earlier are mappings that made outcomes and do not run any more, compiled again.
type earlier struct {
	mu  sync.Mutex
	all map[string]*mapping.Program
}

// program compiles the text with a digest again, with what the plugins say now.
func (v view) program(ctx context.Context, digest string) (*mapping.Program, error) {
	v.earlier.mu.Lock()
	p := v.earlier.all[digest]
	v.earlier.mu.Unlock()
	if p != nil {
		return p, nil
	}
	t, err := v.journal.Text(ctx, digest)
	if err != nil {
		return nil, err
	}
	p, findings := mapping.CompileWith(t.File, t.Source, v.Catalog.With(ctx), mapping.Options{Tables: keptTables(t.Tables)})
	if p == nil {
		why := errors.New("it does not compile")
		if len(findings) > 0 {
			why = fmt.Errorf("%s:%d: %s", findings[0].Position.File, findings[0].Position.Line, findings[0].Message)
		}
		return nil, &journal.NoTextError{Problem: fmt.Sprintf("the mapping does not fit what the plugins offer now: %v", why)}
	}
	v.earlier.mu.Lock()
	defer v.earlier.mu.Unlock()
	if v.earlier.all == nil || len(v.earlier.all) >= maxCompiled {
		v.earlier.all = map[string]*mapping.Program{}
	}
	v.earlier.all[digest] = p
	return p, nil
}
