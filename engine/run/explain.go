package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// explained explains what a mapping makes of an event, nil if it does not want it.
// Of lookups it knows what is kept of their answers: none is asked.
func (v view) explained(p *mapping.Program, e *event.Event) (*admin.Explanation, error) {
	wants := slices.ContainsFunc(p.From(), func(r mapping.Ref) bool { return r.Connection == e.Connection && r.Name == e.Type })
	if !wants || !e.Replay.Wants(p.To().Connection, p.Name()) {
		return nil, nil //nolint:nilnil // it does not want it
	}
	ev := mapping.Event{ID: e.ID, Connection: e.Connection, Type: e.Type, Key: e.Key, ReceivedAt: e.ReceivedAt, Record: e.Record}
	answers := mapping.Answers{}
	for range p.Lookups() {
		res, err := p.MapWith(&ev, answers, nil)
		if err != nil {
			break // the explanation says why
		}
		for i := range res.Questions {
			if a, ok := v.answers.Known(&res.Questions[i]); ok {
				answers[res.Questions[i].Key()] = a
			}
		}
	}
	out, err := p.ExplainEvent(&ev, answers)
	if err != nil {
		return nil, fmt.Errorf("explain event %d: %w", e.Sequence, err)
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("explain event %d: %w", e.Sequence, err)
	}
	return &admin.Explanation{Mapping: p.Name(), SHA256: p.SHA256(), Explanation: text}, nil
}

// explanations explain an event by the mappings that made its outcomes, and by those
// that run now.
func (v view) explanations(ctx context.Context, r *journal.Recorded) ([]admin.Explanation, error) {
	var out []admin.Explanation
	done := map[string]bool{} // by mapping and digest
	for _, p := range v.programs {
		x, err := v.explained(p, &r.Event)
		if err != nil {
			return nil, err
		}
		if x == nil {
			continue
		}
		x.Runs = true
		for _, o := range r.Outcomes {
			x.Made = x.Made || o.Mapping == p.Name() && o.MappingSHA256 == p.SHA256()
		}
		done[p.Name()+"/"+p.SHA256()] = true
		out = append(out, *x)
	}
	for _, o := range r.Outcomes {
		key := o.Mapping + "/" + o.MappingSHA256
		if o.Mapping == "" || done[key] {
			continue
		}
		done[key] = true
		x := admin.Explanation{Mapping: o.Mapping, SHA256: o.MappingSHA256, Made: true}
		p, err := v.program(ctx, o.MappingSHA256)
		if err == nil {
			var full *admin.Explanation
			if full, err = v.explained(p, &r.Event); full != nil {
				x.Explanation = full.Explanation
			}
		}
		if gone, ok := errors.AsType[*journal.NoTextError](err); ok {
			x.Problem = gone.Problem
		} else if err != nil {
			return nil, fmt.Errorf("explain event %d: %w", r.Event.Sequence, err)
		}
		if x.Explanation != nil || x.Problem != "" {
			out = append(out, x)
		}
	}
	return out, nil
}

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
