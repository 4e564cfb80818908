package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// actBytes bounds the stream of acts: some millions of them.
const actBytes = 1 << 30

// mendAfter is how old an act must be that another engine did not record.
const mendAfter = time.Minute

// Bounds of what a person says of an act, in bytes.
const (
	maxBy     = 128
	maxReason = 1024
)

// readActs reads what was done with dead letters.
func (j *Journal) readActs(ctx context.Context) error {
	events := uint64(0)
	err := j.scan(ctx, j.acts, 1, "", false, func(seq uint64, m *nats.Msg) (bool, error) {
		j.read[streamActs] = seq
		n, err := j.noteAct(seq, m)
		events += n
		return true, err
	})
	// Replays that are not kept any more are counted by their acts.
	j.counts.replayed = min(max(j.counts.replayed, events), j.counts.accepted)
	return err
}

// noteAct takes in what was done, and gives how many events it put on their way.
func (j *Journal) noteAct(seq uint64, m *nats.Msg) (events uint64, err error) {
	var a event.Act
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return 0, fmt.Errorf("act %d: %w", seq, err)
	}
	switch a.Kind {
	case event.DropMapping, event.RenameMapping:
		j.lives.act(&a)
		return 0, nil
	case event.Retry, event.Edit, event.Drop, event.Repeat:
	}
	j.past.act(&a)
	return a.Events, nil
}

// mendActs records the acts that a crash kept from being recorded: their events
// were stored before, and say all that there is to say (D6).
func (j *Journal) mendActs(ctx context.Context) error {
	var missing []event.Act
	for _, e := range j.past.found {
		if j.o.Cluster != nil && time.Since(e.Replay.At) < mendAfter {
			continue // whoever did it may be about to record it
		}
		for _, l := range j.past.covers(e.Connection, e.Replay) {
			if !slices.ContainsFunc(j.past.actsOn(l), func(a event.Act) bool { return a.As == e.Sequence }) {
				missing = append(missing, actOn(l, e.Replay, e.Sequence))
			}
		}
	}
	j.past.found = nil
	if len(missing) == 0 {
		return nil
	}
	j.log.Info("recorded what was done before the engine ended", "acts", len(missing))
	return j.storeActs(ctx, missing)
}

// covers gives the dead letters that a replay puts on their way again.
func (p *past) covers(connection string, r *event.Replay) []letter {
	var out []letter
	for _, o := range p.of(r.Of) {
		if o.kind == event.Dead && o.lane.Source == connection && (r.Wants(o.lane.Sink, o.mapping) || r.Wants(o.lane.Sink, o.as)) {
			out = append(out, letter{lane: o.lane, mapping: o.as, sequence: r.Of})
		}
	}
	return out
}

// actOn is the act of a replay that was stored as the event as.
func actOn(l letter, r *event.Replay, as uint64) event.Act {
	return event.Act{
		Kind: r.Kind, At: r.At, By: r.By, Reason: r.Reason,
		Lane: l.lane, Mapping: l.mapping, Sequence: l.sequence, As: as,
	}
}

// storeActs records acts on disk.
func (j *Journal) storeActs(ctx context.Context, acts []event.Act) error {
	msgs := make([]*nats.Msg, len(acts))
	for i := range acts {
		data, err := json.Marshal(&acts[i])
		if err != nil {
			return fmt.Errorf("record an act: %w", err)
		}
		source := acts[i].Lane.Source
		if source == "" {
			source = "none"
		}
		msgs[i] = &nats.Msg{Subject: subjectActs + source, Data: data}
	}
	last := uint64(0)
	err := j.storeAll(ctx, nil, msgs, func(i int, seq uint64) {
		if last = seq; j.follow == nil {
			j.past.act(&acts[i])
		}
	})
	if err == nil && j.follow != nil {
		err = j.follow.acts.reach(ctx, last)
	}
	if err != nil {
		return fmt.Errorf("record what was done: %w", err)
	}
	return nil
}
