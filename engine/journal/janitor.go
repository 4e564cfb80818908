package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Retention says how long what came is kept. Whatever it says, an event that a lane
// is not done with stays, and so does a dead letter that nobody resolved.
type Retention struct {
	// Age is how long events are kept: 4 to 60 days, 14 days if it is 0.
	Age time.Duration
	// Bytes is from how many bytes of events on the oldest go sooner; 0: from nine
	// tenths of the stream's bound.
	Bytes int64
}

// Bounds of a Retention.
const (
	MinRetention     = 4 * 24 * time.Hour
	MaxRetention     = 60 * 24 * time.Hour
	DefaultRetention = 14 * 24 * time.Hour
)

const (
	// sweepEvery is how often the janitor sweeps, and hurryEvery how often while a
	// stream is nearly full.
	sweepEvery = time.Minute
	hurryEvery = 10 * time.Second
	// roomy and crowded are shares of a stream's bound, in percent: from crowded on
	// the janitor makes room, down to roomy.
	roomy, crowded = 80, 90
	// alarmAt is the share of the retention, in percent, from which on a backlog is
	// said to near it.
	alarmAt = 80
	// purgeStep bounds how many messages go at once, so that nobody waits long.
	purgeStep = 50_000
)

func (r *Retention) fill() error {
	if r.Age == 0 {
		r.Age = DefaultRetention
	}
	if r.Age < MinRetention || r.Age > MaxRetention {
		return fmt.Errorf("the retention is %s, it must be from %s to %s", r.Age, MinRetention, MaxRetention)
	}
	if r.Bytes < 0 {
		return errors.New("the retention's bytes must not be negative")
	}
	return nil
}

// tidy sweeps time and again until ctx is done.
func (j *Journal) tidy(ctx context.Context) {
	defer close(j.tidied)
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-next.C:
		case <-ctx.Done():
			return
		}
		full, err := j.sweepAlone(ctx)
		if err != nil && ctx.Err() == nil {
			j.log.Warn("the journal cannot be tidied for now", "error", err)
		}
		wait := sweepEvery
		if full {
			wait = hurryEvery
		}
		next.Reset(wait)
	}
}

// sweep takes out what is older than the retention, and the oldest where there is
// not room enough, as far as every lane is done with it. full tells that a stream is
// still crowded.
func (j *Journal) sweep(ctx context.Context, now time.Time) (full bool, err error) {
	j.sweeping.Lock()
	defer j.sweeping.Unlock()
	if err := j.finishDrops(ctx); err != nil {
		return false, fmt.Errorf("skip what waits for dropped mappings: %w", err)
	}
	s := &sweep{j: j, now: now}
	if err := s.look(ctx); err != nil {
		return false, fmt.Errorf("look at what is kept: %w", err)
	}
	j.alarm(append(j.damages(), s.alarms...))
	if s.cut > s.first {
		if err := s.letters(ctx); err != nil {
			return s.full, fmt.Errorf("take resolved dead letters out: %w", err)
		}
		if err := s.events(ctx); err != nil {
			return s.full, fmt.Errorf("take events out: %w", err)
		}
	}
	// Those of events that a crash let go alone are among them.
	s.cut = max(s.cut, s.first)
	if err := s.outcomes(ctx); err != nil {
		return s.full, fmt.Errorf("take outcomes out: %w", err)
	}
	return s.full, nil
}

// sweep is one sweep. cut is the first event that stays.
type sweep struct {
	j                *Journal
	now              time.Time
	first, last, cut uint64
	alarms           []string
	full             bool
}

// look decides what goes.
func (s *sweep) look(ctx context.Context) error {
	j := s.j
	info, err := j.events.Info(ctx)
	if err != nil {
		return err
	}
	st := info.State
	s.first, s.last = st.FirstSeq, st.LastSeq
	if st.Msgs == 0 {
		return nil
	}
	floor, behind, err := s.floor(ctx)
	if err != nil {
		return err
	}
	wanted, err := s.outlived(ctx, st.FirstTime, floor)
	if err != nil {
		return err
	}
	bySize, err := s.bySize(ctx, info)
	if err != nil {
		return err
	}
	if needed, mapping := j.needed(); needed > 0 && needed < floor {
		floor, behind = needed, mapping.Lane
	}
	s.cut = min(max(wanted, bySize), floor)
	if bySize > floor {
		s.alarms = append(s.alarms, fmt.Sprintf(
			"the journal is nearly full, and lane %s to %s still needs the oldest events from %d on: deliver them, or give the journal more room",
			behind.Source, behind.Sink, floor))
	}
	if floor > s.last {
		return nil
	}
	near, err := s.nearsEnd(ctx, max(floor, s.first))
	if err != nil {
		return err
	}
	if near {
		s.alarms = append(s.alarms, fmt.Sprintf(
			"lane %s to %s has not delivered event %d, which nears the retention of %s: it is kept, and so is everything after it",
			behind.Source, behind.Sink, floor, j.o.Retention.Age))
	}
	return nil
}

