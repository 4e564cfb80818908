package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// Letters reads dead letters.
func (v view) Letters(ctx context.Context, f admin.LetterFilter, limit int) (admin.LetterPage, error) {
	filter := journal.LetterFilter{
		Source: f.Source, Sink: f.Sink, Mapping: f.Mapping, Type: f.Type, Key: f.Key, Class: f.Class, Code: f.Code,
		Path: f.Field, Sequence: f.Sequence, Since: f.Since, Until: f.Until, All: f.All,
	}
	var p journal.LetterPage
	var err error
	if f.Walk {
		p, err = v.journal.WalkLetters(ctx, filter, f.After, limit)
	} else {
		p, err = v.journal.Letters(ctx, filter, f.Before, limit)
	}
	if err != nil {
		return admin.LetterPage{}, err
	}
	out := admin.LetterPage{Next: p.Next, Total: p.Total}
	for i := range p.Letters {
		out.Letters = append(out.Letters, letterOf(&p.Letters[i]))
	}
	for _, r := range p.Reasons {
		out.Reasons = append(out.Reasons, admin.Reason{Mapping: r.Mapping, Class: r.Class, Code: r.Code, Field: r.Path, Count: r.Count})
	}
	return out, nil
}

func letterOf(l *journal.Letter) admin.Letter {
	o := &l.Outcome
	return admin.Letter{
		LetterID: admin.LetterID{Source: o.Lane.Source, Sink: o.Lane.Sink, Mapping: o.Mapping, Sequence: o.Sequence},
		State:    string(l.State), Outcome: *o, Acts: l.Acts,
		Event: admin.Event{EventHead: admin.HeadOf(&l.Event), Record: l.Event.Record},
	}
}

// Retry puts dead letters on their way again. A mapping that does not run could
// give no outcome to them.
func (v view) Retry(ctx context.Context, r admin.LettersRequest) (admin.LettersDone, error) {
	return v.act(r, func(ids []journal.LetterID) ([]journal.Resent, error) {
		return v.journal.Retry(ctx, ids, doer(r.By))
	}, true)
}

// Edit puts a dead letter on its way again with another record.
func (v view) Edit(ctx context.Context, r admin.EditRequest) (admin.LettersDone, error) {
	return v.act(admin.LettersRequest{Letters: []admin.LetterID{r.Letter}}, func(ids []journal.LetterID) ([]journal.Resent, error) {
		out := make([]journal.Resent, 0, 1)
		for _, id := range ids {
			done, err := v.journal.Edit(ctx, id, r.Record, doer(r.By))
			if err != nil {
				return nil, err
			}
			out = append(out, done)
		}
		return out, nil
	}, true)
}

// Drop gives dead letters up.
func (v view) Drop(ctx context.Context, r admin.LettersRequest) (admin.LettersDone, error) {
	return v.act(r, func(ids []journal.LetterID) ([]journal.Resent, error) {
		return v.journal.Drop(ctx, ids, doer(r.By))
	}, false)
}

func doer(b admin.By) journal.Doer { return journal.Doer{By: b.By, Reason: b.Reason, ID: b.ID} }

// act does something with the letters whose mapping runs, or with all.
func (v view) act(r admin.LettersRequest, do func([]journal.LetterID) ([]journal.Resent, error), running bool) (admin.LettersDone, error) {
	out := admin.LettersDone{Results: make([]admin.LetterDone, len(r.Letters))}
	var ids []journal.LetterID
	var places []int
	for i, l := range r.Letters {
		out.Results[i].LetterID = l
		if running && !v.runs(l) {
			out.Results[i].Problem = v.notRunning(l)
			continue
		}
		ids = append(ids, journal.LetterID{Lane: event.Lane{Source: l.Source, Sink: l.Sink}, Mapping: l.Mapping, Sequence: l.Sequence})
		places = append(places, i)
	}
	if len(ids) == 0 {
		return out, nil
	}
	done, err := do(ids)
	if err != nil {
		return admin.LettersDone{}, adminError(err)
	}
	for i, d := range done {
		out.Results[places[i]].As, out.Results[places[i]].Problem = d.As, d.Problem
	}
	return out, nil
}

// notRunning says why a letter's mapping does not take it, and what to do.
func (v view) notRunning(l admin.LetterID) string {
	id := journal.MappingID{Lane: event.Lane{Source: l.Source, Sink: l.Sink}, Mapping: l.Mapping}
	id.Mapping = v.journal.Heir(id)
	text := fmt.Sprintf("mapping %s does not run from %s to %s now: ", id.Mapping, l.Source, l.Sink)
	if v.journal.Paused(id) {
		return text + "put it back into the configuration, or have another take over with `crosswalk mapping rename`"
	}
	return text + "it was dropped; `crosswalk replay` has the mappings that run take the event, `crosswalk dead drop` gives the letter up"
}

// runs tells whether a letter's mapping runs along its lane.
func (v view) runs(l admin.LetterID) bool {
	for _, lane := range v.lanes {
		if lane.Source != l.Source || lane.Sink != l.Sink {
			continue
		}
		name := v.journal.Heir(journal.MappingID{Lane: lane.Lane, Mapping: l.Mapping})
		for i := range lane.mappings {
			if lane.mappings[i].Name == name {
				return true
			}
		}
	}
	return false
}

// adminError puts the journal's errors in the admin API's words.
func adminError(err error) error {
	if e, ok := errors.AsType[*journal.DoerError](err); ok {
		return &admin.RequestError{Message: e.Error()}
	}
	if e, ok := errors.AsType[*journal.EventError](err); ok {
		return &admin.RequestError{Message: e.Error()}
	}
	if e, ok := errors.AsType[*journal.UnavailableError](err); ok {
		return &admin.UnavailableError{Message: e.Error(), RetryAfter: e.RetryAfter}
	}
	return err
}
