package delivery

import (
	"errors"
	"slices"
	"sync"
)

// Group is the Runners of a lane that this process has, one for each partition that
// it reads; none where others read all. It is ready for use.
type Group struct {
	mu      sync.Mutex
	runners []*Runner
	// before are the totals of those that have left.
	before Totals
}

// Join has a Runner count.
func (g *Group) Join(r *Runner) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.runners = append(g.runners, r)
}

// Leave has a Runner that has ended count with its totals alone.
func (g *Group) Leave(r *Runner) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.runners, r); i >= 0 {
		g.runners = slices.Delete(g.runners, i, i+1)
		g.before.add(r.Stats().Totals)
	}
}

func (g *Group) all() []*Runner {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.runners)
}

// Size is how many Runners there are.
func (g *Group) Size() int { return len(g.all()) }

// Stats adds the Runners' up.
func (g *Group) Stats() Stats {
	var out Stats
	for _, r := range g.all() {
		s := r.Stats()
		out.Mapping += s.Mapping
		out.Asking += s.Asking
		out.Ready += s.Ready
		out.Sending += s.Sending
		out.Committing += s.Committing
		out.Retrying += s.Retrying
		out.Waiting += s.Waiting
		out.Runnable += s.Runnable
		out.BodyBytes += s.BodyBytes
		out.Gate = s.Gate
		out.Draining = out.Draining || s.Draining
		out.add(s.Totals)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	out.add(g.before)
	return out
}

// Retrying gives up to limit events that wait for their next attempt, the next first.
func (g *Group) Retrying(limit int) []Retry {
	var out []Retry
	for _, r := range g.all() {
		out = append(out, r.Retrying(limit)...)
	}
	slices.SortStableFunc(out, func(a, b Retry) int { return a.Next.Compare(b.Next) })
	return out[:min(limit, len(out))]
}

// Swap is each Runner's. The error is ErrReopen where one of them has to be opened
// again.
func (g *Group) Swap(mappings []Mapping, backoff Backoff) error {
	var errs []error
	for _, r := range g.all() {
		errs = append(errs, r.Swap(mappings, backoff))
	}
	return errors.Join(errs...)
}

func (t *Totals) add(o Totals) {
	t.Read += o.Read
	t.Finished += o.Finished
	t.Unwanted += o.Unwanted
	t.Delivered += o.Delivered
	t.Skipped += o.Skipped
	t.Superseded += o.Superseded
	t.Dead += o.Dead
	t.Calls += o.Calls
	t.Failures += o.Failures
	t.Retries += o.Retries
	t.LookupCalls += o.LookupCalls
	t.LookupFailures += o.LookupFailures
}
