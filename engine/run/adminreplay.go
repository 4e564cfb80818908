package run

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// fateOfReplay is what becomes of an event that a replay's filter picks.
type fateOfReplay int

const (
	sendDelivered fateOfReplay = iota
	sendDead
	sendOther
	leaveSuperseded
	leaveWaiting
	leaveReplay
	leaveUnwanted
	leaveResolved
)

// planPage is how many events a plan looks at in one go, and planFor how long one
// answer may take; the rest is asked for again.
const (
	planPage = 500
	planFor  = 5 * time.Second
)

// Plan goes through the events that a replay's filter picks, and does nothing.
func (v view) Plan(ctx context.Context, r admin.ReplayRequest) (admin.ReplayPlan, error) {
	if err := v.checkReplay(r); err != nil {
		return admin.ReplayPlan{}, err
	}
	var p admin.ReplayPlan
	f := historyFilter(r.Filter)
	f.Oldest = true
	for began := time.Now(); ; {
		page, err := v.journal.History(ctx, f, planPage)
		if err != nil {
			return admin.ReplayPlan{}, err
		}
		for i := range page.Events {
			e := &page.Events[i]
			p.Events++
			p.Through = e.Event.Sequence
			switch v.fate(e, r) {
			case sendDelivered:
				p.Delivered++
			case sendDead:
				p.Dead++
			case sendOther:
				p.Others++
			case leaveSuperseded:
				p.Superseded++
			case leaveWaiting:
				p.Waiting++
			case leaveReplay:
				p.Replays++
			case leaveUnwanted:
				p.Unwanted++
			case leaveResolved:
				p.Resolved++
			}
		}
		if f.After = page.Next; page.Next == 0 || time.Since(began) > planFor {
			p.Send, p.Next = p.Delivered+p.Dead+p.Others, page.Next
			return p, nil
		}
	}
}

// Replay puts the next events of a replay on their way again.
func (v view) Replay(ctx context.Context, r admin.ReplayRequest) (admin.ReplayDone, error) {
	if err := v.checkReplay(r); err != nil {
		return admin.ReplayDone{}, err
	}
	f := historyFilter(r.Filter)
	f.Oldest = true
	if f.Before == 0 || f.Before > r.Through+1 {
		f.Before = r.Through + 1
	}
	page, err := v.journal.History(ctx, f, r.Limit)
	if err != nil {
		return admin.ReplayDone{}, err
	}
	var done admin.ReplayDone
	var send []uint64
	for i := range page.Events {
		if v.fate(&page.Events[i], r) <= sendOther {
			send = append(send, page.Events[i].Event.Sequence)
		} else {
			done.Left++
		}
	}
	if len(send) > 0 {
		sent, err := v.journal.Repeat(ctx, send, event.Replay{Sink: r.Sink, Mapping: r.Mapping}, doer(r.By))
		if err != nil {
			return admin.ReplayDone{}, adminError(err)
		}
		for _, s := range sent {
			if s.Problem == "" {
				done.Sent++
			} else {
				done.Left++
			}
		}
	}
	done.Next = page.Next
	return done, nil
}

// checkReplay refuses a replay that nobody would see to.
func (v view) checkReplay(r admin.ReplayRequest) error {
	if r.Sink == "" && r.Mapping == "" {
		return nil
	}
	for _, l := range v.lanes {
		if r.Sink != "" && l.Sink != r.Sink || r.Filter.Connection != "" && l.Source != r.Filter.Connection {
			continue
		}
		for i := range l.mappings {
			if r.Mapping == "" || l.mappings[i].Name == r.Mapping {
				return nil
			}
		}
	}
	what := "a mapping"
	if r.Mapping != "" {
		what = fmt.Sprintf("mapping %q", r.Mapping)
	}
	if r.Filter.Connection != "" {
		what += fmt.Sprintf(" of events of %q", r.Filter.Connection)
	}
	if r.Sink != "" {
		what += fmt.Sprintf(" for %q", r.Sink)
	}
	return &admin.RequestError{Message: fmt.Sprintf("the replay would be for %s, and none runs: `crosswalk mapping list` shows those that do", what)}
}

// fate decides what becomes of an event under a replay. What is on its way still is
// left to that, and what a newer event of its key has overtaken along every lane
// that it is for would have no effect (D6).
func (v view) fate(r *journal.Recorded, req admin.ReplayRequest) fateOfReplay {
	e := &r.Event
	switch {
	case e.Replay != nil:
		return leaveReplay
	case r.Waiting:
		return leaveWaiting
	}
	overtaken, lanes := 0, 0
	for _, l := range v.lanes {
		if l.Source != e.Connection || !l.wants(e.Type, req) {
			continue
		}
		lanes++
		if v.journal.Newer(l.Lane, e.Key, e.Sequence) != 0 {
			overtaken++
		}
	}
	became := outcomesUnder(r, req.Mapping)
	switch {
	case lanes == 0:
		return leaveUnwanted
	case overtaken == lanes:
		return leaveSuperseded
	case became[event.Dead]:
		return sendDead
	case became[onItsWay]:
		return leaveWaiting
	case req.Filter.Outcome == string(event.Dead):
		return leaveResolved
	case became[event.Delivered]:
		return sendDelivered
	}
	return sendOther
}

// onItsWay is what became of a dead letter that was retried and has no outcome yet.
const onItsWay event.Kind = "on its way"

// outcomesUnder gives what became of an event under a mapping, or all. Of a dead letter
// that was retried it is what became of the retry.
func outcomesUnder(r *journal.Recorded, mapping string) map[event.Kind]bool {
	became := map[event.Kind]bool{}
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		kind := o.Kind
		switch r.Letters[i] {
		case journal.LetterOnItsWay:
			kind = onItsWay
		case journal.LetterState(event.Delivered), journal.LetterState(event.Skipped), journal.LetterState(event.Superseded):
			kind = event.Kind(r.Letters[i])
		case journal.LetterNone, journal.LetterOpen, journal.LetterDeadAgain, journal.LetterDropped:
		}
		if mapping == "" || o.Mapping == mapping {
			became[kind] = true
		}
	}
	return became
}

// wants tells whether a mapping of the lane takes events of a type under a replay.
func (l *lane) wants(typ string, req admin.ReplayRequest) bool {
	for i := range l.mappings {
		m := &l.mappings[i]
		if slices.Contains(m.Types, typ) && (req.Mapping == "" || m.Name == req.Mapping) && (req.Sink == "" || l.Sink == req.Sink) {
			return true
		}
	}
	return false
}
