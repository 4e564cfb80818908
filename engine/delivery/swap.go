package delivery

import (
	"errors"
	"fmt"
	"slices"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// ErrReopen says that a lane has to be opened again, and a new Runner made, for its
// mappings to change: the lane was told under which of them records are marked before
// they are sent, and takes those that are not marked for never sent.
var ErrReopen = errors.New("the lane has to be opened again")

// Swap has the lane go on with other mappings, and wait otherwise between attempts.
// Both are checked as New checks them; after an error the old ones hold. It may be
// called at any time, and waits for nothing.
//
// An event that has begun goes through the mappings that it began with, so that none
// is mapped by two versions; its outcomes name theirs. One whose record did not pass
// is mapped anew for each attempt, and then by the mapping of the same name as it is
// now, if that still wants it. An event that has not begun goes through the new
// ones. The order within a key is what it was (D3): an event waits for the outcome
// of the one before, whatever made it.
func (r *Runner) Swap(mappings []Mapping, backoff Backoff) error {
	o := r.o
	o.Mappings, o.Backoff = mappings, backoff
	err := o.fill()
	next, planErr := newPlan(mappings)
	if err = errors.Join(err, planErr); err != nil {
		return fmt.Errorf("change the mappings of lane %s to %s: %w", r.o.Lane.Source, r.o.Lane.Sink, err)
	}
	for i := range next.mappings {
		m := &next.mappings[i]
		if slices.Contains(r.guarded, m.Name) != (m.Repeat == wire.RepeatUnsafe) {
			return ErrReopen
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plan, r.o.Backoff = next, o.Backoff
	return nil
}

// unsafe gives the mappings whose operations must not be repeated.
func (p *plan) unsafe() []string {
	var names []string
	for i := range p.mappings {
		if p.mappings[i].Repeat == wire.RepeatUnsafe {
			names = append(names, p.mappings[i].Name)
		}
	}
	return names
}

// renew has an item that is tried again go on with the mapping at hand as it is now.
// What is known of its attempts stays, for it is about the same record.
func (r *Runner) renew(it *item) {
	if it.plan == r.plan || it.step < 0 || it.attempts+it.asks+it.loads == 0 {
		return
	}
	name := it.mapping().Name
	for _, w := range r.plan.wants[it.eventType] {
		if r.plan.mappings[w].Name == name {
			it.plan, it.step = r.plan, w
			it.done = it.plan.without(it.sequence, it.replay, r.o.Lane.Sink, it.done)
			return
		}
	}
}

// CheckMappings says whether a lane can have these mappings.
func CheckMappings(mappings []Mapping) error {
	_, err := newPlan(mappings)
	return err
}
