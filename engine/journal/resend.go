package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// MaxResend is how many letters or events one call takes.
const MaxResend = 500

// LetterID names a dead letter: one event under one mapping of one lane.
type LetterID struct {
	Lane     event.Lane
	Mapping  string
	Sequence uint64
}

func (id LetterID) letter() letter {
	return letter{lane: id.Lane, mapping: id.Mapping, sequence: id.Sequence}
}

// Doer says who does something, and why. ID tells the same call made again, after
// no answer came, from another one; such a call is good for two minutes.
type Doer struct {
	// By has 1 to 128 bytes, Reason up to 1024, ID up to 64.
	By, Reason, ID string
}

// Resent is what became of one letter or event of a call.
type Resent struct {
	Letter LetterID
	// As is the event that it went on its way as; 0 if it did not, or was dropped.
	As uint64
	// Problem says in words why nothing was done, "" if it was.
	Problem string
}

// DoerError says that who does something is not named as it must be.
type DoerError struct{ Problem string }

// Error gives the problem.
func (e *DoerError) Error() string { return e.Problem }

func (d *Doer) check() error {
	switch {
	case strings.TrimSpace(d.By) == "" || len(d.By) > maxBy:
		return &DoerError{fmt.Sprintf("who does it must be named, in 1 to %d bytes", maxBy)}
	case len(d.Reason) > maxReason:
		return &DoerError{fmt.Sprintf("the reason has %d bytes, at most %d are allowed", len(d.Reason), maxReason)}
	case len(d.ID) > 64:
		return &DoerError{"the request's id has more than 64 bytes"}
	}
	return nil
}

// Retry puts open dead letters on their way again, each as an event of its own that
// goes the way of live traffic under the letter's mapping alone (D7), and records
// that. It waits until the events are on disk, not until they have outcomes.
// Letters of one key go in the order given. Errors: *DoerError, *UnavailableError,
// ctx's; the same call made again does not send twice what went the first time.
func (j *Journal) Retry(ctx context.Context, ids []LetterID, by Doer) ([]Resent, error) {
	return j.resendLetters(ctx, ids, by, event.Retry, nil)
}

// Edit is Retry for one letter with another record, a JSON object. The letter keeps
// the record that came.
func (j *Journal) Edit(ctx context.Context, id LetterID, record []byte, by Doer) (Resent, error) {
	if !json.Valid(record) || !strings.HasPrefix(strings.TrimLeft(string(record), " \t\r\n"), "{") {
		return Resent{}, &EventError{Field: "record", Problem: "is no JSON object"}
	}
	out, err := j.resendLetters(ctx, []LetterID{id}, by, event.Edit, record)
	if err != nil {
		return Resent{}, err
	}
	return out[0], nil
}

func (j *Journal) resendLetters(ctx context.Context, ids []LetterID, by Doer, kind event.ActKind, record []byte) ([]Resent, error) {
	return j.acton(ctx, ids, by, func(ctx context.Context, l letter, floors laneFloors, at time.Time) (event.Act, error) {
		d, err := j.deadLetter(ctx, l)
		if err != nil {
			return event.Act{}, err
		}
		e := d.Event
		r := &event.Replay{
			Of: l.sequence, Origin: l.sequence, Sink: l.lane.Sink, Mapping: j.past.heir(l.lane, l.mapping),
			Kind: kind, By: by.By, At: at, Reason: by.Reason,
		}
		if e.Replay != nil {
			r.Origin = e.Replay.Origin
		}
		if record != nil {
			if e.Body == nil {
				e.Body = e.Record
			}
			e.Record = record
		}
		e.Replay = r
		id := fmt.Sprintf("resend/%s/%s/%s/%d/%d", l.lane.Source, l.lane.Sink, escaped(l.mapping), l.sequence, len(j.past.actsOn(l)))
		as, err := j.resend(ctx, &e, id)
		if err != nil {
			return event.Act{}, err
		}
		a := actOn(l, r, as)
		a.Events = 1
		return a, nil
	})
}

