package journal

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// watchEvery is how often the disk and the streams are looked at.
const watchEvery = time.Second

// sickTwice is how many examinations in a row must find the store unwell before it
// is held for broken.
const sickTwice = 2

// nearlyFull is the share of a stream's bound, in percent, from which on nothing
// more is accepted: what was accepted still needs room for its outcomes.
const nearlyFull = 95

// Ready tells whether events are accepted now: nil, or an *UnavailableError.
func (j *Journal) Ready() error {
	if j.closing.Load() {
		return unavailable(retryFull, nil, "the engine is shutting down")
	}
	if why := j.brokenBy.Load(); why != nil {
		return unavailable(retryFull, *why, "the store is broken until it is opened anew")
	}
	if why := j.refusing.Load(); why != nil {
		return unavailable(retryFull, nil, "%s", *why)
	}
	if j.o.Cluster != nil && !j.nc.IsConnected() {
		return unavailable(retrySoon, nil, "there is no connection to the NATS cluster")
	}
	if j.follow != nil {
		if name := j.follow.blind(); name != "" {
			return unavailable(retrySoon, nil, "what other engines write to stream %s is not known for longer than %s", name, blindFor)
		}
	}
	if j.accepts.stalled() || j.repeats.stalled() || j.keeps.stalled() {
		return unavailable(retrySoon, nil, "the store has not answered for %s", j.o.AcceptWait)
	}
	return nil
}

// broken notes that the store does not answer any more, says so once, and tells
// whether nothing is to be written any more: a cluster answers again some time.
func (j *Journal) broken(err error) bool {
	if j.o.Cluster != nil {
		return false
	}
	if j.closing.Load() || !j.brokenBy.CompareAndSwap(nil, &err) {
		return true
	}
	j.breaks()
	j.log.Error("the journal's store is broken: nothing is accepted until its disk can be written; then it must be opened anew",
		"directory", j.o.Dir, "error", err)
	return true
}

// watch looks at disk and streams until ctx is done.
func (j *Journal) watch(ctx context.Context) {
	defer close(j.watched)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	sick := 0
	var inspecting sync.WaitGroup
	inspecting.Go(func() { j.inspectAlways(ctx) })
	defer inspecting.Wait()
	for {
		select {
		case <-tick.C:
			if sick = j.examine(sick); sick == sickTwice {
				j.accepts.giveUp()
				j.repeats.giveUp()
				j.keeps.giveUp()
			}
			j.mend()
			j.look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// examine asks a store that has stopped answering whether it is well, and returns
// how many times in a row it was not. One time alone may be the moment in which it
// makes itself ready again.
func (j *Journal) examine(sick int) int {
	if j.srv == nil || !j.accepts.stalled() && !j.repeats.stalled() && !j.keeps.stalled() {
		return 0
	}
	err := healthy(j.srv)
	if err == nil {
		return 0
	}
	if sick++; sick == sickTwice {
		j.broken(err)
	}
	return sick
}

// look decides whether there is room to accept anything.
func (j *Journal) look(ctx context.Context) {
	why := j.noRoom(ctx)
	if ctx.Err() != nil {
		return
	}
	before := j.refusing.Load()
	switch {
	case why == "" && before != nil:
		j.refusing.Store(nil)
		j.log.Info("the journal accepts again")
	case why != "":
		j.refusing.Store(&why)
		if before == nil {
			j.log.Error("the journal accepts nothing for want of room", "reason", why, "journal", j.o.where())
		}
	}
}

func (j *Journal) noRoom(ctx context.Context) string {
	if j.srv != nil {
		free, err := freeDisk(j.o.Dir)
		if err != nil {
			return fmt.Sprintf("free disk space is unknown: %v", err)
		}
		if free < j.o.MinFreeDisk {
			return fmt.Sprintf("%d MiB of disk are free, below the reserve of %d MiB", free>>20, j.o.MinFreeDisk>>20)
		}
	}
	j.mu.Lock()
	accepted := j.counts.accepted
	j.mu.Unlock()
	for _, s := range []jetstream.Stream{j.events, j.outcomes, j.dead, j.acts} {
		info, err := s.Info(ctx)
		if err != nil {
			continue // a publication will tell
		}
		j.departed(ctx, info)
		j.lookForLoss(info, accepted)
		used, bound := info.State.Bytes, uint64(max(info.Config.MaxBytes, 1))
		if used >= bound/100*nearlyFull {
			return fmt.Sprintf("stream %s holds %d of %d MiB", info.Config.Name, used>>20, bound>>20)
		}
	}
	return ""
}
