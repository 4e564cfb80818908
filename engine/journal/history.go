package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Waiting asks the history for events that a lane has not come to an end with.
const Waiting event.Kind = "waiting"

// HistoryFilter picks events; what is empty picks all.
type HistoryFilter struct {
	Connection, Type, Key, ID string
	// Mapping and Outcome pick events with such an outcome, both under the same
	// mapping; Waiting those that have none yet.
	Mapping string
	Outcome event.Kind
	// Since and Until bound when the event was stored: not before, and before.
	Since, Until time.Time
	// Before and After bound the sequence, both exclusive; 0 does not.
	Before, After uint64
	// Oldest has the oldest come first instead of the newest.
	Oldest bool
}

// Recorded is an event with what became of it.
type Recorded struct {
	Event    event.Event
	StoredAt time.Time
	// Outcomes are the oldest first, duplicates among them.
	Outcomes []event.Outcome
	// Letters are, for each outcome, the state of its dead letter; "" where it is not dead.
	Letters []LetterState
	// Replays are the events that repeat it.
	Replays []uint64
	// Waiting tells that a lane has not come to an end with it, and WaitsIn which.
	Waiting bool
	WaitsIn []event.Lane
}

// HistoryPage is a part of the events that a filter picks.
type HistoryPage struct {
	Events []Recorded
	// Next is the last sequence that was looked at: the next part's Before, or
	// After where the oldest come first; 0 at the end. A part may hold fewer events
	// than asked for, or none, and not be the last: no call looks at more than
	// maxLook events.
	Next uint64
}

// maxLook bounds how many events one call of History looks at: a fraction of a
// second.
const maxLook = 1_000_000

// History gives at most limit events that f picks. By key it costs a few lookups
// for each event of the key; otherwise it reads on from the end that comes first.
// What it passes over is known in memory, and costs no reading (BenchmarkHistory).
func (j *Journal) History(ctx context.Context, f HistoryFilter, limit int) (HistoryPage, error) {
	h := &history{j: j, f: f, limit: limit}
	if err := h.begin(ctx); err != nil {
		return HistoryPage{}, fmt.Errorf("read the history: %w", err)
	}
	walk := h.walk
	if f.Key != "" {
		walk = h.byKey
	}
	if err := walk(ctx); err != nil {
		return HistoryPage{}, fmt.Errorf("read the history: %w", err)
	}
	return h.page, nil
}

// history is one call of History.
type history struct {
	j     *Journal
	f     HistoryFilter
	limit int
	page  HistoryPage

	floors laneFloors
	lives  []*life
	// picked are the sorts of events that f picks, and identity that of the id that it
	// asks for, 0 if it asks for none.
	picked   []bool
	identity uint64
	// lo and hi are the first and the last sequence that count; lo is above hi where none does.
	lo, hi uint64
}

func (h *history) begin(ctx context.Context) error {
	var err error
	if h.floors, err = h.j.floors(ctx); err != nil {
		return err
	}
	h.lives = h.j.lives.of(event.Lane{})
	info, err := h.j.events.Info(ctx)
	if err != nil {
		return err
	}
	h.picked = h.j.kinds.picks(func(connection, typ string) bool {
		return (h.f.Connection == "" || h.f.Connection == connection) && (h.f.Type == "" || h.f.Type == typ)
	})
	if h.f.ID != "" {
		h.identity = h.j.index.identity(h.f.ID, "", "")
	}
	h.lo, h.hi = max(info.State.FirstSeq, h.f.After+1, 1), info.State.LastSeq
	if h.f.Before > 0 {
		h.hi = min(h.hi, h.f.Before-1)
	}
	if !h.f.Since.IsZero() {
		if h.lo, err = h.j.firstSince(ctx, h.lo, h.hi, h.f.Since); err != nil {
			return err
		}
	}
	if !h.f.Until.IsZero() {
		end, err := h.j.firstSince(ctx, h.lo, h.hi, h.f.Until)
		if err != nil {
			return err
		}
		h.hi = end - 1
	}
	return nil
}

