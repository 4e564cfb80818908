package journal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// quiet is how long nothing may come of what should be there before it is asked
// whether it can come at all.
const quiet = 3 * time.Second

// soon gives the consumer's next message, or nil where none can come though some are
// left: JetStream passes over what it cannot read of its store, without a word.
func (p *puller) soon(ctx context.Context, c jetstream.Consumer) (*nats.Msg, *nats.MsgMetadata, error) {
	if p.ready() {
		return p.message(ctx, true)
	}
	for {
		wait, cancel := context.WithTimeout(ctx, quiet)
		m, meta, err := p.message(wait, true)
		silent := wait.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil || !silent {
			return m, meta, err
		}
		info, err := c.Info(ctx)
		if err != nil {
			return nil, nil, err
		}
		if info.NumPending == 0 && !p.ready() {
			return nil, nil, nil
		}
	}
}

// damaged notes that something of a store that is this engine's alone cannot be
// read. It stays an alarm until the engine starts without.
func (j *Journal) damaged(format string, args ...any) {
	if j.srv == nil {
		return
	}
	what := fmt.Sprintf(format, args...) + fmt.Sprintf(": the store in %s is damaged, copy it before anything else, and hold what came against what was delivered", j.o.Dir)
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Contains(j.damage, what) {
		j.damage = append(j.damage, what)
	}
}

// damages gives what damaged noted.
func (j *Journal) damages() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.damage)
}

// lookForDamage tells what is missing in EVENTS as its state shows it.
func (j *Journal) lookForDamage(st *jetstream.StreamState) {
	if st.NumDeleted > 0 && st.Msgs > 0 { // an empty stream counts one, too
		j.damaged("%d events are missing between event %d and event %d", st.NumDeleted, st.FirstSeq, st.LastSeq)
	}
	if lost := st.Lost; lost != nil {
		// What a power cut broke off in the middle of a write was not accepted yet.
		j.damaged("%d bytes behind event %d could not be read at the start and were cut off, which is no loss only where they are of the last write before a power cut", lost.Bytes, st.LastSeq)
	}
}

// inEvents refuses an outcome of an event that is behind the last one: the end of
// EVENTS is gone, and new events would take the place of those.
func (j *Journal) inEvents(sequence uint64) error {
	if j.srv == nil || sequence <= j.counts.accepted {
		return nil
	}
	return fmt.Errorf("there is an outcome of event %d, and EVENTS ends with event %d: the store in %s is damaged, and events that came are missing; restore the directory from a copy, or put it aside and start with an empty one", sequence, j.counts.accepted, j.o.Dir)
}