// Drop gives open dead letters up for good, and records that. The letters are kept.
// Errors as Retry.
func (j *Journal) Drop(ctx context.Context, ids []LetterID, by Doer) ([]Resent, error) {
	return j.acton(ctx, ids, by, func(_ context.Context, l letter, _ laneFloors, at time.Time) (event.Act, error) {
		return event.Act{
			Kind: event.Drop, At: at, By: by.By, Reason: by.Reason,
			Lane: l.lane, Mapping: l.mapping, Sequence: l.sequence,
		}, nil
	})
}

// acton does something with each letter that is open, and records it. Letters of
// one event go one after the other, others at the same time.
func (j *Journal) acton(ctx context.Context, ids []LetterID, by Doer,
	do func(context.Context, letter, laneFloors, time.Time) (event.Act, error),
) ([]Resent, error) {
	if err := by.check(); err != nil {
		return nil, err
	}
	if len(ids) > MaxResend {
		return nil, fmt.Errorf("%d letters at once, at most %d are allowed", len(ids), MaxResend)
	}
	if err := j.Ready(); err != nil {
		return nil, err
	}
	j.acting.Lock()
	defer j.acting.Unlock()
	if err := j.level(ctx); err != nil {
		return nil, err
	}
	floors, err := j.floors(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Resent, len(ids))
	acts := make([]event.Act, len(ids))
	errs := make([]error, len(ids))
	at := time.Now().UTC()
	var order []int
	seen := map[LetterID]bool{}
	for i, id := range ids {
		out[i].Letter = id
		state, last := j.letterState(id.letter(), floors)
		switch {
		case seen[id]:
			out[i].Problem = "it is named twice"
		case state != LetterOpen:
			out[i].Problem = notOpen(state, last)
		default:
			order = append(order, i)
		}
		seen[id] = true
	}
	var wg sync.WaitGroup
	for _, group := range j.byKey(ctx, ids, order) {
		wg.Go(func() {
			for _, i := range group {
				if acts[i], errs[i] = do(ctx, ids[i].letter(), floors, at); errs[i] != nil {
					return
				}
				out[i].As = acts[i].As
			}
		})
	}
	wg.Wait()
	done := slices.DeleteFunc(acts, func(a event.Act) bool { return a.Kind == "" })
	return out, errors.Join(errors.Join(errs...), j.storeActs(ctx, done))
}