// firstSince gives the first sequence from lo to hi whose event was stored at a
// time or later, hi+1 if there is none.
func (j *Journal) firstSince(ctx context.Context, lo, hi uint64, at time.Time) (uint64, error) {
	for lo <= hi {
		mid := lo + (hi-lo)/2
		m, err := j.events.GetMsg(ctx, mid)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			lo = mid + 1 // purged meanwhile: what is older is too
			continue
		}
		if err != nil {
			return 0, err
		}
		if m.Time.Before(at) {
			lo = mid + 1
		} else {
			hi = mid - 1
		}
	}
	return lo, nil
}

// byKey follows the chains of the key, of one connection or of each.
func (h *history) byKey(ctx context.Context) error {
	connections := []string{h.f.Connection}
	if h.f.Connection == "" {
		connections = h.j.past.sources()
	}
	var all []uint64
	for _, c := range connections {
		for seq := h.j.index.latest(h.j.index.key(c, h.f.Key)); seq >= h.lo && seq > 0; seq = h.j.index.before(seq) {
			if seq <= h.hi {
				all = append(all, seq)
			}
		}
	}
	slices.Sort(all)
	if !h.f.Oldest {
		slices.Reverse(all)
	}
	for i, seq := range all {
		if len(h.page.Events) == h.limit {
			h.page.Next = all[i-1]
			return nil
		}
		if !h.mayPick(seq) {
			continue
		}
		if err := h.read(ctx, seq); err != nil {
			return err
		}
	}
	return nil
}

// few is how many events are read one by one rather than in a row.
const few = 64

// walk looks at windows of sequences, larger ones as it goes on.
func (h *history) walk(ctx context.Context) error {
	looked := uint64(0)
	for size := uint64(few); h.lo <= h.hi; size = min(2*size, chunkLen) {
		if looked >= maxLook {
			h.page.Next = h.next()
			return nil
		}
		lo, hi := h.lo, h.hi
		if h.f.Oldest {
			hi = min(hi, lo+size-1)
		} else if hi-lo >= size {
			lo = hi - size + 1
		}
		looked += hi - lo + 1
		done, err := h.window(ctx, lo, hi)
		if err != nil || done {
			return err
		}
		if h.f.Oldest {
			h.lo = hi + 1
		} else {
			h.hi = lo - 1
		}
	}
	return nil
}

// next is the cursor behind what was looked at.
func (h *history) next() uint64 {
	if h.f.Oldest {
		return h.lo - 1
	}
	return h.hi + 1
}

// window looks at the events from lo to hi and tells whether the page is full.
func (h *history) window(ctx context.Context, lo, hi uint64) (bool, error) {
	var candidates []uint64
	for seq := lo; seq <= hi; seq++ {
		if h.mayPick(seq) {
			candidates = append(candidates, seq)
		}
	}
	if !h.f.Oldest {
		slices.Reverse(candidates)
	}
	for _, seq := range candidates {
		if err := h.read(ctx, seq); err != nil {
			return false, err
		}
		if len(h.page.Events) == h.limit {
			if h.f.Oldest && seq < h.hi || !h.f.Oldest && seq > h.lo {
				h.page.Next = seq
			}
			return true, nil
		}
	}
	return false, nil
}

// mayPick tells whether nothing that is known in memory keeps an event from being
// picked.
func (h *history) mayPick(seq uint64) bool {
	return (h.f.Connection == "" && h.f.Type == "" || h.j.kinds.among(h.picked, seq)) &&
		(h.identity == 0 || h.j.identified(seq, h.identity)) && h.picksOutcome(seq)
}

// picksOutcome tells whether an event may be picked by what became of it, as far as that
// is known in memory.
func (h *history) picksOutcome(seq uint64) bool {
	if h.f.Outcome == "" && h.f.Mapping == "" {
		return true
	}
	all := h.j.past.of(seq)
	if h.f.Outcome == Waiting {
		for _, floor := range h.floors {
			if seq > floor {
				return !slices.ContainsFunc(all, func(o placed) bool { return o.kind != event.Duplicate }) || h.j.owes(h.lives, seq)
			}
		}
		return false
	}
	return slices.ContainsFunc(all, func(o placed) bool {
		return (h.f.Outcome == "" || o.kind == h.f.Outcome) && (h.f.Mapping == "" || o.mapping == h.f.Mapping || o.as == h.f.Mapping)
	})
}

