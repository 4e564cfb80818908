package run

import (
	"context"
	"errors"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// MappingLives tells how mappings stand, and whose texts are kept.
func (v view) MappingLives(ctx context.Context) (admin.MappingList, error) {
	lives, err := v.journal.Lives(ctx)
	if err != nil {
		return admin.MappingList{}, err
	}
	texts, err := v.journal.Texts(ctx)
	if err != nil {
		return admin.MappingList{}, err
	}
	var out admin.MappingList
	for i := range lives {
		out.Mappings = append(out.Mappings, lifeOf(&lives[i]))
	}
	for i := range texts {
		out.Texts = append(out.Texts, keptOf(&texts[i]))
	}
	return out, nil
}

func lifeOf(l *journal.Life) admin.MappingLife {
	out := admin.MappingLife{
		Mapping: l.Mapping, Source: l.Lane.Source, Sink: l.Lane.Sink, State: string(l.State), Since: l.Since,
		SHA256: l.SHA256, Events: l.Types, From: l.From, Backlog: l.Backlog, Was: l.Was,
		By: l.By, Reason: l.Reason, To: l.To, Affected: l.Events,
	}
	if out.Events == nil {
		out.Events = []string{}
	}
	if !l.OldestAt.IsZero() {
		out.Oldest = &l.OldestAt
	}
	return out
}

func keptOf(t *journal.Text) admin.KeptText {
	return admin.KeptText{SHA256: t.SHA256, Mapping: t.Mapping, At: t.At}
}

// pausedMappings are those that the configuration has no more, and that are not
// resolved.
func (e *engine) pausedMappings(ctx context.Context) ([]admin.MappingLife, error) {
	lives, err := e.journal.Lives(ctx)
	if err != nil {
		return nil, err
	}
	var out []admin.MappingLife
	for i := range lives {
		if s := lives[i].State; s == journal.LifePaused || s == journal.LifeDropping {
			out = append(out, lifeOf(&lives[i]))
		}
	}
	return out, nil
}

// MappingText gives a mapping as it was written.
func (v view) MappingText(ctx context.Context, digest string) (admin.MappingText, error) {
	t, err := v.journal.Text(ctx, digest)
	if err != nil {
		return admin.MappingText{}, lifeError(err)
	}
	out := admin.MappingText{KeptText: keptOf(t), File: t.File, Source: string(t.Source)}
	for _, table := range t.Tables {
		out.Tables = append(out.Tables, admin.TableText{Path: table.Path, File: table.File, Text: string(table.Text)})
	}
	return out, nil
}

// dropPage is how many events one request of a drop skips at most.
const dropPage = 5000

// DropMapping gives a paused mapping up.
func (v view) DropMapping(ctx context.Context, r admin.MappingRequest) (admin.MappingDropped, error) {
	id := mappingID(r)
	if err := v.journal.DropMapping(ctx, id, doer(r.By)); err != nil {
		return admin.MappingDropped{}, lifeError(err)
	}
	// What the lane had at hand for it comes to its end before the rest is skipped.
	if err := v.reopen(ctx, id.Lane); err != nil {
		return admin.MappingDropped{}, err
	}
	skipped, left, err := v.journal.SkipDropped(ctx, id, dropPage)
	if err != nil {
		return admin.MappingDropped{}, lifeError(err)
	}
	v.log.Info("a mapping is dropped", "mapping", r.Mapping, "source", r.Source, "sink", r.Sink, "by", r.By.By, "skipped", skipped, "left", left)
	return admin.MappingDropped{Skipped: skipped, Left: left}, nil
}

// RenameMapping has a mapping take over the state of a paused one.
func (v view) RenameMapping(ctx context.Context, r admin.RenameRequest) (admin.MappingRenamed, error) {
	id := mappingID(r.MappingRequest)
	if r.Plan {
		n, err := v.journal.PlanRename(id, r.To)
		if err != nil {
			err = lifeError(err)
		}
		return admin.MappingRenamed{Events: n}, err
	}
	n, err := v.journal.RenameMapping(ctx, id, r.To, doer(r.By))
	if err != nil {
		return admin.MappingRenamed{}, lifeError(err)
	}
	v.log.Info("a mapping is renamed", "mapping", r.Mapping, "to", r.To, "source", r.Source, "sink", r.Sink, "by", r.By.By, "events", n)
	return admin.MappingRenamed{Events: n}, v.reopen(ctx, id.Lane)
}

func mappingID(r admin.MappingRequest) journal.MappingID {
	return journal.MappingID{Lane: event.Lane{Source: r.Source, Sink: r.Sink}, Mapping: r.Mapping}
}

// lifeError puts the journal's errors in the admin API's words.
func lifeError(err error) error {
	if e, ok := errors.AsType[*journal.LifeError](err); ok {
		return &admin.RequestError{Message: e.Error()}
	}
	if e, ok := errors.AsType[*journal.NoTextError](err); ok {
		return &admin.NotFoundError{Message: e.Error()}
	}
	return adminError(err)
}