// floor is the first event that a lane is not done with, whether its mappings run
// now or not, and which lane; what comes later than s.last does not count.
func (s *sweep) floor(ctx context.Context) (uint64, event.Lane, error) {
	floor, behind := s.last+1, event.Lane{}
	all, err := s.j.consumers(ctx)
	for l, info := range all {
		if info.NumPending == 0 && info.NumAckPending == 0 || s.j.resting(l.Lane) {
			continue
		}
		if f := info.AckFloor.Stream + 1; f < floor || f == floor && behind != (event.Lane{}) && compareLanes(l.Lane, behind) < 0 {
			floor, behind = f, l.Lane
		}
	}
	return floor, behind, err
}

// bySize gives the first event that may stay for want of room, s.first if all may.
func (s *sweep) bySize(ctx context.Context, events *jetstream.StreamInfo) (uint64, error) {
	st := events.State
	cut := s.first
	if over := over(st.Bytes, uint64(max(events.Config.MaxBytes, 0)), uint64(s.j.o.Retention.Bytes)); over > 0 { //nolint:gosec // not negative
		s.full = true
		cut += 1 + over*st.Msgs/max(st.Bytes, 1)
	}
	outcomes, err := s.j.outcomes.Info(ctx)
	if err != nil {
		return 0, err
	}
	st = outcomes.State
	if over := over(st.Bytes, uint64(max(outcomes.Config.MaxBytes, 0)), 0); over > 0 {
		s.full = true
		at := st.FirstSeq + over*st.Msgs/max(st.Bytes, 1)
		m, err := s.j.outcomes.GetMsg(ctx, min(at, st.LastSeq))
		for err == nil && strings.HasPrefix(m.Subject, subjectFences) && m.Sequence < st.LastSeq {
			m, err = s.j.outcomes.GetMsg(ctx, m.Sequence+1)
		}
		if err != nil {
			return 0, err
		}
		if strings.HasPrefix(m.Subject, subjectFences) {
			return min(cut, s.last+1), nil
		}
		mk, err := readMark(m.Subject, m.Header)
		if err != nil {
			return 0, err
		}
		cut = max(cut, mk.sequence+1)
	}
	return min(cut, s.last+1), nil
}

// over is how many bytes are too many: beyond wish, if that is not 0, and beyond
// the roomy share of bound once the crowded one is reached.
func over(used, bound, wish uint64) uint64 {
	too := uint64(0)
	if wish > 0 && used > wish {
		too = used - wish
	}
	if bound > 0 && used >= bound/100*crowded {
		too = max(too, used-bound/100*roomy)
	}
	return too
}

// letters takes out the dead letters whose story is over: they are resolved, and
// what they went on their way again as goes now. It also takes out what a crash left
// of letters that ended otherwise. What stays is known from then on by its letter
// alone (D6).
func (s *sweep) letters(ctx context.Context) error {
	j := s.j
	floors, err := j.floors(ctx)
	if err != nil {
		return err
	}
	type stored struct {
		letter
		place uint64
	}
	var all []stored
	j.mu.Lock()
	for l, place := range j.letters {
		if l.sequence < s.cut {
			all = append(all, stored{l, place})
		}
	}
	j.mu.Unlock()
	for _, l := range all {
		state, act := j.letterState(l.letter, floors)
		over := act != nil && act.As > 0 && act.As < s.cut
		switch state {
		case LetterOpen, LetterOnItsWay:
			over = false
		case LetterDropped:
			over = act != nil && act.At.Before(s.now.Add(-j.o.Retention.Age))
		case LetterNone:
			over = true
		case LetterDeadAgain:
		}
		if !over {
			j.past.keep(l.letter)
			continue
		}
		if err := j.dead.DeleteMsg(ctx, l.place); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return err
		}
		j.shelf.drop(l.place)
		j.mu.Lock()
		delete(j.letters, l.letter)
		j.standing = slices.DeleteFunc(j.standing, func(st standing) bool { return st.letter == l.letter })
		j.mu.Unlock()
		j.past.drop(l.letter)
	}
	return nil
}

// alarm says what is new, once, and what is over.
func (j *Journal) alarm(alarms []string) {
	old := j.alarms.Swap(&alarms)
	for _, a := range alarms {
		if old == nil || !slices.Contains(*old, a) {
			j.log.Error("the journal needs somebody to look", "alarm", a)
		}
	}
	if old != nil && len(*old) > 0 && len(alarms) == 0 {
		j.log.Info("the journal needs nobody to look any more")
	}
}

// Alarms gives, in words for people, what somebody has to look at before it becomes
// a refusal of events: a backlog that nears the retention, or fills the journal.
func (j *Journal) Alarms() []string {
	if a := j.alarms.Load(); a != nil {
		return slices.Clone(*a)
	}
	return nil
}