func (h *history) picksEvent(e *event.Event) bool {
	return (h.f.Connection == "" || e.Connection == h.f.Connection) && (h.f.Type == "" || e.Type == h.f.Type) &&
		(h.f.Key == "" || e.Key == h.f.Key) && (h.f.ID == "" || e.ID == h.f.ID)
}

// read adds an event to the page if f picks it.
func (h *history) read(ctx context.Context, seq uint64) error {
	r, err := h.j.recorded(ctx, seq, h.floors)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil // purged meanwhile
	}
	if err != nil {
		return err
	}
	if h.picksEvent(&r.Event) && (h.f.Outcome != Waiting || r.Waiting) {
		h.page.Events = append(h.page.Events, r)
	}
	return nil
}

// Recorded reads one event with what became of it. An error that is
// jetstream.ErrMsgNotFound says that it is not kept, or never was.
func (j *Journal) Recorded(ctx context.Context, seq uint64) (Recorded, error) {
	floors, err := j.floors(ctx)
	if err == nil {
		var r Recorded
		if r, err = j.recorded(ctx, seq, floors); err == nil {
			return r, nil
		}
	}
	return Recorded{}, fmt.Errorf("read the history: %w", err)
}

func (j *Journal) recorded(ctx context.Context, seq uint64, floors laneFloors) (Recorded, error) {
	m, err := j.eventMessage(ctx, seq)
	if err != nil {
		return Recorded{}, fmt.Errorf("event %d: %w", seq, err)
	}
	r := Recorded{StoredAt: m.Time, Replays: j.past.replaysOf(seq)}
	if r.Event, err = decodeEvent(seq, m.Subject, m.Header, m.Data); err != nil {
		return Recorded{}, err
	}
	known := j.past.of(seq)
	slices.Reverse(known)
	known = known[:min(len(known), maxOutcomes)]
	for _, o := range known {
		m, err := j.outcomes.GetMsg(ctx, o.place)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // purged meanwhile
		}
		if err != nil {
			return Recorded{}, fmt.Errorf("outcome %d: %w", o.place, err)
		}
		var out event.Outcome
		if err := json.Unmarshal(m.Data, &out); err != nil {
			return Recorded{}, fmt.Errorf("outcome %d: %w", o.place, err)
		}
		var state LetterState
		if out.Kind == event.Dead {
			state = j.endState(letterOf(&out), floors)
		}
		r.Outcomes, r.Letters = append(r.Outcomes, out), append(r.Letters, state)
	}
	for p, floor := range floors {
		if p.Source == r.Event.Connection && p.n == j.partition(r.Event.Key) && seq > floor &&
			(!slices.ContainsFunc(known, func(o placed) bool { return o.lane == p.Lane }) || j.owes(j.lives.of(p.Lane), seq)) {
			r.Waiting = true
			r.WaitsIn = append(r.WaitsIn, p.Lane)
		}
	}
	slices.SortFunc(r.WaitsIn, func(a, b event.Lane) int { return strings.Compare(a.Sink, b.Sink) })
	return r, nil
}

// owes tells whether one of the mappings runs that want an event, and it has no outcome
// under that yet: the others of its lane may have theirs long before.
func (j *Journal) owes(lives []*life, seq uint64) bool {
	connection, typ := j.kinds.sort(seq)
	return slices.ContainsFunc(lives, func(l *life) bool {
		return !l.Paused && l.Ended == nil && l.Lane.Source == connection && seq >= l.From && slices.Contains(l.Types, typ) &&
			j.past.waitsFor(seq, l.Lane, l.Mapping)
	})
}

// maxOutcomes bounds the outcomes that are read of one event: one that came a
// thousand times has a thousand duplicates.
const maxOutcomes = 50