// byKey groups the letters with the indexes in order so that those of one key are
// together, in their order.
func (j *Journal) byKey(ctx context.Context, ids []LetterID, order []int) [][]int {
	at := map[string]int{}
	var groups [][]int
	for _, i := range order {
		key := ids[i].Lane.Source + "/" + strconv.FormatUint(ids[i].Sequence, 10)
		if d, err := j.deadLetter(ctx, ids[i].letter()); err == nil {
			key = ids[i].Lane.Source + "//" + d.Event.Key
		}
		g, known := at[key]
		if !known {
			g = len(groups)
			at[key], groups = g, append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

func notOpen(state LetterState, last *event.Act) string {
	switch {
	case state == LetterNone:
		return "there is no such dead letter"
	case last != nil && last.As == 0:
		return fmt.Sprintf("it was dropped by %s at %s", last.By, last.At.Format(time.RFC3339))
	case last != nil:
		return fmt.Sprintf("%s by %s at %s put it on its way again as event %d", last.Kind, last.By, last.At.Format(time.RFC3339), last.As)
	}
	return "it is not open"
}

// Repeat puts events on their way again, each as an event of its own, for the
// mappings that only says: all of the source's, those of one sink, or one. Those
// that are not kept any more are answered with a Problem. Errors as Retry.
func (j *Journal) Repeat(ctx context.Context, sequences []uint64, only event.Replay, by Doer) ([]Resent, error) {
	if err := by.check(); err != nil {
		return nil, err
	}
	if len(sequences) > MaxResend {
		return nil, fmt.Errorf("%d events at once, at most %d are allowed", len(sequences), MaxResend)
	}
	if err := j.Ready(); err != nil {
		return nil, err
	}
	j.acting.Lock()
	defer j.acting.Unlock()
	b := repeating{j: j, only: only, by: by, at: time.Now().UTC(), out: make([]Resent, len(sequences))}
	err := b.run(ctx, sequences)
	if b.sent > 0 {
		b.acts = append(b.acts, event.Act{Kind: event.Repeat, At: b.at, By: by.By, Reason: by.Reason, Events: b.sent})
	}
	return b.out, errors.Join(err, j.storeActs(ctx, b.acts))
}

// repeating is a call of Repeat.
type repeating struct {
	j    *Journal
	only event.Replay
	by   Doer
	at   time.Time

	mu   sync.Mutex
	out  []Resent
	acts []event.Act
	sent uint64
}

// Bounds of what is in memory of a call of Repeat at a time, in events and bytes.
const (
	repeatEvents = 128
	repeatBytes  = 8 << 20
)

// run goes through the events, a few at the same time, those of one key one after
// the other.
func (b *repeating) run(ctx context.Context, sequences []uint64) error {
	for first := 0; first < len(sequences); {
		keys := map[string][]func() error{}
		n, size := 0, 0
		for ; first < len(sequences) && n < repeatEvents && size < repeatBytes; first++ {
			i, seq := first, sequences[first]
			b.out[i].Letter.Sequence = seq
			e, err := b.j.load(ctx, seq)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, jetstream.ErrMsgNotFound):
				b.out[i].Problem = "it is not kept any more"
				continue
			case err != nil:
				return b.j.notStored(ctx, err, "an event cannot be read")
			}
			n, size = n+1, size+len(e.Record)+len(e.Body)
			key := e.Connection + "/" + e.Key
			keys[key] = append(keys[key], func() error { return b.one(ctx, i, e) })
		}
		var all errgroup.Group
		for _, todo := range keys {
			all.Go(func() error {
				for _, do := range todo {
					if err := do(); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := all.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func (b *repeating) one(ctx context.Context, i int, e event.Event) error {
	seq := e.Sequence
	origin, _ := b.j.past.origin(seq)
	e.Replay = &event.Replay{
		Of: seq, Origin: origin, Sink: b.only.Sink, Mapping: b.only.Mapping,
		Kind: event.Repeat, By: b.by.By, At: b.at, Reason: b.by.Reason,
	}
	as, err := b.j.resend(ctx, &e, "replay/"+b.by.ID+"/"+strconv.FormatUint(seq, 10))
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.out[i].As = as
	b.sent++
	for _, l := range b.j.past.covers(e.Connection, e.Replay) {
		if len(b.j.past.actsOn(l)) == 0 {
			b.acts = append(b.acts, actOn(l, e.Replay, as))
		}
	}
	return nil
}

// resend stores an event that repeats another and gives its sequence. id is its
// publication's own.
func (j *Journal) resend(ctx context.Context, e *event.Event, id string) (uint64, error) {
	j.gate.RLock()
	defer j.gate.RUnlock()
	if err := checkEvent(e, int(j.o.MaxPayload)); err != nil {
		return 0, err
	}
	h, data := encodeEvent(e)
	h[nats.MsgIdHdr] = []string{id}
	key := j.index.key(e.Connection, e.Key)
	wait, cancel := context.WithTimeout(ctx, j.o.AcceptWait)
	defer cancel()
	if err := j.keys.acquire(wait, key); err != nil {
		return 0, j.notStored(ctx, err, "the key's event before is not stored yet")
	}
	m := &nats.Msg{Subject: j.subjectOf(e), Header: h, Data: data}
	a, err := j.accepts.publish(wait, m, func(a ack, err error) {
		if err == nil && j.follow != nil {
			j.follow.events.after(a.Sequence, func() { j.keys.release(key) })
			return
		}
		if err == nil {
			stored := event.Event{Sequence: a.Sequence, Connection: e.Connection, Replay: e.Replay}
			j.index.add(a.Sequence, key, asReplay)
			j.past.event(&stored)
			j.kinds.add(a.Sequence, e.Connection, e.Type)
			j.mu.Lock()
			if !a.Duplicate {
				j.counts.replayed++
			}
			j.counts.accepted = max(j.counts.accepted, a.Sequence)
			j.mu.Unlock()
		}
		j.keys.release(key)
		if err == nil {
			j.hasten(&event.Event{Sequence: a.Sequence, Connection: e.Connection, Replay: e.Replay})
		}
	})
	if err != nil {
		return 0, j.notStored(ctx, err, "the event is not stored")
	}
	return a.Sequence, nil
}
